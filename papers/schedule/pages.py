"""The days and lists of the schedule: what one page shows, read with few queries and bounded however long a day is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from miniconf.rendering import render_inline
from papers.models import Presentation, Session
from papers.zones import day_bounds

from .layout import Day, Slot, day_of, slot_of, slots_by_day

MOST_SESSIONS = 200  # of one page
MOST_EARLIER = 20
NAMED_PAPERS = 2  # of each session
PRINTED_PAPERS = 100  # of each session, on paper, where nothing can be opened


@dataclass(slots=True)
class Page:
    days: list[Day] = field(default_factory=list)
    earlier: list[Slot] = field(default_factory=list)  # begun the day before and still going on
    number: int = 1  # of this day, where it is longer than a page
    has_next: bool = False
    next_day: dt.date | None = None  # where an agenda goes on


def dates_of(sessions: QuerySet[Session], zone: ZoneInfo) -> list[dt.date]:
    """The days of `zone` on which something starts."""
    starts = sessions.order_by("starts_at").values_list("starts_at", flat=True).distinct()
    return sorted({start.astimezone(zone).date() for start in starts})


def chosen_day(asked: dt.date | None, known: list[dt.date], today: dt.date) -> dt.date | None:
    """The day asked for if there is one, else today, else the next one, else the first."""
    if asked in known:
        return asked
    return next((day for day in known if day >= today), known[0] if known else None)


def day_page(sessions: QuerySet[Session], date: dt.date, zone: ZoneInfo, *, number: int = 1) -> Page:
    """One day, laid out in lanes; `number` counts the pages of a day too long for one."""
    start, end = day_bounds(date, zone)
    first = (number - 1) * MOST_SESSIONS
    of_the_day = _in_order(sessions.filter(starts_at__gte=start, starts_at__lt=end))
    rows = list(of_the_day[first : first + MOST_SESSIONS + 1])
    page = Page(_days(rows[:MOST_SESSIONS], zone), number=number, has_next=len(rows) > MOST_SESSIONS)
    if number == 1:
        page.earlier = _going_on(sessions, start, zone)
    return page


def print_page(sessions: QuerySet[Session], date: dt.date, zone: ZoneInfo, *, number: int = 1) -> Page:
    """An agenda with the papers of each session."""
    page = agenda_page(sessions, date, zone, number=number)
    slots = [slot for day in page.days for block in day.blocks for slot in block.slots]
    for slot in slots:
        slot.papers.clear()
    _name_papers(slots, PRINTED_PAPERS)
    return page


def agenda_page(sessions: QuerySet[Session], date: dt.date, zone: ZoneInfo, *, number: int = 1) -> Page:
    """A list by day from `date` on: as many whole days as fit, or a part of one that does not."""
    start, end = day_bounds(date, zone)
    rows = list(_in_order(sessions.filter(starts_at__gte=start))[: MOST_SESSIONS + 1])
    fits = len(rows) <= MOST_SESSIONS
    next_day = None if fits else rows[-1].starts_at.astimezone(zone).date()
    if number > 1 or next_day == date:
        page = day_page(sessions, date, zone, number=number)
        if not page.has_next:
            later = (
                sessions.filter(starts_at__gte=end).order_by("starts_at").values_list("starts_at", flat=True).first()
            )
            page.next_day = later.astimezone(zone).date() if later else None
        return page
    whole = [row for row in rows if next_day is None or row.starts_at.astimezone(zone).date() < next_day]
    return Page(_days(whole, zone), _going_on(sessions, start, zone), next_day=next_day)


def _in_order(sessions: QuerySet[Session]) -> QuerySet[Session]:
    return sessions.select_related("event", "track").order_by("starts_at", "ends_at", "title", "pk")


def _going_on(sessions: QuerySet[Session], start: dt.datetime, zone: ZoneInfo) -> list[Slot]:
    rows = _in_order(sessions.filter(starts_at__lt=start, ends_at__gt=start))[:MOST_EARLIER]
    return [slot_of(session, zone) for session in rows]


def _days(rows: list[Session], zone: ZoneInfo) -> list[Day]:
    by_day = slots_by_day(rows, zone)
    _name_papers([slot for slots in by_day.values() for slot in slots])
    return [day_of(date, by_day[date]) for date in sorted(by_day)]


def _name_papers(slots: Iterable[Slot], most: int = NAMED_PAPERS) -> None:
    """Give each slot the first papers of its session and their number; one query."""
    by_session = {slot.session.pk: slot for slot in slots}
    rows = (
        Presentation.objects.filter(session__in=by_session, paper__withdrawn_at=None)
        .annotate(
            place=Window(RowNumber(), partition_by=[F("session_id")], order_by=["position", "pk"]),
            count=Window(Count("pk"), partition_by=[F("session_id")]),
        )
        .filter(place__lte=most)
        .order_by("session_id", "place")
        .values_list("session_id", "paper__uid", "paper__title", "count")
    )
    for session_id, uid, title, count in rows:
        slot = by_session[session_id]
        slot.papers.append((reverse("paper", args=[uid]), render_inline(title)))
        slot.paper_count = count
