"""Files of a paper that arrive piece by piece, so that a broken connection costs nothing (tus 1.0, https://tus.io).

Pieces are kept below DATA_DIR/uploads; `Upload.offset` says how much of the file is there. The last piece has it
checked by content (papers/file_checks.py) and moved below MEDIA_ROOT; the paper takes it as an edit like any other.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.problems import Problem

from . import editing
from .file_checks import PURPOSES, BadFile, Purpose, draw_first_page
from .models import Edit, Paper, Upload

AT_ONCE = 6  # unfinished uploads of one person
LARGEST_PIECE = 16_000_000  # bytes
LIFETIME = timedelta(days=2)


def path_of(upload: Upload) -> Path:
    return Path(settings.DATA_DIR, "uploads", str(upload.pk))


def purpose_named(name: str) -> Purpose:
    if name not in PURPOSES:
        raise Problem(422, "Unknown purpose", f"One of {', '.join(PURPOSES)} was expected.")
    return PURPOSES[name]


def begin(*, user: User, paper_uid: str, purpose: str, name: str, size: int) -> Upload:
    """Announce a file. Raises Problem 403, 404, 413, 422 or 429."""
    wanted = purpose_named(purpose)
    paper = editing.find("paper", paper_uid)
    if wanted.field not in editing.fields_for(user, "paper", paper):
        raise Problem(403, "Not your paper", "Only its authors and the organizers add files to a paper.")
    if size < 1:
        raise Problem(422, "Empty", "A file that is not empty was expected.")
    if size > wanted.largest:
        raise Problem(
            413,
            "Too large",
            f"{wanted.label}: at most {wanted.largest // 1_000_000} MB; this is {size // 1_000_000} MB.",
        )
    unfinished = Upload.objects.filter(user=user, finished_as="", updated_at__gt=now() - LIFETIME)
    if unfinished.count() >= AT_ONCE:
        raise Problem(
            429, "Too many at once", f"You have {AT_ONCE} unfinished uploads; finish one first.", retry_after=60
        )
    upload = Upload.objects.create(
        user=user, purpose=purpose, target=paper_uid, name=Path(name).name[:200] or "file", size=size
    )
    path_of(upload).parent.mkdir(parents=True, exist_ok=True)
    path_of(upload).touch()
    return upload


def find(*, user: User, upload_id: UUID) -> Upload:
    upload = Upload.objects.filter(pk=upload_id, user=user).first()
    if upload is None:
        raise Problem(404, "Not found", "There is no such upload of yours.")
    return upload


def append(*, user: User, upload_id: UUID, offset: int, content: IO[bytes]) -> Upload:
    """Add a piece that begins at `offset`, which must be where the file ends so far (409 else)."""
    with transaction.atomic():
        upload = Upload.objects.select_for_update().filter(pk=upload_id, user=user).first()
        if upload is None:
            raise Problem(404, "Not found", "There is no such upload of yours.")
        if upload.offset != offset or upload.finished_as:
            raise Problem(409, "Wrong offset", f"The next piece begins at {upload.offset}.")
        try:
            with path_of(upload).open("r+b") as file:
                file.truncate(offset)  # what a broken piece left behind
                file.seek(offset)
                room = min(LARGEST_PIECE, upload.size - offset)
                written = 0
                while chunk := content.read(min(1 << 18, room - written + 1)):
                    written += len(chunk)
                    if written > room:
                        raise Problem(413, "Too much", f"At most {room} more bytes were expected.")
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            upload.delete()
            raise Problem(410, "Gone", "This upload was given up; begin anew.") from None
        upload.offset += written
        upload.save(update_fields=["offset", "updated_at"])
    return upload


def finish(*, user: User, upload: Upload) -> Edit | None:
    """Check a complete file and give it to its paper, or ask an organizer for that. Raises Problem 422 for a bad file."""
    wanted = purpose_named(upload.purpose)
    path = path_of(upload)
    try:
        extension = wanted.check(path)
    except BadFile as bad:
        path.unlink(missing_ok=True)
        upload.delete()
        raise Problem(422, "Not what was expected", f"{upload.name}: {bad}.") from None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    folder = slugify(upload.target)[:60] or "paper"
    target = f"papers/{folder}/{upload.purpose}-{digest}{extension}"
    place = Path(settings.MEDIA_ROOT, target)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, place)
    place.chmod(0o644)
    if extension == ".pdf":
        draw_first_page(place)
    made = editing.edit(user=user, kind="paper", key=upload.target, changes={wanted.field: target}, note=upload.name)
    upload.finished_as = target
    upload.save(update_fields=["finished_as", "updated_at"])
    return made


def remove(*, user: User, paper: Paper, purpose: str) -> Edit | None:
    """Take a file from its paper; the history can bring it back."""
    return editing.edit(user=user, kind="paper", key=paper.uid, changes={purpose_named(purpose).field: ""})


def forget_unfinished() -> int:
    """Give up uploads nobody went on with for two days; returns how many."""
    old = list(Upload.objects.filter(updated_at__lt=now() - LIFETIME)[:500])
    for upload in old:
        path_of(upload).unlink(missing_ok=True)
        upload.delete()
    return len(old)
