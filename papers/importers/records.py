"""One row, entry or file of a source, from which fields are taken with their types checked."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.db import models

from .problems import Place, Problems
from .time_texts import TimeProblem
from .times import Dates, read_span, read_time

_UID_NOT = re.compile(r"[/\\\s\x00-\x1f\x7f]")


def limit_of(model: type[models.Model], field: str) -> int:
    """The longest text the column takes."""
    length = model._meta.get_field(field).max_length  # type: ignore[union-attr]
    assert length is not None
    return length


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        return False


def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


class Record:
    """Fields of one mapping. A wrong value becomes a problem and comes back empty, so reading goes on."""

    def __init__(
        self,
        place: Place,
        data: object,
        problems: Problems,
        *,
        known: Iterable[str] | None = None,
        zone: dt.tzinfo | None = None,
        dates: Dates | None = None,
    ) -> None:
        self.place, self.problems, self.zone, self.dates = place, problems, zone, dates
        self.data: Mapping[str, Any] = data if isinstance(data, dict) else {}
        self._told = not isinstance(data, dict)  # then there is nothing more to say about its fields
        if self._told:
            problems.add(place, "", "", "a mapping of fields to values was expected here")
        if known is not None:
            fields = list(known)
            for key in self.data:
                if key not in fields:
                    self.problem(key, self.data[key], f"no such field; there are {', '.join(fields)}")

    def problem(self, field: str, value: object, expected: str) -> None:
        if not self._told:
            self.problems.add(self.place, field, value, expected)

    def text(self, field: str, *, required: bool = False, limit: int | None = None, strip: bool = True) -> str:
        value = self.data.get(field)
        if value is None:
            value = ""
        if not isinstance(value, str):
            self.problem(field, value, "text was expected")
            return ""
        value = value.replace("\r\n", "\n").replace("\r", "\n")
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            self.problem(field, value, "text without NUL and half characters was expected")
            return ""
        if strip:
            value = value.strip()
        if required and not value.strip():
            self.problem(field, value, "must be given")
        if limit is not None and len(value) > limit:
            self.problem(field, value, f"at most {limit} characters, these are {len(value)}")
        return value

    def uid(self, field: str, *, limit: int) -> str:
        value = self.text(field, required=True, limit=limit)
        if value in (".", "..") or _UID_NOT.search(value):
            self.problem(field, value, "an id without blanks and slashes was expected")
        return value

    def choice(self, field: str, choices: Iterable[str], *, default: str = "") -> str:
        value, known = self.text(field) or default, list(choices)
        if value not in known:
            self.problem(field, value, f"one of {', '.join(known)}")
        return value

    def integer(self, field: str, *, low: int, high: int) -> int | None:
        value = self.data.get(field)
        if value is None or value == "":
            return None
        number = value if type(value) is int else int(value) if isinstance(value, str) and value.isdecimal() else None
        if number is None or not low <= number <= high:
            self.problem(field, value, f"a whole number from {low} to {high}")
            return None
        return number

    def boolean(self, field: str) -> bool:
        value = self.data.get(field)
        if value in (None, "", False, "false", "no"):
            return False
        if value not in (True, "true", "yes"):
            self.problem(field, value, "true or false")
        return True

    def numbers(self, field: str, *, count: int) -> list[float] | None:
        value = self.data.get(field)
        if isinstance(value, list) and len(value) == count:
            try:
                numbers = [float(v) for v in value]
            except (TypeError, ValueError, OverflowError):
                numbers = [math.nan]
            if all(math.isfinite(n) for n in numbers):
                return numbers
        self.problem(field, value, f"a list of {count} finite numbers")
        return None

    def texts(self, field: str, *, limit: int | None = None, separator: str = "") -> list[str]:
        """A list of texts, or one text cut at `separator`; blanks around items and empty items go."""
        value = self.data.get(field)
        if value is None:
            return []
        items = value.split(separator) if separator and isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self.problem(field, value, "a list of texts was expected")
            return []
        found = []
        for item in items:
            text = Record(self.place, {field: item}, self.problems).text(field, limit=limit)
            if text:
                found.append(text)
        return found

    def records(self, field: str, *, known: Iterable[str] | None = None) -> list[Record]:
        value = self.data.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(field, value, "a list was expected")
            return []
        found = []
        for number, item in enumerate(value, 1):
            place = Place(self.place.file, _join(self.place.row, f"{field} {number}"))
            found.append(Record(place, item, self.problems, known=known, zone=self.zone, dates=self.dates))
        return found

    def url(self, field: str, *, limit: int, required: bool = False) -> str:
        value = self.text(field, limit=limit, required=required)
        if value and not is_web_address(value):
            self.problem(field, value, "an address that begins with https:// or http://")
            return ""
        return value

    def links(self, field: str = "links") -> list[dict[str, str]]:
        return [
            {"label": link.text("label", required=True, limit=80), "url": link.url("url", limit=500, required=True)}
            for link in self.records(field, known=("label", "url"))
        ]

    def date(self, field: str) -> dt.date | None:
        value = self.text(field)
        if not value:
            return None
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.problem(field, value, "a date like 2020-04-27")
            return None

    def timezone(self, field: str) -> str:
        value = self.text(field)
        if value and zone_named(value) is None:
            self.problem(field, value, "the name of a time zone, like Europe/Berlin or UTC")
            return ""
        return value

    def time(self, field: str, *, date_field: str = "", required: bool = True) -> dt.datetime | None:
        """An aware time in UTC; its day may stand in a second field. Without an offset it is read in the record's
        zone, without a year against its dates, and is a problem where there are none (times.py)."""
        value = self.text(field, required=required)
        try:
            return read_time(value, date=self._day(date_field), zone=self.zone, dates=self.dates) if value else None
        except TimeProblem as problem:
            self._time_problem(problem, date_field, field)
            return None

    def span(
        self, field: str, end_field: str = "", *, date_field: str = "", required: bool = True
    ) -> tuple[dt.datetime, dt.datetime | None] | None:
        """Start and end of one field that holds both, or of two; the end is None where there is none."""
        value, end = self.text(field, required=required), self.text(end_field) if end_field else ""
        if not value:
            return None
        try:
            return read_span(value, end=end, date=self._day(date_field), zone=self.zone, dates=self.dates)
        except TimeProblem as problem:
            self._time_problem(problem, date_field, field, end_field)
            return None

    def _day(self, field: str) -> str:
        return self.text(field) if field else ""

    def _time_problem(self, problem: TimeProblem, *fields: str) -> None:
        given = [name for name in fields if name and self.text(name)]
        self.problem(" + ".join(given), " + ".join(self.text(name) for name in given), str(problem))


def _join(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
