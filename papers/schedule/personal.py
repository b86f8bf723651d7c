"""What is on somebody's own schedule, and why: bookmarks, places at tables, what they present, chair or speak at.

The same few queries answer for one person (the page, the calendar feed) and for everybody at once (reminders).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.db.models import Model, Q, QuerySet

from papers.models import Authorship, Bookmark, Event, Paper, Presentation, Seat, Session
from papers.queries import visible_events, visible_papers, visible_sessions

if TYPE_CHECKING:
    from miniconf.accounts.models import User

MOST_ENTRIES = 500  # of one person; the next ones in the order of time are left out
MOST_CLASHES = 3  # named with each entry

REASONS = {
    "session": "Bookmarked",
    "event": "Bookmarked event",
    "paper": "Bookmarked paper",
    "seat": "You have a place",
    "waiting": "You are on the waiting list",
    "presents": "You present",
    "chairs": "You chair this session",
    "speaks": "You take part",
}


class Cause(NamedTuple):
    """That a session is on a person's schedule, as a row of a query."""

    user_id: int | None
    session_id: int
    starts_at: dt.datetime | None  # the paper's own times in the session, if it has any
    ends_at: dt.datetime | None
    reason: str  # key of REASONS
    kind: str  # of what `pk` is the key: "session", "event", "paper"
    pk: int


@dataclass(slots=True)
class Reason:
    name: str  # key of REASONS
    thing: Paper | Session | Event

    @property
    def text(self) -> str:
        return REASONS[self.name]

    @property
    def is_bookmark(self) -> bool:
        return self.name in ("session", "event", "paper")


@dataclass(slots=True)
class Entry:
    """A session, or a paper's own time in one, on somebody's schedule."""

    session: Session
    starts_at: dt.datetime
    ends_at: dt.datetime
    reasons: list[Reason] = field(default_factory=list)
    own_time: bool = False  # a paper's, not its session's
    clashes: list[Entry] = field(default_factory=list)  # the first few that overlap

    @property
    def title(self) -> str:
        """The paper's, where the entry is its own time."""
        papers = [reason.thing.title for reason in self.reasons if isinstance(reason.thing, Paper)]
        return papers[0] if self.own_time and papers else self.session.title

    @property
    def bookmarked(self) -> bool:
        """Whether the session itself is."""
        return any(reason.name == "session" for reason in self.reasons)

    @property
    def further_reasons(self) -> list[Reason]:
        return [reason for reason in self.reasons if reason.name != "session"]

    @property
    def is_settled(self) -> bool:
        """On the schedule whatever is bookmarked."""
        return any(not reason.is_bookmark for reason in self.reasons)


# --- Causes ----------------------------------------------------------------------------------------------------------


class Source(NamedTuple):
    """A query that says of which sessions people have something on their schedule. Paths are those of its rows."""

    rows: QuerySet[Any]
    reason: str
    user: str
    session: str  # path to the session, ending in "__" unless the row is one
    kind: str
    thing: str  # path to the key of the bookmarked paper, the event, ...
    presentation: str | None = None  # path to the presentation, where it is by a paper
    only: tuple[tuple[str, Any], ...] = ()


def _by_event(rows: QuerySet[Any], reason: str, user: str = "user_id") -> Source:
    only = (("event__withdrawn_at", None), ("event__sessions__in_schedule", True))
    return Source(rows, reason, user, "event__sessions__", "event", "event_id", None, only)


def _by_paper(rows: QuerySet[Any], reason: str, user: str = "user_id") -> Source:
    presented, only = "paper__presentations__", (("paper__withdrawn_at", None),)
    return Source(rows, reason, user, f"{presented}session__", "paper", "paper_id", presented, only)


def sources() -> list[Source]:
    bookmarks, seats = Bookmark.objects.all(), Seat.objects.all()
    return [
        Source(bookmarks, "session", "user_id", "session__", "session", "session_id"),
        _by_event(bookmarks, "event"),
        _by_paper(bookmarks, "paper"),
        _by_event(seats.filter(waiting=False), "seat"),
        _by_event(seats.filter(waiting=True), "waiting"),
        _by_paper(Authorship.objects.all(), "presents", "person__user_id"),
        _by_paper(Paper.representatives.through._default_manager.all(), "presents"),
        Source(Session.objects.all(), "chairs", "chairs__user_id", "", "session", "pk"),
        _by_event(Event.people.through._default_manager.all(), "speaks", "person__user_id"),
    ]


def causes(*, user: User | None = None, within: tuple[dt.datetime, dt.datetime] | None = None) -> Iterator[Cause]:
    """Why which session is on whose schedule: of one person or of everybody, of all time or starting `within`.

    The end of `within` belongs to it, its start does not.
    """
    for source in sources():
        # All in one filter, so that all conditions are about the same session.
        condition = Q(
            **{f"{source.session}pk__isnull": False, f"{source.session}withdrawn_at": None}, **dict(source.only)
        )
        condition &= Q(**({source.user: user.pk} if user else {f"{source.user}__isnull": False}))
        if within is not None:
            condition &= _starting(source, *within)
        times = [f"{source.presentation}{name}" for name in ("starts_at", "ends_at")] if source.presentation else []
        rows = source.rows.filter(condition).order_by().distinct()
        for user_id, session_id, pk, *own in rows.values_list(source.user, f"{source.session}pk", source.thing, *times):
            starts_at, ends_at = own or (None, None)
            yield Cause(user_id, session_id, starts_at, ends_at, source.reason, source.kind, pk)


def _starting(source: Source, after: dt.datetime, until: dt.datetime) -> Q:
    session = Q(**{f"{source.session}starts_at__gt": after, f"{source.session}starts_at__lte": until})
    if not source.presentation:
        return session
    own = f"{source.presentation}starts_at"
    return Q(**{f"{own}__gt": after, f"{own}__lte": until}) | (Q(**{f"{own}__isnull": True}) & session)


# --- Entries ---------------------------------------------------------------------------------------------------------


def my_entries(user: User) -> list[Entry]:
    """Everything on the schedule of `user`, in the order of time, with clashes."""
    return entries_of(causes(user=user))


def entries_of_bookmarks(*, sessions: Iterable[str], events: Iterable[str], papers: Iterable[str]) -> list[Entry]:
    """The same for bookmarks that a visitor keeps in the browser, given by their uids."""
    found: list[Cause] = []
    for pk in visible_sessions().filter(uid__in=sessions).values_list("pk", flat=True):
        found.append(Cause(None, pk, None, None, "session", "session", pk))
    dates = visible_sessions().filter(event__uid__in=events, event__withdrawn_at=None, in_schedule=True)
    for pk, event_id in dates.values_list("pk", "event_id"):
        found.append(Cause(None, pk, None, None, "event", "event", event_id or 0))
    presented = Presentation.objects.filter(
        paper__uid__in=papers, paper__withdrawn_at=None, session__withdrawn_at=None
    ).values_list("session_id", "starts_at", "ends_at", "paper_id")
    for session_id, starts_at, ends_at, paper_id in presented:
        found.append(Cause(None, session_id, starts_at, ends_at, "paper", "paper", paper_id))
    return entries_of(found)


def entries_of(found: Iterable[Cause]) -> list[Entry]:
    """One entry for each session and time of one person, with all the reasons for it. Four queries."""
    rows = sorted(found, key=lambda cause: list(REASONS).index(cause.reason))
    sessions = _by_key(visible_sessions().select_related("event", "track"), {cause.session_id for cause in rows})
    things: dict[str, dict[int, Any]] = {"session": sessions}
    for kind, queryset in (("paper", visible_papers()), ("event", visible_events())):
        keys = {cause.pk for cause in rows if cause.kind == kind}
        things[kind] = _by_key(queryset.only("uid", "title"), keys)
    entries: dict[tuple[int, dt.datetime, dt.datetime], Entry] = {}
    for cause in rows:
        session, thing = sessions.get(cause.session_id), things[cause.kind].get(cause.pk)
        if session is None or thing is None:
            continue
        starts_at = cause.starts_at or session.starts_at
        ends_at = max(cause.ends_at or session.ends_at, starts_at)
        own = (starts_at, ends_at) != (session.starts_at, session.ends_at)
        entry = entries.setdefault((session.pk, starts_at, ends_at), Entry(session, starts_at, ends_at, own_time=own))
        # Whoever presents a paper has mostly bookmarked it, too: a thing is named once, for the first of its reasons.
        if (cause.reason, thing) not in {(reason.name, reason.thing) for reason in entry.reasons}:
            entry.reasons.append(Reason(cause.reason, thing))
    ordered = sorted(entries.values(), key=lambda entry: (entry.starts_at, entry.ends_at, entry.title))[:MOST_ENTRIES]
    _find_clashes(ordered)
    return ordered


_Row = TypeVar("_Row", bound=Model)


def _by_key(queryset: QuerySet[_Row], keys: set[int]) -> dict[int, _Row]:
    return {row.pk: row for row in queryset.filter(pk__in=sorted(keys)[: 4 * MOST_ENTRIES])} if keys else {}


def _find_clashes(entries: list[Entry]) -> None:
    """Name with each entry the first that overlap. A session does not clash with its own papers, a workshop not with
    its own timetable, and nothing with a break."""
    open_ones: list[Entry] = []
    for entry in entries:
        open_ones = [other for other in open_ones if other.ends_at > entry.starts_at]
        for other in open_ones:
            if entry.ends_at > entry.starts_at and _clash(entry, other):
                if len(entry.clashes) < MOST_CLASHES:
                    entry.clashes.append(other)
                if len(other.clashes) < MOST_CLASHES:
                    other.clashes.append(entry)
        open_ones.append(entry)


def _clash(entry: Entry, other: Entry) -> bool:
    a, b = entry.session, other.session
    same = a.pk == b.pk or (a.event_id is not None and a.event_id == b.event_id)
    return not same and Session.Kind.BREAK not in (a.kind, b.kind)


# --- Days ------------------------------------------------------------------------------------------------------------


def by_day(entries: Iterable[Entry], zone: dt.tzinfo) -> dict[dt.date, list[Entry]]:
    """Entries under the day of `zone` on which they start; their times are those of that zone then."""
    days: dict[dt.date, list[Entry]] = defaultdict(list)
    for entry in entries:
        entry.starts_at, entry.ends_at = entry.starts_at.astimezone(zone), entry.ends_at.astimezone(zone)
        days[entry.starts_at.date()].append(entry)
    return dict(days)


def withdrawn_titles(user: User, since: dt.datetime) -> list[str]:
    """What `user` had bookmarked and will not take place: sessions and events withdrawn before their end."""
    gone = Session.objects.filter(
        Q(withdrawn_at__isnull=False) | Q(event__withdrawn_at__isnull=False), ends_at__gt=since
    ).filter(Q(bookmarks__user=user) | Q(event__bookmarks__user=user))
    return list(gone.order_by("starts_at", "title").values_list("title", flat=True).distinct()[:50])
