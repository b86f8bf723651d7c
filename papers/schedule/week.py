"""A week at a glance: a column for each day, a row for each time at which something begins or ends.

Sessions that overlap become one block, which tells how many they are and links to its place in the day. The week is
read as groups of sessions with the same times, so that its cost grows with the number of different times.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Min, QuerySet

from papers.models import Session
from papers.zones import day_bounds

from .layout import anchor_of
from .pages import MOST_SESSIONS

NAMED = 3  # sessions of a block; larger blocks tell their number
LONG = dt.timedelta(hours=3)
_DAY = 24 * 60


@dataclass(slots=True)
class Group:
    """All sessions with these times."""

    starts_at: dt.datetime  # in the viewer's zone, as are all times here
    ends_at: dt.datetime
    count: int
    kind: str  # "" where they are of several kinds
    before: int = 0  # sessions of the day that start earlier


@dataclass(slots=True)
class WeekBlock:
    groups: list[Group]
    sessions: list[Session] = field(default_factory=list)  # all of them where they are few

    @property
    def starts_at(self) -> dt.datetime:
        return self.groups[0].starts_at

    @property
    def ends_at(self) -> dt.datetime:
        return max((group.ends_at for group in self.groups), key=_utc)

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)

    @property
    def kind(self) -> str:
        kinds = {group.kind for group in self.groups}
        return kinds.pop() if len(kinds) == 1 else ""

    @property
    def anchor(self) -> str:
        return anchor_of(self.starts_at)

    @property
    def page(self) -> int:
        """On which page of its day the block begins."""
        return self.groups[0].before // MOST_SESSIONS + 1

    @property
    def rows(self) -> tuple[int, int]:
        """Minutes after midnight at which the block begins and ends, by the clock on the wall; ends at midnight at most.

        In the night the clocks go back, what ends before it began by the clock gets its real length.
        """
        top = self.starts_at.hour * 60 + self.starts_at.minute
        length = max(1, int((_utc(self.ends_at) - _utc(self.starts_at)).total_seconds() // 60))
        bottom = self.ends_at.hour * 60 + self.ends_at.minute
        if self.ends_at.date() != self.starts_at.date():
            bottom = _DAY
        return top, min(bottom if bottom > top else top + length, _DAY)


@dataclass(slots=True)
class Cell:
    height: int  # in rows
    block: WeekBlock | None = None


@dataclass(slots=True)
class Row:
    minute: int  # of the day, by the clock
    size: int  # in half hours, at most 6: a night without sessions takes little room
    cells: list[Cell]  # of the columns in which a cell begins here

    @property
    def label(self) -> str:
        return f"{self.minute // 60:02}:{self.minute % 60:02}"


@dataclass(slots=True)
class Week:
    dates: list[dt.date]
    long: list[list[WeekBlock]]  # for each day what goes on beside shorter sessions for hours
    rows: list[Row]

    @property
    def has_long(self) -> bool:
        return any(self.long)


def week_dates(day: dt.date, known: list[dt.date]) -> list[dt.date]:
    """All days from the first to the last one if that is a week at most, else those of the day's calendar week."""
    first, last = known[0], known[-1]
    if (last - first).days >= 7:
        monday = day - dt.timedelta(days=day.weekday())
        in_week = [date for date in known if monday <= date < monday + dt.timedelta(days=7)]
        first, last = in_week[0], in_week[-1]
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def week_of(sessions: QuerySet[Session], dates: list[dt.date], zone: ZoneInfo) -> Week:
    """The days of a week, `dates` in order. Two queries."""
    start, end = day_bounds(dates[0], zone)[0], day_bounds(dates[-1], zone)[1]
    sessions = sessions.filter(starts_at__gte=start, starts_at__lt=end)
    by_day: dict[dt.date, list[Group]] = defaultdict(list)
    seen: dict[dt.date, int] = defaultdict(int)
    for group in _groups(sessions, zone):
        date = group.starts_at.date()
        same = [other for other in by_day[date][-1:] if _utc(other.starts_at) == _utc(group.starts_at)]
        group.before = same[0].before if same else seen[date]
        seen[date] += group.count
        by_day[date].append(group)
    columns, long = [], []
    for date in dates:
        blocks, beside = _blocks(by_day[date])
        columns.append(blocks)
        long.append(beside)
    _name_sessions(sessions, [block for blocks in (*columns, *long) for block in blocks])
    return Week(dates, long, _rows(columns))


def _groups(sessions: QuerySet[Session], zone: ZoneInfo) -> Iterable[Group]:
    rows = (
        sessions.order_by("starts_at", "ends_at")
        .values_list("starts_at", "ends_at")
        .annotate(count=Count("pk"), low=Min("kind"), high=Max("kind"))
    )
    for starts_at, ends_at, count, low, high in rows:
        same = low if low == high else ""
        yield Group(starts_at.astimezone(zone), ends_at.astimezone(zone), count, same)


def _blocks(groups: list[Group]) -> tuple[list[WeekBlock], list[WeekBlock]]:
    """Blocks of a day, and apart from them what goes on for hours beside shorter sessions: it would join them all."""
    blocks, beside = [], []
    for block in _overlapping(groups):
        short = [group for group in block.groups if _utc(group.ends_at) - _utc(group.starts_at) < LONG]
        if short and len(short) < len(block.groups):
            blocks += _overlapping(short)
            beside += _overlapping([group for group in block.groups if group not in short])
        else:
            blocks.append(block)
    return _apart_on_the_wall(blocks), beside


def _overlapping(groups: list[Group]) -> list[WeekBlock]:
    blocks: list[WeekBlock] = []
    for group in groups:
        if blocks and _utc(group.starts_at) < _utc(blocks[-1].ends_at):
            blocks[-1].groups.append(group)
        else:
            blocks.append(WeekBlock([group]))
    return blocks


def _apart_on_the_wall(blocks: list[WeekBlock]) -> list[WeekBlock]:
    """Join blocks whose rows overlap: an hour that happens twice has one row."""
    apart: list[WeekBlock] = []
    for block in sorted(blocks, key=lambda block: block.rows):
        if apart and block.rows[0] < apart[-1].rows[1]:
            apart[-1] = WeekBlock(sorted([*apart[-1].groups, *block.groups], key=lambda group: _utc(group.starts_at)))
        else:
            apart.append(block)
    return apart


def _rows(columns: list[list[WeekBlock]]) -> list[Row]:
    """The rows of the table; each cell stands in the row where it begins."""
    times = sorted({minute for blocks in columns for block in blocks for minute in block.rows})
    place = {minute: n for n, minute in enumerate(times)}
    rows = [Row(a, min(6, max(1, (b - a) // 30)), []) for a, b in pairwise(times)]
    for blocks in columns:
        free_from = 0
        for block in blocks:
            top, bottom = (place[minute] for minute in block.rows)
            if top > free_from:
                rows[free_from].cells.append(Cell(top - free_from))
            rows[top].cells.append(Cell(bottom - top, block))
            free_from = bottom
        if free_from < len(rows):
            rows[free_from].cells.append(Cell(len(rows) - free_from))
    return rows


def _name_sessions(sessions: QuerySet[Session], blocks: list[WeekBlock]) -> None:
    small = [block for block in blocks if block.count <= NAMED]
    starts = {_utc(group.starts_at) for block in small for group in block.groups}
    named = defaultdict(list)
    for session in (
        sessions.filter(starts_at__in=starts).select_related("event").order_by("starts_at", "ends_at", "title", "pk")
    ):
        named[session.starts_at, session.ends_at].append(session)
    for block in small:
        block.sessions = [s for group in block.groups for s in named[_utc(group.starts_at), _utc(group.ends_at)]]


def _utc(time: dt.datetime) -> dt.datetime:
    # Two times of one zone are compared by their clocks, which is wrong in the night the clocks change; and one of
    # the hour that happens twice equals no time of another zone.
    return time.astimezone(dt.UTC)
