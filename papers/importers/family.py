"""What the readers of Mini-Conf's descendants share: files in any of four types, lists of names, links, warnings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from papers.models import Event, Paper, Person, Session

from .options import ReadOptions
from .private import keep_meetings_private
from .problems import Place, Problems, shown
from .programme import Author, PersonEntry, Programme
from .reading import read_csv, read_json, read_text, read_yaml
from .records import Record, is_web_address, limit_of
from .times import Dates

_NAMED = 5
_TYPES = (".csv", ".tsv", ".json", ".yml", ".yaml")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
# Only days that every month has, and those that are its last; a date that is none is told when it is read in earnest.
_DAY = re.compile(r"\b((?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8]))(?=[T_ ]\d)", re.ASCII)
_NOBODY = frozenset({"", "tbd", "tba", "tbc", "n/a", "na", "none", "null", "nan", "et al", "et al."})
_MARKDOWN_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_SUFFIXES = re.compile(r"(?:jr|sr|ph\.?\s?d|ii|iii|iv|md)\.?", re.IGNORECASE)
_CALLED = re.compile(r"^(?:hosts?|presenters?|speakers?|panell?ists?|moderators?|chairs?)\s*:\s*", re.IGNORECASE)


@dataclass(slots=True)
class Warnings:
    """Things that are no mistakes of the reader but may be some of the organizers: counted, and a few named."""

    found: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, place: Place | str, value: object = None) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        named = self.found.setdefault(what, [])
        if len(named) < _NAMED:
            named.append(f"{place}: {shown(value)}" if value is not None else str(place))

    def notes(self) -> list[str]:
        lines = []
        for what, named in self.found.items():
            more = f" and {self.counts[what] - len(named)} more" if self.counts[what] > len(named) else ""
            lines.append(f"Warning: {what}: {'; '.join(named)}{more}")
        return lines


@dataclass(slots=True)
class Source:
    """One folder being read."""

    programme: Programme
    options: ReadOptions
    problems: Problems
    dates: Dates = field(default_factory=Dates)
    warnings: Warnings = field(default_factory=Warnings)
    read: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, folder: Path, options: ReadOptions, problems: Problems, *, dated: Iterable[str] = ()) -> Source:
        """`dated` are patterns of files whose times have dates in full, from which the conference's dates are known;
        where they have none, the site's are taken."""
        days = []
        for path in sorted({path for pattern in dated for path in folder.glob(pattern)}):
            text = read_text(path, Problems()) or ""
            days += [dt.date.fromisoformat(day) for day in _DAY.findall(text)]
        dates = Dates.around(days) or Dates.of_site()
        return cls(Programme(source=options.source, folder=folder), options, problems, dates)

    def uid(self, *names: str) -> str:
        """An id for something whose own name ("T1", "opening_remarks") other conferences use as well."""
        slug = slugify("-".join(name for name in names if name), allow_unicode=True)
        return f"{self.options.source}-{slug or 'item'}"[: limit_of(Event, "uid")]

    def path(self, stem: str) -> Path | None:
        """The file of that name, of any type; two of them are a problem."""
        paths = [path for ending in _TYPES if (path := self.programme.folder / f"{stem}{ending}").is_file()]
        self.read |= {path.name for path in paths}
        if len(paths) > 1:
            self.problems.add(Place(paths[1].name), "", "", f"one file of this name; there is {paths[0].name} too")
        return paths[0] if paths else None

    def value(self, stem: str) -> tuple[str, Any]:
        """Name and value of a JSON or YAML file, all its scalars as text; (name, None) if it is missing or broken."""
        path = self.path(stem)
        if path is None:
            return f"{stem}.yml", None
        value = read_json(path, self.problems) if path.suffix == ".json" else read_yaml(path, self.problems)
        return path.name, as_text(value)

    def records(self, stem: str, *, required: Iterable[str] = ()) -> list[Record]:
        """Rows of a table or entries of a list; a file that is not there has none."""
        path = self.path(stem)
        if path is None:
            return []
        if path.suffix in (".csv", ".tsv"):
            rows = read_csv(path, self.problems, required=required)
            return [self.record(place, row) for place, row in rows]
        name, value = self.value(stem)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problems.add(Place(name), "", "", "a list of entries was expected")
            return []
        return [self.record(Place(name, f"entry {n}"), item) for n, item in enumerate(value, 1)]

    def mapping(self, stem: str) -> tuple[str, dict[str, Any]]:
        name, value = self.value(stem)
        if value is not None and not isinstance(value, dict):
            self.problems.add(Place(name), "", "", "a mapping of names to entries was expected")
        return name, value if isinstance(value, dict) else {}

    def record(self, place: Place, data: object) -> Record:
        return Record(place, data, self.problems, zone=self.options.zone, dates=self.dates)

    def link(self, record: Record, name: str, *, limit: int = 500) -> str:
        """A public address; one that is none is left out with a warning, for a broken link is no broken programme."""
        return self.address(
            _INVISIBLE.sub("", record.text(name)), Place(record.place.file, record.place.row), name, limit
        )

    def address(self, value: str, place: Place, name: str, limit: int = 500) -> str:
        value = value.strip()
        if not value or value.lower() in _NOBODY:
            return ""
        if is_web_address(value) and len(value) <= limit:
            return value
        self.warnings.add("no whole web address, left out", f"{place}, {name}", value)
        return ""

    def join_url(self, record: Record, name: str) -> str:
        return self.link(record, name, limit=limit_of(Session, "join_url_private"))

    def video(self, record: Record, name: str) -> str:
        """The page of a SlidesLive talk, from its number, or any video's address."""
        value = _INVISIBLE.sub("", record.text(name)).strip()
        if value.lower() in _NOBODY:
            return ""
        if is_web_address(value):
            return self.link(record, name, limit=limit_of(Paper, "video_url"))
        if not (value.isascii() and value.isdigit() and 4 <= len(value) <= 12):
            record.problem(name, value, "the number of a talk at SlidesLive, or an address")
            return ""
        return f"https://slideslive.com/{value}"

    def people(self, record: Record, name: str, *, affiliation: str = "", biography: str = "") -> list[str]:
        """Names of a field, known to the programme from then on. Facts about a person are given where it names one."""
        value = record.data.get(name)
        if isinstance(value, list):
            names = [text for text in record.texts(name) if text.lower() not in _NOBODY]
        else:
            names = names_of(record.text(name))
        alone = len(names) == 1
        return self.mention(
            record, name, names, affiliation=affiliation if alone else "", biography=biography if alone else ""
        )

    def mention(
        self, record: Record, name: str, names: list[str], *, affiliation: str = "", biography: str = ""
    ) -> list[str]:
        found = []
        for person in dict.fromkeys(names):
            if len(person) > limit_of(Person, "name"):
                record.problem(name, person, f"names of at most {limit_of(Person, 'name')} characters")
                continue
            entry = PersonEntry(
                record.place, person, affiliation[: limit_of(Person, "affiliation")], biography=biography
            )
            found.append(self.programme.mention(entry))
        return found

    def authors(self, record: Record, name: str, *, separator: str = "|") -> list[Author]:
        """Authors in their order; a trailing `*` marks equal contribution and is no part of the name."""
        authors = []
        for text in record.texts(name, separator=separator):
            author = Author(text.rstrip("* ") or text, equal_contribution=text.endswith("*"))
            if author.name.lower() in _NOBODY:
                continue
            authors += [author] if self.mention(record, name, [author.name]) else []
        return authors

    def finish(self, *, skipped: Iterable[str] = ()) -> Programme:
        """The programme, with its warnings and a word about files that nothing was read from."""
        kinds = {".csv", ".tsv", ".json", ".yml", ".yaml", ".xlsx"}
        names = sorted(p.name for p in self.programme.folder.iterdir() if p.suffix in kinds and p.name not in self.read)
        unread = [name for name in names if name not in set(skipped)]
        if unread:
            more = f" and {len(unread) - 20} more" if len(unread) > 20 else ""
            self.programme.notes.append(f"Not read: {', '.join(unread[:20])}{more}")
        self.programme.notes += self.warnings.notes() + keep_meetings_private(self.programme)
        return self.programme


def as_text(value: Any) -> Any:
    """Numbers and truth values of JSON as the texts they are written as; None stays."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def names_of(text: str) -> list[str]:
    """People of a text: parted by `|`, `·` or `;`, else by commas, "and", "&" and `/`, but not inside of brackets.

    "Lovelace, Ada" alone stays one name. A bracket at the end of a name (an affiliation) is no part of it.
    """
    text = _CALLED.sub("", " ".join(_INVISIBLE.sub("", text).split()))
    sign = next((sign for sign in "|·;" if sign in text), "")
    parts = text.split(sign) if sign else _outside_brackets(text)
    names: list[str] = []
    for part in parts:
        name = re.sub(r"\s*\([^()]*\)$", "", part.strip())
        name = re.sub(r",?\s*et al\.?$", "", name.strip(" ,"))
        if names and _SUFFIXES.fullmatch(name):
            names[-1] = f"{names[-1]}, {name}"
        elif name.lower() not in _NOBODY:
            names.append(name)
    if not sign and len(names) == 2 and "," in text and all(" " not in name for name in names):
        return [text.strip()]
    return names


def _outside_brackets(text: str) -> list[str]:
    parts, start, depth = [], 0, 0
    for match in re.finditer(r"[()]|\s*,\s*(?:and\s+|&\s*)?|\s+and\s+|\s+&\s+|\s*/\s*", text):
        if match[0] in "()":
            depth = max(0, depth + (1 if match[0] == "(" else -1))
        elif not depth:
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def material_links(source: Source, record: Record, name: str) -> list[dict[str, str]]:
    """Links of `[text](url)|[text](url)`, or of a plain address."""
    text = record.text(name)
    found = _MARKDOWN_LINK.findall(text) or ([("Material", text)] if text else [])
    links = []
    for label, url in found:
        if address := source.address(url, record.place, name):
            links.append({"label": (label.strip() or "Material")[:80], "url": address})
    return links


def session_name(name: str) -> str:
    """`P-Live Presentation`, `W-Live Session`, `S-Session 1 with …` without the letter that old sites sort them by."""
    return re.sub(r"^[A-Z]-(?=\S)", "", name.strip())
