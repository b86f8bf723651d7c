"""Times as people spell them, to moments: `2020-07-06_05:00:00`, `Monday` + `14:00-14:30 GMT`, `7-Feb` + `08:45AM`.

Two things that a spelling may leave out are never guessed. A zone comes from the text, else from whoever calls; a year
comes from the text, else from the conference's dates. Where neither has it, TimeProblem says so. Clock times that a
zone skips or shows twice are problems as well.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from papers.models import Conference

from .problems import Place, shown
from .time_texts import OFFSET, Clock, Day, TimeProblem, ordinary, pieces_of

EXPECTED = "a time like 2020-04-27T05:00:00+00:00"
NO_ZONE = "no time zone: write it with its offset (…+00:00), or give --timezone ZONE"
_NEAR = dt.timedelta(days=31)
_LONGEST_NIGHT = dt.timedelta(hours=12)
_DATE_ONLY = re.compile(r"\d{4}-\d\d-\d\d|\d{8}|\d{4}-?W\d\d(-?\d)?", re.ASCII)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d|\d{8})[Tt_ ](\d\d.*)", re.ASCII)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Dates:
    """First and last day of a conference, against which dates without a year are read; empty where not known."""

    first: dt.date | None = None
    last: dt.date | None = None

    def __bool__(self) -> bool:
        return self.first is not None and self.last is not None

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"

    @classmethod
    def around(cls, days: Iterable[dt.date]) -> Dates:
        """From the dates a source writes in full: those within a month of the middle one, so that leftovers of another
        year do not count."""
        ordered = sorted(days)
        if not ordered:
            return cls()
        middle = ordered[len(ordered) // 2]
        near = [day for day in ordered if abs(day - middle) <= _NEAR]
        return cls(near[0], near[-1])

    @classmethod
    def of_site(cls) -> Dates:
        """Those of the site's conference, if it has any."""
        conference = Conference.objects.order_by("pk").first()
        if conference is None or conference.starts_on is None:
            return cls()
        return cls(conference.starts_on, conference.ends_on or conference.starts_on)

    def distance(self, day: dt.date) -> dt.timedelta:
        """How far a day lies outside of the dates."""
        assert self.first is not None
        assert self.last is not None
        return max(self.first - day, day - self.last, dt.timedelta())


def read_time(text: str, *, date: str = "", zone: dt.tzinfo | None = None, dates: Dates | None = None) -> dt.datetime:
    """One moment, in UTC. `date` is the text of a second cell that holds its day.

    With `dates` of None only dates written in full are taken. Raises TimeProblem with what was expected.
    """
    return read_span(text, date=date, zone=zone, dates=dates, moment=True)[0]


def read_span(
    text: str,
    *,
    end: str = "",
    date: str = "",
    zone: dt.tzinfo | None = None,
    dates: Dates | None = None,
    moment: bool = False,
) -> tuple[dt.datetime, dt.datetime | None]:
    """Start and end, in UTC, of `14:00-14:30 GMT`, or of two texts; the end is None where none is written.

    An end before the start is on the next day, if that makes a night and no more. Raises TimeProblem.
    """
    text, end, date = ordinary(text), ordinary(end), ordinary(date)
    try:
        start, finish = _clocks(text, date, moment=moment)
        if end:
            if finish is not None:
                raise TimeProblem("an end in one place only")
            finish = _clocks(end, "", moment=True)[0]
        shared = finish.zone if finish and not (end and finish.day) else None  # two whole times each have their own
        starts_at = _moment(start, shared or zone, dates)
        if finish is None:
            return starts_at.astimezone(dt.UTC), None
        return starts_at.astimezone(dt.UTC), _end(starts_at, start, finish, zone, dates)
    except OverflowError:
        raise TimeProblem("a time in years 2 to 9998") from None


def read_date(text: str, *, dates: Dates | None = None) -> dt.date:
    """The day of `July 6`, `7-Feb`, `Monday`, `Friday, December 08`, `2020-07-06`. Raises TimeProblem."""
    pieces = pieces_of(ordinary(text), moment=True)
    if pieces is None or pieces.clocks or (pieces.day is None and pieces.weekday is None):
        raise TimeProblem("a date like 2020-04-27")
    return _date(pieces.day, pieces.weekday, dates)


_IN_PROSE = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
    r"(?:(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?\s+\d{1,2}(?:st|nd|rd|th)?(?:,?\s+\d{4})?"
    r"|\d{4}-\d\d-\d\d)"
    r"[\s,-]{1,5}(?:time:\s*)?\d{1,2}:\d\d(?:\s?[ap]m)?\s?[-–—]\s?\d{1,2}:\d\d(?:\s?[ap]m)?"
    r"(?:\s?(?:utc|gmt)(?:[+-]\d{1,2}(?::\d\d)?)?)?",
    re.IGNORECASE | re.ASCII,
)


def span_in_prose(text: str) -> str:
    """The first date with a range of times that stands inside a text, for `read_span`; empty if there is none."""
    match = _IN_PROSE.search(text[:20_000])
    return match[0] if match else ""


def _clocks(text: str, date: str, *, moment: bool) -> tuple[Clock, Clock | None]:
    """The clock times of a text and of the cell with its date, with day and zone where written."""
    if not date and (clock := _iso(text, moment=moment)):
        return clock, None
    pieces = pieces_of(text, moment=moment)
    if pieces is None:
        raise TimeProblem(EXPECTED)
    if date:
        other = pieces_of(date, moment=True)
        if other is None or any(clock.time != dt.time() for clock in other.clocks):
            raise TimeProblem(f"{EXPECTED}; {shown(date)} is no date")
        if pieces.day and other.day and pieces.day != other.day:
            raise TimeProblem(f"the same day as in {shown(date)}")
        if None not in (pieces.weekday, other.weekday) and pieces.weekday != other.weekday:
            raise TimeProblem(f"the same weekday as in {shown(date)}")
        pieces.day = pieces.day or other.day
        pieces.weekday = other.weekday if pieces.weekday is None else pieces.weekday
        pieces.zone = pieces.zone or other.zone
    if not pieces.clocks:
        raise TimeProblem("a time of day too, like 2020-04-27T05:00:00+00:00" if pieces.day else EXPECTED)
    clocks = [
        Clock(clock.time, half=clock.half, day=pieces.day, weekday=pieces.weekday, zone=clock.zone or pieces.zone)
        for clock in pieces.clocks
    ]
    return clocks[0], clocks[1] if len(clocks) > 1 else None


def _iso(text: str, *, moment: bool) -> Clock | None:
    """ISO 8601, with a blank or `_` in place of the T too; None for another spelling."""
    if _DATE_ONLY.fullmatch(text):
        raise TimeProblem("a time of day too, like 2020-04-27T05:00:00+00:00")
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    clock, _, sign = match[2].partition(" ")
    if sign and not OFFSET.fullmatch(sign):
        return None
    if not moment and text[len(match[1])] not in "Tt" and _may_be_range(clock + sign):
        raise TimeProblem("…T10:00:00-07:00 for a time and its offset, or 10:00 - 11:00 with blanks for two times")
    try:
        time = dt.datetime.fromisoformat(f"{match[1]}T{clock}{sign}")
    except ValueError:
        return None
    day = Day(time.month, time.day, time.year)
    return Clock(time.timetz().replace(tzinfo=None), day=day, zone=time.tzinfo)


def _may_be_range(text: str) -> bool:
    match = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", text)
    return match is not None and match[1] < match[2]


def _date(day: Day | None, weekday: int | None, dates: Dates | None) -> dt.date:
    if day is None:
        assert weekday is not None
        name = _WEEKDAYS[weekday]
        if dates is None:
            raise TimeProblem(EXPECTED)
        if not dates:
            raise TimeProblem("a date: a weekday alone says no day while the conference's dates are not known")
        return _weekday(name, weekday, dates)
    found = day.date() if day.year else _in_some_year(day, dates)
    if weekday is not None and found.weekday() != weekday:
        raise TimeProblem(f"{found} is a {_WEEKDAYS[found.weekday()]}, no {_WEEKDAYS[weekday]}")
    return found


def _weekday(name: str, weekday: int, dates: Dates) -> dt.date:
    assert dates.first is not None
    assert dates.last is not None
    first = dates.first + dt.timedelta(days=(weekday - dates.first.weekday()) % 7)
    if first > dates.last:
        raise TimeProblem(f"a {name} among the conference's dates, {dates}: there is none")
    if first + dt.timedelta(days=7) <= dates.last:
        raise TimeProblem(f"a date: the conference's dates, {dates}, have more than one {name}")
    return first


def _in_some_year(day: Day, dates: Dates | None) -> dt.date:
    """The date in the year that brings it nearest to the conference."""
    if dates is None:
        raise TimeProblem(EXPECTED)
    if not dates:
        raise TimeProblem("a date with its year, like 2020-04-27: the conference's dates are not known")
    assert dates.first is not None
    assert dates.last is not None
    candidates = []
    for year in range(dates.first.year - 1, dates.last.year + 2):
        try:
            candidates.append(Day(day.month, day.day, year).date())
        except TimeProblem:  # the 29th of February
            continue
    nearest = min(candidates, key=dates.distance, default=None)
    if nearest is None or dates.distance(nearest) > _NEAR:
        raise TimeProblem(f"a date with its year: in none it is near the conference's dates, {dates}")
    return nearest


def _moment(clock: Clock, zone: dt.tzinfo | None, dates: Dates | None, *, day: dt.date | None = None) -> dt.datetime:
    if day is None:
        if clock.day is None and clock.weekday is None:
            raise TimeProblem(EXPECTED if dates is None else "a date too, like 2020-04-27")
        day = _date(clock.day, clock.weekday, dates)
    local = dt.datetime.combine(day, clock.time)
    if clock.zone is not None and not isinstance(clock.zone, ZoneInfo):
        return local.replace(tzinfo=clock.zone)
    return in_zone(local, clock.zone or zone)


def in_zone(local: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime:
    """The moment at which clocks of the zone show a time. Raises TimeProblem where that is none, or two."""
    if zone is None:
        raise TimeProblem(NO_ZONE)
    time = local.replace(tzinfo=zone)
    if time.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != local:
        raise TimeProblem(f"the clocks of {zone} skip this time: write it with its offset")
    if time.utcoffset() != time.replace(fold=1).utcoffset():
        raise TimeProblem(f"the clocks of {zone} show this time twice: write it with its offset")
    return time


def _end(
    starts_at: dt.datetime, start: Clock, finish: Clock, zone: dt.tzinfo | None, dates: Dates | None
) -> dt.datetime:
    """The end, on the day of the start unless it has its own; after midnight, on the next."""
    if finish.day is None and finish.zone and start.zone and finish.zone != start.zone:
        raise TimeProblem("an end with its date, since its zone is another than the start's")
    zone = finish.zone or (start.zone if finish.day is None or finish.day is start.day else None) or zone
    finish = Clock(finish.time, half=finish.half, day=finish.day, weekday=finish.weekday, zone=zone)
    if (finish.day or finish.weekday is not None) and (finish.day, finish.weekday) != (start.day, start.weekday):
        return _moment(finish, zone, dates).astimezone(dt.UTC)
    day = starts_at.date()
    if finish.time < start.time:
        length = dt.datetime.combine(day, finish.time) - dt.datetime.combine(day, start.time) + dt.timedelta(days=1)
        if length > _LONGEST_NIGHT:
            raise TimeProblem(f"an end after the start, {start.time:%H:%M}")
        day += dt.timedelta(days=1)
    return _moment(finish, zone, dates, day=day).astimezone(dt.UTC)


@dataclass(slots=True)
class Leftovers:
    """Times of another year than the conference's: counted, and a few named, for one warning."""

    dates: Dates
    count: int = 0
    named: list[str] = field(default_factory=list)

    def look(self, place: Place, time: dt.datetime) -> None:
        if self.dates and self.dates.distance(time.date()) > _NEAR:
            self.count += 1
            if len(self.named) < _LISTED:
                self.named.append(f"{place} ({time.date()})")

    def notes(self) -> list[str]:
        if not self.count:
            return []
        what = "1 time lies" if self.count == 1 else f"{self.count} times lie"
        more = f" and {self.count - len(self.named)} more" if self.count > len(self.named) else ""
        return [
            f"Warning: {what} more than a month away from the conference's dates, {self.dates}; is it another year's? "
            f"{'; '.join(self.named)}{more}"
        ]


def leftovers(times: Iterable[tuple[Place, dt.datetime]], dates: Dates | None = None) -> list[str]:
    """A warning about times far from the conference's dates: the given ones, else those most of the times are in, and
    where the site has dates, those too."""
    times = list(times)
    notes: list[str] = []
    own = dates or Dates.around(time.date() for _, time in times)
    for against in dict.fromkeys((own, Dates.of_site())):
        found = Leftovers(against)
        for place, time in times:
            found.look(place, time)
        notes = notes or found.notes()
    return notes
