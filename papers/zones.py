"""The viewer's time zone, where the server needs it: days of the schedule begin at the viewer's midnight."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from .models import Conference

COOKIE = "timezone"  # kept by static/site/time.js, and by the schedule's form where scripts do not run


def named_zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None; names come from cookies and addresses."""
    return ZoneInfo(name) if name in _names() else None


def viewer_zone(request: HttpRequest, conference: Conference) -> ZoneInfo:
    """The profile's zone, else the one this browser told, else the conference's own."""
    profile = getattr(request.user, "timezone", "") or ""
    for name in (profile, request.COOKIES.get(COOKIE, ""), conference.timezone):
        if zone := named_zone(name):
            return zone
    return ZoneInfo("UTC")


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def zone_choices() -> tuple[str, ...]:
    """Zones named after places, and UTC, as offered in the schedule's form."""
    areas = (
        "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"
    )  # fmt: skip
    return ("UTC", *sorted(name for name in _names() if name.split("/")[0] in areas and "/" in name))


@lru_cache(maxsize=64)
def zone_options(chosen: str) -> SafeString:
    """The choices as options of a select: five hundred of them, the same for everybody in a zone."""
    choices = zone_choices()
    names = choices if chosen in choices or not chosen else (chosen, *choices)
    marks = (SafeString(" selected") if name == chosen else "" for name in names)
    return format_html_join("", "<option{}>{}</option>", zip(marks, names, strict=True))


# --- How times are written. static/site/time.js writes them in the same way, on the viewer's kind of clock ------------


def clock(time: dt.datetime) -> str:
    """ "09:30"; in the night the clocks go back, when an hour happens twice, with which of the two: "02:30 UTC+2"."""
    return f"{time:%H:%M}{_which(time)}"


def span(start: dt.datetime, end: dt.datetime) -> str:
    """ "09:00–10:30" on the clocks of their zone; what both have in common is said once."""
    common = start.date() == end.date() and _which(start) == _which(end)
    return f"{start:%H:%M}–{clock(end)}" if common else f"{clock(start)}–{clock(end)}"


def days_and_clocks(start: dt.datetime, end: dt.datetime) -> str:
    """ "Mon 3 May 2027, 09:00–10:30", as in mails, where no script knows the reader's clock."""
    if start.date() == end.date():
        return f"{start:%a} {start.day} {start:%b %Y}, {span(start, end)}"
    return f"{start:%a} {start.day} {start:%b %Y}, {clock(start)} – {end:%a} {end.day} {end:%b}, {clock(end)}"


def offset_name(time: dt.datetime) -> str:
    """ "UTC+2", "UTC−3:30", "UTC"."""
    minutes = round((time.utcoffset() or dt.timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}" if minutes else "UTC"


def _which(time: dt.datetime) -> str:
    # A time that came from UTC is never in the hour left out in spring: only one that happens twice differs here.
    twice = time.replace(fold=0).utcoffset() != time.replace(fold=1).utcoffset()
    return f" {offset_name(time)}" if twice else ""


def day_bounds(date: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """From the midnight a day begins with to the next one, in UTC; 23 to 25 hours where the clocks change."""
    midnight = dt.datetime.combine(date, dt.time(), zone)
    following = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), zone)
    return midnight.astimezone(dt.UTC), following.astimezone(dt.UTC)
