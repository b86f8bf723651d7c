"""frab/pentabarf schedules (schedule.xml, schedule.json), as frab, pretalx, osem and the CCC's hub write them.

An event becomes an Event and a Session, a break a session only; events with one code (or id) and title are dates of one
Event. `guid`s are ids for good and become uids; without one it is the source's name and the `id`. Schedules that
this site wrote (`generator`) come back as they were, uids included.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from papers.models import Conference, Event, Person, Session, Track

from .frab_json import HAPPENS, read_schedule_json
from .frab_types import kinds_of_own_type, kinds_of_type
from .frab_values import duration_of, guid_of, joined, joined_title, link_of, own_uids, title_of_event, web_address
from .frab_xml import read_xml
from .html import markdown_of_html, text_of_html
from .options import ReadOptions
from .private import keep_meetings_private
from .problems import Place, Problems
from .programme import ConferenceEntry, EventEntry, PersonEntry, Programme, SessionEntry
from .records import Record, is_web_address, limit_of, zone_named

NAME = "frab"
TITLE = "frab schedule"
GENERATOR = "miniconf"
_HEAD = 4096
_MARKS = (
    ("*.xml", re.compile(rb"<schedule[\s>]")),
    ("*.json", re.compile(rb'"schedule"\s*:\s*\{\s*"(?:version|base_url|conference|generator|url)"')),
)


def recognises(folder: Path) -> bool:
    return not (folder / "conference.yml").exists() and _file(folder) is not None


def _file(folder: Path) -> Path | None:
    """The schedule: XML before JSON where both are there, since they say the same."""
    for pattern, mark in _MARKS:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                with path.open("rb") as file:
                    head = file.read(_HEAD)
                if mark.search(head.replace(b"\0", b"")):  # UTF-16 has a NUL beside each letter
                    return path
    return None


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    programme = Programme(source=options.source, folder=folder)
    path = _file(folder)
    if path is None:
        problems.add(Place(folder.name), "", "", "a file schedule.xml or schedule.json was expected in the folder")
        return programme
    found = read_xml(path, problems) if path.suffix == ".xml" else read_schedule_json(path, problems)
    if found is None:
        return programme
    conference, rows = found
    record = Record(Place(path.name, "conference"), conference, problems)
    reader = _Reader(programme, record, options)
    for place, row in rows:
        reader.event(Record(place, row, problems, zone=reader.zone))
    reader.finish()
    programme.notes += keep_meetings_private(programme)
    return programme


@dataclass(slots=True)
class _When:
    starts_at: dt.datetime
    ends_at: dt.datetime


class _Reader:
    def __init__(self, programme: Programme, conference: Record, options: ReadOptions) -> None:
        self.programme = programme
        self.own = conference.text("generator") == GENERATOR
        self.base = conference.text("base_url")
        timezone = conference.timezone("time_zone_name")
        self.zone = options.zone or zone_named(timezone) if timezone else options.zone
        self.left_out: dict[str, list[str]] = {}
        self._events: dict[str, EventEntry] = {}  # by what dates of one event have in common
        self._conference(conference, timezone)

    def _conference(self, record: Record, timezone: str) -> None:
        days = sorted(filter(None, (_day(record, date) for date in record.data.get("dates", []))))
        starts_on = _day(record, record.text("start"), "start") or (days[0] if days else None)
        ends_on = _day(record, record.text("end"), "end") or (days[-1] if days else None)
        if starts_on and ends_on and ends_on < starts_on:
            record.problem("end", ends_on.isoformat(), f"not before the start, {starts_on}")
        self.programme.conference = ConferenceEntry(
            place=record.place,
            name=record.text("title", required=True, limit=limit_of(Conference, "name")),
            starts_on=starts_on,
            ends_on=ends_on,
            timezone=timezone or (self.zone.key if self.zone else "UTC"),
        )

    def event(self, record: Record) -> None:
        state = record.text("state").upper()
        if state not in HAPPENS:
            self.leave_out(f"events that are {state.lower()}", record.place.row)
            return
        title = record.text("title", required=True, limit=limit_of(Event, "title"))
        title = title if self.own else text_of_html(title)
        uid = self._uid(record)
        when = self._when(record)
        people = self._people(record)
        text = self._text(record)
        if self.own:
            event_kind, kind, in_schedule = kinds_of_own_type(record.text("type"))
        else:
            event_kind, kind = kinds_of_type(record.text("type"), title=title, bare=not people and not text)
            in_schedule = True
        if when is None or not uid:
            return
        session = SessionEntry(
            place=record.place,
            uid=uid,
            title=title,
            kind=kind,
            starts_at=when.starts_at,
            ends_at=when.ends_at,
            room=record.text("room", limit=limit_of(Session, "room")),
            track=record.text("track", limit=limit_of(Track, "name")),
            url=self._elsewhere(record),
            in_schedule=in_schedule,
        )
        self.programme.sessions.append(session)
        if event_kind:
            session.event = self._event(record, event_kind, uid, title, people, text).uid
        else:
            session.description, session.chairs = text, people

    def _event(
        self, record: Record, kind: str, session_uid: str, title: str, people: list[str], text: str
    ) -> EventEntry:
        """The event this is a date of: one that stood before, or a new one."""
        subtitle = record.text("subtitle")
        full = title_of_event(title, subtitle) if self.own else joined_title(title, text_of_html(subtitle))
        if len(full) > limit_of(Event, "title"):
            full, text = title, joined(f"*{subtitle}*", text)
        uid, _ = own_uids(record.text("url")) if self.own else ("", "")
        shared = record.text("code") or str(record.data.get("id") or "")
        key = uid if uid else f"{shared}\n{full}" if shared else session_uid
        if key not in self._events:
            self._events[key] = EventEntry(
                place=record.place,
                uid=(uid or session_uid)[: limit_of(Event, "uid")],
                kind=kind,
                title=full,
                abstract=text,
                people=people,
                links=self._links(record),
                track=record.text("track", limit=limit_of(Track, "name")),
                image_url=self._address(record, "logo", limit=limit_of(Event, "image_url")),
            )
            self.programme.events.append(self._events[key])
        return self._events[key]

    def _uid(self, record: Record) -> str:
        if self.own and (uid := own_uids(record.text("url"))[1]):
            return uid
        guid = record.text("guid")
        if guid:
            record.uid("guid", limit=limit_of(Event, "uid"))
            return guid_of(guid)
        key = record.data.get("id") or record.text("code")
        if not key or not str(key).isalnum():
            record.problem("guid", "", "a guid was expected, or an id")
            return ""
        return f"{self.programme.source}-{key}"[: limit_of(Event, "uid")]

    def _when(self, record: Record) -> _When | None:
        starts_at = self._start(record)
        if record.text("end"):
            ends_at = record.time("end")
            return _When(starts_at, ends_at) if starts_at and ends_at else None
        text = record.text("duration")
        duration = duration_of(text)
        if duration is None:
            record.problem("duration", text, "hours and minutes, like 01:30")
            return None
        try:
            return _When(starts_at, starts_at + duration) if starts_at else None
        except OverflowError:
            record.problem("duration", text, "an end in years 2 to 9998")
            return None

    def _start(self, record: Record) -> dt.datetime | None:
        """`date` if it is a time; else the day and `start`, where hours before the day's own start are after midnight."""
        date, clock = record.text("date"), record.text("start")
        if len(date) > 10 or not clock or "T" in clock:
            return record.time("date")
        day = record.data.get("day") or date
        first = record.data.get("day_start")
        if not date and isinstance(first, str) and len(first) > 15 and clock < first[11:16]:
            day = _next_day(day)
        zone = self.zone
        whole = Record(record.place, {"start": f"{date or day}T{clock}{_offset(first)}"}, record.problems, zone=zone)
        return whole.time("start")

    def _people(self, record: Record) -> list[str]:
        names = []
        for person in record.records("persons"):
            name = person.text("public_name") or person.text("name") or person.text("full_public_name")
            if not name:
                self.leave_out("people without a name", record.place.row)
                continue
            if len(name) > limit_of(Person, "name"):
                person.problem("name", name, f"at most {limit_of(Person, 'name')} characters")
                continue
            biography = person.text("biography")
            entry = PersonEntry(
                place=record.place,
                name=name,
                affiliation=person.text("affiliation", limit=limit_of(Person, "affiliation")),
                biography=biography if self.own else markdown_of_html(biography),
                url=self._address(person, "url", limit=limit_of(Person, "url")),
                image_url=self._address(person, "avatar", limit=limit_of(Person, "image_url")),
            )
            names.append(self.programme.mention(entry))
        return list(dict.fromkeys(names))

    def _text(self, record: Record) -> str:
        """Abstract and description in one Markdown text; what the description repeats of the abstract stands once."""
        abstract, description = record.text("abstract"), record.text("description")
        if self.own:
            return joined(abstract, description)
        abstract, description = markdown_of_html(abstract), markdown_of_html(description)
        return description if description.startswith(abstract) else joined(abstract, description)

    def _links(self, record: Record) -> list[dict[str, str]]:
        links = []
        for link in [*record.records("links"), *record.records("attachments")]:
            kind = link.text("type")
            if self.own and kind == "paper":
                continue  # papers of the session: they are no part of a schedule
            label = link.text("title")
            if self.own and label and is_web_address(link.text("url")):
                links.append({"label": label, "url": link.text("url")})
            elif found := link_of(link.text("url"), label, kind, base=self.base):
                links.append(found)
            else:
                self.leave_out("links without a web address", record.place.row)
        return links

    def _elsewhere(self, record: Record) -> str:
        limit = limit_of(Session, "url")
        origin = self._address(record, "origin_url", limit=limit)
        return origin if origin or self.own else self._address(record, "url", limit=limit)

    def _address(self, record: Record, field: str, *, limit: int) -> str:
        """An address, whole or below `base_url`; what is none is left out and told."""
        text = record.text(field)
        address = web_address(text, base=self.base, limit=limit)
        if text and not address:
            self.leave_out(f"what stands as {field} and is no web address", record.place.row)
        return address

    def leave_out(self, what: str, row: str) -> None:
        rows = self.left_out.setdefault(what, [])
        if row not in rows[-1:]:
            rows.append(row)

    def finish(self) -> None:
        """Tell what was left out; an event is of a track only if all its dates are."""
        tracks: dict[str, set[str]] = {}
        for session in self.programme.sessions:
            tracks.setdefault(session.event, set()).add(session.track)
        for event in self.programme.events:
            if len(tracks[event.uid]) > 1:
                event.track = ""
        for what, rows in self.left_out.items():
            more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
            self.programme.notes.append(f"Left out: {what} ({'; '.join(rows[:5])}{more})")


def _day(record: Record, text: Any, field: str = "") -> dt.date | None:
    """The date of a date or a time as it is written."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        if field:
            record.problem(field, text, "a date like 2020-04-27")
        return None


def _next_day(day: Any) -> str:
    try:
        return (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()
    except (ValueError, TypeError, OverflowError):
        return str(day)


def _offset(first: Any) -> str:
    """The offset in which the day's start is written, if it is."""
    try:
        time = dt.datetime.fromisoformat(first)
    except (ValueError, TypeError):
        return ""
    return first[-6:] if time.tzinfo is not None and first[-6:-5] in "+-" else "+00:00" if time.tzinfo else ""
