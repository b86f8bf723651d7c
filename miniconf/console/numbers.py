"""Numbers of the whole conference by day, track and time zone, and of each paper."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count, Min, Sum
from django.db.models.functions import TruncDate

from chat.models import Message
from demos.models import Run
from miniconf.accounts.models import User
from papers.models import Bookmark, Paper
from papers.queries import visible_papers

from .models import DayNumber

MOST_DAYS = 60
MOST_SAMPLED = 20_000  # rows that a median is taken of
MOST_PAPERS = 20_000


def days_up_to(last: date, count: int) -> list[date]:
    count = max(1, min(MOST_DAYS, count))
    return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]


def by_day(days: list[date]) -> dict[str, list[int]]:
    """Visitors, views, plays, messages, questions and runs of each day."""
    first, last = days[0], days[-1]
    counted: dict[str, dict[date, int]] = defaultdict(dict)
    rows = DayNumber.objects.filter(day__gte=first, day__lte=last).values_list("what", "day").annotate(Sum("number"))
    for what, day, number in rows.order_by():
        counted[what][day] = number
    messages = Message.objects.filter(created_at__date__gte=first, created_at__date__lte=last, deleted_at=None)
    counted["messages"] = _per_day(messages, "created_at")
    counted["questions"] = _per_day(messages.exclude(asked=Message.Asked.NO), "created_at")
    counted["runs"] = _per_day(
        Run.objects.filter(created_at__date__gte=first, created_at__date__lte=last), "created_at"
    )
    names = ("visitors", "views", "plays", "messages", "questions", "runs")
    return {name: [counted[name].get(day, 0) for day in days] for name in names}


def _per_day(rows: Any, column: str) -> dict[date, int]:
    return dict(rows.order_by().annotate(day=TruncDate(column)).values_list("day").annotate(Count("pk")))


def first_answers(since: datetime) -> float | None:
    """Median minutes from a question to the first reply to it; None where none was answered."""
    rows = (
        Message.objects.filter(created_at__gte=since, deleted_at=None, replies__isnull=False)
        .exclude(asked=Message.Asked.NO)
        .annotate(first=Min("replies__created_at"))
        .order_by("-pk")
        .values_list("created_at", "first")[:MOST_SAMPLED]
    )
    return _median((answer - asked).total_seconds() / 60 for asked, answer in rows if answer)


def run_waits(since: datetime) -> float | None:
    """Median seconds that a run of a demo waited for its place."""
    rows = Run.objects.filter(created_at__gte=since, started_at__isnull=False).order_by("-created_at")
    found = rows.values_list("created_at", "started_at")[:MOST_SAMPLED]
    return _median(max(0.0, (start - made).total_seconds()) for made, start in found if start)


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None


def time_zones() -> list[tuple[str, int]]:
    """How many members chose which zone, the commonest first."""
    rows = User.objects.filter(is_active=True).exclude(timezone="").order_by().values_list("timezone")
    return sorted(rows.annotate(Count("pk")), key=lambda row: (-row[1], row[0]))[:12]


def of_papers() -> Iterator[dict[str, Any]]:
    """Each paper's numbers: uid, title, track, views, plays, bookmarks, messages, questions, open, runs."""
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for what, key, number in (
        DayNumber.objects.exclude(key="").order_by().values_list("what", "key").annotate(Sum("number"))
    ):
        days[what][key] = number
    said: dict[str, Counter[str]] = defaultdict(Counter)
    rooms = Message.objects.filter(room__key__startswith="paper:", deleted_at=None, hidden_at=None).order_by()
    for key, asked, count in rows_of(rooms):
        said[key]["messages"] += count
        said[key]["questions"] += count if asked else 0
        said[key]["open"] += count if asked == Message.Asked.OPEN else 0
    runs = dict(Run.objects.order_by().values_list("demo__paper_id").annotate(Count("pk")))
    marks = dict(Bookmark.objects.exclude(paper=None).order_by().values_list("paper_id").annotate(Count("pk")))
    papers: Iterable[Paper] = visible_papers().select_related("track").order_by("title", "pk")[:MOST_PAPERS]
    for paper in papers:
        counts = said[f"paper:{paper.uid}"]
        yield {
            "uid": paper.uid, "title": paper.title, "track": paper.track.name if paper.track else "",
            "views": days["views"][paper.uid], "plays": days["plays"][paper.uid], "bookmarks": marks.get(paper.pk, 0),
            "messages": counts["messages"], "questions": counts["questions"], "open": counts["open"],
            "runs": runs.get(paper.pk, 0),
        }  # fmt: skip


def rows_of(rooms: Any) -> list[tuple[str, str, int]]:
    return list(rooms.values_list("room__key", "asked").annotate(Count("pk")))


COUNTED = ("views", "plays", "bookmarks", "messages", "questions", "open", "runs")


def by_track(papers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    tracks: dict[str, Counter[str]] = defaultdict(Counter)
    for paper in papers:
        tracks[paper["track"] or "No track"].update({"papers": 1, **{name: paper[name] for name in COUNTED}})
    return [{"track": name, **counts} for name, counts in sorted(tracks.items())]
