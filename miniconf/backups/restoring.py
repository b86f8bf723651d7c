"""Reading a backup into an empty site, on any database and by this version of the code or a newer one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import Any
from zipfile import BadZipFile, ZipFile

from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import Error as DatabaseError
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from .values import fields_of, from_line, stored_fields
from .writing import FORMAT, ROWS_AT_ONCE

Progress = Callable[[str], None]
Migration = tuple[str, str]


class CannotRestore(Exception):
    """The backup cannot be read into this site; the message says why and what to do. Nothing was changed."""


def read_manifest(archive: ZipFile) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(archive.read("manifest.json"))
    except (KeyError, ValueError):
        raise CannotRestore("this is no backup of miniconf: it holds no manifest.json") from None
    if manifest.get("format") != FORMAT:
        raise CannotRestore(f"the backup has format {manifest.get('format')!r}; this version reads format {FORMAT}")
    return manifest


def restore_backup(file: Path, *, progress: Progress = lambda _: None) -> dict[str, Any]:
    """Read `file` into this site, which must be empty, and return its manifest. Raises CannotRestore.

    The tables are first brought to where they were when the backup was made, then filled in one transaction, then
    brought up to date, as an upgrade would have done.
    """
    try:
        with ZipFile(file) as archive:
            manifest = read_manifest(archive)
            applied: set[Migration] = {(app, name) for app, name in manifest["migrations"]}
            _refuse_strange_migrations(applied)
            _refuse_media(archive)
            _bring_tables_to(applied, progress)
            _fill(archive, manifest, applied, progress)
            progress("media")
            _write_media(archive)
            _write_secret(archive)
    except FileNotFoundError:
        raise CannotRestore(f"there is no file {file}") from None
    except BadZipFile as error:
        raise CannotRestore(f"{file.name} is damaged or no backup: {error}") from error
    progress("tables of this version")
    call_command("migrate", verbosity=0, interactive=False)
    progress("search index")
    _index()
    return manifest


def _refuse_strange_migrations(applied: set[Migration]) -> None:
    known = set(MigrationExecutor(connection).loader.disk_migrations)
    if strange := sorted(applied - known):
        app, name = strange[0]
        raise CannotRestore(
            f"the backup comes from a newer version: it has the migration {app}.{name}, which this one does not know"
        )


def _bring_tables_to(applied: set[Migration], progress: Progress) -> None:
    """Have the tables of the backup's moment, without rows."""
    present = set(MigrationRecorder(connection).applied_migrations())
    if present - applied:
        app, name = sorted(present - applied)[0]
        raise CannotRestore(
            f"this database is ahead of the backup (it has {app}.{name}): restore into a new one, that is an empty data "
            "folder (MINICONF_DATA) or a database just created (DATABASE_URL)"
        )
    if present:
        _refuse_rows()
    progress("tables of the backup")
    executor = MigrationExecutor(connection)
    executor.migrate(_leaves(executor, applied))


def _leaves(executor: MigrationExecutor, applied: set[Migration]) -> list[Migration]:
    graph = executor.loader.graph
    return sorted(key for key in applied if not any(child.key in applied for child in graph.node_map[key].children))


def _refuse_rows() -> None:
    from miniconf.accounts.models import User
    from papers.models import Paper, Session

    for model in (User, Paper, Session):
        try:
            count = model._base_manager.count()
        except DatabaseError:
            continue  # there is no such table yet
        if count:
            raise CannotRestore(
                f"this site is not empty: it has {count} rows of {model._meta.verbose_name_plural}. Restore into an "
                "empty data folder (MINICONF_DATA) or a database just created (DATABASE_URL)"
            )


def _fill(archive: ZipFile, manifest: dict[str, Any], applied: set[Migration], progress: Progress) -> None:
    executor = MigrationExecutor(connection)
    then = executor.loader.project_state(_leaves(executor, applied)).apps
    known = {model._meta.label: model for model in then.get_models(include_auto_created=True)}
    if strange := sorted(manifest["rows"].keys() - known.keys()):
        raise CannotRestore(f"the backup holds rows of {strange[0]}, which its own migrations do not make")
    # Constraints between tables are looked at when the transaction ends: order does not matter.
    with transaction.atomic():
        with connection.cursor() as cursor:
            for model in known.values():  # what migrations have put there is in the backup, too
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
        for label, count in manifest["rows"].items():
            progress(label)
            read = _fill_table(archive, label, known[label])
            if read != count:
                raise CannotRestore(f"rows/{label}.jsonl holds {read} rows, the manifest says {count}")
        statements = connection.ops.sequence_reset_sql(no_style(), list(known.values()))
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _fill_table(archive: ZipFile, label: str, model: type[models.Model]) -> int:
    for field in stored_fields(
        model
    ):  # of a model that is made for this and thrown away: times are those of the backup
        field.auto_now = field.auto_now_add = False
    read = 0
    try:
        with archive.open(f"rows/{label}.jsonl") as member:
            rows = _lines(member)
            fields = fields_of(model, next(rows, ""))
            while lines := list(islice(rows, ROWS_AT_ONCE)):
                model._base_manager.bulk_create([model(**from_line(fields, line)) for line in lines])
                read += len(lines)
    except KeyError:
        raise CannotRestore(f"the backup lacks rows/{label}.jsonl") from None
    except (ValueError, DatabaseError) as error:
        raise CannotRestore(f"rows/{label}.jsonl, after row {read}: {error}") from error
    return read


def _lines(member: Any) -> Iterator[str]:
    return iter(io.TextIOWrapper(member, encoding="utf-8", newline="\n"))


def _media_names(archive: ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name.startswith("media/") and not name.endswith("/")]


def _refuse_media(archive: ZipFile) -> None:
    root = Path(settings.MEDIA_ROOT)
    for name in _media_names(archive):
        if ".." in PurePosixPath(name).parts or "\\" in name:
            raise CannotRestore(f"the backup holds a file outside of its media folder: {name!r}")
        if (root / name.removeprefix("media/")).exists():
            raise CannotRestore(f"the media folder already holds {name.removeprefix('media/')}; empty it first")


def _write_media(archive: ZipFile) -> None:
    for name in _media_names(archive):
        path = Path(settings.MEDIA_ROOT) / name.removeprefix("media/")
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, path.open("wb") as target:
            copyfileobj(source, target, 1 << 20)


def _write_secret(archive: ZipFile) -> None:
    """The key that signs links and addresses, so that those sent out by mail stay good."""
    if "secret_key" in archive.namelist():
        path = Path(settings.DATA_DIR) / "secret_key"
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_bytes(archive.read("secret_key"))


def _index() -> None:
    from papers.models import Paper
    from papers.search import index_papers

    index_papers(Paper.objects.values_list("pk", flat=True))
