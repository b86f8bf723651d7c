"""Files of the frozen site: which address becomes which file.

Ids of papers tell upper from lower case and may hold signs that some file systems do not; names of files do neither.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from posixpath import relpath
from urllib.parse import unquote, urlsplit

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


class Names:
    """File names for addresses, each its own also where a file system takes upper and lower case for the same."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._taken: set[str] = set()

    def add(self, path: str, file: str = "") -> str:
        """The file of a page ("/papers/SkxSha1/" -> "papers/SkxSha1/index.html"), which is reserved from now on."""
        if path not in self._files:
            self._files[path] = self._free(file or self._of(path))
        return self._files[path]

    def _of(self, path: str) -> str:
        parts = [_safe(unquote(part)) for part in path.strip("/").split("/") if part]
        return "/".join([*parts, "index.html"])

    def _free(self, file: str) -> str:
        if file.lower() in self._taken:
            parts = PurePosixPath(file)
            digest = hashlib.blake2b(file.encode(), digest_size=4).hexdigest()
            file = (
                str(parts.parent.with_name(f"{parts.parent.name}-{digest}") / parts.name)
                if parts.name == "index.html"
                else str(parts.with_name(f"{parts.stem}-{digest}{parts.suffix}"))
            )
        self._taken.add(file.lower())
        return file

    def find(self, address: str, base: str = "/") -> tuple[str, str] | None:
        """File, and the part behind it ("#m3"), for an address of this site; None for what is not frozen.

        What an address asks for (`?track=…`) is kept behind the file's name: the page's script reads it.
        """
        parts = urlsplit(address)
        path = parts.path or base
        rest = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        for candidate in (f"{path}?{parts.query}", path):
            if candidate in self._files:
                found = self._files[candidate]
                return found, (f"#{parts.fragment}" if parts.fragment else "") if "?" in candidate else rest
        return None

    def relative(self, file: str, page: str) -> str:
        """How `page` names `file`."""
        return relpath(file, str(PurePosixPath(page).parent))


def _safe(part: str) -> str:
    """A part of an address as the name of a file or folder."""
    name = _ODD.sub("_", part)[:80].strip(".")
    if name == part and not _RESERVED.match(name):
        return name
    return f"{name or 'x'}-{hashlib.blake2b(part.encode(), digest_size=4).hexdigest()}"
