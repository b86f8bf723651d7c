"""Announcements: what the organizers tell everybody or the people of a track or session, from when and until when, and
telling open pages of it.

Open pages are told the whole of what is pinned whenever that changes (`tell`), not single changes: a page that missed
something is right again with the next word it hears, and one that hears something twice shows it once. The word goes to
everybody, so of what is for some only it holds nothing but a mark (`own`) that changes with it: members' pages then ask.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from django.db.models import Min, Q, QuerySet
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from miniconf.live import BrokerDown, Event, publish
from miniconf.rendering import render_inline, render_markdown

from .audiences import Target, own_targets
from .models import Announcement

if TYPE_CHECKING:
    from miniconf.permissions import Viewer

logger = logging.getLogger(__name__)

TOPIC = "site:announcements"
MOST_PINNED = 3  # above every page; more would hide it
LONGEST_IN_BAR = 400  # characters; longer texts are read on the page of all announcements
MOST_READ = 200  # of those that are pinned, for everybody and for some only
KEPT_FOR = 5.0  # seconds a process goes by what it last read


EVERYBODYS = Q(track=None, session=None)


def current(at: dt.datetime | None = None) -> QuerySet[Announcement]:
    """What holds at a time, whoever it is for, the newest first."""
    at = at or now()
    return Announcement.objects.filter(published_at__lte=at).exclude(ends_at__lte=at).order_by("-published_at", "-pk")


def shown(at: dt.datetime | None = None, viewer: Viewer | None = None) -> QuerySet[Announcement]:
    """What somebody sees at a time, the newest first; without `viewer`, visitors: what is for everybody."""
    found = current(at)
    if viewer is None or not viewer.is_authenticated:
        return found.filter(EVERYBODYS)
    targets = found.exclude(EVERYBODYS).order_by().values_list("track_id", "session_id").distinct()
    tracks, sessions = own_targets(viewer, targets)
    return found.filter(EVERYBODYS | Q(track__in=tracks) | Q(session__in=sessions))


Targeted = list[tuple[Target, dict[str, Any]]]  # for whom, and what pages show


def _pinned(at: dt.datetime | None = None) -> tuple[list[dict[str, Any]], Targeted]:
    """What is pinned for everybody, and for some only; one query."""
    items: list[dict[str, Any]] = []
    targeted: Targeted = []
    for one in current(at).filter(pinned=True)[:MOST_READ]:
        if one.track_id or one.session_id:
            targeted.append(((one.track_id, one.session_id), item_of(one)))
        elif len(items) < MOST_PINNED:
            items.append(item_of(one))
    return items, targeted


class _Kept:
    """What is pinned, read every few seconds at most, since every page shows it.

    Kept in the process and not in the broker: pages must not depend on that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: list[dict[str, Any]] = []
        self._targeted: Targeted = []
        self._until = 0.0

    def read(self) -> tuple[list[dict[str, Any]], Targeted]:
        """What is for everybody, and what is for some with whom it is for."""
        if time.monotonic() >= self._until:
            items, targeted = _pinned()
            with self._lock:
                self._items, self._targeted, self._until = items, targeted, time.monotonic() + KEPT_FOR
        return self._items, self._targeted

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_kept = _Kept()
forget_pinned = _kept.forget


def pinned_items(*, fresh: bool = False, viewer: Viewer | None = None) -> list[dict[str, Any]]:
    """What is pinned, as pages show it: what is for the viewer's tracks and sessions first, then what is for everybody.
    `fresh`: as it is this very moment."""
    if fresh:
        forget_pinned()
    return (own_items(viewer) + _kept.read()[0])[:MOST_PINNED]


def own_items(viewer: Viewer | None) -> list[dict[str, Any]]:
    """What is pinned for some only, `viewer` among them."""
    targeted = _kept.read()[1]
    if viewer is None or not viewer.is_authenticated or not targeted:
        return []
    tracks, sessions = own_targets(viewer, [target for target, _ in targeted])
    found = [item for (track, session), item in targeted if track in tracks or session in sessions]
    return [{**item, "for_some": True} for item in found[:MOST_PINNED]]


def own_mark() -> str:
    """Changes with what is pinned for some only, and tells nothing about it."""
    return _mark(_kept.read()[1])


def _mark(targeted: Targeted) -> str:
    keys = [item["key"] for _, item in targeted]
    return salted_hmac("announcements", "\n".join(keys)).hexdigest()[:12] if keys else ""


def seconds_to_next_change() -> float | None:
    """Until one begins or ends by itself, as its author planned; None where none does."""
    at = now()
    times = Announcement.objects.aggregate(
        begins=Min("published_at", filter=Q(published_at__gt=at)), ends=Min("ends_at", filter=Q(ends_at__gt=at))
    )
    return min(((time - at).total_seconds() for time in times.values() if time is not None), default=None)


def item_of(announcement: Announcement) -> dict[str, Any]:
    """An announcement as pages show it above their content. `key` changes with its text: who has put the old one away
    sees the new one."""
    text = f"{announcement.title}\n{announcement.body}"
    short = len(announcement.body) <= LONGEST_IN_BAR
    return {
        "id": announcement.pk,
        "key": f"{announcement.pk}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}",
        "title": str(render_inline(announcement.title)),
        "html": str(render_markdown(announcement.body)) if short and announcement.body else "",
        "more": not short,
        "url": f"{reverse('announcements')}#announcement-{announcement.pk}",
    }


def state() -> Event:
    """What is pinned now, as open pages hear it. By `at`, seconds since 1970, they know a word that was overtaken."""
    at = now()
    items, targeted = _pinned(at)
    return {"type": "announcements", "at": at.timestamp(), "items": items, "own": _mark(targeted)}


def tell() -> None:
    """Tell open pages what is pinned now; call it after the commit. Without a broker they learn it at their next load."""
    forget_pinned()
    try:
        publish(TOPIC, [state()])
    except BrokerDown:
        logger.warning("Open pages are not told of announcements: the broker is away")


def changes_between(start: dt.datetime, end: dt.datetime) -> bool:
    """Whether something pinned begins or ends after `start` and until `end` by itself, as its author planned."""
    begins = Q(published_at__gt=start, published_at__lte=end)
    ends = Q(ends_at__gt=start, ends_at__lte=end)
    return Announcement.objects.filter(begins | ends, pinned=True).exists()
