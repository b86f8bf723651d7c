"""The viewer's time zone, where the server needs it: days of the schedule begin at the viewer's midnight."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest

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
    areas = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(name for name in _names() if name.split("/")[0] in areas and "/" in name))
