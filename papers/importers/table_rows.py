"""What the readers of tables share: rows as records, ids that are not given, lists of names, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.text import slugify

from papers.models import Person

from .cells import unguarded
from .columns import Header, names_of
from .delimited import Row
from .family import Warnings
from .options import ReadOptions
from .problems import Place, Problems
from .programme import PersonEntry, Programme
from .records import Record, is_web_address, limit_of

MOST_NAMES = 10_000  # in one cell
_NAME_AND_PLACE = re.compile(r"([^()]*[^()\s])\s*\(([^()]+)\)(\*?)")


@dataclass(slots=True)
class Table:
    file: str
    sheet: str
    header: Header
    rows: Iterator[Row]

    def place(self, number: int) -> Place:
        return Place(self.file, f"{self.sheet}, row {number}" if self.sheet else f"row {number}")

    def __str__(self) -> str:
        return f"{self.file}, {self.sheet}" if self.sheet else self.file


@dataclass(slots=True)
class Reading:
    programme: Programme
    options: ReadOptions
    problems: Problems
    warnings: Warnings = field(default_factory=Warnings)
    sessions_of_papers: list[tuple[Place, str, str, str]] = field(default_factory=list)  # column, name, paper's uid

    def cells(self, table: Table) -> Iterator[Cells]:
        """Each row. One with more or fewer cells than the header is a problem: values would stand in wrong columns."""
        width = table.header.width
        for number, row in table.rows:
            place = table.place(number)
            if not table.sheet and (len(row) < width or any(cell.strip() for cell in row[width:])):
                self.problems.add(place, "cells", len(row), f"{width} cells, as in the header")
                continue
            row += [""] * (width - len(row))
            if not table.sheet:
                row = [unguarded(cell) for cell in row]
            data = {table.header.titles[name]: row[index] for name, index in table.header.columns.items()}
            yield Cells(self, table.header, Record(place, data, self.problems, zone=self.options.zone))

    def finish_ids(self, table: Table, made: int, what: str) -> None:
        if made:
            self.programme.notes.append(
                f"{table}: {made} {what} have no id; it was made of the title, and another title will be another id."
            )


@dataclass(slots=True)
class Cells:
    """One row, by field; messages use the column's own title."""

    reading: Reading
    header: Header
    record: Record

    @property
    def place(self) -> Place:
        return self.record.place

    def title(self, field: str) -> str:
        return self.header.titles.get(field, field)

    def text(self, field: str, *, required: bool = False, limit: int | None = None) -> str:
        return self.record.text(self.title(field), required=required, limit=limit)

    def problem(self, field: str, value: object, expected: str) -> None:
        self.record.problem(self.title(field), value, expected)

    def link(self, field: str, *, limit: int) -> str:
        """A web address. What is none is left out with a warning: a broken link is no broken programme."""
        return self.address(self.text(field), field, limit=limit)

    def address(self, value: str, field: str, *, limit: int = 500) -> str:
        if value.lower() in ("", "-", "n/a", "none", "nan", "null", "tba", "tbd"):
            return ""
        if value.startswith("www."):
            value = f"https://{value}"
        if is_web_address(value) and len(value) <= limit:
            return value
        self.reading.warnings.add("no whole web address, left out", f"{self.place}, {self.title(field)}", value)
        return ""

    def email(self, field: str) -> str:
        return self.one_email(self.text(field), field)

    def one_email(self, value: str, field: str) -> str:
        value = value.lower()
        if value and (len(value) > 254 or not re.fullmatch(r"[^@\s]+@[^@\s]+", value)):
            self.problem(field, value, "an e-mail address")
            return ""
        return value

    def names(self, field: str) -> list[str]:
        """Names of people, mentioned in the programme; `Ada Lovelace (London)` gives her affiliation too."""
        names = names_of(self.text(field))
        if len(names) > MOST_NAMES:
            self.problem(field, f"{len(names)} names", f"at most {MOST_NAMES}")
            return []
        found = []
        for text in names:
            match = None if self.text(field).startswith("[") else _NAME_AND_PLACE.fullmatch(text)
            marked = match[1] + match[3] if match else text
            name = marked.rstrip("* ") or marked
            if len(name) > limit_of(Person, "name"):
                self.problem(field, name, f"names of at most {limit_of(Person, 'name')} characters, parted by | or ;")
                continue
            affiliation = match[2].strip()[: limit_of(Person, "affiliation")] if match else ""
            self.reading.programme.mention(PersonEntry(place=self.place, name=name, affiliation=affiliation))
            found.append(f"{name}*" if marked.endswith("*") and name != marked else name)
        return found


def slug_of(title: str, taken: set[str], *, source: str = "", limit: int = 100) -> str:
    """An id made of a title, numbered from 2 where there are several of the same; it is taken from then on."""
    base = f"{source}-{slugify(title, allow_unicode=True)}".strip("-")[:limit] or "item"
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    taken.add(slug)
    return slug
