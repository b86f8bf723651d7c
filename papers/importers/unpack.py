"""What somebody gives (a folder, a zip, some files) as one folder that the formats read.

A zip is checked while it is unpacked: what its headers say about sizes is not believed.
"""

from __future__ import annotations

import io
import shutil
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from .problems import Place, Problems, shown

MEMBERS = 5_000
LARGEST = 500_000_000  # bytes of all files together, unpacked
RATIO = 200  # unpacked to packed; text shrinks to a tenth, a deflate bomb to a thousandth
_SMALL = 1_000_000  # the ratio of what is smaller is nobody's business
_LIST = 2_500_000  # bytes of a zip's list of members
_PIECE = 1 << 20
_NOISE = {"__macosx", ".ds_store", "thumbs.db", "desktop.ini"}
_UNICODE_PATH = 0x7075  # the extra field in which Info-ZIP keeps a name in UTF-8


class _Refused(Exception):
    """Nothing more of this archive is unpacked."""


@contextmanager
def opened(sources: list[Path], problems: Problems) -> Iterator[Path]:
    """The folder that `sources` make; a temporary one, unless they are one folder, which is left as it is.

    Its name is what the source was called: the zip's only folder or else the zip, the file, or the folder that
    several files lie in. Raises ImportFailed with everything that is wrong.
    """
    if not sources:
        problems.add(Place("source"), "", "", "a folder, a zip or files were expected")
    for path in sources:
        if not path.exists():
            problems.add(Place(str(path)), "", "", "no such file or folder")
        elif path.is_dir() and len(sources) > 1:
            problems.add(Place(str(path)), "", "", "is a folder: give it alone, or its files")
        elif _is_zip(path) and len(sources) > 1:
            problems.add(Place(path.name), "", "", "is a zip: give it alone, or the files in it")
        elif not path.is_dir() and not path.is_file():
            problems.add(Place(str(path)), "", "", "is neither a file nor a folder")
    problems.stop_if_any()
    if sources[0].is_dir():
        yield sources[0]
        return
    with tempfile.TemporaryDirectory(prefix="miniconf-import-") as name:
        root = Path(name, _name_of(sources))
        root.mkdir()
        try:
            if _is_zip(sources[0]):
                _unpack(sources[0], root, problems)
            else:
                _gather(sources, root, problems)
        except OSError as error:
            problems.add(Place(sources[0].name), "", "", f"cannot be laid out as a folder: {error.strerror}")
        problems.stop_if_any()
        yield _innermost(root)


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def _name_of(sources: list[Path]) -> str:
    if len(sources) == 1:
        name = sources[0].stem
    else:
        name = sources[0].resolve().parent.name
        try:
            UUID(name)  # the folder of an upload says nothing
            name = ""
        except ValueError:
            pass
    return "".join(c for c in name if c.isprintable() and c not in "/\\")[:80].strip(". ") or "upload"


def _innermost(folder: Path) -> Path:
    """Zips often hold one folder that holds everything."""
    while True:
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        folder = inside[0]


def _key(name: str) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


def _gather(sources: list[Path], root: Path, problems: Problems) -> None:
    if len(sources) > MEMBERS:
        problems.add(Place("source"), "files", len(sources), f"at most {MEMBERS}")
        return
    size = sum(path.stat().st_size for path in sources)
    if size > LARGEST:
        problems.add(Place("source"), "", "", f"too large: at most {LARGEST // 1_000_000} MB in all files together")
        return
    taken: dict[str, Path] = {}
    for path in sources:
        if path.name.lower() in _NOISE:
            continue
        if first := taken.get(_key(path.name)):
            problems.add(Place(str(path)), "name", path.name, f"a name of its own: {first} has this one already")
            continue
        taken[_key(path.name)] = path
        shutil.copyfile(path, root / path.name)


class _Bounded(io.BufferedReader):
    """A file of which no large piece is read at once: zipfile takes the whole list of members in one."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            here = self.tell()
            size = self.seek(0, io.SEEK_END) - here
            self.seek(here)
        if size > _LIST:
            raise _Refused(f"holds too many files: at most {MEMBERS}")
        return super().read(size)


def _unpack(path: Path, root: Path, problems: Problems) -> None:
    place = Place(path.name)
    try:
        with _Bounded(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS:
                raise _Refused(f"holds {len(members)} files: at most {MEMBERS} are unpacked")
            wanted = _checked(path.name, members, problems)
            left = _Left(LARGEST, max(_SMALL, RATIO * path.stat().st_size))
            for member, name in wanted:
                place = Place(path.name, name)
                _extract(archive, member, place, root / name, left, problems)
    except _Refused as error:
        problems.add(place, "", "", str(error))
    except (zipfile.BadZipFile, struct.error, ValueError, UnicodeDecodeError) as error:
        problems.add(place, "", "", f"is no zip that can be read: {error}")
    else:
        if not wanted and not problems.lines:
            problems.add(place, "", "", "is empty")


def _checked(archive: str, members: list[zipfile.ZipInfo], problems: Problems) -> list[tuple[zipfile.ZipInfo, str]]:
    """Files to unpack with the path of each below the folder; every other member is a problem, or left out."""
    wanted: list[tuple[zipfile.ZipInfo, str]] = []
    taken: dict[str, str] = {}
    for member in members:
        name = _name(member)
        place = Place(archive, shown(name.rstrip("/")))
        parts = [part for part in name.split("/") if part not in ("", ".")]
        kind = stat.S_IFMT(member.external_attr >> 16)
        if any(part.lower() in _NOISE or part.startswith("._") for part in parts):
            continue
        if name.startswith("/") or name[1:2] == ":" or ".." in parts:
            problems.add(place, "", "", "a path inside the zip was expected, not one that leads out of it")
        elif any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
            problems.add(place, "", "", "a name without control characters was expected")
        elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            problems.add(place, "", "", "a plain file was expected, not a link or device")
        elif name.endswith("/") or not parts:
            continue
        elif len(name) > 400 or max(len(part.encode()) for part in parts) > 240:
            problems.add(place, "", "", "a shorter name was expected")
        elif member.flag_bits & 0x1:
            problems.add(place, "", "", "is encrypted: make the zip without a password")
        elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            problems.add(place, "", "", "is compressed in a rare way: make the zip with deflate, as most programs do")
        elif parts[-1].lower().endswith(".zip"):
            problems.add(place, "", "", "is a zip in a zip: unpack it first")
        elif first := taken.get(_key(name)):
            problems.add(place, "", "", f"stands twice in the zip: {first} has the same name")
        else:
            taken[_key(name)] = name
            wanted.append((member, "/".join(parts)))
    return wanted


def _name(member: zipfile.ZipInfo) -> str:
    """The name in Unicode. Without a flag it is code page 437 by the standard, and mostly UTF-8 in the world."""
    name = member.orig_filename
    if not member.flag_bits & 0x800:
        raw = name.encode("cp437")
        with suppress(UnicodeDecodeError):
            name = _unicode_path(member.extra, raw) or raw.decode("utf-8")
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _unicode_path(extra: bytes, raw: bytes) -> str:
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        value, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(value) > 5 and struct.unpack("<L", value[1:5])[0] == zlib.crc32(raw):
            return value[5:].decode("utf-8", errors="replace")
    return ""


class _Left:
    """How much may still be unpacked: in all, and for an archive of this size."""

    def __init__(self, size: int, by_ratio: int) -> None:
        self.size, self.by_ratio = size, by_ratio

    def take(self, count: int) -> None:
        self.size -= count
        self.by_ratio -= count
        if self.size < 0:
            raise _Refused(f"too large: at most {LARGEST // 1_000_000} MB unpacked")
        if self.by_ratio < 0:
            raise _Refused(f"grows to more than {RATIO} times its size: this is a zip bomb")


def _extract(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: Place, target: Path, left: _Left, problems: Problems
) -> None:
    written = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, target.open("xb") as file:
            while piece := source.read(_PIECE):
                written += len(piece)
                if written > _SMALL and written > RATIO * max(member.compress_size, 1):
                    problems.add(place, "", "", f"grows to more than {RATIO} times its size: this is a zip bomb")
                    return
                left.take(len(piece))
                file.write(piece)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        problems.add(place, "", "", "has the name of a folder in the same zip")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        problems.add(place, "", "", f"is damaged: {error}")
