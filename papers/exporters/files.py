"""Exports as files in the data folder: made once, then handed to everybody until the programme changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.db.models import Count, Max

from papers.models import Conference, Edit, Event, Import, Page, Paper, Person, Session, Sponsor

from . import Exporter

# A change that leaves no trace in what `_state` looks at (made in the admin pages, say) is told after so long.
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ExportFile:
    path: Path
    etag: str


def current_file(exporter: Exporter) -> ExportFile:
    """The export as it is now. Who asks while it is being made, in this process or another, waits for it."""
    folder = Path(settings.DATA_DIR) / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"{exporter.NAME}.{_state()}."
    if (file := _fresh(folder, prefix)) is not None:
        return file
    with (folder / f"{exporter.NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (file := _fresh(folder, prefix)) is not None:
            return file
        old = list(folder.glob(f"{exporter.NAME}.*.export"))
        made = _make(exporter, folder, prefix)
        for path in old:
            if path != made.path:
                path.unlink(missing_ok=True)  # who is reading it goes on
        return made


def _fresh(folder: Path, prefix: str) -> ExportFile | None:
    for path in folder.glob(f"{prefix}*.export"):
        try:
            if time.time() - path.stat().st_mtime < SECONDS:
                return ExportFile(path, f'"{path.name.split(".")[2]}"')
        except FileNotFoundError:
            continue
    return None


def _make(exporter: Exporter, folder: Path, prefix: str) -> ExportFile:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
        try:
            exporter.write(cast(IO[bytes], file))
            file.flush()
            file.seek(0)
            digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()[:32]
            path = folder / f"{prefix}{digest}.export"
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return ExportFile(path, f'"{digest}"')


def _state() -> str:
    """What changes when the programme does: counts, and when rows, edits and imports were last touched."""
    told: list[object] = [
        model._default_manager.aggregate(Count("pk"), Max("updated_at")) for model in (Paper, Session)
    ]
    told += [model._default_manager.aggregate(Count("pk"), Max("pk")) for model in (Event, Person, Sponsor, Page)]
    told.append(Edit.objects.aggregate(Max("pk"), Max("decided_at")))
    told.append(Import.objects.aggregate(Max("applied_at"), Max("undone_at")))
    told.append(Conference.objects.values().first())
    told.append(settings.SITE_URL)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
