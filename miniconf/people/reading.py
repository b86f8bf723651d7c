"""A table of people to invite: CSV, TSV or XLSX, known by its columns, with every mistake named by file, row and column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from papers.importers.columns import PEOPLE, plain
from papers.importers.delimited import Row, rows_of
from papers.importers.problems import Place, Problems
from papers.importers.xlsx import workbook

MOST_PEOPLE = 30_000
_FIRST_ROWS = 10  # among which the header is looked for
_FIELDS = ("email", "name", "first_name", "last_name", "affiliation")
_LIMITS = {"name": 120, "affiliation": 200}


@dataclass(frozen=True, slots=True)
class Attendee:
    email: str
    name: str = ""
    affiliation: str = ""


@dataclass(slots=True)
class People:
    """What a file holds. With problems, nothing of it is taken."""

    attendees: dict[str, Attendee] = field(default_factory=dict)  # by address
    problems: Problems = field(default_factory=Problems)
    notes: list[str] = field(default_factory=list)


def read_people(path: Path) -> People:
    """Read a table whose columns are called e-mail, name (or first and last name) and affiliation, in any order."""
    people = People()
    with ExitStack() as stack:
        sheets: list[tuple[str, Iterator[Row]]]
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            book = stack.enter_context(workbook(path, people.problems, people.notes))
            sheets = [(title, rows()) for title, rows in book]
        elif path.suffix.lower() in (".csv", ".tsv", ".tab", ".txt"):
            sheets = [("", rows_of(path, people.problems, people.notes, fits=lambda cells: len(_columns(cells))))]
        else:
            people.problems.add(Place(path.name), "", "", "expected a table: .csv, .tsv or .xlsx")
            sheets = []
        found = [_read_sheet(path.name, title, rows, people) for title, rows in sheets]
    if not any(found) and not people.problems.found:
        people.problems.add(Place(path.name), "", "", "has no column “email”; expected email, name, affiliation")
    return people


def _columns(cells: list[str]) -> dict[str, int]:
    """Which column holds what; empty where none holds addresses."""
    names = [plain(cell) for cell in cells]
    found = {
        wanted: names.index(name)
        for wanted in _FIELDS
        for name in [next((name for name in PEOPLE[wanted] if name in names), None)]
        if name is not None
    }
    return found if "email" in found else {}


def _read_sheet(file: str, sheet: str, rows: Iterator[Row], people: People) -> bool:
    columns: dict[str, int] = {}
    for _, cells in islice(rows, _FIRST_ROWS):
        if columns := _columns(cells):
            break
    if not columns:
        return False
    for number, cells in rows:
        place = Place(file, f"{sheet}, row {number}" if sheet else f"row {number}")
        values = {name: _tidy(cells[at]) if at < len(cells) else "" for name, at in columns.items()}
        if len(people.attendees) >= MOST_PEOPLE:
            people.problems.add(place, "", "", f"has more than {MOST_PEOPLE} people; cut the file")
            break
        _take(place, values, people)
    return True


def _tidy(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _take(place: Place, values: dict[str, str], people: People) -> None:
    email = re.sub(r"^mailto:", "", values["email"], flags=re.IGNORECASE).lower()
    name = values.get("name") or f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
    if not email:
        people.problems.add(place, "email", email, "an e-mail address")
        return
    try:
        validate_email(email)
    except ValidationError:
        people.problems.add(place, "email", email, "an e-mail address")
        return
    for what, text in (("name", name), ("affiliation", values.get("affiliation", ""))):
        if len(text) > _LIMITS[what]:
            people.problems.add(place, what, text, f"at most {_LIMITS[what]} characters")
            return
    if email in people.attendees:
        people.notes.append(f"{place}: {email} stands there before; this row was left out.")
        people.notes[:] = people.notes[:50]
        return
    people.attendees[email] = Attendee(email, name, values.get("affiliation", ""))
