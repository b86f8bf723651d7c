"""Announcements: what the organizers tell everybody, from when and until when, and telling open pages of it.

Open pages are told the whole of what is pinned whenever that changes (`tell`), not single changes: a page that missed
something is right again with the next word it hears, and one that hears something twice shows it once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
import time
from typing import Any

from django.db.models import Min, Q, QuerySet
from django.urls import reverse
from django.utils.timezone import now

from miniconf.live import BrokerDown, Event, publish
from miniconf.rendering import render_inline, render_markdown

from .models import Announcement

logger = logging.getLogger(__name__)

TOPIC = "site:announcements"
MOST_PINNED = 3  # above every page; more would hide it
LONGEST_IN_BAR = 400  # characters; longer texts are read on the page of all announcements
KEPT_FOR = 5.0  # seconds a process goes by what it last read


def shown(at: dt.datetime | None = None) -> QuerySet[Announcement]:
    """What visitors see at a time, the newest first."""
    at = at or now()
    return Announcement.objects.filter(published_at__lte=at).exclude(ends_at__lte=at).order_by("-published_at", "-pk")


def pinned(at: dt.datetime | None = None) -> list[Announcement]:
    return list(shown(at).filter(pinned=True)[:MOST_PINNED])


class _Kept:
    """What is pinned, read every few seconds at most, since every page shows it.

    Kept in the process and not in the broker: pages must not depend on that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: list[dict[str, Any]] = []
        self._until = 0.0

    def items(self) -> list[dict[str, Any]]:
        if time.monotonic() >= self._until:
            items = [item_of(announcement) for announcement in pinned()]
            with self._lock:
                self._items, self._until = items, time.monotonic() + KEPT_FOR
        return self._items

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


_kept = _Kept()
forget_pinned = _kept.forget


def pinned_items(*, fresh: bool = False) -> list[dict[str, Any]]:
    """What is pinned, as pages show it; `fresh`: as it is this very moment."""
    if fresh:
        forget_pinned()
    return _kept.items()


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
    return {"type": "announcements", "at": at.timestamp(), "items": [item_of(found) for found in pinned(at)]}


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
