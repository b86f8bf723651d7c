"""Which papers were talked about most, and whose demos were tried most: of a day, or of the whole conference."""

from __future__ import annotations

import datetime as dt
import threading
import time
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from chat.models import Message
from demos.models import Run
from papers.models import Conference, Paper
from papers.queries import visible_papers
from papers.zones import day_bounds, named_zone

from .models import Appearance
from .site.menu import entries

SHOWN = 20  # papers in each list
MOST_READ = 200  # rooms that are looked at: some belong to papers that were withdrawn
MOST_DAYS = 60
KEPT_FOR = 60.0  # seconds that a process goes by what it counted
PREFIX = "paper:"


@dataclass(frozen=True, slots=True)
class Discussed:
    paper: Paper
    messages: int
    questions: int  # among the messages


@dataclass(frozen=True, slots=True)
class Tried:
    paper: Paper
    runs: int


@dataclass(frozen=True, slots=True)
class Popular:
    discussed: list[Discussed]
    tried: list[Tried]


def is_on(appearance: Appearance | None = None) -> bool:
    """Whether organizers have given the page a place in the menu or the footer; at first it has none."""
    found = entries(appearance or Appearance.current())
    return any(entry.what == "popular" and entry.place != "hidden" for entry in found)


def days_of(conference: Conference, today: dt.date) -> list[dt.date]:
    """The conference's days up to today, in its own zone."""
    first, last = conference.starts_on, conference.ends_on or conference.starts_on
    if first is None or last is None:
        return []
    count = min(MOST_DAYS, (min(last, today) - first).days + 1)
    return [first + dt.timedelta(days=n) for n in range(count)]


def zone_of(conference: Conference) -> ZoneInfo:
    return named_zone(conference.timezone) or ZoneInfo("UTC")


class _Kept:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[dt.date | None, tuple[float, Popular]] = {}

    def of(self, day: dt.date | None, zone: ZoneInfo) -> Popular:
        until, found = self._found.get(day, (0.0, Popular([], [])))
        if time.monotonic() < until:
            return found
        found = _count(day, zone)
        with self._lock:
            if len(self._found) > MOST_DAYS:
                self._found.clear()
            self._found[day] = time.monotonic() + KEPT_FOR, found
        return found

    def forget(self) -> None:
        with self._lock:
            self._found.clear()


_kept = _Kept()
popular, forget = _kept.of, _kept.forget


def _count(day: dt.date | None, zone: ZoneInfo) -> Popular:
    """Four queries. What was deleted or hidden does not count, nor do withdrawn papers and demos nobody can see."""
    messages = Message.objects.filter(room__key__startswith=PREFIX, deleted_at=None, hidden_at=None)
    runs = Run.objects.filter(demo__enabled=True, demo__paper__isnull=False, demo__paper__withdrawn_at=None)
    if day is not None:
        start, end = day_bounds(day, zone)
        messages = messages.filter(created_at__gte=start, created_at__lt=end)
        runs = runs.filter(created_at__gte=start, created_at__lt=end)
    said = list(
        messages.order_by()
        .values_list("room__key")
        .annotate(count=Count("pk"), questions=Count("pk", filter=~Q(asked=Message.Asked.NO)))
        .order_by("-count", "room__key")[:MOST_READ]
    )
    tried = list(
        runs.order_by()
        .values_list("demo__paper_id")
        .annotate(count=Count("pk"))
        .order_by("-count", "demo__paper_id")[:SHOWN]
    )
    by_uid = {
        paper.uid: paper
        for paper in visible_papers()
        .filter(uid__in=[key.removeprefix(PREFIX) for key, _, _ in said])
        .only("uid", "title")
    }
    by_key = {paper.pk: paper for paper in visible_papers().filter(pk__in=[pk for pk, _ in tried]).only("uid", "title")}
    discussed = [
        Discussed(by_uid[uid], count, questions)
        for key, count, questions in said
        if (uid := key.removeprefix(PREFIX)) in by_uid
    ]
    return Popular(discussed[:SHOWN], [Tried(by_key[pk], count) for pk, count in tried if pk in by_key])
