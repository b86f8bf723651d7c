"""iCalendar (RFC 5545): each VEVENT becomes a session, a recurring one one session for each date.

A SUMMARY may begin with `#class ` as in Mini-Conf's calendars: the kind of session. Meeting links are private wherever
they stand. Calendars that this site wrote come back as they were (papers/exporters/ical.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from django.utils.text import slugify
from icalendar import Calendar, Event

from papers.models import Conference, Session, Track

from .html import markdown_of_html
from .ical_dates import Occurrence, Reader, occurrences
from .meeting_links import is_meeting, without_meeting
from .options import ReadOptions
from .problems import Place, Problems
from .programme import ConferenceEntry, Programme, SessionEntry
from .reading import read_text
from .records import Record, is_web_address, limit_of, zone_named

NAME = "ical"
TITLE = "iCalendar"
MOST_SESSIONS = 20_000
LARGEST = 20_000_000  # characters; parsed, a calendar takes some fifty times its size in memory
_UID_NOT = re.compile(r"[/\\\s\x00-\x1f\x7f]+")
_BEGIN = re.compile(r"BEGIN:VEVENT[ \t]*", re.IGNORECASE)
_HASHTAG = re.compile(r"#([A-Za-z&]+)\s+(?=\S)")
_KINDS = {kind: kind for kind in Session.Kind.values} | {
    "talk": "oral", "talks": "oral", "orals": "oral", "posters": "poster", "q&a": "qa", "keynotes": "keynote",
    "tutorials": "tutorial", "workshops": "workshop", "socials": "social", "sponsors": "sponsor", "breaks": "break",
}  # fmt: skip


def recognises(folder: Path) -> bool:
    return any(folder.glob("*.ics")) and not any((folder / name).exists() for name in ("conference.yml", "papers.csv"))


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    programme = Programme(source=options.source, folder=folder)
    reader = _Reader(programme, options, problems)
    for path in sorted(folder.glob("*.ics")):
        text = read_text(path, problems)
        if text is not None:
            reader.file(path.name, text)
    reader.finish()
    return programme


class _Reader:
    def __init__(self, programme: Programme, options: ReadOptions, problems: Problems) -> None:
        self.programme, self.options, self.problems = programme, options, problems
        self.name, self.zone_name = "", ""
        self.cancelled: list[str] = []
        self.meetings = 0
        self.without_uid: list[SessionEntry] = []
        self.too_many: Place | None = None

    def file(self, name: str, text: str) -> None:
        if len(text) > LARGEST:
            self.problems.add(Place(name), "", "", f"too large: calendars of up to {LARGEST // 1_000_000} MB are read")
            return
        lines = [number for number, line in enumerate(text.split("\n"), 1) if _BEGIN.fullmatch(line)]
        try:
            calendars = Calendar.from_ical(text, multiple=True)
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            self.problems.add(Place(name), "", "", f"is not iCalendar: {error}")
            return
        if not calendars:
            self.problems.add(Place(name), "", "", "is not iCalendar: BEGIN:VCALENDAR was expected")
        number = 0
        for calendar in calendars:
            own_zone = zone_named(str(calendar.get("X-WR-TIMEZONE", "")))
            self.name = self.name or str(calendar.get("NAME") or calendar.get("X-WR-CALNAME") or "").strip()
            self.zone_name = self.zone_name or (own_zone.key if own_zone else "")
            events = [event for event in calendar.walk("VEVENT") if isinstance(event, Event)]
            first, number = number, number + len(events)
            rows = [f"line {line}" for line in lines[first:number]]
            rows += [f"event {first + n + 1}" for n in range(len(rows), len(events))]
            places = [Place(name, row) for row in rows]
            if str(calendar.get("METHOD", "")).upper() == "CANCEL":
                self.cancelled += [place.row for place in places]
            else:
                self.events(list(zip(places, events, strict=True)), own_zone)

    def events(self, events: list[tuple[Place, Event]], own_zone: ZoneInfo | None) -> None:
        """Events by UID, since changed dates of a recurring one are events of their own."""
        groups: dict[str, list[tuple[Place, Event]]] = defaultdict(list)
        for number, (place, event) in enumerate(events):
            uid = str(event.get("UID", "")).strip()
            groups[uid or f"\n{number}"].append((place, event))
        for uid, group in groups.items():
            if self.too_many:
                return
            whole = [pair for pair in group if "RECURRENCE-ID" not in pair[1]]
            newest = max((_sequence(event) for _, event in whole), default=0)
            whole = [pair for pair in whole if _sequence(pair[1]) == newest]
            changed = [pair for pair in group if "RECURRENCE-ID" in pair[1]]
            reader = Reader(self.problems, self.options.zone, own_zone)
            for place, event in whole or changed:
                for date in occurrences(place, event, changed if whole else [], reader):
                    self.session(date, "" if uid.startswith("\n") else uid)

    def session(self, date: Occurrence, uid: str) -> None:
        event, place = date.event, date.place
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            self.cancelled.append(place.row)
            return
        if len(self.programme.sessions) >= MOST_SESSIONS:
            self.too_many = self.too_many or place
            return
        record = Record(
            place, {name: _text(event, name) for name in ("SUMMARY", "DESCRIPTION", "LOCATION")}, self.problems
        )
        page = _text(event, "X-MINICONF-PAGE")
        kind, track = self._categories(event)
        title = record.text("SUMMARY", required=True)
        if (match := _HASHTAG.match(title)) and match[1].lower() in _KINDS and not page:
            kind, title = _KINDS[match[1].lower()], title[match.end() :]
        if len(title) > limit_of(Session, "title"):
            record.problem("SUMMARY", title, f"at most {limit_of(Session, 'title')} characters")
        if len(track) > limit_of(Track, "name"):
            record.problem("CATEGORIES", track, f"at most {limit_of(Track, 'name')} characters")
        entry = SessionEntry(
            place=place,
            uid=self._uid(uid, page, date),
            title=title,
            kind=kind or "other",
            starts_at=date.starts_at,
            ends_at=date.ends_at,
            track=track,
        )
        self._texts(entry, record, event, page)
        self.programme.sessions.append(entry)
        if not entry.uid:
            self.without_uid.append(entry)

    def _categories(self, event: Event) -> tuple[str, str]:
        """The first category that is a kind of session, and the first of the others, which is the track."""
        given = event.get("CATEGORIES", [])
        lists = given if isinstance(given, list) else [given]
        names = [str(name).strip() for one in lists for name in getattr(one, "cats", [])]
        names = [name for name in names if name]
        kind = next((name for name in names if name.lower() in _KINDS), "")
        if kind:
            names.remove(kind)
        return _KINDS.get(kind.lower(), ""), names[0] if names else ""

    def _uid(self, uid: str, page: str, date: Occurrence) -> str:
        """The UID as an id of this site; of our own calendars, the session's id."""
        own = unquote(urlsplit(page).path.rstrip("/").rpartition("/")[2]) if is_web_address(page) else ""
        if own and (uid == own or uid.startswith(f"{own}@")):
            uid = own
        elif uid:
            uid = _UID_NOT.sub("-", uid)
        if uid and date.key:
            uid = f"{uid}-{date.key}"
        return uid if len(uid) <= limit_of(Session, "uid") else str(uuid5(NAMESPACE_URL, uid))

    def _texts(self, entry: SessionEntry, record: Record, event: Event, page: str) -> None:
        """Description, place and addresses; what is a meeting link goes where only members see it."""
        description = record.text("DESCRIPTION")
        location = record.text("LOCATION")
        url = _text(event, "URL").strip()
        if page:
            before, found, _ = f"\n\n{description}".rpartition(f"\n\n{page}")
            description = before.strip() if found else description
            url = "" if url == page else url
        else:
            description, meeting, note = without_meeting(markdown_of_html(description))
            for address in (location, url, _text(event, "CONFERENCE"), _text(event, "X-GOOGLE-CONFERENCE"), meeting):
                if address and is_web_address(address) and (is_meeting(address) or address is meeting):
                    entry.join_url_private = entry.join_url_private or address[:1000]
            entry.join_note_private = note[: limit_of(Session, "join_note_private")]
            self.meetings += bool(entry.join_url_private)
            if is_web_address(location):
                url, location = ("" if is_meeting(location) else location) or url, ""
            url = "" if is_meeting(url) else url
        if page and (address := _text(event, "CONFERENCE")) and is_web_address(address):
            entry.join_url_private = address
        if url and not is_web_address(url):
            record.problem("URL", url, "an address that begins with https:// or http://")
        elif len(url) > limit_of(Session, "url"):
            record.problem("URL", url, f"at most {limit_of(Session, 'url')} characters")
        if len(location) > limit_of(Session, "room"):
            record.problem("LOCATION", location, f"at most {limit_of(Session, 'room')} characters")
        entry.description, entry.room, entry.url = description, location, url

    def finish(self) -> None:
        sessions, notes = self.programme.sessions, self.programme.notes
        self._give_uids()
        if self.too_many:
            self.problems.add(self.too_many, "", "", f"at most {MOST_SESSIONS:,} sessions are read")
        if self.name and sessions:
            zone = self.options.zone.key if self.options.zone else self.zone_name or "UTC"
            local = zone_named(zone)
            self.programme.conference = ConferenceEntry(
                place=sessions[0].place,
                name=self.name[: limit_of(Conference, "name")],
                starts_on=min(session.starts_at.astimezone(local).date() for session in sessions),
                ends_on=max(session.ends_at.astimezone(local).date() for session in sessions),
                timezone=zone,
            )
        if self.cancelled:
            shown = ", ".join(self.cancelled[:5]) + (" and more" if len(self.cancelled) > 5 else "")
            notes.append(f"Cancelled and left out: {len(self.cancelled)} ({shown})")
        if self.meetings:
            notes.append(f"Shown to members only: the meeting links of sessions that have one ({self.meetings})")

    def _give_uids(self) -> None:
        """Ids from titles for events without a UID, numbered in the order of time."""
        taken = {session.uid for session in self.programme.sessions}
        for entry in sorted(self.without_uid, key=lambda session: (session.title, session.starts_at)):
            base = f"{self.programme.source}-{slugify(entry.title, allow_unicode=True)[:80] or 'session'}"
            uid, number = base, 1
            while uid in taken:
                number += 1
                uid = f"{base}-{number}"
            taken.add(uid)
            entry.uid = uid


def _text(event: Event, name: str) -> str:
    value: Any = event.get(name, "")
    value = value[0] if isinstance(value, list) and value else value
    return str(value)


def _sequence(event: Event) -> int:
    try:
        return int(str(event.get("SEQUENCE", 0)))
    except ValueError:
        return 0
