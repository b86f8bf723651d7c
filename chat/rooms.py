"""Which rooms there are: a room exists where something exists that it hangs on.

A kind of room is a function from the part of the key after the colon to the room's description, or None where
there is nothing of that name. What people will add more of is added here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.db.models import Q

from miniconf.serving.remembered import remembered
from papers.models import Event, Paper, Person, Session, Sponsor


@dataclass(frozen=True)
class RoomInfo:
    """What chat needs to know about the thing a room hangs on."""

    key: str
    title: str
    url: str  # of the thing's own page; "" where the room is all there is
    author_ids: frozenset[int] = field(default=frozenset())  # accounts that speak as its authors


Resolver = Callable[[str], RoomInfo | None]
_kinds: dict[str, Resolver] = {}


def room_kind(name: str) -> Callable[[Resolver], Resolver]:
    def register(resolver: Resolver) -> Resolver:
        _kinds[name] = resolver
        return resolver

    return register


def find_room(key: str) -> RoomInfo | None:
    """The room of this key ("paper:SkxSha1"), or None where there is nothing it could hang on."""
    kind, _, name = key.partition(":")
    if kind not in _kinds or not name or len(key) > 200 or "\x00" in key:
        return None

    def found() -> RoomInfo:
        room = _kinds[kind](name)
        if room is None:
            raise LookupError  # only what there is is remembered: anybody can think of rooms that there are not
        return room

    try:
        return remembered(f"room:{key}", found)
    except LookupError:
        return None


@room_kind("paper")
def _paper(uid: str) -> RoomInfo | None:
    paper = Paper.objects.filter(uid=uid, withdrawn_at=None).only("uid", "title").first()
    if paper is None:
        return None
    authors = paper.authors.exclude(user=None).values_list("user_id", flat=True)
    speaking = frozenset(authors) | frozenset(paper.representatives.values_list("pk", flat=True))
    return RoomInfo(f"paper:{uid}", paper.title, paper.get_absolute_url(), speaking)


@room_kind("event")
def _event(uid: str) -> RoomInfo | None:
    event = Event.objects.filter(uid=uid, withdrawn_at=None).only("uid", "title").first()
    if event is None:
        return None
    people = event.people.exclude(user=None).values_list("user_id", flat=True)
    return RoomInfo(f"event:{uid}", event.title, event.get_absolute_url(), frozenset(people))


@room_kind("session")
def _session(uid: str) -> RoomInfo | None:
    """Chairs, the people of its event and the authors of its papers speak as its authors."""
    session = Session.objects.filter(uid=uid, withdrawn_at=None).only("uid", "title", "event_id").first()
    if session is None:
        return None
    # One query each: joined into one, they would go through all people.
    parts = (
        Q(chaired_sessions=session),
        Q(events=session.event_id) if session.event_id is not None else None,
        Q(authorships__paper__presentations__session=session, authorships__paper__withdrawn_at=None),
    )
    known = Person.objects.exclude(user=None)
    people = {user for part in parts if part for user in known.filter(part).values_list("user_id", flat=True)}
    return RoomInfo(f"session:{uid}", session.title, session.get_absolute_url(), frozenset(people))


@room_kind("sponsor")
def _sponsor(uid: str) -> RoomInfo | None:
    sponsor = Sponsor.objects.filter(uid=uid).only("uid", "name").first()
    if sponsor is None:
        return None
    people = sponsor.people.exclude(user=None).values_list("user_id", flat=True)
    return RoomInfo(f"sponsor:{uid}", sponsor.name, sponsor.get_absolute_url(), frozenset(people))


@room_kind("lounge")
def _lounge(name: str) -> RoomInfo | None:
    return RoomInfo("lounge:main", "Lounge", "") if name == "main" else None


@room_kind("helpdesk")
def _helpdesk(name: str) -> RoomInfo | None:
    return RoomInfo("helpdesk:main", "Help desk", "") if name == "main" else None
