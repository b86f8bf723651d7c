"""Events: which ones a list shows, and a workshop's own timetable."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.db.models import Case, IntegerField, Min, Prefetch, Q, QuerySet, Value, When

from .models import Authorship, Event, Person, Presentation, Session
from .queries import visible_events, visible_sessions
from .words import all_words

KINDS = {
    "keynote": "Keynotes",
    "plenary": "Plenaries",
    "talk": "Talks",
    "panel": "Panels",
    "tutorial": "Tutorials",
    "workshop": "Workshops",
    "social": "Socials",
    "mentoring": "Mentoring tables",
    "other": "Other events",
}
MOST_ITEMS = 500  # of a timetable


def listed(*, kind: str = "", search: str = "", track: str = "") -> QuerySet[Event]:
    """Visible events by kind, then by their first date, then by title."""
    found = visible_events()
    if kind:
        found = found.filter(kind=kind)
    if track:
        found = found.filter(track__slug=track)
    if search:
        words = all_words(search, ["title", "abstract", "people__name", "people__affiliation"])
        found = found.filter(pk__in=visible_events().filter(words).values("pk"))
    order = Case(
        *(When(kind=name, then=Value(number)) for number, name in enumerate(KINDS)),
        default=Value(len(KINDS)),
        output_field=IntegerField(),
    )
    dated = Q(sessions__withdrawn_at=None, sessions__in_schedule=True)
    first = Min("sessions__starts_at", filter=dated)
    return found.annotate(kind_order=order, first=first).order_by("kind_order", "first", "title")


def kinds_present() -> dict[str, str]:
    """Kinds there are events of, with their labels."""
    present = Counter(visible_events().order_by().values_list("kind", flat=True))
    return {name: label for name, label in KINDS.items() if present[name]}


@dataclass(slots=True)
class Day:
    date: dt.date
    items: list[Session] = field(default_factory=list)


def timetable(event: Event, zone: ZoneInfo) -> list[Day]:
    """The event's own items by day of `zone`, with their people and papers (`item.slots`)."""
    authorships = Authorship.objects.select_related("person").order_by("position")
    slots = (
        Presentation.objects.filter(paper__withdrawn_at=None)
        .select_related("paper")
        .prefetch_related(Prefetch("paper__authorships", authorships))
        .order_by("position", "pk")
    )
    items = (
        visible_sessions()
        .filter(event=event, in_schedule=False)
        .order_by("starts_at", "ends_at", "title")
        .prefetch_related(
            Prefetch("chairs", Person.objects.order_by("name")), Prefetch("presentations", slots, "slots")
        )
    )
    days: list[Day] = []
    for item in items[:MOST_ITEMS]:
        date = item.starts_at.astimezone(zone).date()
        if not days or days[-1].date != date:
            days.append(Day(date))
        days[-1].items.append(item)
    return days
