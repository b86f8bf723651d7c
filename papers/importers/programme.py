"""The common structure every format is read into. Each entry knows its place in the source, for messages.

Text is as the source has it, with `\\n` as the only line break. Times are aware. Uids are final: a format
whose ids are not unique on a site ("1", "a") has put its source's name before them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from .problems import Place


@dataclass(slots=True)
class ConferenceEntry:
    place: Place
    name: str
    tagline: str = ""
    about: str = ""
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None
    timezone: str = "UTC"


@dataclass(slots=True)
class PersonEntry:
    """A person of this source, known by the exact name."""

    place: Place
    name: str
    affiliation: str = ""
    biography: str = ""
    url: str = ""
    image_url: str = ""
    email: str = ""  # private: links an account


@dataclass(frozen=True, slots=True)
class Author:
    name: str
    equal_contribution: bool = False


@dataclass(slots=True)
class PaperEntry:
    place: Place
    uid: str
    title: str
    authors: list[Author] = field(default_factory=list)
    abstract: str = ""
    tldr: str = ""
    keywords: list[str] = field(default_factory=list)
    track: str = ""
    kind: str = ""
    program: str = ""
    event: str = ""  # uid of the workshop it belongs to
    year: int | None = None
    venue: str = ""
    links: list[dict[str, str]] = field(default_factory=list)
    bibtex: str = ""
    video_file: str = ""
    captions_file: str = ""
    video_poster: str = ""
    video_url: str = ""
    thumbnail_file: str = ""
    poster_file: str = ""
    slides_file: str = ""
    thumbnail_url: str = ""
    map_x: float | None = None
    map_y: float | None = None
    highlighted: bool = False


@dataclass(slots=True)
class EventEntry:
    place: Place
    uid: str
    kind: str
    title: str
    abstract: str = ""
    people: list[str] = field(default_factory=list)
    capacity: int | None = None
    links: list[dict[str, str]] = field(default_factory=list)
    track: str = ""
    video_url: str = ""
    image_url: str = ""
    join_url_private: str = ""
    join_note_private: str = ""


@dataclass(frozen=True, slots=True)
class PresentationEntry:
    """A paper in a session; times only where they differ from the session's."""

    paper: str
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    join_url_private: str = ""


@dataclass(slots=True)
class SessionEntry:
    place: Place
    uid: str
    title: str
    kind: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    room: str = ""
    track: str = ""
    url: str = ""
    event: str = ""
    sponsor: str = ""
    in_schedule: bool = True  # False: an item of a workshop's own timetable
    description: str = ""
    chairs: list[str] = field(default_factory=list)  # names of people of this source
    join_url_private: str = ""
    join_note_private: str = ""
    papers: list[str] = field(default_factory=list)
    presentations: dict[str, PresentationEntry] = field(default_factory=dict)  # by uid, for papers with own times


@dataclass(slots=True)
class SponsorEntry:
    place: Place
    uid: str
    name: str
    level: str = ""
    description: str = ""
    url: str = ""
    logo_url: str = ""
    video_url: str = ""
    links: list[dict[str, str]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    join_url_private: str = ""
    join_note_private: str = ""
    position: int = 0


@dataclass(slots=True)
class PageEntry:
    place: Place
    slug: str
    title: str
    body: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class MediaEntry:
    """A file to copy to `target`, a path below MEDIA_ROOT."""

    path: Path
    target: str


@dataclass(slots=True)
class AccountEntry:
    place: Place
    email: str
    name: str
    role: str
    affiliation: str = ""
    timezone: str = ""
    papers: list[str] = field(default_factory=list)  # whose author this account may act as without being named


@dataclass(slots=True)
class Programme:
    source: str
    folder: Path
    conference: ConferenceEntry | None = None
    papers: list[PaperEntry] = field(default_factory=list)
    people: dict[str, PersonEntry] = field(default_factory=dict)
    events: list[EventEntry] = field(default_factory=list)
    sessions: list[SessionEntry] = field(default_factory=list)
    sponsors: list[SponsorEntry] = field(default_factory=list)
    pages: list[PageEntry] = field(default_factory=list)
    media: list[MediaEntry] = field(default_factory=list)
    accounts: list[AccountEntry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def mention(self, entry: PersonEntry) -> str:
        """Add a person, or what is new about one already mentioned; the first value of each field counts."""
        known = self.people.setdefault(entry.name, entry)
        if known is not entry:
            for name in ("affiliation", "biography", "url", "image_url", "email"):
                if not getattr(known, name):
                    setattr(known, name, getattr(entry, name))
        return entry.name
