"""Rows of XLSX workbooks, as text. openpyxl reads them row by row; before it does, the file is looked over.

An XLSX file is a zip of XML files. What is unpacked is bounded in bytes and tags, and there is no document type, so
that neither entities nor external files come into play. Formulas give the values that the program stored with them.
"""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from .delimited import Row
from .problems import Place, Problems
from .reading import LARGEST_FILE, LONGEST_LINE, MOST_COLUMNS, MOST_ROWS
from .unpack import RATIO

_MEMBERS = 1_000
_UNPACKED = 2 * LARGEST_FILE
_TAGS = 4_000_000  # in all sheets and their strings: three for a cell
_PIECE = 1 << 20
_LAST_ROW = 1 << 20  # of a sheet, by the standard
_FORMULA_WITHOUT_VALUE = re.compile(rb"<c\b([^<>]*)>\s*<f\b[^<>]*(?:/>|>[^<]*</f>)\s*(<v\s*/>|<v></v>)?\s*</c>")
_COORDINATE = re.compile(rb'\br="([A-Z]{1,3}[0-9]{1,7})"')
_CARRIAGE_RETURN = re.compile("_x000D_", re.IGNORECASE)  # as XLSX writes it

Sheet = tuple[str, Callable[[], Iterator[Row]]]  # its name, and its rows that are not empty


class _Refused(Exception):
    pass


@contextmanager
def workbook(path: Path, problems: Problems, notes: list[str]) -> Iterator[list[Sheet]]:
    """The sheets of a workbook that are not hidden; none after a problem."""
    place = Place(path.name)
    book = None
    try:
        _look_over(path, problems)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about looks, which are not read
            book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except _Refused as error:
        problems.add(place, "", "", str(error))
    except Exception as error:  # openpyxl raises whatever comes
        problems.add(place, "", "", f"is no XLSX workbook that can be read: {_told(error)}")
    if book is None:
        yield []
        return
    try:
        hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
        if hidden:
            notes.append(f"{path.name}: the hidden sheets {', '.join(hidden)} were left out.")
        yield [
            (sheet.title, lambda sheet=sheet: _rows(path.name, sheet, problems))  # type: ignore[misc]
            for sheet in book.worksheets
            if sheet.sheet_state == "visible"
        ]
    finally:
        book.close()


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _look_over(path: Path, problems: Problems) -> None:
    """Raises _Refused for what would cost too much or is not what it seems; notes formulas without a value."""
    if path.stat().st_size > LARGEST_FILE:
        raise _Refused(f"too large: at most {LARGEST_FILE // 1_000_000} MB are read")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise _Refused(f"is no XLSX workbook (older .xls files: save them as .xlsx): {error}") from None
    with archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)  # zipfile reads no more of a member than this
        if len(members) > _MEMBERS or size > _UNPACKED or size > max(_PIECE, RATIO * path.stat().st_size):
            raise _Refused("grows too much when it is unpacked: this is a zip bomb")
        tags = 0
        for member in members:
            if member.flag_bits & 0x1:
                raise _Refused("is encrypted: save it without a password")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Refused("is compressed in a way that XLSX is not")
            if member.filename.lower().endswith((".xml", ".rels")):
                try:
                    tags += _look_over_member(archive, member, path.name, problems)
                except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                    raise _Refused(f"is damaged: {member.filename}: {_told(error)}") from None
            if tags > _TAGS:
                raise _Refused(f"too large: at most {_TAGS} cells and other elements are read")


def _look_over_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: str, problems: Problems) -> int:
    """The number of tags that open something."""
    tags = 0
    rest = b""
    formulas = member.filename.startswith("xl/worksheets/")
    with archive.open(member) as stream:
        while piece := stream.read(_PIECE):
            if b"\0" in piece:
                raise _Refused(f"holds XML in another encoding than UTF-8: {member.filename}")
            text = rest + piece
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
                raise _Refused(f"holds a document type or entities, which no XLSX has: {member.filename}")
            tags += piece.count(b"<") - piece.count(b"</")
            cut = max(0, len(text) - 16)
            if formulas:
                cut = max(text.rfind(b"</c>") + 4, len(text) - _PIECE)
                for match in _FORMULA_WITHOUT_VALUE.finditer(text, 0, cut):
                    if match[2] and b't="str"' in match[1]:
                        continue  # the value is an empty text
                    cell = _COORDINATE.search(match[1])
                    problems.add(
                        Place(file, member.filename.removeprefix("xl/worksheets/").removesuffix(".xml")),
                        "cell",
                        cell[1].decode() if cell else "?",
                        "a formula with its value: open the file in a spreadsheet program and save it",
                    )
            rest = text[cut:]
    return tags


def _rows(file: str, sheet: Any, problems: Problems) -> Iterator[Row]:
    count = 0
    sheet.reset_dimensions()  # some programs write wrong ones
    try:
        rows = sheet.iter_rows(max_row=_LAST_ROW, max_col=MOST_COLUMNS + 1)
        gap: tuple[Any, ...] = ()
        for number, cells in enumerate(rows, 1):
            if cells is gap:
                continue  # openpyxl gives the same row for each of a million that are not there
            gap = cells
            place = Place(file, f"{sheet.title}, row {number}")
            width = len(cells)
            while width and cells[width - 1].value is None:
                width -= 1
            texts = [_text(cell, place, problems) if cell.value is not None else "" for cell in cells[:width]]
            while texts and not texts[-1].strip():
                texts.pop()
            if not texts:
                continue
            count += 1
            if len(texts) > MOST_COLUMNS:
                problems.add(place, "cells", len(texts), f"at most {MOST_COLUMNS}")
                return
            if count > MOST_ROWS:
                problems.add(place, "", "", f"has too many rows: at most {MOST_ROWS} are read")
                return
            yield number, texts
    except Exception as error:  # openpyxl raises whatever comes
        problems.add(Place(file, sheet.title), "", "", f"cannot be read: {_told(error)}")


def _text(cell: Any, place: Place, problems: Problems) -> str:
    """What the cell holds, as somebody would type it: 12 for 12.0, dates and times in ISO 8601."""
    value = cell.value
    if cell.data_type == "e":
        problems.add(place, cell.coordinate, value, "a value: the formula gives an error")
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        value = _rounded(value)
        if value.time() == dt.time() and "h" not in (cell.number_format or "").lower():
            return value.date().isoformat()
        return value.isoformat(sep=" ")
    if isinstance(value, dt.time):
        return _rounded(dt.datetime.combine(dt.date(2000, 1, 1), value)).time().isoformat()
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    text = _CARRIAGE_RETURN.sub("\r", str(value))
    if "\0" in text or len(text) > LONGEST_LINE:
        problems.add(place, cell.coordinate, text, "text without NUL was expected")
        return ""
    return text


def _rounded(time: dt.datetime) -> dt.datetime:
    """To the second: spreadsheets keep times as fractions of a day."""
    return (time + dt.timedelta(microseconds=500_000)).replace(microsecond=0)
