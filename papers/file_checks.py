"""What an uploaded file really is, told by its content: its kind, its size, that it can be opened.

Pictures are written anew, which leaves out everything that is not picture. PDFs are opened and their first page drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import filetype

MEGABYTE = 1_000_000
_WIDEST = 1600  # pixels of a picture as it is kept
_MOST_PIXELS = 60_000_000
_MOST_PAGES = 400


class BadFile(Exception):
    """The file is not what it should be; the text says what was expected."""


@dataclass(frozen=True)
class Purpose:
    """What an upload may become."""

    field: str  # of the paper
    label: str
    largest: int  # bytes
    accept: str  # for the browser's file dialog
    help: str
    check: Callable[[Path], str]  # returns the extension of the checked file, which it may have written anew


def check_video(path: Path) -> str:
    kind = filetype.guess(str(path))
    if kind is None or kind.mime not in ("video/mp4", "video/x-m4v", "video/webm"):
        raise BadFile(f"an MP4 or WebM video was expected; this is {kind.mime if kind else 'something else'}")
    return ".webm" if kind.mime == "video/webm" else ".mp4"


def check_captions(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("captions in UTF-8 were expected") from None
    if not text.startswith("WEBVTT") or "-->" not in text or "\0" in text:
        raise BadFile("captions in the WebVTT format were expected: a first line WEBVTT, then times and texts")
    return ".vtt"


def check_picture(path: Path) -> str:
    from PIL import Image, UnidentifiedImageError

    kind = filetype.guess(str(path))
    if kind is None or kind.mime not in ("image/png", "image/jpeg", "image/webp", "image/gif"):
        raise BadFile("a PNG, JPEG, WebP or GIF picture was expected")
    try:
        with Image.open(path, formats=("PNG", "JPEG", "WEBP", "GIF")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise BadFile(f"at most {_MOST_PIXELS // MEGABYTE} million pixels were expected")
            kept = picture.convert("RGBA" if "A" in picture.getbands() or "transparency" in picture.info else "RGB")
        kept.thumbnail((_WIDEST, _WIDEST))
        kept.save(path, "WEBP", quality=85)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise BadFile("a picture that can be opened was expected; this one is damaged") from None
    return ".webp"


def check_pdf(path: Path) -> str:
    import pypdfium2

    kind = filetype.guess(str(path))
    if kind is None or kind.mime != "application/pdf":
        raise BadFile("a PDF was expected")
    try:
        with pypdfium2.PdfDocument(path) as document:
            pages = len(document)
    except pypdfium2.PdfiumError:
        raise BadFile("a PDF that can be opened without a password was expected") from None
    if not 1 <= pages <= _MOST_PAGES:
        raise BadFile(f"1 to {_MOST_PAGES} pages were expected; these are {pages}")
    return ".pdf"


def draw_first_page(path: Path) -> Path | None:
    """A picture of a PDF's first page beside it, `<name>.pdf.webp`; None where it cannot be drawn."""
    import pypdfium2

    target = path.with_name(f"{path.name}.webp")
    try:
        with pypdfium2.PdfDocument(path) as document:
            page = document[0]
            width, height = page.get_size()
            scale = min(4.0, 1200 / max(width, height, 1.0))
            page.render(scale=scale).to_pil().convert("RGB").save(target, "WEBP", quality=85)
    except (pypdfium2.PdfiumError, OSError, ValueError):
        return None
    return target


PURPOSES = {
    "video": Purpose(
        "video_file", "Talk", 2_000 * MEGABYTE, "video/mp4,video/webm", "MP4 or WebM, at most 2 GB.", check_video
    ),
    "captions": Purpose(
        "captions_file", "Captions of the talk", 2 * MEGABYTE, ".vtt", "WebVTT (.vtt).", check_captions
    ),
    "still": Purpose(
        "video_poster", "Still of the talk", 10 * MEGABYTE, "image/*", "Shown before it is played.", check_picture
    ),
    "picture": Purpose(
        "thumbnail_file",
        "Picture",
        10 * MEGABYTE,
        "image/*",
        "Shown on the paper's card. PNG, JPEG or WebP.",
        check_picture,
    ),
    "poster": Purpose("poster_file", "Poster", 50 * MEGABYTE, "application/pdf", "PDF, at most 50 MB.", check_pdf),
    "slides": Purpose("slides_file", "Slides", 50 * MEGABYTE, "application/pdf", "PDF, at most 50 MB.", check_pdf),
}
