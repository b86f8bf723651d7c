"""Folders whose files have their own names and columns, read as a map says (`--map FILE`): most forks of Mini-Conf."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from pathlib import Path

from papers.models import Event, Keyword, Paper, Session, Track

from .family import Source, names_of
from .html import markdown_of_html, text_of_html
from .mapping_file import Columns, Map, Mapped, Table, mapped, read_map, rows
from .options import ReadOptions
from .problems import Place, Problems
from .programme import (
    Author,
    ConferenceEntry,
    EventEntry,
    PaperEntry,
    PresentationEntry,
    Programme,
    SessionEntry,
)
from .records import Record, limit_of, zone_named
from .times import Dates, leftovers

NAME = "map"
TITLE = "Files read by a map"


def recognises(folder: Path) -> bool:
    return False  # it takes a map to know


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    path = options.mapping
    if path is None:
        problems.add(Place("--map"), "", "", "a map of files and columns must be given with this format")
        return Programme(source=options.source, folder=folder)
    found = read_map(path, problems)
    if found is None:
        return Programme(source=options.source, folder=folder)
    zone = found.conference.timezone("timezone")
    if zone and options.zone is None:
        options = replace(options, zone=zone_named(zone))
    source = Source.of(folder, options, problems, dated=("*.csv", "*.tsv", "*.json", "*.yml"))
    first, last = found.conference.date("starts_on"), found.conference.date("ends_on")
    if first:
        source.dates = Dates(first, last or first)
    if path.parent.resolve() == folder.resolve():
        source.read.add(path.name)
    _Reader(source, found).read()
    return source.finish()


@dataclass(slots=True)
class _Reader:
    source: Source
    map: Map
    named: dict[str, SessionEntry] = field(default_factory=dict)  # by uid of the file and by title
    timed: dict[tuple[object, ...], SessionEntry] = field(default_factory=dict)
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    uids: dict[str, int] = field(default_factory=dict)
    events: dict[str, EventEntry] = field(default_factory=dict)
    papers: dict[str, PaperEntry] = field(default_factory=dict)
    listed: list[tuple[Mapped, SessionEntry, list[str]]] = field(default_factory=list)

    def read(self) -> None:
        for table in self.map.events:
            for row in rows(self.source, table.file, [table.columns]):
                self._event(mapped(self.source, row, table.columns))
        for table in self.map.sessions:
            for row in rows(self.source, table.file, [table.columns]):
                self._session(mapped(self.source, row, table.columns), table.columns)
        for table in self.map.papers:
            for row in rows(self.source, table.file, [table.columns, *table.slots]):
                self._paper(row, table)
        self._list_papers()
        self._order()
        self._conference()

    def _texts(self, record: Mapped, columns: Columns, name: str, *, limit: int | None = None) -> list[str]:
        """A list of a cell, cut at the separator the map gives, else at `|`."""
        return record.texts(name, separator=columns.separators.get(name, "|"), limit=limit)

    def _people(self, record: Mapped, columns: Columns, name: str) -> list[str]:
        if name in columns.separators:
            return self.source.mention(record, name, self._texts(record, columns, name))
        return self.source.mention(record, name, names_of(record.text(name)))

    def _event(self, record: Mapped) -> None:
        key = record.uid("uid", limit=80)
        event = EventEntry(
            place=record.place,
            uid=self.source.uid(key),
            kind=record.choice("kind", Event.Kind.values, default="other"),
            title=record.text("title", required=True, limit=limit_of(Event, "title")),
            abstract=markdown_of_html(record.text("abstract")),
            people=self.source.people(
                record, "people", affiliation=record.text("affiliation"), biography=record.text("biography")
            ),
            video_url=self.source.video(record, "video"),
            image_url=self.source.link(record, "image"),
            join_url_private=self.source.join_url(record, "join_url"),
        )
        self.events[key] = event
        self.source.programme.events.append(event)

    def _session(self, record: Mapped, columns: Columns) -> None:
        span = _span(record)
        title = text_of_html(record.text("title", required=True))
        key = record.text("uid") or title
        if span is None or not title:
            return
        event = self.events.get(record.text("event"))
        if record.text("event") and event is None:
            record.problem("event", record.text("event"), "the uid of an event of the map's tables")
        entry = self._add(record, key, title, span)
        entry.description = markdown_of_html(record.text("description"))
        entry.url = self.source.link(record, "url")
        entry.join_url_private = self.source.join_url(record, "join_url")
        entry.event = event.uid if event else ""
        entry.chairs = self._people(record, columns, "chairs")
        self.named.setdefault(key, entry)
        self.named.setdefault(title, entry)
        self.listed.append((record, entry, self._texts(record, columns, "papers")))

    def _add(self, record: Mapped, name: str, title: str, span: tuple[dt.datetime, dt.datetime]) -> SessionEntry:
        base = self.source.uid(name)
        number = self.uids[base] = self.uids.get(base, 0) + 1
        entry = SessionEntry(
            place=record.place,
            uid=base if number == 1 else f"{base}-{number}",
            title=title[: limit_of(Session, "title")],
            kind=record.choice("kind", Session.Kind.values, default="other"),
            starts_at=span[0],
            ends_at=span[1],
            room=record.text("room")[: limit_of(Session, "room")],
            track=record.text("track")[: limit_of(Track, "name")],
        )
        self.source.programme.sessions.append(entry)
        return entry

    def _paper(self, row: Record, table: Table) -> None:
        columns = table.columns
        record = mapped(self.source, row, columns)
        paper = PaperEntry(
            place=row.place,
            uid=record.uid("uid", limit=limit_of(Paper, "uid")),
            title=record.text("title", required=True, limit=limit_of(Paper, "title")),
            authors=self._authors(record, columns),
            abstract=record.text("abstract", strip=False),
            tldr=record.text("tldr", limit=limit_of(Paper, "tldr")),
            keywords=list(dict.fromkeys(self._texts(record, columns, "keywords", limit=limit_of(Keyword, "name")))),
            track=record.text("track", limit=limit_of(Track, "name")),
            kind=record.text("kind", limit=limit_of(Paper, "kind")),
            program=record.text("program", limit=limit_of(Paper, "program")),
            year=record.integer("year", low=1900, high=2200),
            venue=record.text("venue", limit=limit_of(Paper, "venue")),
            video_url=self.source.video(record, "video"),
            thumbnail_url=self.source.link(record, "thumbnail"),
            bibtex=record.text("bibtex"),
        )
        if key := record.text("event"):
            if key in self.events:
                paper.event = self.events[key].uid
            else:
                record.problem("event", key, "the uid of an event of the map's tables")
        for label, column in columns.links.items():
            if url := self.source.link(row, column):
                paper.links.append({"label": label[:80], "url": url})
        self.source.programme.papers.append(paper)
        self.papers.setdefault(paper.uid, paper)
        for slot in table.slots:
            self._slot(mapped(self.source, row, slot), slot, paper)

    def _authors(self, record: Mapped, columns: Columns) -> list[Author]:
        if "authors" in columns.separators or "|" in record.text("authors"):
            return self.source.authors(record, "authors", separator=columns.separators.get("authors", "|"))
        names = names_of(record.text("authors"))
        return [Author(name) for name in self.source.mention(record, "authors", names)]

    def _slot(self, record: Mapped, columns: Columns, paper: PaperEntry) -> None:
        """One showing of a paper: in a session of a table, by name, or in the one that its time and room make."""
        names = self._texts(record, columns, "session")
        if not record.text("time"):
            for name in names:
                if name in self.named:
                    self._show(record, self.named[name], paper)
                else:
                    record.problem("session", name, "a session of the map's tables, or a time beside it")
            return
        span = _span(record)
        if span is None:
            return
        name = names[0] if names else ""
        room, title = record.text("room"), name or record.text("title") or "Session"
        key = (name, *span, room)
        entry = self.named.get(name) or self.timed.get(key)
        if entry is None:
            identifier = name or f"{title} {span[0]:%Y-%m-%d %H%M} {room}"
            entry = self.timed[key] = self._add(record, identifier, title, span)
        own = None if (entry.starts_at, entry.ends_at) == span else span
        self._show(record, entry, paper, own)

    def _show(
        self, record: Mapped, entry: SessionEntry, paper: PaperEntry, own: tuple[dt.datetime, dt.datetime] | None = None
    ) -> None:
        if paper.uid in entry.papers:
            self.source.warnings.add("a paper stands twice in one session", record.place, paper.uid)
            return
        entry.papers.append(paper.uid)
        link = self.source.join_url(record, "join_url")
        if own or link:
            starts_at, ends_at = own or (None, None)
            entry.presentations[paper.uid] = PresentationEntry(paper.uid, starts_at, ends_at, link)
        position = record.integer("position", low=0, high=100_000)
        if position is not None:
            self.positions[entry.uid, paper.uid] = position

    def _list_papers(self) -> None:
        for record, entry, uids in self.listed:
            for uid in uids:
                if uid not in self.papers:
                    record.problem("papers", uid, "the uid of a paper (case counts)")
                elif uid not in entry.papers:
                    entry.papers.append(uid)

    def _order(self) -> None:
        """Papers with a position stand in its order, before those without; where all meet in one room, it is the
        session's."""
        for entry in self.source.programme.sessions:
            order = {uid: self.positions.get((entry.uid, uid), 1 << 30) for uid in entry.papers}
            entry.papers.sort(key=order.__getitem__)
            links = {item.join_url_private for item in entry.presentations.values()}
            if len(links) == 1 and len(entry.presentations) == len(entry.papers) > 1 and not entry.join_url_private:
                entry.join_url_private = links.pop()
                entry.presentations = {
                    uid: replace(item, join_url_private="")
                    for uid, item in entry.presentations.items()
                    if item.starts_at is not None
                }

    def _conference(self) -> None:
        programme, conference = self.source.programme, self.map.conference
        dates = self.source.dates
        if name := conference.text("name", limit=120):
            around = Dates.around(session.starts_at.date() for session in programme.sessions)
            dated = dates if conference.text("starts_on") else around
            programme.conference = ConferenceEntry(
                place=conference.place,
                name=name,
                starts_on=dated.first,
                ends_on=dated.last,
                timezone=conference.text("timezone") or str(self.source.options.zone or "UTC"),
            )
        times = [(session.place, session.starts_at) for session in programme.sessions]
        programme.notes += leftovers(times, dates if conference.text("starts_on") else None)


def _span(record: Mapped) -> tuple[dt.datetime, dt.datetime] | None:
    span = record.span("time", "end", date_field="date")
    if span is None:
        return None
    minutes = record.integer("minutes", low=1, high=24 * 60)
    ends_at = span[1] or (span[0] + dt.timedelta(minutes=minutes) if minutes else None)
    if ends_at is None:
        record.problem("end", record.text("end"), "an end: a column for it, a range of times, or minutes in constants")
        return None
    return span[0], ends_at
