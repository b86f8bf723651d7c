"""The frozen site as a zip: asked for by an organizer, made by a worker, kept until the next one.

The row is the truth. A worker claims it by one UPDATE and says every few seconds that it lives; one that is not heard of for
`SILENCE` is taken for dead, its archive is given up with a sentence, and another may be begun.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.frozen.freezing import CannotFreeze, freeze
from miniconf.frozen.rendering import NotRendered
from miniconf.people.record import record

from .models import Archive

SILENCE = timedelta(minutes=3)
TOLD_EVERY = 2.0  # seconds
SPARE = 500_000_000  # bytes of the disk that stay free
STORED = {
    ".mp4",
    ".webm",
    ".mov",
    ".mp3",
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".pdf",
    ".woff2",
    ".zip",
}  # are small already
State = Archive.State


class Refused(Exception):
    """Why no archive is begun; a sentence."""


class Stopped(Exception):
    """The archive was stopped, or given up for dead, meanwhile."""


def folder() -> Path:
    return Path(settings.DATA_DIR, "archives")


def file_of(archive: Archive) -> Path:
    return folder() / f"{archive.pk}.zip"


def latest() -> Archive | None:
    return Archive.objects.select_related("asked_by").first()


def begin(*, by: User, videos: bool) -> Archive:
    """Have one made. Raises Refused while another is."""
    give_up_lost()
    try:
        with transaction.atomic():
            archive = Archive.objects.create(asked_by=by, videos=videos)
            record(by, "had the archive made", "with films" if videos else "without films")
    except IntegrityError:
        raise Refused("An archive is being made already.") from None
    return archive


def stop(*, by: User) -> bool:
    """The worker notices within some seconds."""
    stopped = _end(Archive.objects.filter(state__in=Archive.UNFINISHED), "It was stopped.")
    if stopped:
        record(by, "stopped the archive")
    return bool(stopped)


def remove(*, by: User) -> None:
    for archive in Archive.objects.exclude(state__in=Archive.UNFINISHED):
        file_of(archive).unlink(missing_ok=True)
        archive.delete()
    record(by, "deleted the archive")


def give_up_lost() -> int:
    """Those whose worker died, or that no worker took; returns how many."""
    silent = now() - SILENCE
    lost = Archive.objects.filter(state=State.RUNNING).filter(Q(alive_at=None) | Q(alive_at__lt=silent))
    never = Archive.objects.filter(state=State.WAITING, created_at__lt=now() - 10 * SILENCE)
    return _end(lost, "The worker stopped in the middle. Nothing is lost: begin again.") + _end(
        never, "No worker took it up. Is one running? Then begin again."
    )


def _end(archives: QuerySet[Archive], error: str) -> int:
    return int(archives.update(state=State.FAILED, error=error, finished_at=now()))


# --- In the worker -----------------------------------------------------------------------------------------------------


def make(pk: UUID) -> None:
    """Make the archive, if it still waits. Whatever goes wrong stands in its row."""
    if not Archive.objects.filter(pk=pk, state=State.WAITING).update(state=State.RUNNING, alive_at=now()):
        return
    archive = Archive.objects.get(pk=pk)
    work = folder() / f"{pk}.work"
    part = folder() / f"{pk}.part"
    telling = _Telling(archive)
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(keep=archive)
        _check_room(archive)
        freeze(work, videos=archive.videos, progress=telling)
        _zip(work, part, telling)
        part.replace(file_of(archive))
        size = file_of(archive).stat().st_size
        done = Archive.objects.filter(pk=pk, state=State.RUNNING)
        if not done.update(state=State.READY, size=size, finished_at=now(), done=telling.total, total=telling.total):
            raise Stopped
        _forget_earlier(archive)
    except Stopped:
        file_of(archive).unlink(missing_ok=True)
    except (CannotFreeze, NotRendered, Refused) as error:
        _fail(archive, str(error))
    except OSError as error:
        _fail(archive, f"The disk: {error}")
    except Exception as error:
        _fail(archive, f"{type(error).__name__}: {error}")
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(work.with_name(f".{work.name}.part"), ignore_errors=True)
        part.unlink(missing_ok=True)


def _fail(archive: Archive, error: str) -> None:
    _end(Archive.objects.filter(pk=archive.pk, state=State.RUNNING), error[:500])


class _Telling:
    """Says how far it is, at most every two seconds. Raises Stopped when nobody waits for it any longer."""

    def __init__(self, archive: Archive) -> None:
        self.archive, self.total, self.told = archive, 0, 0.0

    def __call__(self, done: int, total: int) -> None:
        self.total = total
        if monotonic() - self.told >= TOLD_EVERY:
            self.alive(done=done, total=total)

    def alive(self, **fields: int) -> None:
        self.told = monotonic()
        mine = Archive.objects.filter(pk=self.archive.pk, state=State.RUNNING)
        if not mine.update(alive_at=now(), **fields):
            raise Stopped


def _check_room(archive: Archive) -> None:
    media = Path(settings.MEDIA_ROOT)
    # The frozen site and the zip stand beside each other for a moment.
    wanted = 2 * sum(path.stat().st_size for path in _files(media)) if archive.videos else 0
    free = shutil.disk_usage(folder()).free
    if free < wanted + SPARE:
        room = f"{free / 1e9:.1f} GB are free, {(wanted + SPARE) / 1e9:.1f} GB are needed."
        raise Refused(
            f"There is not enough room on the disk: {room}{' Leave the films out.' if archive.videos else ''}"
        )


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file())


def _zip(root: Path, target: Path, telling: _Telling) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in _files(root):
            kind = zipfile.ZIP_STORED if path.suffix.lower() in STORED else zipfile.ZIP_DEFLATED
            opened.write(path, Path("conference", path.relative_to(root)), compress_type=kind)
            if monotonic() - telling.told >= TOLD_EVERY:
                telling.alive()


def _sweep(*, keep: Archive) -> None:
    """What workers that died have left."""
    ready = {file_of(archive).name for archive in Archive.objects.filter(state=State.READY)}
    for path in folder().iterdir():
        if path.name in ready or str(keep.pk) in path.name:
            continue
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _forget_earlier(archive: Archive) -> None:
    for earlier in Archive.objects.exclude(pk=archive.pk).exclude(state__in=Archive.UNFINISHED):
        file_of(earlier).unlink(missing_ok=True)
        earlier.delete()
