"""The pieces of a text that spells a time: days, weekdays, clock times, zones. What they mean is for `times.py`."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

_LONGEST = 120
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Names that mean one offset everywhere: RFC 5322, section 4.3, and those of Europe, Japan and Korea. BST, IST and
# others mean several, and are no zones here.
_ZONES = {
    "utc": 0, "gmt": 0, "ut": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7, "cet": 1, "cest": 2, "jst": 9, "kst": 9, "aoe": -12,
}  # fmt: skip
OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)", re.ASCII)
_MONTH = r"(?P<{0}>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TOKENS = re.compile(
    "|".join(
        (
            r"(?P<iso>(?P<year>\d{4})[-/](?P<month>\d\d?)[-/](?P<day>\d\d?)(?!\d))",
            rf"(?P<daymonth>(?P<d1>\d\d?)(?:st|nd|rd|th)?(?:\s*-\s*|\s+)(?:of\s+)?{_MONTH.format('m1')}"
            r"(?:(?:\s*-\s*|,?\s+)(?P<y1>(?:19|20)\d\d)(?![\d:]))?)",
            rf"(?P<monthday>{_MONTH.format('m2')}[\s-]+(?P<d2>\d\d?)(?:st|nd|rd|th)?(?![\d:])"
            r"(?:,?\s+(?P<y2>(?:19|20)\d\d)(?![\d:]))?)",
            r"(?P<weekday>\b(?:mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|s|rsday|urday|r|rs)?\b\.?)",
            r"(?P<offset>\+\d\d:?\d\d(?!\d))",
            r"(?P<minus>(?P<before>\s?)-(?P<oh>\d\d):(?P<om>\d\d)(?![\d:]|\s?[ap]\.?m))",
            r"(?P<time>(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?!\d)\s?(?P<half>[ap]\.?m\b\.?)?)",
            r"(?P<oclock>(?P<h2>\d\d?)\s?(?P<half2>[ap]\.?m\b\.?))",
            r"(?P<utc>\b(?:utc|gmt)[+-]\d{1,2}(?::?\d\d)?(?![\d:]))",
            r"(?P<region>\b[A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?\b)",
            rf"(?P<zone>(?<![a-z])(?:{'|'.join(sorted(_ZONES, key=len, reverse=True))})\b)",
            r"(?P<dash>-|\b(?:to|until|till)\b)",
            r"(?P<filler>\b(?:time|date|at|on|from)\b:?|[\s,;|()@])",
        )
    ),
    re.IGNORECASE | re.ASCII,
)


class TimeProblem(ValueError):
    """A text that says no moment; the message is what was expected."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date, perhaps without its year."""

    month: int
    day: int
    year: int = 0

    def date(self) -> dt.date:
        try:
            return dt.date(self.year, self.month, self.day)
        except ValueError:
            raise TimeProblem(
                f"a day that the calendar has; {self.year}-{self.month:02}-{self.day:02} is none"
            ) from None


@dataclass(frozen=True, slots=True)
class Clock:
    """What a clock shows, and the day and zone written with it."""

    time: dt.time
    half: str = ""  # "a" or "p", if AM or PM is written
    day: Day | None = None
    weekday: int | None = None
    zone: dt.tzinfo | None = None


@dataclass(slots=True)
class Pieces:
    day: Day | None = None
    weekday: int | None = None
    clocks: list[Clock] = field(default_factory=list)
    zone: dt.tzinfo | None = None


def ordinary(text: str) -> str:
    """One line with ordinary blanks and dashes; invisible characters go."""
    text = re.sub("[\u200b-\u200f\u2060\ufeff]", "", text)
    return " ".join(re.sub("[\u2010-\u2015\u2212]", "-", text).split())


def pieces_of(text: str, *, moment: bool) -> Pieces | None:
    """What a text holds; None where a part of it is nothing that belongs to a time.

    A `-07:00` behind a clock time is its offset where one moment is meant. Where two may be, it is the second time
    if it is written close (`05:00-07:00`) and later, and otherwise the offset. Raises TimeProblem.
    """
    if len(text) > _LONGEST:
        return None
    pieces, found, position, ranged, numeric = Pieces(), list[Clock](), 0, False, False
    zones: list[dt.tzinfo] = []
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            return None
        position, kind = match.end(), match.lastgroup
        if kind in ("iso", "daymonth", "monthday"):
            if pieces.day is not None:
                raise TimeProblem("one date")
            pieces.day = _day(kind, match)
            numeric = kind == "iso"
        elif kind == "weekday":
            if pieces.weekday is not None:
                raise TimeProblem("one weekday")
            pieces.weekday = _DAYS.index(match[0][:3].lower())
        elif kind in ("time", "oclock"):
            found.append(_clock(match))
        elif kind == "minus":
            if not found:
                return None
            second = _second(match, found[-1], text[position:], dated=numeric, moment=moment)
            if isinstance(second, Clock):
                found.append(second)
                ranged = True
            else:
                zones.append(second)
        elif kind in ("offset", "utc", "region", "zone"):
            zones.append(_zone(kind, match[0]))
        ranged |= kind == "dash" and bool(found)
    if len(found) > 2 or (len(found) == 2 and (moment or not ranged)):
        raise TimeProblem("one time of day" if moment else "a start and an end like 14:00-14:30")
    if any(zone != zones[0] for zone in zones):
        raise TimeProblem("one time zone")
    pieces.clocks, pieces.zone = _halves(found), zones[0] if zones else None
    return pieces


def _day(kind: str, match: re.Match[str]) -> Day:
    if kind == "iso":
        day = Day(int(match["month"]), int(match["day"]), int(match["year"]))
        day.date()
        return day
    month, number, year = ("m1", "d1", "y1") if kind == "daymonth" else ("m2", "d2", "y2")
    day = Day(_MONTHS.index(match[month].lower()) + 1, int(match[number]), int(match[year] or 0))
    Day(day.month, day.day, day.year or 2000).date()  # a leap year, in which every day of the calendar is one
    return day


def _clock(match: re.Match[str]) -> Clock:
    hour, half = int(match["hour"] or match["h2"]), (match["half"] or match["half2"] or "")[:1].lower()
    if half and not 1 <= hour <= 12:
        raise TimeProblem("an hour from 1 to 12 before AM and PM")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return Clock(dt.time(hour, int(match["minute"] or 0), int(match["second"] or 0)), half=half)
    except ValueError:
        raise TimeProblem("a time of day from 00:00 to 23:59") from None


def _second(match: re.Match[str], first: Clock, rest: str, *, dated: bool, moment: bool) -> Clock | dt.tzinfo:
    """What `-07:00` behind a clock time is: the end of a range, or the offset."""
    hours, minutes = int(match["oh"]), int(match["om"])
    offset = dt.timezone(-dt.timedelta(hours=hours, minutes=minutes)) if _is_offset(hours, minutes) else None
    time = dt.time(hours, minutes) if hours < 24 and minutes < 60 else None
    zone_follows = re.match(r"[\s()]*[a-z]", rest, re.IGNORECASE) is not None
    if offset is not None and (moment or (not zone_follows and (time is None or time <= first.time))):
        return offset
    if time is None or moment:
        raise TimeProblem("one time of day" if moment else "a time of day from 00:00 to 23:59")
    if offset is not None and not zone_follows and (dated or match["before"]):
        raise TimeProblem("10:00 - 11:00 with blanks for two times, or …T10:00:00-07:00 for a time and its offset")
    return Clock(time)


def _is_offset(hours: int, minutes: int) -> bool:
    """West of Greenwich: whole hours to 12, and the half hours in use."""
    return (minutes == 0 and hours <= 12) or (hours, minutes) in ((2, 30), (3, 30), (4, 30), (9, 30))


def _zone(kind: str, text: str) -> dt.tzinfo:
    if kind == "region":
        try:
            return ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            raise TimeProblem(f"the name of a time zone; {text} is none") from None
    if kind == "zone":
        return dt.timezone(dt.timedelta(hours=_ZONES[text.lower()]))
    match = re.fullmatch(r"(?:utc|gmt)?\s?([+-])\s?(\d\d?):?(\d\d)?", text, re.IGNORECASE)
    assert match is not None
    length = dt.timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if length > dt.timedelta(hours=14):
        raise TimeProblem("an offset from -12:00 to +14:00")
    return dt.timezone(length if match[1] == "+" else -length)


def _halves(clocks: list[Clock]) -> list[Clock]:
    """Where AM or PM stands with one of two times only, the other is in the half that makes them the closer pair."""
    if len(clocks) != 2 or bool(clocks[0].half) == bool(clocks[1].half):
        return clocks
    which = 0 if not clocks[0].half else 1
    hour = clocks[which].time.hour
    if not 1 <= hour <= 12:
        return clocks
    choices = [Clock(clocks[which].time.replace(hour=hour % 12 + add), half="ap"[add > 0]) for add in (0, 12)]
    pairs = [[choice, clocks[1]] if which == 0 else [clocks[0], choice] for choice in choices]
    return min(pairs, key=lambda pair: (_minutes(pair[1]) - _minutes(pair[0]) - 1) % 1440)


def _minutes(clock: Clock) -> int:
    return clock.time.hour * 60 + clock.time.minute
