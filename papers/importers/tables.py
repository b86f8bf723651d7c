"""Plain tables of papers, of sessions, of people: CSV, TSV or XLSX, one file or several, known by their columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from . import table_papers, table_people, table_sessions
from .columns import Header, header_of, rating
from .delimited import Row, encoding_of, rows_of
from .options import ReadOptions
from .private import keep_meetings_private
from .problems import Place, Problems
from .programme import Programme
from .table_rows import Reading, Table
from .times import leftovers
from .xlsx import workbook

NAME = "tables"
TITLE = "Tables of papers, sessions, people"

_DELIMITED = (".csv", ".tsv", ".tab")
_WORKBOOKS = (".xlsx", ".xlsm")
_OTHER_FORMATS = (".yml", ".yaml", ".json", ".jsonl", ".ics", ".xml")
_FIRST_ROWS = 10  # among which the header is looked for
_NAMED = 12


def recognises(folder: Path) -> bool:
    """Tables, and no files of other formats beside them; Mini-Conf's own papers.csv alone is left to it."""
    names = sorted(path for path in folder.iterdir() if path.is_file())
    if any(path.suffix.lower() in _OTHER_FORMATS for path in names):
        return False
    found = [header for path in names if path.suffix.lower() in _DELIMITED and (header := _first_header(path))]
    if any("UID" in header.titles.values() for header in found) and (folder / "papers.csv").is_file():
        return len(found) > 1 and {"sessions", "people"}.intersection(header.kind for header in found) != set()
    return bool(found) or any(path.suffix.lower() in _WORKBOOKS or _is_broken(path) for path in names)


def _is_broken(path: Path) -> bool:
    """A table that cannot be read: reading it tells in which line, which is more than that no format was recognised."""
    return path.suffix.lower() in _DELIMITED and encoding_of(path, Problems()) is None


def _first_header(path: Path) -> Header | None:
    rows = rows_of(path, Problems(), [], fits=rating)
    return next((header for _, cells in islice(rows, _FIRST_ROWS) if (header := header_of(cells))), None)


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    reading = Reading(Programme(source=options.source, folder=folder), options, problems)
    notes = reading.programme.notes
    with ExitStack() as stack:
        tables = list(_tables(folder, problems, notes, stack))
        if not tables:
            _say_what_was_expected(folder, problems)
        for kind, read_table in (
            ("people", table_people.read),
            ("papers", table_papers.read),
            ("sessions", table_sessions.read),
        ):
            for table in tables:
                if table.header.kind == kind:
                    _say_unused(table, notes)
                    read_table(table, reading)
    table_sessions.place_papers(reading)
    notes += reading.warnings.notes() + keep_meetings_private(reading.programme)
    notes += leftovers((session.place, session.starts_at) for session in reading.programme.sessions)
    return reading.programme


def _tables(folder: Path, problems: Problems, notes: list[str], stack: ExitStack) -> Iterator[Table]:
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        if path.suffix.lower() in _DELIMITED:
            sheets = [("", rows_of(path, problems, notes, fits=rating))]
        elif path.suffix.lower() in _WORKBOOKS:
            book = stack.enter_context(workbook(path, problems, notes))
            sheets = [(title, rows()) for title, rows in book]
        else:
            continue
        for title, rows in sheets:
            told = len(problems.lines) + problems.left_out
            table = _table(path.name, title, rows)
            if table is None and told == len(problems.lines) + problems.left_out:
                what = f"{path.name}, {title}" if title else path.name
                notes.append(f"{what} was not read: its columns are not those of papers, sessions or people.")
            elif table is not None and table.header.doubled:
                problems.add(table.place(1), "columns", ", ".join(table.header.doubled), "each column once")
            elif table is not None:
                yield table


def _table(file: str, title: str, rows: Iterator[Row]) -> Table | None:
    for _, cells in islice(rows, _FIRST_ROWS):
        if header := header_of(cells):
            return Table(file, title, header, rows)
    return None


def _say_unused(table: Table, notes: list[str]) -> None:
    if unused := table.header.unused:
        more = f" and {len(unused) - _NAMED} more" if len(unused) > _NAMED else ""
        where = f"{table.file}, {table.sheet}" if table.sheet else table.file
        names = ", ".join(name[:40] for name in unused[:_NAMED])
        notes.append(f"{where}, read as {table.header.kind}: columns not used: {names}{more}")


def _say_what_was_expected(folder: Path, problems: Problems) -> None:
    if not problems.lines:
        problems.add(
            Place(folder.name),
            "",
            "",
            "no table with known columns: papers (title, authors, …), sessions (title, start, …) or people (name, …)",
        )
