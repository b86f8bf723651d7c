"""How small general compressors make a text, each at its strongest, with the file format that its command writes."""

from __future__ import annotations

import bz2
import gzip
import lzma

import zstandard


def sizes(text: str) -> dict[str, int]:
    """Bytes by name; "none" is the text itself in UTF-8."""
    data = text.encode()
    return {
        "none": len(data),
        "gzip": len(gzip.compress(data, 9, mtime=0)),
        "bz2": len(bz2.compress(data, 9)),
        "xz": len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)),
        "zstd": len(zstandard.ZstdCompressor(level=22).compress(data)),
    }
