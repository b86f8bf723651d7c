"""Who an announcement is for: everybody with an account, or the people of a track or of a session.

A session's people have it on their own schedule, for any of its reasons (papers/schedule/personal.py): they present
there, speak, chair, have a place or wait for one, or have bookmarked it, its event or one of its papers; and whoever was
made its chair. A track's people are those of its sessions, and authors, representatives, speakers and bookmarks of its
papers and events. Both are looked up each time: who bookmarks a paper now sees what was told before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import OuterRef, Q, QuerySet, Subquery

from miniconf.accounts.models import User
from miniconf.people.models import Role

from .models import Announcement, Authorship, Bookmark, Event, Paper, Seat, Session
from .schedule.personal import sources

if TYPE_CHECKING:
    from miniconf.permissions import Viewer


class _Way(NamedTuple):
    """Rows that lead from people to places; paths are those of the rows."""

    rows: QuerySet[Any]
    user: str
    place: str
    only: dict[str, Any]


def _chairs(field: str) -> _Way:
    """Chairs whom organizers appointed on the site; those the programme names are among the sources."""
    place = Subquery(Session.objects.filter(uid=OuterRef("key")).values(field)[:1])
    return _Way(Role.objects.filter(kind=Role.Kind.CHAIR).annotate(place=place), "user_id", "place", {})


def _to_sessions() -> list[_Way]:
    return [*(_Way(one.rows, one.user, f"{one.session}pk", dict(one.only)) for one in sources()), _chairs("pk")]


def _to_tracks() -> list[_Way]:
    paper: dict[str, Any] = {"paper__withdrawn_at": None}
    event: dict[str, Any] = {"event__withdrawn_at": None}
    return [
        *(_Way(one.rows, one.user, f"{one.session}track", dict(one.only)) for one in sources()),
        _chairs("track_id"),
        _Way(Bookmark.objects.all(), "user_id", "paper__track", paper),
        _Way(Authorship.objects.all(), "person__user_id", "paper__track", paper),
        _Way(Paper.representatives.through._default_manager.all(), "user_id", "paper__track", paper),
        _Way(Bookmark.objects.all(), "user_id", "event__track", event),
        _Way(Seat.objects.all(), "user_id", "event__track", event),
        _Way(Event.people.through._default_manager.all(), "person__user_id", "event__track", event),
    ]


def people_of(announcement: Announcement) -> QuerySet[User]:
    """The accounts in use that it is for."""
    found = User.objects.filter(is_active=True)
    if announcement.session_id is None and announcement.track_id is None:
        return found
    ways, place = (
        (_to_sessions(), announcement.session_id) if announcement.session_id else (_to_tracks(), announcement.track_id)
    )
    reached = Q()
    for way in ways:
        rows = way.rows.filter(**{way.place: place, f"{way.user}__isnull": False}, **way.only)
        reached |= Q(pk__in=rows.order_by().values(way.user))
    return found.filter(reached)


def _among(ways: list[_Way], user: User, places: Collection[int]) -> set[int]:
    """Those of the places to which `user` belongs; one query."""
    if not places:
        return set()
    found = [
        way.rows.filter(**{way.user: user.pk, f"{way.place}__in": places}, **way.only).order_by().values_list(way.place)
        for way in ways
    ]
    return {place for (place,) in found[0].union(*found[1:])}


Target = tuple[int | None, int | None]  # keys of track and session, as an announcement has them


def own_targets(user: Viewer, targets: Iterable[Target]) -> tuple[set[int], set[int]]:
    """Of the tracks and the sessions that announcements are for, those whose people `user` is among. Two queries at most,
    none where there are no targets."""
    targets = list(targets)
    if not isinstance(user, User) or not user.is_active:
        return set(), set()
    tracks = {track for track, _ in targets if track is not None}
    sessions = {session for _, session in targets if session is not None}
    return _among(_to_tracks(), user, tracks), _among(_to_sessions(), user, sessions)


def name_of(announcement: Announcement) -> str:
    """Its audience in words: "everybody", "track “Language”"."""
    if announcement.session_id is not None and announcement.session is not None:
        return f"session “{announcement.session.title}”"
    if announcement.track_id is not None and announcement.track is not None:
        return f"track “{announcement.track.name}”"
    return "everybody"
