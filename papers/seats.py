"""Places at tables: exactly `capacity` of them, then a waiting list in the order of arrival.

Whoever changes the seats of a table holds its row until the commit (on SQLite, writers wait for each other anyway), so
that no two people can get the last place. Who has a place keeps it when the number of places is lowered; nobody new gets
one then until there are fewer people than places. Places that come free, also by an import or an edit, go to the first
of those who wait (`fill_free_seats`, which the scheduler calls), and each of them gets one mail.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

import redis
from django.db import transaction
from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.timezone import now
from kombu.exceptions import OperationalError

from miniconf.accounts.models import User
from miniconf.serving.page_changes import forget_pages

from .models import Event, Seat, Session
from .queries import visible_events, visible_sessions

logger = logging.getLogger(__name__)

LONGEST_NOTE = 300
LONGEST_WAITING_LIST = 200


class SeatRefused(Exception):
    """Why somebody cannot have a place, as a sentence for them."""


@dataclass(frozen=True, slots=True)
class Table:
    """How the places of an event stand."""

    capacity: int
    taken: int = 0
    waiting: int = 0
    closed: bool = False  # by an organizer
    over: bool = False  # all its dates are

    @property
    def free(self) -> int:
        """Places that somebody new would get; those who wait come first."""
        return max(0, self.capacity - self.taken - self.waiting)

    @property
    def is_open(self) -> bool:
        return not self.closed and not self.over


def dates_of(event: Event) -> QuerySet[Session]:
    """When it meets; items of its own timetable are not dates of it."""
    return visible_sessions().filter(event=event, in_schedule=True).order_by("starts_at")


def is_over(event: Event) -> bool:
    dates = dates_of(event)
    return dates.exists() and not dates.filter(ends_at__gt=now()).exists()


def tables_of(events: Iterable[Event]) -> dict[int, Table]:
    """How the tables among `events` stand, by primary key; two queries, however many there are."""
    tables = {event.pk: event for event in events if event.capacity is not None}
    if not tables:
        return {}
    rows = (
        Seat.objects.filter(event__in=tables)
        .order_by()
        .values("event")
        .annotate(taken=Count("pk", filter=Q(waiting=False)), queue=Count("pk", filter=Q(waiting=True)))
    )
    counts = {row["event"]: (row["taken"], row["queue"]) for row in rows}
    dates = visible_sessions().filter(event__in=tables, in_schedule=True)
    dated = set(dates.values_list("event", flat=True))
    to_come = set(dates.filter(ends_at__gt=now()).values_list("event", flat=True))
    return {
        pk: Table(
            capacity=event.capacity or 0,
            taken=counts.get(pk, (0, 0))[0],
            waiting=counts.get(pk, (0, 0))[1],
            closed=event.seats_closed,
            over=pk in dated - to_come,
        )
        for pk, event in tables.items()
    }


def table_of(event: Event) -> Table | None:
    """How the table stands; None where the event has no limited number of places."""
    return tables_of([event]).get(event.pk)


# --- Signing up and leaving -----------------------------------------------------------------------------------------


def take_seat(*, user: User, event: Event, note: str = "") -> Seat:
    """A place for `user`, or the last place of the waiting list; a second call changes the note.

    Raises SeatRefused.
    """
    note = " ".join(note.replace("\0", "").split())
    if len(note) > LONGEST_NOTE:
        raise SeatRefused(f"A note has at most {LONGEST_NOTE} characters; yours has {len(note)}.")
    with transaction.atomic():
        table = _locked(event)
        own = Seat.objects.filter(event=table, user=user).first()
        if own is not None:
            if own.note != note:
                own.note = note
                own.save(update_fields=["note"])
            return own
        _check_open(table)
        _fill(table)
        seats = Seat.objects.filter(event=table)
        waiting = seats.filter(waiting=False).count() >= (table.capacity or 0)
        if waiting and seats.filter(waiting=True).count() >= LONGEST_WAITING_LIST:
            raise SeatRefused(f"“{table.title}” is full, and {LONGEST_WAITING_LIST} people wait already.")
        return Seat.objects.create(event=table, user=user, note=note, waiting=waiting)


def leave_seat(*, user: User, event: Event) -> bool:
    """Give up a place, or the wait for one; whoever waits longest moves up. False where there was nothing to give up."""
    with transaction.atomic():
        table = _locked(event)
        deleted, _ = Seat.objects.filter(event=table, user=user).delete()
        _fill(table)
    return bool(deleted)


def remove_seat(*, event: Event, seat_id: int) -> Seat | None:
    """Take somebody off a table's list; whoever waits longest moves up. Returns the seat that was, for a message."""
    with transaction.atomic():
        table = _locked(event)
        seat = Seat.objects.filter(event=table, pk=seat_id).select_related("user").first()
        if seat is not None:
            Seat.objects.filter(pk=seat.pk).delete()
            _fill(table)
    return seat


def clear_seats(*, event: Event) -> int:
    """Take everybody off a table's list, the waiting list included; returns how many. Nobody gets a mail."""
    with transaction.atomic():
        return Seat.objects.filter(event=_locked(event)).delete()[0]


def set_closed(*, event: Event, closed: bool) -> None:
    """Close or open the sign-up. Places that come free while it is closed still go to those who wait."""
    with transaction.atomic():
        table = _locked(event)
        table.seats_closed = closed
        table.save(update_fields=["seats_closed"])


def fill_free_seats() -> int:
    """Let people move up wherever places are free, as after an import or an edit; returns at how many tables."""
    tables = visible_events().annotate(
        taken=Count("seats", filter=Q(seats__waiting=False)), queue=Count("seats", filter=Q(seats__waiting=True))
    )
    found = list(tables.filter(queue__gt=0, capacity__gt=F("taken")))
    for event in found:
        with transaction.atomic():
            _fill(_locked(event))
    return len(found)


def _locked(event: Event) -> Event:
    """The event as it is now; nobody else changes its seats until the end of the transaction."""
    try:
        # Not its key: whatever only refers to the event need not wait.
        return visible_events().select_for_update(no_key=True).get(pk=event.pk)
    except Event.DoesNotExist:
        raise SeatRefused(f"“{event.title}” is no longer part of the programme.") from None


def _check_open(table: Event) -> None:
    if table.capacity is None:
        raise SeatRefused(f"“{table.title}” has no list of places: simply come.")
    if table.seats_closed:
        raise SeatRefused(f"The sign-up for “{table.title}” is closed.")
    if is_over(table):
        raise SeatRefused(f"“{table.title}” is over.")


def _fill(table: Event) -> None:
    """Give free places to those who wait, in the order in which they came, and have them told after the commit."""
    if table.capacity is None or is_over(table):
        return
    seats = Seat.objects.filter(event=table)
    free = table.capacity - seats.filter(waiting=False).count()
    if free <= 0:
        return
    # By number, not by time: the clocks of two machines may differ.
    moved = list(seats.filter(waiting=True).order_by("pk").values_list("pk", flat=True)[:free])
    Seat.objects.filter(pk__in=moved).update(waiting=False)
    forget_pages([f"room:event:{table.uid}"])
    for pk in moved:
        transaction.on_commit(lambda pk=pk: _tell(pk), robust=True)  # type: ignore[misc]


def _tell(seat_id: int) -> None:
    from .seat_tasks import tell_of_place

    try:
        tell_of_place.delay(seat_id)
    except (OperationalError, redis.RedisError, OSError):
        logger.warning("The queue is away: the mail on seat %s is sent at once", seat_id)
        tell_of_place(seat_id)


# --- What people see --------------------------------------------------------------------------------------------------


def seat_of(user: User, event: Event) -> Seat | None:
    """The viewer's own place, with `ahead`, how many wait before them."""
    return _with_ahead(Seat.objects.filter(user=user, event=event)).first()


def seats_of(user: User) -> list[Seat]:
    """A member's places and waits at tables that are in the programme, with `event.dates` and `ahead`."""
    dates = visible_sessions().filter(in_schedule=True).order_by("starts_at")
    seats = _with_ahead(Seat.objects.filter(user=user, event__withdrawn_at=None)).select_related("event")
    return list(seats.prefetch_related(Prefetch("event__sessions", dates, "dates"), "event__people")[:500])


def _with_ahead(seats: QuerySet[Seat]) -> QuerySet[Seat]:
    before = Seat.objects.filter(event=OuterRef("event"), waiting=True, pk__lt=OuterRef("pk")).order_by()
    count = before.values("event").annotate(number=Count("pk")).values("number")
    return seats.annotate(ahead=Coalesce(Subquery(count), 0))


def list_of(event: Event) -> tuple[list[Seat], list[Seat]]:
    """Who has a place and who waits, in order, for the host's list."""
    seats = list(Seat.objects.filter(event=event).select_related("user").order_by("pk"))
    return [s for s in seats if not s.waiting], [s for s in seats if s.waiting]


def clashes(user: User, event: Event) -> list[Session]:
    """What the member already has at the event's times: bookmarked, signed up for, or taking part in."""
    times = Q()
    for date in dates_of(event)[:20]:
        times |= Q(starts_at__lt=date.ends_at, ends_at__gt=date.starts_at)
    if not times:
        return []
    own = (
        Q(bookmarks__user=user)
        | Q(event__bookmarks__user=user)
        | Q(event__seats__user=user)
        | Q(event__people__user=user)
        | Q(chairs__user=user)
    )
    found = visible_sessions().filter(times, own, in_schedule=True).exclude(event=event)
    return list(found.select_related("event").distinct().order_by("starts_at", "title")[:5])
