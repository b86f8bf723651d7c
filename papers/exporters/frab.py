"""The programme as a frab schedule: days, rooms, and one event for each session. frab_xml.py and frab_json.py write it.

What the format has no place for stays behind: papers (they are links of their session), sponsors, events without a
date, meeting links, e-mail addresses. The page's address holds both uids, so that papers/importers/frab.py finds them
again: .../events/<event>/#<session>, or .../sessions/<session>/.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Prefetch
from django.urls import reverse
from django.utils.text import slugify
from django.utils.timezone import now

from papers.importers.frab_types import type_of
from papers.importers.frab_values import is_uuid, joined, subtitle_of, written_duration
from papers.models import Conference, Person, Presentation, Session, Track
from papers.queries import visible_sessions
from papers.zones import named_zone

GENERATOR = "miniconf"
SLOT = "00:05"


@dataclass(slots=True)
class Speaker:
    id: int
    guid: str
    name: str
    affiliation: str
    biography: str
    url: str
    avatar: str


@dataclass(slots=True)
class Link:
    url: str
    title: str
    type: str = ""


@dataclass(slots=True)
class Item:
    """A session, as an "event" of the format."""

    id: int
    guid: str
    slug: str
    url: str
    origin_url: str
    title: str
    subtitle: str
    type: str
    track: str
    room: str
    starts_at: dt.datetime  # in the conference's zone
    ends_at: dt.datetime
    abstract: str
    description: str
    logo: str
    persons: list[Speaker]
    links: list[Link]

    @property
    def duration(self) -> str:
        return written_duration(self.ends_at.astimezone(dt.UTC) - self.starts_at.astimezone(dt.UTC))


@dataclass(slots=True)
class Day:
    index: int
    date: dt.date
    starts_at: dt.datetime
    ends_at: dt.datetime
    rooms: dict[str, list[Item]] = field(default_factory=dict)


@dataclass(slots=True)
class Schedule:
    title: str
    acronym: str
    version: str
    starts_on: dt.date
    ends_on: dt.date
    zone: ZoneInfo
    days: list[Day]
    tracks: dict[str, str]  # slug by name

    @property
    def rooms(self) -> list[str]:
        return list(dict.fromkeys(name for day in self.days for name in day.rooms))


def schedule() -> Schedule:
    """The whole schedule, in five queries however many sessions there are."""
    conference = Conference.current()
    zone = named_zone(conference.timezone) or ZoneInfo("UTC")
    sessions = list(
        visible_sessions()
        .select_related("track", "event", "event__track")
        .prefetch_related(
            Prefetch("event__people", Person.objects.order_by("name", "pk")),
            Prefetch("chairs", Person.objects.order_by("name", "pk")),
        )
        .order_by("starts_at", "room", "uid")
    )
    acronym = acronym_of(conference.name)
    papers = _papers()
    items = [_item(session, acronym, zone, papers[session.pk]) for session in sessions]
    days = _days(items, zone) or [_day(1, conference.starts_on or now().astimezone(zone).date(), zone)]
    changed = max((session.updated_at for session in sessions), default=None)
    return Schedule(
        title=conference.name,
        acronym=acronym,
        version=changed.strftime("%Y-%m-%d %H:%M:%S UTC") if changed else "1",
        starts_on=conference.starts_on or days[0].date,
        ends_on=conference.ends_on or days[-1].date,
        zone=zone,
        days=days,
        tracks={track.name: track.slug for session in sessions if (track := _track(session))},
    )


def acronym_of(name: str) -> str:
    """At least four small letters, digits and underscores, as both schemas want it."""
    return (slugify(name).replace("-", "_") or "conference")[:40].ljust(4, "_")


def uuid_of(address: str) -> str:
    """The same UUID for the same thing on the same site; made of its address, never of an e-mail address."""
    return str(uuid5(NAMESPACE_URL, settings.SITE_URL + address))


def _papers() -> dict[int, list[Link]]:
    rows = (
        Presentation.objects.filter(session__withdrawn_at=None, paper__withdrawn_at=None)
        .order_by("session_id", "position", "pk")
        .values_list("session_id", "paper__uid", "paper__title")
    )
    found: dict[int, list[Link]] = defaultdict(list)
    for session, uid, title in rows.iterator():
        found[session].append(Link(settings.SITE_URL + reverse("paper", args=[uid]), title, "paper"))
    return found


def _item(session: Session, acronym: str, zone: ZoneInfo, papers: list[Link]) -> Item:
    event = session.event if session.event and session.event.withdrawn_at is None else None
    page = session.get_absolute_url()
    url = f"{event.get_absolute_url()}#{quote(session.uid, safe='')}" if event else page
    abstract, description = _parts(event.abstract if event else session.description)
    track = _track(session)
    slug = slugify(session.title)[:60].strip("-_") or "session"
    return Item(
        id=session.pk,
        guid=session.uid if is_uuid(session.uid) else uuid_of(page),
        slug=f"{acronym}-{session.pk:04}-{slug}",
        url=settings.SITE_URL + url,
        origin_url=session.url,
        title=session.title,
        subtitle=subtitle_of(session.title, event.title) if event else "",
        type=type_of(event.kind if event else "", session.kind, in_schedule=session.in_schedule),
        track=track.name if track else "",
        room=session.room,
        starts_at=session.starts_at.astimezone(zone),
        ends_at=session.ends_at.astimezone(zone),
        abstract=abstract,
        description=description,
        logo=event.image_url if event else "",
        persons=[_speaker(person) for person in (event.people if event else session.chairs).all()],
        links=[*(Link(link["url"], link["label"]) for link in (event.links if event else [])), *papers],
    )


def _track(session: Session) -> Track | None:
    return session.track or (session.event.track if session.event else None)


def _speaker(person: Person) -> Speaker:
    return Speaker(
        id=person.pk,
        guid=uuid_of(person.get_absolute_url()),
        name=person.name,
        affiliation=person.affiliation,
        biography=person.biography,
        url=person.url,
        avatar=person.image_url,
    )


def _parts(text: str) -> tuple[str, str]:
    """Abstract and description: the first paragraph and the rest, where the two make the same text again."""
    first, _, rest = text.partition("\n\n")
    whole = first == first.strip() and rest == rest.strip() and joined(first, rest) == text
    return (first, rest) if whole and first.count("```") % 2 == 0 else (text, "")


def _days(items: Iterable[Item], zone: ZoneInfo) -> list[Day]:
    days: dict[dt.date, Day] = {}
    for item in items:
        date = item.starts_at.date()
        day = days.setdefault(date, _day(len(days) + 1, date, zone))
        day.rooms.setdefault(item.room, []).append(item)
    return list(days.values())


def _day(index: int, date: dt.date, zone: ZoneInfo) -> Day:
    midnight = dt.datetime.combine(date, dt.time(), zone)
    return Day(index, date, midnight, dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone))


def written_time(time: dt.datetime) -> str:
    return time.isoformat(timespec="seconds")


def schema_slug(slug: str) -> str:
    """A slug as both schemas allow it, else blank."""
    return slug if re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", slug) else ""
