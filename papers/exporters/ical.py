"""iCalendar (RFC 5545, RFC 7986): sessions as VEVENTs in UTC, for calendars that subscribe or import.

After its description each has the address of the session's page and a word about its event; X-MINICONF-PAGE has the
address again, by which the importer takes these off. CATEGORIES are the kind of session, then its track.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from icalendar import Calendar, vCategory, vText
from icalendar import Event as VEvent
from icalendar import vUri as Uri

from papers.models import Conference, Event, Person, Session
from papers.queries import visible_sessions

NAME = "ical"
TITLE = "iCalendar"
DESCRIPTION = "The sessions of the schedule, for any calendar program: times, rooms, tracks, descriptions."
CONTENT_TYPE = "text/calendar; charset=utf-8"
FILE_NAME = "schedule.ics"

MOST_PEOPLE = 20
LONGEST_ABSTRACT = 2000
REFRESH = dt.timedelta(hours=1)
_NOT_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # RFC 5545, 3.1: no controls but the tab in text


def sessions_for_calendars(*, track: str = "", kind: str = "") -> QuerySet[Session]:
    """Sessions of the schedule, of one track (by slug) or one kind where they are given."""
    sessions = visible_sessions().filter(in_schedule=True)
    if track:
        sessions = sessions.filter(track__slug=track)
    if kind:
        sessions = sessions.filter(kind=kind)
    return with_events(sessions.order_by("starts_at", "ends_at", "uid"))


def with_events(sessions: QuerySet[Session]) -> QuerySet[Session]:
    """With what `calendar_of` writes of a session's event: two queries, however many sessions."""
    return sessions.select_related("track", "event").prefetch_related(event_people())


def event_people() -> Prefetch[str]:
    return Prefetch("event__people", Person.objects.order_by("name", "pk").only("name"))


def write(stream: IO[bytes], *, private: bool = False) -> None:
    """The whole schedule; with `private`, also the meeting links that members see."""
    entries = map(entry_of, sessions_for_calendars())
    stream.write(calendar_of(entries, title=Conference.current().name, private=private))


@dataclass(frozen=True, slots=True)
class Entry:
    """A session in somebody's calendar, or the time of a paper in it."""

    session: Session
    title: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    note: str = ""  # a paragraph for the description
    own_time: bool = False


def entry_of(session: Session) -> Entry:
    return Entry(session, session.title, session.starts_at, session.ends_at)


def calendar_of(entries: Iterable[Entry], *, title: str, private: bool = False) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//miniconf//programme//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", _text(title))
    calendar.add("x-wr-calname", _text(title))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry, private=private))
    return calendar.to_ical()


def uid_of(entry: Entry) -> str:
    """A UID for all the world: the session's own where it came from a calendar, else with this site's host."""
    uid = entry.session.uid
    if entry.own_time:
        uid = f"{entry.starts_at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}-{uid}"
    return uid if "@" in uid else f"{uid}@{urlsplit(settings.SITE_URL).hostname}"


def _event(entry: Entry, *, private: bool) -> VEvent:
    event, session = VEvent(), entry.session
    page = settings.SITE_URL + session.get_absolute_url()
    event.add("uid", uid_of(entry))
    event.add("dtstamp", session.updated_at.replace(microsecond=0))
    event.add("last-modified", session.updated_at.replace(microsecond=0))
    event.add("dtstart", entry.starts_at.astimezone(dt.UTC))
    event.add("dtend", entry.ends_at.astimezone(dt.UTC))
    event.add("summary", _text(entry.title))
    parts = (session.description, page, entry.note, _about(session.event))
    event.add("description", _text("\n\n".join(part for part in parts if part)))
    if session.room:
        event.add("location", _text(session.room))
    event.add("url", session.url or page)
    categories = vCategory([session.kind])
    if session.track:
        categories.cats.append(_text(session.track.name))
    event.add("categories", categories)
    event.add("x-miniconf-page", page)
    if private and session.join_url_private:
        event.add("conference", Uri(session.join_url_private, params={"VALUE": "URI"}))
    return event


def _about(event: Event | None) -> str:
    """Title, people and abstract of the event that a session is a date of."""
    if event is None or event.withdrawn_at is not None:
        return ""
    people = ", ".join(person.name for person in list(event.people.all())[:MOST_PEOPLE])
    abstract = event.abstract if len(event.abstract) <= LONGEST_ABSTRACT else event.abstract[:LONGEST_ABSTRACT] + "…"
    return "\n".join(filter(None, (event.title, people, abstract)))


class _Text(vText):
    """As it is written: the library takes a backslash before an N (`$\\N$`, say) for a line break."""

    def to_ical(self) -> bytes:
        return rb"\\N".join(vText(piece).to_ical() for piece in self.split(r"\N"))


def _text(value: str) -> _Text:
    return _Text(_NOT_TEXT.sub("", value))
