"""The logo: what an uploaded picture must be, and how it is kept."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from PIL import Image

from papers.file_checks import BadFile, check_picture

LARGEST = 2_000_000  # bytes of the file that is sent
WIDEST, HIGHEST = 640, 160  # pixels kept: twice what is shown, for fine screens


def read_logo(file: UploadedFile[bytes]) -> bytes:
    """The picture written anew as WebP. Raises BadFile, which says what was expected.

    SVG is refused: it may hold scripts and load things from elsewhere.
    """
    if (file.size or 0) > LARGEST:
        raise BadFile(f"at most {LARGEST // 1_000_000} MB were expected; this has {(file.size or 0) / 1e6:.1f} MB")
    content = file.read()
    if b"<svg" in content[:4000].lower():
        raise BadFile("SVG is not taken, since it may hold scripts; save the logo as PNG or WebP")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "logo")
        path.write_bytes(content)
        check_picture(path)
        with Image.open(path) as picture:
            kept = picture.copy()
        kept.thumbnail((WIDEST, HIGHEST))
        kept.save(path, "WEBP", quality=92)
        return path.read_bytes()


def mark_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest() if content else ""
