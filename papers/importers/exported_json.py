"""The JSON file that this site exports (docs/exporting.md), read back: a conference moved from one site to another.

Private fields are in no export, and files stay where they are: addresses of talks become `video_url` where a player is
known, those of posters and slides become links.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from papers.models import Conference, Event, Keyword, Page, Paper, Person, Session, Sponsor, Track

from .options import ReadOptions
from .problems import Place, Problems
from .programme import (
    Author,
    ConferenceEntry,
    EventEntry,
    PageEntry,
    PaperEntry,
    PersonEntry,
    PresentationEntry,
    Programme,
    SessionEntry,
    SponsorEntry,
)
from .reading import read_json
from .records import Record, limit_of

NAME = "json"
TITLE = "miniconf JSON"
_FILES = (("poster_file", "Poster"), ("slides_file", "Slides"))
_HEAD = 400  # bytes in which the file says what it is


def _file(folder: Path) -> Path | None:
    for path in sorted(folder.glob("*.json")):
        with path.open("rb") as file:
            if b'"format": "miniconf"' in file.read(_HEAD):
                return path
    return None


def recognises(folder: Path) -> bool:
    return _file(folder) is not None


def source_name(folder: Path) -> str:
    return ""


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    programme = Programme(source=options.source, folder=folder)
    path = _file(folder)
    data = read_json(path, problems) if path is not None else None
    if path is None or not isinstance(data, dict):
        if not problems.found:
            problems.add(Place(folder.name), "", "", 'a JSON file that says "format": "miniconf" was expected')
        return programme
    if data.get("version") != 1:
        problems.add(Place(path.name), "version", data.get("version"), "1")
        return programme
    reader = _Reader(path.name, data, programme, problems)
    reader.conference()
    reader.people()
    reader.papers()
    reader.events()
    reader.sponsors()
    reader.sessions()
    reader.pages()
    return programme


class _Reader:
    def __init__(self, file: str, data: dict[str, Any], programme: Programme, problems: Problems) -> None:
        self.file, self.data, self.programme, self.problems = file, data, programme, problems
        self.names: dict[str, str] = {}  # of people, by slug

    def _records(self, what: str) -> list[Record]:
        items = self.data.get(what, [])
        if not isinstance(items, list):
            self.problems.add(Place(self.file), what, type(items).__name__, "a list")
            return []
        return [Record(Place(self.file, f"{what} {n}"), item, self.problems) for n, item in enumerate(items, 1)]

    def _people(self, record: Record, field: str) -> list[str]:
        names = []
        for slug in record.texts(field):
            if slug in self.names:
                names.append(self.names[slug])
            else:
                record.problem(field, slug, "the slug of somebody among people")
        return list(dict.fromkeys(names))

    def conference(self) -> None:
        record = Record(Place(self.file, "conference"), self.data.get("conference"), self.problems)
        self.programme.conference = ConferenceEntry(
            place=record.place,
            name=record.text("name", required=True, limit=limit_of(Conference, "name")),
            tagline=record.text("tagline", limit=limit_of(Conference, "tagline")),
            about=record.text("about"),
            starts_on=record.date("starts_on"),
            ends_on=record.date("ends_on"),
            timezone=record.timezone("timezone") or "UTC",
        )

    def people(self) -> None:
        """Two people of one name are told apart by the slug behind it: within a source a name is one person."""
        for record in self._records("people"):
            slug = record.text("slug", required=True)
            name = record.text("name", required=True, limit=limit_of(Person, "name"))
            if name in self.programme.people:
                name = f"{name} ({slug})"
            self.names[slug] = self.programme.mention(
                PersonEntry(
                    place=record.place,
                    name=name,
                    affiliation=record.text("affiliation", limit=limit_of(Person, "affiliation")),
                    biography=record.text("biography"),
                    url=record.url("url", limit=limit_of(Person, "url")),
                    image_url=record.url("image_url", limit=limit_of(Person, "image_url")),
                )
            )

    def papers(self) -> None:
        for record in self._records("papers"):
            paper = PaperEntry(
                place=record.place,
                uid=record.uid("uid", limit=limit_of(Paper, "uid")),
                title=record.text("title", required=True, limit=limit_of(Paper, "title")),
                authors=self._authors(record),
                abstract=record.text("abstract", strip=False),
                tldr=record.text("tldr", limit=limit_of(Paper, "tldr")),
                keywords=record.texts("keywords", limit=limit_of(Keyword, "name")),
                track=record.text("track", limit=limit_of(Track, "name")),
                kind=record.text("kind", limit=limit_of(Paper, "kind")),
                program=record.text("program", limit=limit_of(Paper, "program")),
                event=record.text("event"),
                year=record.integer("year", low=1900, high=2200),
                venue=record.text("venue", limit=limit_of(Paper, "venue")),
                links=record.links(),
                bibtex=record.text("bibtex"),
                video_url=record.url("video_url", limit=limit_of(Paper, "video_url")),
                thumbnail_url=record.url("thumbnail_url", limit=limit_of(Paper, "thumbnail_url")),
                highlighted=record.boolean("highlighted"),
            )
            if record.data.get("map_x") is not None:
                place = Record(record.place, {"map": [record.data["map_x"], record.data.get("map_y")]}, self.problems)
                paper.map_x, paper.map_y = place.numbers("map", count=2) or (None, None)
            for field, label in _FILES:
                if address := record.url(field, limit=500):
                    paper.links.append({"label": label, "url": address})
            self.programme.papers.append(paper)

    def _authors(self, record: Record) -> list[Author]:
        authors = []
        for item in record.records("authors", known=("person", "equal_contribution")):
            slug = item.text("person", required=True)
            if slug in self.names:
                authors.append(Author(self.names[slug], item.boolean("equal_contribution")))
            else:
                item.problem("person", slug, "the slug of somebody among people")
        return authors

    def events(self) -> None:
        for record in self._records("events"):
            self.programme.events.append(
                EventEntry(
                    place=record.place,
                    uid=record.uid("uid", limit=limit_of(Event, "uid")),
                    kind=record.choice("kind", Event.Kind.values),
                    title=record.text("title", required=True, limit=limit_of(Event, "title")),
                    abstract=record.text("abstract", strip=False),
                    people=self._people(record, "people"),
                    capacity=record.integer("capacity", low=1, high=30_000),
                    links=record.links(),
                    track=record.text("track", limit=limit_of(Track, "name")),
                    video_url=record.url("video_url", limit=limit_of(Event, "video_url")),
                    image_url=record.url("image_url", limit=limit_of(Event, "image_url")),
                )
            )

    def sponsors(self) -> None:
        for record in self._records("sponsors"):
            self.programme.sponsors.append(
                SponsorEntry(
                    place=record.place,
                    uid=record.uid("uid", limit=limit_of(Sponsor, "uid")),
                    name=record.text("name", required=True, limit=limit_of(Sponsor, "name")),
                    level=record.text("level", limit=limit_of(Sponsor, "level")),
                    description=record.text("description", strip=False),
                    url=record.url("url", limit=limit_of(Sponsor, "url")),
                    logo_url=record.url("logo_url", limit=limit_of(Sponsor, "logo_url")),
                    video_url=record.url("video_url", limit=limit_of(Sponsor, "video_url")),
                    links=record.links(),
                    people=self._people(record, "people"),
                    position=record.integer("position", low=0, high=32_767) or 0,
                )
            )

    def sessions(self) -> None:
        for record in self._records("sessions"):
            starts_at, ends_at = record.time("starts_at"), record.time("ends_at")
            if starts_at is None or ends_at is None:
                continue
            papers, presentations = self._presented(record)
            self.programme.sessions.append(
                SessionEntry(
                    place=record.place,
                    uid=record.uid("uid", limit=limit_of(Session, "uid")),
                    title=record.text("title", required=True, limit=limit_of(Session, "title")),
                    kind=record.choice("kind", Session.Kind.values),
                    starts_at=starts_at,
                    ends_at=ends_at,
                    room=record.text("room", limit=limit_of(Session, "room")),
                    track=record.text("track", limit=limit_of(Track, "name")),
                    url=record.url("url", limit=limit_of(Session, "url")),
                    event=record.text("event"),
                    sponsor=record.text("sponsor"),
                    in_schedule=record.boolean("in_schedule"),
                    description=record.text("description", strip=False),
                    chairs=self._people(record, "chairs"),
                    papers=papers,
                    presentations=presentations,
                )
            )

    def _presented(self, record: Record) -> tuple[list[str], dict[str, PresentationEntry]]:
        uids, presentations = [], {}
        for item in record.records("papers", known=("paper", "starts_at", "ends_at")):
            uid = item.text("paper", required=True)
            uids.append(uid)
            if item.data.get("starts_at") or item.data.get("ends_at"):
                presentations[uid] = PresentationEntry(
                    uid,
                    starts_at=item.time("starts_at") if item.data.get("starts_at") else None,
                    ends_at=item.time("ends_at") if item.data.get("ends_at") else None,
                )
        return uids, presentations

    def pages(self) -> None:
        for record in self._records("pages"):
            self.programme.pages.append(
                PageEntry(
                    place=record.place,
                    slug=record.uid("slug", limit=limit_of(Page, "slug")),
                    title=record.text("title", required=True, limit=limit_of(Page, "title")),
                    body=record.text("body", strip=False),
                    position=record.integer("position", low=0, high=32_767) or 0,
                )
            )
