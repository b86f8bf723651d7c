"""Rows of CSV and TSV files as people save them: any separator, any line ends, the usual encodings, of any length.

Files are read twice in pieces, once to find the encoding and once to take the rows; neither is held in memory.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from .problems import Place, Problems
from .reading import LARGEST_FILE, LONGEST_LINE, MOST_COLUMNS, MOST_ROWS

Row = tuple[int, list[str]]  # its number as a spreadsheet shows it, and its cells

_PIECE = 1 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_SEPARATORS = ",;\t"


def encoding_of(path: Path, problems: Problems) -> str | None:
    """The encoding in which all of a file can be read; None after a problem.

    Without a mark it is UTF-8, or where it cannot be, Windows-1252; a file with letters in UTF-8 and a few broken
    bytes is a damaged one.
    """
    place = Place(path.name)
    if path.stat().st_size > LARGEST_FILE:
        problems.add(place, "", "", f"too large: at most {LARGEST_FILE // 1_000_000} MB are read")
        return None
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name if _readable(path, name, problems) else None
    wrong = _first_wrong(path, "utf-8")
    if wrong is None:
        return "utf-8" if _readable(path, "utf-8", problems) else None
    line, byte = wrong
    if not _is_utf8_with_mistakes(path) and _first_wrong(path, "cp1252") is None:
        return "cp1252" if _readable(path, "cp1252", problems) else None
    problems.add(Place(path.name, f"line {line}"), "byte", f"0x{byte:02x}", "text in UTF-8")
    return None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _first_wrong(path: Path, encoding: str) -> tuple[int, int] | None:
    """Line and value of the first byte that the encoding does not know."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    for piece in chain(_pieces(path), [b""]):
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:  # what it holds begins with bytes kept from the last piece, no line ends
            return line + error.object.count(b"\n", 0, error.start), error.object[error.start]
        line += piece.count(b"\n")
    return None


def _is_utf8_with_mistakes(path: Path) -> bool:
    letters = others = 0
    for piece in _pieces(path):
        found = _SEQUENCE.findall(piece)
        letters += len(found)
        others += len(piece) - len(piece.translate(None, bytes(range(128, 256)))) - sum(map(len, found))
    return letters > others


def _readable(path: Path, encoding: str, problems: Problems) -> bool:
    """Whether the text is complete and holds no NUL."""
    with path.open(encoding=encoding, newline="") as file:
        line = 1
        try:
            while text := file.read(_PIECE):
                if "\0" in text:
                    line += text.count("\n", 0, text.index("\0"))
                    problems.add(Place(path.name, f"line {line}"), "", "", "holds a NUL character: text has none")
                    return False
                line += text.count("\n")
        except UnicodeDecodeError as error:
            problems.add(Place(path.name, f"line {line} or later"), "", "", f"is not {encoding}: {error.reason}")
            return False
    return True


def rows_of(path: Path, problems: Problems, notes: list[str], *, fits: Callable[[list[str]], int]) -> Iterator[Row]:
    """The rows that are not empty. The separator is the one whose first rows `fits` rates highest."""
    encoding = encoding_of(path, problems)
    if encoding is None:
        return
    if encoding == "cp1252":
        notes.append(f"{path.name} is not UTF-8 and was read as Windows-1252; it has {_examples(path)}.")
    with path.open(encoding=encoding, newline="") as file:
        start = file.read(1 << 16)
        file.seek(0)
        separator, skip = _separator(path, start, fits)
        yield from _rows(path, file, separator, skip, problems)


def _examples(path: Path) -> str:
    """Some words by which somebody sees whether the encoding was guessed right."""
    with path.open(encoding="cp1252", newline="") as file:
        words = dict.fromkeys(re.findall(r"\w*[^\W\x00-\x7f]\w*", file.read(_PIECE)))
    return ", ".join(f"“{word[:30]}”" for word in list(words)[:5]) or "signs beyond ASCII"


def _separator(path: Path, start: str, fits: Callable[[list[str]], int]) -> tuple[str, int]:
    """The separator and the number of lines before the table (Excel's `sep=;`)."""
    if match := re.match(r"sep=([,;\t|])\r?\n", start):
        return match[1], 1
    best, rating = "\t" if path.suffix.lower() in (".tsv", ".tab") else ",", (-1, -1)
    for separator in sorted(_SEPARATORS, key=lambda each: each != best):
        cells: list[list[str]] = []
        with suppress(csv.Error):  # the end of `start` may cut a cell
            for row in islice(csv.reader(io.StringIO(start, newline=""), delimiter=separator), 10):
                cells.append([cell.strip() for cell in row])
        found = max(((fits(row), len(row)) for row in cells), default=(-1, -1))
        if found > rating:
            best, rating = separator, found
    return best, 0


def _lines(file: io.TextIOBase) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE} characters")
        yield line


def _rows(path: Path, file: io.TextIOBase, separator: str, skip: int, problems: Problems) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_LINE)
    lines = _lines(file)
    number = count = 0
    try:
        for _ in range(skip):
            next(lines)
            number += 1
        for cells in csv.reader(lines, delimiter=separator, strict=True):
            number += 1
            here = Place(path.name, f"row {number}")
            if not any(cell and not cell.isspace() for cell in cells):
                continue
            count += 1
            if len(cells) > MOST_COLUMNS:
                problems.add(here, "cells", len(cells), f"at most {MOST_COLUMNS}")
                return
            if count > MOST_ROWS:
                problems.add(here, "", "", f"has too many rows: at most {MOST_ROWS} are read")
                return
            yield number, cells
    except csv.Error as error:
        problems.add(Place(path.name, f"row {number + 1}"), "", "", f"is not CSV from here on: {error}")
