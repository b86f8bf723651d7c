"""A table of people: what is known about authors, chairs and speakers, by their names."""

from __future__ import annotations

from papers.models import Person

from .programme import PersonEntry
from .records import limit_of
from .table_rows import Reading, Table


def read(table: Table, reading: Reading) -> None:
    seen: set[str] = set()
    for cells in reading.cells(table):
        limit = limit_of(Person, "name")
        name = cells.text("name", limit=limit) if "name" in table.header.columns else ""
        if not name and "last_name" in table.header.columns:
            name = f"{cells.text('first_name')} {cells.text('last_name')}".strip()
        if not name or len(name) > limit:
            field = "name" if "name" in table.header.columns else "last_name"
            if not name:
                cells.problem(field, "", "must be given")
            continue
        if name in seen:
            reading.warnings.add("the same name again, taken as one person", cells.place, name)
        seen.add(name)
        reading.programme.mention(
            PersonEntry(
                place=cells.place,
                name=name,
                affiliation=cells.text("affiliation", limit=limit_of(Person, "affiliation")),
                biography=cells.text("biography"),
                url=cells.link("url", limit=limit_of(Person, "url")),
                image_url=cells.link("image", limit=limit_of(Person, "image_url")),
                email=cells.email("email"),
            )
        )
