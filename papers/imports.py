"""Imports as rows: uploaded, read, looked at, applied, undone. The command line and the organizers' pages call these.

A worker reads and applies (papers/import_tasks.py); while it does, `progress_of` tells how far it is. One import is
applied at a time, since they lock the conference's row.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Literal
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.timezone import now
from kombu.exceptions import OperationalError

from miniconf.accounts.models import User
from miniconf.problems import Problem
from miniconf.serving.page_changes import forget_pages

from .importers import import_programme
from .importers.problems import ImportFailed
from .importers.report import Counts, Report
from .models import Import, ImportChange
from .signals import programme_changed
from .tasks import update_similarity

logger = logging.getLogger(__name__)

MOST_FILES = 200
LARGEST_UPLOAD = 200_000_000  # bytes of all files together
MAP_FILE = "import-map.yml"  # the uploaded --map file, kept apart from the source's own files
Step = Literal["read", "apply", "undo"]
# What a step makes of an import when it is asked for, and of which ones.
_BEGINS: dict[Step, tuple[str, str]] = {
    "read": (Import.State.WAITING, Import.State.WAITING),
    "apply": (Import.State.READY, Import.State.APPLYING),
    "undo": (Import.State.APPLIED, Import.State.UNDOING),
}


def folder_of(record: Import) -> Path:
    return Path(settings.DATA_DIR, "imports", str(record.pk))


def create(
    *, user: User, files: Iterable[tuple[str, IO[bytes]]], mapping: IO[bytes] | None, options: dict[str, Any]
) -> Import:
    """Keep uploaded files for the worker. Raises Problem 422 for what cannot be an import at all.

    `options` are `format`, `source`, `timezone`, `overwrite`, as import_programme takes them.
    """
    record = Import(user=user, options=options)
    folder = folder_of(record) / "files"
    folder.mkdir(parents=True)
    try:
        size = 0
        for name, content in files:
            name = Path(name.replace("\\", "/")).name
            if not name or name.startswith(".") or "\0" in name or len(name.encode()) > 200:
                raise Problem(422, "Bad file name", f"“{name[:80]}” cannot be the name of an uploaded file.")
            if (folder / name).exists():
                raise Problem(422, "Two files of one name", f"There are two files called {name}.")
            if len(record.files) >= MOST_FILES:
                raise Problem(422, "Too many files", f"At most {MOST_FILES} files; put more of them into a zip.")
            record.files.append(name)
            size += _keep(content, folder / name, LARGEST_UPLOAD - size)
        if not record.files:
            raise Problem(422, "No file", "Choose a zip of the folder, or its files.")
        if mapping is not None:
            _keep(mapping, folder_of(record) / MAP_FILE, 1_000_000)
    except BaseException:
        shutil.rmtree(folder_of(record), ignore_errors=True)
        raise
    record.save()
    return record


def _keep(content: IO[bytes], path: Path, most: int) -> int:
    written = 0
    with path.open("wb") as file:
        while chunk := content.read(1 << 20):
            written += len(chunk)
            if written > most:
                raise Problem(422, "Too large", f"At most {LARGEST_UPLOAD // 1_000_000} MB can be uploaded at once.")
            file.write(chunk)
    return written


def queue(record: Import, step: Step) -> None:
    """Have a worker read the files, apply what was read, or take it back. Raises BrokerDown, and then nothing is begun."""
    from .import_tasks import run_import

    before, state = _BEGINS[step]
    if not Import.objects.filter(pk=record.pk, state=before).update(state=state):
        record.refresh_from_db()
        raise Problem(409, "Not now", f"This import is {record.state}: there is nothing to {step}.")
    try:
        run_import.delay(str(record.pk), step)
    except Exception:
        Import.objects.filter(pk=record.pk).update(state=before)
        raise


def run(record: Import, step: Literal["read", "apply"]) -> None:
    """Read the files of an import, or apply it; its row tells the outcome. For the worker."""
    if step == "read":
        Import.objects.filter(pk=record.pk).update(state=Import.State.READING)
    files = folder_of(record) / "files"
    mapping = folder_of(record) / MAP_FILE
    options = record.options
    try:
        with transaction.atomic():
            report = import_programme(
                sorted(files.iterdir()),
                format_name=options.get("format", ""),
                source=options.get("source", ""),
                timezone=options.get("timezone", ""),
                mapping=mapping if mapping.exists() else None,
                overwrite=bool(options.get("overwrite")),
                dry_run=step == "read",
                progress=lambda what, done, total: tell_progress(record, what, done, total),
            )
            keep_report(record, report)
            if step == "apply":
                after_change()
    except ImportFailed as failed:
        record.changes.all().delete()
        record.problems = [problem.as_dict() for problem in failed.problems.found]
        record.notes = [f"… and {failed.problems.left_out} more problems"] if failed.problems.left_out else []
        record.state = Import.State.REFUSED
        record.save()
    except Exception:
        refuse(record, "an error of the site: its log says more")
        raise
    finally:
        forget_progress(record)
    if record.state in (Import.State.APPLIED, Import.State.REFUSED):
        shutil.rmtree(folder_of(record), ignore_errors=True)


def refuse(record: Import, why: str) -> None:
    """Nothing of an import was stored, for a reason that is none of its files'."""
    record.problems = [{"file": "", "row": "", "field": "", "value": "", "expected": why}]
    record.state = Import.State.REFUSED
    record.save()


def keep_report(record: Import, report: Report) -> None:
    """Store what an import did, or would do, with every change."""
    record.source, record.format, record.notes = report.source, report.title, report.notes
    record.counts = {
        what: {name: getattr(counts, name) for name in Counts.__slots__} for what, counts in report.counts.items()
    }
    record.state = Import.State.READY if report.dry_run else Import.State.APPLIED
    record.applied_at = None if report.dry_run else now()
    record.problems = []
    record.save()
    record.changes.all().delete()
    ImportChange.objects.bulk_create(
        [
            ImportChange(
                run=record,
                kind=change.kind,
                key=change.key,
                title=change.title[:500],
                action=change.action,
                before=change.before,
                after=change.after,
                conflicts=change.conflicts,
            )
            for change in report.row_changes
        ],
        batch_size=500,
    )


def discard(record: Import) -> None:
    """Give up an import that was not applied."""
    waiting = (Import.State.WAITING, Import.State.READY, Import.State.REFUSED)
    if not Import.objects.filter(pk=record.pk, state__in=waiting).update(state=Import.State.DISCARDED):
        raise Problem(409, "Not now", f"This import is {record.state}: it cannot be discarded.")
    record.changes.all().delete()
    shutil.rmtree(folder_of(record), ignore_errors=True)


def after_change() -> None:
    """What follows a change of the programme in bulk, once it is committed: pages and similarity are made anew."""

    def follow() -> None:
        programme_changed.send_robust(sender=None)
        try:
            update_similarity.delay()
        except (OperationalError, OSError):  # beat asks again within minutes
            logger.info("The broker cannot be reached: similar papers are computed later")

    forget_pages()
    transaction.on_commit(follow, robust=True)


def _progress_key(pk: UUID) -> str:
    return f"import:{pk}"


def tell_progress(record: Import, what: str, done: int, total: int) -> None:
    cache.set(_progress_key(record.pk), {"what": what, "done": done, "total": total}, 600)


def forget_progress(record: Import) -> None:
    cache.delete(_progress_key(record.pk))


def progress_of(record: Import) -> dict[str, Any] | None:
    """What is being done and how far it is: {"what": "papers", "done": 3, "total": 6}."""
    progress: dict[str, Any] | None = cache.get(_progress_key(record.pk))
    return progress
