"""Writing a backup while the site runs: the rows are those of one moment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import django
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils.timezone import now

from .values import columns_of, stored_fields, to_line

FORMAT = 1
# Sessions are left out: a backup signs nobody in.
LEFT_OUT: tuple[type[models.Model], ...] = (Session,)
ROWS_AT_ONCE = 500

Progress = Callable[[str], None]


class CannotBackUp(Exception):
    """The message says why."""


def backed_up_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and not issubclass(model, LEFT_OUT)
    ]


def write_backup(file: Path, *, media: bool = True, progress: Progress = lambda _: None) -> dict[str, Any]:
    """Write everything into `file` and return its manifest; raises CannotBackUp.

    The file appears when it is whole, readable by its owner only. Files of papers are copied after the rows; one that is
    taken away meanwhile is left out.
    """
    partial = file.with_name(f"{file.name}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as raw, ZipFile(raw, "w", ZIP_DEFLATED, compresslevel=4) as archive:
            with one_moment():
                manifest = _describe()
                for model in backed_up_models():
                    progress(model._meta.label)
                    manifest["rows"][model._meta.label] = _write_rows(archive, model)
            if media:
                progress("media")
                manifest["media"] = _write_media(archive)
            secret = Path(settings.DATA_DIR) / "secret_key"
            if secret.exists():
                archive.write(secret, "secret_key")
            archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


@contextmanager
def one_moment() -> Iterator[None]:
    """Whatever is read inside is as it was at the beginning; nobody who writes has to wait."""
    if connection.in_atomic_block:  # whoever began it has chosen
        yield
        return
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield
        return
    # Not `atomic`, which would keep everybody else from writing: here transactions begin as a writer's.
    with connection.cursor() as cursor:
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _describe() -> dict[str, Any]:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotBackUp("the tables are not those of this version: run `manage.py prepare` first")
    applied = sorted(executor.loader.applied_migrations)
    return {
        "format": FORMAT,
        "made_at": now().isoformat(timespec="seconds"),
        "database": connection.vendor,
        "django": django.get_version(),
        "migrations": [list(migration) for migration in applied],
        "rows": {},
        "media": None,
    }


def _write_rows(archive: ZipFile, model: type[models.Model]) -> int:
    fields = stored_fields(model)
    rows = model._base_manager.order_by("pk").values_list(*(field.attname for field in fields))
    count = 0
    with archive.open(f"rows/{model._meta.label}.jsonl", "w", force_zip64=True) as member:
        member.write(columns_of(fields).encode() + b"\n")
        for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
            member.write(to_line(fields, row).encode() + b"\n")
            count += 1
    return count


def _write_media(archive: ZipFile) -> dict[str, int]:
    root = Path(settings.MEDIA_ROOT)
    files = size = 0
    for path in sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink()):
        info = ZipInfo.from_file(path, f"media/{path.relative_to(root).as_posix()}", strict_timestamps=False)
        info.compress_type = ZIP_STORED  # films, pictures and PDFs are compressed already
        try:
            with path.open("rb") as source, archive.open(info, "w") as member:
                while piece := source.read(1 << 20):
                    member.write(piece)
                    size += len(piece)
        except FileNotFoundError:
            continue
        files += 1
    return {"files": files, "bytes": size}
