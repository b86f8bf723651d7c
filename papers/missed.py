"""What somebody has missed in a period: sessions, changes of the schedule, papers, announcements, and what other apps
tell through `register` (chat: messages about one's papers). Everything is bounded and takes few queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.http import QueryDict

from . import announcements
from .models import Announcement, Bookmark, Edit, ImportChange, Paper, Session
from .queries import visible_papers, visible_sessions, with_cards
from .zones import day_bounds

if TYPE_CHECKING:
    from miniconf.accounts.models import User

MOST_SESSIONS = 40
MOST_CHANGES = 60
MOST_NEW = 10  # sessions
MOST_PAPERS = 30
MOST_ANNOUNCEMENTS = 20
MOST_ACTIVITIES = 40
LONGEST = dt.timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Period:
    start: dt.datetime
    end: dt.datetime
    name: str  # "visit", "24h", or the day
    day: dt.date | None = None
    first_visit: bool = False


@dataclass(frozen=True, slots=True)
class Activity:
    """Something another app tells: a sentence with a link."""

    title: str
    url: str
    text: str
    weight: int = 0  # the heaviest first


@dataclass(frozen=True, slots=True)
class Change:
    session: Session
    what: str  # "Moved", "Withdrawn", "Changed", "New"
    was: tuple[dt.datetime, dt.datetime] | None = None  # when it was to take place
    room: str = ""  # where it was to take place


@dataclass(slots=True)
class Missed:
    sessions: list[Session]
    more_sessions: bool
    bookmarked: set[int]  # keys of the sessions among them that are bookmarked
    changes: list[Change]
    more_new: int  # sessions that were added besides those among the changes
    papers: list[Paper]
    paper_count: int
    announcements: list[Announcement]
    activities: list[Activity] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        return not (self.sessions or self.changes or self.papers or self.announcements or self.activities)


Provider = Callable[["User", Period], Iterable[Activity]]
_providers: list[Provider] = []


def register(provider: Provider) -> Provider:
    """Have `provider` tell what went on in another app; asked once for each page."""
    if provider not in _providers:
        _providers.append(provider)
    return provider


# --- Periods ---------------------------------------------------------------------------------------------------------


def read_period(query: QueryDict, *, user: User, zone: ZoneInfo, time: dt.datetime) -> Period:
    """The period an address asks for: `?since=24h`, `?since=2027-05-03` (that day of the viewer's zone), else since the
    previous visit, a month at most. Without one, 24 hours."""
    asked = query.get("since", "")
    try:
        day = dt.date.fromisoformat(asked)
    except ValueError:
        day = None
    if day and 1900 <= day.year <= 2200:
        start, end = day_bounds(day, zone)
        return Period(start, max(start, min(end, time)), day.isoformat(), day)
    yesterday = time - dt.timedelta(hours=24)
    previous = user.previous_visit_at
    if asked == "24h":
        return Period(yesterday, time, "24h")
    return Period(max(previous or yesterday, time - LONGEST), time, "visit", first_visit=previous is None)


# --- What was missed -------------------------------------------------------------------------------------------------


def missed_by(user: User, period: Period) -> Missed:
    sessions, bookmarked = _sessions(user, period)
    changes, more_new = _changes(user, period)
    new_papers = visible_papers().filter(created_at__gt=period.start, created_at__lte=period.end)
    told = announcements.shown(period.end, user).filter(published_at__gt=period.start)
    activities = [activity for provider in _providers for activity in provider(user, period)]
    activities.sort(key=lambda activity: (-activity.weight, activity.title))
    return Missed(
        sessions=sessions[:MOST_SESSIONS],
        more_sessions=len(sessions) > MOST_SESSIONS,
        bookmarked=bookmarked,
        changes=changes,
        more_new=more_new,
        papers=list(with_cards(new_papers.order_by("-created_at", "title"))[:MOST_PAPERS]),
        paper_count=new_papers.count(),
        announcements=list(told[:MOST_ANNOUNCEMENTS]),
        activities=activities[:MOST_ACTIVITIES],
    )


def _sessions(user: User, period: Period) -> tuple[list[Session], set[int]]:
    """What ended in the period, what `user` had bookmarked first; and the keys of the latter."""
    sessions = _with_mark(visible_sessions().filter(ends_at__gt=period.start, ends_at__lte=period.end), user)
    sessions = sessions.filter(Q(in_schedule=True) | Q(mark=0)).exclude(kind=Session.Kind.BREAK)
    found = list(sessions.select_related("event").order_by("mark", "-starts_at", "title")[: MOST_SESSIONS + 1])
    return found, {session.pk for session in found if session.mark == 0}


def _with_mark(sessions: QuerySet[Session], user: User) -> QuerySet[Any]:
    """With `mark` 0 where the session, its event or one of its papers is bookmarked, else 1."""
    own = Bookmark.objects.filter(user=user)
    marked = (
        Exists(own.filter(session=OuterRef("pk")))
        | Exists(own.filter(event=OuterRef("event_id")))
        | Exists(own.filter(paper__presentations__session=OuterRef("pk")))
    )
    return sessions.annotate(mark=Case(When(marked, then=Value(0)), default=Value(1), output_field=IntegerField()))


def _changes(user: User, period: Period) -> tuple[list[Change], int]:
    """Sessions that were moved, withdrawn or otherwise changed, then the first ones that were added, bookmarked ones
    first in both; and how many more were added. An import that adds thousands hides no change of a single one."""
    touched = _with_mark(Session.objects.filter(updated_at__gt=period.start, updated_at__lte=period.end), user)
    touched = touched.filter(Q(in_schedule=True) | Q(mark=0)).select_related("event")
    touched = touched.order_by("mark", "-updated_at", "title")
    added = _applied(period).filter(action=ImportChange.Action.ADDED).values("key")
    changed = list(touched.exclude(uid__in=added)[:MOST_CHANGES])
    new = touched.filter(uid__in=added, withdrawn_at=None)
    first_new = list(new[:MOST_NEW])
    history = _history([session.uid for session in changed], period)
    changes = [_change(session, history.get(session.uid, {})) for session in changed]
    return changes + [Change(session, "New") for session in first_new], new.count() - len(first_new)


def _applied(period: Period) -> QuerySet[ImportChange]:
    """What imports did to sessions in the period."""
    return ImportChange.objects.filter(
        kind="session", run__applied_at__gt=period.start, run__applied_at__lte=period.end
    ).order_by()


def _history(uids: list[str], period: Period) -> dict[str, dict[str, Any]]:
    """For each session what its fields were at the beginning of the period, as far as imports and edits tell."""
    edited = Edit.objects.filter(
        kind="session", key__in=uids, state=Edit.State.APPLIED, created_at__gt=period.start, created_at__lte=period.end
    )
    moments = [
        *_applied(period).filter(key__in=uids).values_list("run__applied_at", "key", "before"),
        *edited.order_by().values_list("created_at", "key", "before"),
    ]
    known: dict[str, dict[str, Any]] = {}
    for _, key, before in sorted(moments, key=lambda moment: (moment[0], moment[1])):
        if isinstance(before, dict):
            known[key] = {**before, **known.get(key, {})}  # the oldest value counts
    return known


def _change(session: Session, before: dict[str, Any]) -> Change:
    if session.withdrawn_at is not None:
        return Change(session, "Withdrawn")
    was = (_time(before.get("starts_at")) or session.starts_at, _time(before.get("ends_at")) or session.ends_at)
    if was != (session.starts_at, session.ends_at):
        return Change(session, "Moved", was)
    room = before.get("room")
    if isinstance(room, str) and room != session.room:
        return Change(session, "Moved", room=room)
    return Change(session, "Changed")


def _time(value: object) -> dt.datetime | None:
    """A time as papers/values.py writes it; None for anything else."""
    try:
        time = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None
