"""Plenaries, tutorials, workshops and socials as ACL 2020 and EMNLP 2020 kept them, each with its sessions."""

from __future__ import annotations

import datetime as dt
import re

from papers.models import Event, Session

from .family import Source, material_links, session_name
from .html import markdown_of_html, text_of_html
from .programme import EventEntry, SessionEntry
from .records import Record, is_web_address, limit_of
from .time_texts import TimeProblem
from .times import read_date

_UTC_SPELLING = re.compile(r"\d{4}-\d\d-\d\d_")
_PLAIN_NAME = re.compile(r"(?:live\s+)?(?:presentation|session|part)?(?:\s+\d+)?", re.IGNORECASE)
UTC_NOTE = "times like 2020-07-06_05:00:00 are read as UTC, as all sites of this kind mean them"


def span_of(
    source: Source, record: Record, start: str = "start_time", end: str = "end_time"
) -> tuple[dt.datetime, dt.datetime] | None:
    """Start and end; those spelled with `_` are UTC without saying so. A missing end is a problem."""
    if utc_unsaid(source, record, start):
        record = Record(record.place, record.data, record.problems, zone=dt.UTC, dates=record.dates)
    span = record.span(start, end)
    if span is None:
        return None
    if span[1] is None:
        record.problem(end, "", "must be given")
        return None
    return span[0], span[1]


def utc_unsaid(source: Source, record: Record, name: str) -> bool:
    if not _UTC_SPELLING.match(record.text(name)):
        return False
    note = f"{record.place.file}: {UTC_NOTE}"
    if note not in source.programme.notes:
        source.programme.notes.append(note)
    return True


class Events:
    """Events by the ids the source gives them, for links between files."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.by_id: dict[str, EventEntry] = {}
        self.with_sessions: set[str] = set()
        self._uids: dict[str, int] = {}

    def add(self, record: Record, kind: str, **fields: object) -> EventEntry:
        identifier = record.uid("UID", limit=80)
        event = EventEntry(
            place=record.place,
            uid=self.source.uid(identifier),
            kind=kind,
            title=record.text("title", required=True, limit=limit_of(Event, "title")),
            abstract=markdown_of_html(record.text("abstract")),
            image_url=picture(self.source, record, "image"),
        )
        if not event.title:
            event.title = identifier or "?"
        for name, value in fields.items():
            setattr(event, name, value)
        self.by_id[identifier] = event
        self.source.programme.events.append(event)
        return event

    def session(
        self, record: Record, event: EventEntry, name: str, span: tuple[dt.datetime, dt.datetime], **fields: object
    ) -> SessionEntry:
        """One date of an event; its id is made of its name, so that a corrected time keeps it."""
        name = session_name(text_of_html(name))
        base = f"{event.uid}-{self.source.uid(name or 'session').removeprefix(self.source.options.source + '-')}"
        base = base[: limit_of(Session, "uid") - 5]
        number = self._uids[base] = self._uids.get(base, 0) + 1
        title = event.title if _PLAIN_NAME.fullmatch(name) else f"{event.title}: {name}"
        entry = SessionEntry(
            place=record.place,
            uid=base if number == 1 else f"{base}-{number}",
            title=title[: limit_of(Session, "title")],
            kind=event.kind if event.kind in Session.Kind.values else "plenary",
            starts_at=span[0],
            ends_at=span[1],
            event=event.uid,
        )
        for key, value in fields.items():
            setattr(entry, key, value)
        self.source.programme.sessions.append(entry)
        self.with_sessions.add(event.uid)
        return entry

    def sessions(self, record: Record, event: EventEntry, *, room: str = "", items: bool = False) -> list[SessionEntry]:
        """The `sessions` of an entry. With `items`, they are its own timetable, and not in the schedule."""
        found = []
        for slot in record.records("sessions"):
            span = span_of(self.source, slot)
            if span is None:
                continue
            name = slot.text("name")
            livestream = self.source.video(slot, "livestream_id")
            entry = self.session(slot, event, name, span, url=livestream, room=room, in_schedule=not items)
            entry.join_url_private = self.source.join_url(slot, "zoom_link") or self.source.join_url(slot, "link")
            entry.chairs = self.source.people(slot, "hosts")
            if items and name:
                entry.title = session_name(text_of_html(name))[: limit_of(Session, "title")]
                entry.kind = kind_of_item(entry.title)
            found.append(entry)
        return found

    def plenaries(self) -> None:
        for record in self.source.records("plenary_sessions"):
            title = f"{record.text('UID')} {record.text('title')}".lower()
            kind = "keynote" if "keynote" in title else "panel" if "panel" in title else "plenary"
            event = self.add(record, kind, video_url=self.source.video(record, "presentation_id"))
            event.people = self.source.people(
                record, "presenter", affiliation=record.text("institution"), biography=record.text("bio")
            )
            if record.text("bio") and len(event.people) != 1:
                event.abstract = f"{event.abstract}\n\n{record.text('bio')}".strip()
            event.join_url_private = self.source.join_url(record, "zoom_link")
            self._check_days(record, self.sessions(record, event))

    def _check_days(self, record: Record, sessions: list[SessionEntry]) -> None:
        """The entry's day is kept a second time without a year, and a third as a weekday; they should agree."""
        said = " ".join(text for name in ("day", "date") if (text := record.text(name)))
        if not said or not self.source.dates:
            return
        try:
            day = read_date(said, dates=self.source.dates)
        except TimeProblem as problem:
            record.problem("date + day", said, str(problem))
            return
        for session in sessions:
            if session.starts_at.date() != day:
                what = "a session on another day (UTC) than its entry says"
                self.source.warnings.add(what, session.place, f"{session.starts_at:%Y-%m-%d}, not {said}")

    def talks(self, identifier: str) -> None:
        """`business_meeting.csv` and the like: talks shown on the page of the plenary of that name."""
        for record in self.source.records(identifier):
            event, url = self.by_id.get(identifier), self.source.video(record, "presentation_id")
            if event is None:
                self.source.warnings.add("talks of a plenary that is in no list, left out", record.place)
            elif url:
                event.links.append({"label": record.text("title")[:80] or "Talk", "url": url})

    def tutorials(self) -> None:
        for record in self.source.records("tutorials"):
            event = self.add(record, "tutorial", video_url=self.source.video(record, "prerecorded"))
            event.people = self.source.people(record, "organizers")
            event.abstract = "\n\n".join(part for part in (event.abstract, _unindented(record.text("info"))) if part)
            for label, name in (("Website", "website"), ("Slides", "slides")):
                if url := self.source.link(record, name):
                    event.links.append({"label": label, "url": url})
            event.links += material_links(self.source, record, "material")
            self.sessions(record, event)

    def socials(self) -> None:
        for record in self.source.records("socials"):
            data = {**record.data, "title": record.data.get("name"), "abstract": record.data.get("description")}
            record = self.source.record(record.place, data)
            kind = "mentoring" if "mentor" in record.text("title").lower() else "social"
            event = self.add(record, kind)
            organizers = record.data.get("organizers")
            if organizers is not None:
                group = self.source.record(record.place, organizers if isinstance(organizers, dict) else {})
                event.people = self.source.people(group, "members")
                if url := self.source.link(group, "website"):
                    event.links.append({"label": "Organizers", "url": url})
            if url := self.source.link(record, "website"):
                event.links.append({"label": "Website", "url": url})
            event.join_url_private = self.source.join_url(record, "zoom_link")
            self.sessions(record, event, room=_room(record.text("location")))


def picture(source: Source, record: Record, name: str) -> str:
    value = record.text(name)
    if value and not is_web_address(value) and value.lower() not in ("null", "none", "nan"):
        source.warnings.add("a picture that lies on the old site, left out", record.place, value)
        return ""
    return value if is_web_address(value) and len(value) <= 500 else ""


def kind_of_item(title: str) -> str:
    """What an item of a workshop's timetable is, as its title says."""
    for pattern, kind in (
        (r"\b(?:break|lunch|coffee|meal)\b", "break"),
        (r"\bposters?\b", "poster"),
        (r"\bQ\s?&\s?A\b|\bQA\b|\bdiscussion\b", "qa"),
        (r"\b(?:keynote|invited)\b", "keynote"),
        (r"\b(?:social|happy hour)\b", "social"),
        (r"\b(?:oral|talks?)\b", "oral"),
    ):
        if re.search(pattern, title, re.IGNORECASE):
            return kind
    return "workshop"


def _room(text: str) -> str:
    return "" if is_web_address(text) else text[: limit_of(Session, "room")]


def _unindented(text: str) -> str:
    """Indented lines of a paragraph would be code in Markdown."""
    return re.sub(r"\n[ \t]+", "\n", text)
