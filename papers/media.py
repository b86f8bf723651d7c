"""Files below MEDIA_ROOT: which are served, as what, and in which pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path, PurePosixPath

from django.conf import settings

# Only what a page of this site plays or shows; nothing that a browser would run.
CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".vtt": "text/vtt; charset=utf-8",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".pdf": "application/pdf",
}


def is_known_type(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in CONTENT_TYPES


@dataclass(frozen=True, slots=True)
class MediaFile:
    path: Path
    size: int
    etag: str
    last_modified: str  # as an HTTP date
    modified: int  # seconds since 1970
    content_type: str


def find(name: str) -> MediaFile | None:
    """The served file of that name below MEDIA_ROOT; None for anything else, links out of the folder included."""
    if "\0" in name or not is_known_type(name) or any(part.startswith(".") for part in name.split("/")):
        return None
    root = Path(settings.MEDIA_ROOT).resolve()
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            return None
        stat = path.stat()
    except OSError:  # a name too long, a folder that may not be read
        return None
    return MediaFile(
        path=path,
        size=stat.st_size,
        etag=f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"',
        last_modified=formatdate(stat.st_mtime, usegmt=True),
        modified=int(stat.st_mtime),
        content_type=CONTENT_TYPES[path.suffix.lower()],
    )


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for by a Range header (RFC 9110, section 14.2), or None to send the whole file.

    Several ranges and other units are ignored, as the RFC allows. Raises ValueError for a range beyond the file.
    """
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", header)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        first, last = max(0, size - length), size - 1
        if length == 0:
            raise ValueError("an empty range")
    else:
        first = int(match[1])
        last = min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < first:
            return None
    if first >= size:
        raise ValueError("a range beyond the end")
    return first, last
