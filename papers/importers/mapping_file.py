"""The file of `--map`: which columns of which files hold what. A small YAML, described in docs/importing.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .family import Source, as_text
from .problems import Place, Problems
from .reading import read_csv, read_json, read_yaml
from .records import Record

PAPER = (
    "uid", "title", "authors", "abstract", "tldr", "keywords", "track", "kind", "program", "year", "venue", "video",
    "thumbnail", "bibtex", "event",
)  # fmt: skip
SLOT = ("session", "title", "kind", "date", "time", "end", "minutes", "room", "track", "position", "join_url")
SESSION = (
    "uid", "title", "kind", "date", "time", "end", "minutes", "room", "track", "description", "chairs", "papers", "url",
    "join_url", "event",
)  # fmt: skip
EVENT = ("uid", "title", "kind", "abstract", "people", "affiliation", "biography", "video", "image", "join_url")
_TABLE = ("file", "columns", "separators", "constants", "links")


@dataclass(slots=True)
class Columns:
    """Where the fields of one kind of row are: in columns, or the same for all."""

    place: Place
    columns: dict[str, str] = field(default_factory=dict)
    separators: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)  # label: column


@dataclass(slots=True)
class Table:
    file: str
    columns: Columns
    slots: list[Columns] = field(default_factory=list)


@dataclass(slots=True)
class Map:
    conference: Record
    papers: list[Table] = field(default_factory=list)
    sessions: list[Table] = field(default_factory=list)
    events: list[Table] = field(default_factory=list)


def read_map(path: Path, problems: Problems) -> Map | None:
    """None after a problem. Unknown keys are problems, so that no typing error goes unnoticed."""
    data = read_yaml(path, problems)
    if problems.lines:
        return None
    known = ("conference", "papers", "sessions", "events")
    record = Record(Place(path.name), data, problems, known=known)
    conference = Record(
        Place(path.name, "conference"),
        record.data.get("conference") or {},
        problems,
        known=("name", "starts_on", "ends_on", "timezone"),
    )
    found = Map(conference)
    found.papers = list(_tables(record, "papers", PAPER, slots=True))
    found.sessions = list(_tables(record, "sessions", SESSION))
    found.events = list(_tables(record, "events", EVENT))
    if not (found.papers or found.sessions or found.events) and not problems.lines:
        record.problem("papers", "", "a table of papers, sessions or events")
    return None if problems.lines else found


def _tables(record: Record, name: str, fields: tuple[str, ...], *, slots: bool = False) -> Iterator[Table]:
    value = record.data.get(name)
    if isinstance(value, dict):
        record = Record(record.place, {name: [value]}, record.problems)
    for table in record.records(name, known=(*_TABLE, "slots") if slots else _TABLE):
        file = table.text("file", required=True)
        parts = [_columns(slot, SLOT) for slot in table.records("slots", known=_TABLE[1:])] if slots else []
        yield Table(file, _columns(table, fields), parts)


def _columns(record: Record, fields: tuple[str, ...]) -> Columns:
    found = Columns(record.place)
    for name, known in (("columns", fields), ("separators", fields), ("constants", fields), ("links", None)):
        value = record.data.get(name)
        if value is None:
            continue
        group = Record(Place(record.place.file, f"{record.place.row}, {name}"), value, record.problems, known=known)
        target: dict[str, str] = getattr(found, name)
        for key in group.data:
            target[key] = group.text(key, strip=name != "separators", required=name != "constants")
    return found


class Mapped(Record):
    """A row by the names of our fields, whose problems name the columns of the file."""

    labels: dict[str, str]

    def problem(self, field: str, value: object, expected: str) -> None:
        labels = getattr(self, "labels", {})
        super().problem(" + ".join(labels.get(name, name) for name in field.split(" + ")), value, expected)


def rows(source: Source, file: str, columns: list[Columns]) -> list[Record]:
    """Rows of a file named in the map. A column of the map that the file has not is a problem."""
    place = Place(columns[0].place.file, columns[0].place.row)
    folder = source.programme.folder
    path = folder / file
    if not file or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        source.problems.add(place, "file", file, "the name of a file in the folder")
        return []
    source.read.add(path.name)
    if path.suffix in (".json", ".yml", ".yaml"):
        value = as_text((read_json if path.suffix == ".json" else read_yaml)(path, source.problems))
        items = value if isinstance(value, list) else []
        if value is not None and not isinstance(value, list):
            source.problems.add(Place(file), "", "", "a list of entries was expected")
        return [source.record(Place(file, f"entry {n}"), item) for n, item in enumerate(items, 1)]
    read = read_csv(path, source.problems, required=())
    wanted = {column: part for part in columns for column in (*part.columns.values(), *part.links.values())}
    if read:
        header = list(read[0][1])
        for column, part in wanted.items():
            if column not in header:
                source.problems.add(part.place, "columns", column, f"a column of {file}: {', '.join(header)}"[:300])
    return [source.record(place, row) for place, row in read]


def mapped(source: Source, row: Record, columns: Columns) -> Mapped:
    data: dict[str, object] = {}
    for name, constant in columns.constants.items():
        data[name] = constant
    for name, column in columns.columns.items():
        value = row.data.get(column)
        if value not in (None, ""):
            data[name] = value
    record = Mapped(row.place, data, source.problems, zone=row.zone, dates=row.dates)
    record.labels = dict(columns.columns)
    return record
