"""The schedule as the viewer sees it: days of one zone, and sessions at the same time side by side."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString

from papers.models import Session

MOST_LANES = 6  # side by side on a wide screen; static/papers/schedule.css has as many
MOST_ROWS = 40


@dataclass(slots=True)
class Slot:
    """A session in its place: column `lane`, from row `top` to before row `bottom`, all counted from 1."""

    session: Session
    starts_at: dt.datetime  # in the viewer's zone
    ends_at: dt.datetime
    lane: int = 1
    top: int = 1
    bottom: int = 2
    anchor: str = ""  # what a link to this time of the day ends in; on the first session that starts then
    papers: list[tuple[str, SafeString]] = field(default_factory=list)  # address and title of the first ones
    paper_count: int = 0

    @property
    def address(self) -> str:
        """The page that says most about it: its event's, or its own."""
        return (self.session.event or self.session).get_absolute_url()

    @property
    def place(self) -> str:
        """Classes of its place in a block laid out in lanes."""
        return f"lane-{self.lane} top-{self.top} bottom-{self.bottom}"

    @property
    def facts(self) -> list[str]:
        session = self.session
        kind = "" if session.kind == Session.Kind.OTHER else kind_name(session.kind)
        track = session.track.name if session.track else ""
        return [fact for fact in (kind, session.room, track) if fact]

    def state(self, time: dt.datetime) -> str:
        """The class of what is on now or over, else nothing."""
        if self.session.ends_at <= time:
            return "is-over"
        return "is-now" if self.session.starts_at <= time else ""

    @property
    def more_papers(self) -> int:
        return self.paper_count - len(self.papers)

    @property
    def days_later(self) -> int:
        return (self.ends_at.date() - self.starts_at.date()).days


@dataclass(slots=True)
class Block:
    """Sessions that overlap, directly or through others; nothing else happens at their time."""

    slots: list[Slot]
    lanes: int = 1

    @property
    def side_by_side(self) -> bool:
        """Whether the block can be laid out in lanes; larger ones are a list by start time."""
        return 1 < self.lanes <= MOST_LANES and max(slot.bottom for slot in self.slots) <= MOST_ROWS


@dataclass(slots=True)
class Day:
    date: dt.date
    blocks: list[Block] = field(default_factory=list)


def kind_name(kind: str) -> str:
    return "Q&A" if kind == "qa" else kind.capitalize()


def slots_by_day(sessions: Iterable[Session], zone: ZoneInfo) -> dict[dt.date, list[Slot]]:
    """Sessions under the day of `zone` on which they start, in the order of time."""
    days: dict[dt.date, list[Slot]] = defaultdict(list)
    for session in sorted(sessions, key=lambda s: (s.starts_at, s.ends_at, s.title)):
        slot = slot_of(session, zone)
        before = days[slot.starts_at.date()]
        if not before or before[-1].session.starts_at != session.starts_at:
            slot.anchor = anchor_of(session.starts_at)
        before.append(slot)
    return dict(days)


def slot_of(session: Session, zone: ZoneInfo) -> Slot:
    return Slot(session, session.starts_at.astimezone(zone), session.ends_at.astimezone(zone))


def anchor_of(start: dt.datetime) -> str:
    """The place of a time in its day's page: in UTC, which has no hour twice."""
    return f"t{start.astimezone(dt.UTC):%H%M}"


def day_of(date: dt.date, slots: list[Slot]) -> Day:
    """A day cut into blocks, each laid out in lanes."""
    day = Day(date)
    current: list[Slot] = []
    end: dt.datetime | None = None
    for slot in slots:
        if end is not None and _utc(slot.starts_at) >= end:
            day.blocks.append(_laid_out(current))
            current, end = [], None
        current.append(slot)
        end = max(end, _utc(slot.ends_at)) if end else _utc(slot.ends_at)
    if current:
        day.blocks.append(_laid_out(current))
    return day


def chosen_day(asked: str, days: Iterable[dt.date], today: dt.date) -> dt.date | None:
    """The day asked for ("2020-04-27") if there is one, else today, else the next one, else the first."""
    known = sorted(days)
    try:
        if (day := dt.date.fromisoformat(asked)) in known:
            return day
    except ValueError:
        pass
    return next((day for day in known if day >= today), known[0] if known else None)


def _laid_out(slots: list[Slot]) -> Block:
    """Lanes are filled from the left; a row begins wherever a session begins or ends."""
    times = sorted({_utc(t) for slot in slots for t in (slot.starts_at, slot.ends_at)})
    row = {time: number for number, time in enumerate(times, 1)}
    free_from: list[dt.datetime] = []
    for slot in slots:
        start, end = _utc(slot.starts_at), _utc(slot.ends_at)
        lane = next((n for n, free in enumerate(free_from) if free <= start), len(free_from))
        if lane == len(free_from):
            free_from.append(end)
        else:
            free_from[lane] = end
        slot.lane, slot.top, slot.bottom = lane + 1, row[start], max(row[end], row[start] + 1)
    return Block(slots, len(free_from))


def _utc(time: dt.datetime) -> dt.datetime:
    # Two times of one zone are compared by their clocks, which is wrong in the night the clocks change.
    return time.astimezone(dt.UTC)
