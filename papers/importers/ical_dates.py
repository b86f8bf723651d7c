"""When a VEVENT takes place: zones, whole days, durations, and the dates of a recurring one.

Rules of recurrence are followed on the event's own clock, so that 9:00 stays 9:00 when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Event

from .problems import Place, Problems
from .times import NO_ZONE, TimeProblem, in_zone

MOST_DATES = 500
LONGEST = dt.timedelta(days=3 * 366)
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_FOUR_CENTURIES, _LAST_YEAR = dt.timedelta(days=146_097), dt.MAXYEAR - 4


@dataclass(frozen=True, slots=True)
class Occurrence:
    place: Place
    event: Event
    starts_at: dt.datetime  # UTC
    ends_at: dt.datetime
    key: str = ""  # which date of a recurring event it is


@dataclass(frozen=True, slots=True)
class Reader:
    problems: Problems
    zone: ZoneInfo | None  # for times without one
    calendar_zone: ZoneInfo | None  # X-WR-TIMEZONE: in which the calendar's days are meant


@dataclass(frozen=True, slots=True)
class _Local:
    """A time as its clock shows it, and which clock that is; a date is its midnight."""

    wall: dt.datetime
    zone: dt.tzinfo
    is_date: bool

    def moment(self) -> dt.datetime:
        """Raises TimeProblem where the clock skips this time or shows it twice."""
        return in_zone(self.wall, self.zone).astimezone(dt.UTC)


def occurrences(place: Place, event: Event, changed: list[tuple[Place, Event]], reader: Reader) -> list[Occurrence]:
    """All dates of an event; those in `changed`, with a RECURRENCE-ID, as they are there. Empty after a problem."""
    start = _local(place, event, "DTSTART", reader, required=True)
    if start is None:
        return []
    try:
        first = start.moment()
        length = _length(place, event, start, first, reader)
        if length is None:
            return []
        if "RRULE" not in event and "RDATE" not in event:
            key = _key(start, first) if "RECURRENCE-ID" in event else ""
            ends_at = _Local(start.wall + length, start.zone, True).moment() if start.is_date else first + length
            return [Occurrence(place, event, first, ends_at, key)]
        others = {_recurrence_id(p, e, reader): (p, e) for p, e in changed}
        found = []
        for local in _dates(place, event, start, reader):
            begins_at = local.moment()
            if begins_at in others:
                continue
            ends_at = begins_at + length
            if local.is_date:
                ends_at = _Local(local.wall + length, local.zone, True).moment()
            found.append(Occurrence(place, event, begins_at, ends_at, _key(local, begins_at)))
    except (TimeProblem, OverflowError) as problem:
        _complain(place, event, "DTSTART", problem, reader)
        return []
    for moment, (other_place, other) in others.items():
        if moment is None:
            continue
        for date in occurrences(other_place, other, [], reader):
            day = _Local(moment.astimezone(start.zone).replace(tzinfo=None), start.zone, start.is_date)
            found.append(Occurrence(other_place, other, date.starts_at, date.ends_at, _key(day, moment)))
    return found


def _key(local: _Local, moment: dt.datetime) -> str:
    return local.wall.strftime("%Y%m%d") if local.is_date else moment.strftime("%Y%m%dT%H%M%SZ")


def _complain(place: Place, event: Event, name: str, problem: Exception, reader: Reader) -> None:
    expected = str(problem) if isinstance(problem, TimeProblem) else "a time in years 2 to 9998"
    reader.problems.add(place, name, _written(event.get(name)), expected)


def _written(value: Any) -> str:
    """A value as it stands in the file."""
    written = value.to_ical() if hasattr(value, "to_ical") and not isinstance(value, str) else str(value)
    return written.decode(errors="replace") if isinstance(written, bytes) else str(written)


def _local(place: Place, event: Event, name: str, reader: Reader, *, required: bool = False) -> _Local | None:
    value = event.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    if value is None:
        if required:
            reader.problems.add(place, name, "", "must be given")
        return None
    time = getattr(value, "dt", None) if type(value).__name__ != "vBroken" else None
    return _clock(place, name, time, value, reader)


def _clock(place: Place, name: str, time: object, value: Any, reader: Reader) -> _Local | None:
    written = _written(value)
    if not isinstance(time, dt.date):
        reader.problems.add(place, name, written, "a date or time like 20200427 or 20200427T050000Z")
        return None
    if not isinstance(time, dt.datetime):
        zone: dt.tzinfo | None = reader.zone or reader.calendar_zone
        if zone is None:
            reader.problems.add(place, name, written, "no time zone for whole days: give --timezone ZONE")
            return None
        return _Local(dt.datetime.combine(time, dt.time()), zone, True)
    if time.tzinfo is not None:
        return _Local(time.replace(tzinfo=None, fold=0), time.tzinfo, False)
    named = getattr(value, "params", {}).get("TZID", "")
    if named and reader.zone is None:
        reader.problems.add(
            place, name, f"{named}:{written}", "a time zone that is known or that a VTIMEZONE describes"
        )
        return None
    if reader.zone is None:
        reader.problems.add(place, name, written, NO_ZONE)
        return None
    return _Local(time, reader.zone, False)


def _length(place: Place, event: Event, start: _Local, first: dt.datetime, reader: Reader) -> dt.timedelta | None:
    """From DTEND or DURATION; otherwise a whole day is one day long and a time has no length."""
    name = "DTEND" if "DTEND" in event else "DURATION"
    length: dt.timedelta | None = dt.timedelta(days=1) if start.is_date else dt.timedelta(0)
    if name == "DTEND":
        end = _local(place, event, name, reader)
        if end is None:
            return None
        try:
            length = end.wall - start.wall if start.is_date and end.is_date else end.moment() - first
        except (TimeProblem, OverflowError) as problem:
            _complain(place, event, name, problem, reader)
            return None
    elif name in event:
        value = event[name]
        given = None if type(value).__name__ == "vBroken" else getattr(value, "dt", None)
        length = given if isinstance(given, dt.timedelta) else None
    if length is None or length < dt.timedelta(0):
        expected = "not before the event starts" if name == "DTEND" else "a length of time like PT1H30M"
        reader.problems.add(place, name, _written(event.get(name)), expected)
        return None
    return length


def _recurrence_id(place: Place, event: Event, reader: Reader) -> dt.datetime | None:
    value = event["RECURRENCE-ID"]
    if str(getattr(value, "params", {}).get("RANGE", "")).upper() == "THISANDFUTURE":
        reader.problems.add(place, "RECURRENCE-ID", "THISANDFUTURE", "a change of one date only")
        return None
    local = _local(place, event, "RECURRENCE-ID", reader)
    return local.moment() if local else None


def _dates(place: Place, event: Event, start: _Local, reader: Reader) -> list[_Local]:
    walls: set[dt.datetime] = {start.wall}
    if "RRULE" in event:
        walls.update(_by_rule(place, event["RRULE"], start, reader))
    walls.update(_listed(place, event, "RDATE", start, reader))
    walls -= _listed(place, event, "EXDATE", start, reader)
    return [_Local(wall, start.zone, start.is_date) for wall in sorted(walls)]


def _by_rule(place: Place, rule: Any, start: _Local, reader: Reader) -> list[dt.datetime]:
    if isinstance(rule, list) or type(rule).__name__ == "vBroken":
        reader.problems.add(place, "RRULE", str(rule), "one rule of recurrence, like FREQ=DAILY;COUNT=3")
        return []
    written = _written(rule)
    parts = {str(name).upper(): values if isinstance(values, list) else [values] for name, values in rule.items()}
    frequency = str((parts.get("FREQ") or [""])[0]).upper()
    if frequency not in _FREQUENCIES:
        reader.problems.add(place, "RRULE", written, f"FREQ of {', '.join(_FREQUENCIES)}")
        return []
    if "COUNT" not in parts and "UNTIL" not in parts:
        reader.problems.add(place, "RRULE", written, "an end: COUNT or UNTIL")
        return []
    last, most = start.wall + LONGEST, MOST_DATES + 1
    if until := parts.pop("UNTIL", None):
        last = min(last, _wall_of(until[0], start))
    try:
        if count := parts.pop("COUNT", None):
            most = min(most, int(str(count[0])))
        if int(str((parts.get("INTERVAL") or [1])[0])) < 1:
            raise ValueError("INTERVAL is less than 1")
        fields = ";".join(f"{name}={','.join(_field(value) for value in values)}" for name, values in parts.items())
        # A rule that no day fits is looked at until the last year there is, so the search begins shortly before that:
        # the calendar repeats itself, weekdays and all, every 400 years.
        later = _FOUR_CENTURIES * ((_LAST_YEAR - start.wall.year) // 400)
        dates = rrulestr(fields, dtstart=start.wall + later).replace(until=last + later)
        found = [date - later for date in islice(dates, most)]
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        reader.problems.add(place, "RRULE", written, f"a rule of recurrence: {error}")
        return []
    if len(found) > MOST_DATES:
        reader.problems.add(place, "RRULE", written, f"at most {MOST_DATES} dates")
        return []
    return found


def _field(value: Any) -> str:
    return value.to_ical().decode() if hasattr(value, "to_ical") else str(value)


def _wall_of(time: Any, start: _Local) -> dt.datetime:
    """A moment on the event's own clock; a date is the end of its day."""
    if not isinstance(time, dt.datetime):
        return dt.datetime.combine(time, dt.time.max)
    return time.astimezone(start.zone).replace(tzinfo=None) if time.tzinfo else time


def _listed(place: Place, event: Event, name: str, start: _Local, reader: Reader) -> set[dt.datetime]:
    given = event.get(name, [])
    found: set[dt.datetime] = set()
    for one in given if isinstance(given, list) else [given]:
        for value in getattr(one, "dts", []) if type(one).__name__ != "vBroken" else []:
            time = value.dt[0] if isinstance(value.dt, tuple) else value.dt
            if not isinstance(time, dt.date):
                continue
            if isinstance(time, dt.datetime) and start.is_date:
                time = time.date()
            found.add(
                _wall_of(time, start) if isinstance(time, dt.datetime) else dt.datetime.combine(time, start.wall.time())
            )
        if type(one).__name__ == "vBroken":
            reader.problems.add(place, name, str(one), "dates or times like 20200427T050000Z")
    return found
