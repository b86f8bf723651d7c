"""Counting views and visitors without knowing who they are.

Each web process notes what it has answered and hands it to the broker every few seconds: how often a paper's page was shown,
and of each visitor a hash that is good for one day, whose key is random and forgotten after it. The broker keeps no hashes
but an estimate of how many different ones there were (HyperLogLog, within a percent); rows keep the numbers.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import Counter
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import unquote

import redis
from django.conf import settings
from django.utils.timezone import now

from miniconf.processes.presence import broker_client

from .models import DayNumber

EVERY = 5.0  # seconds between two hand-overs
KEPT = 3 * 24 * 3600  # seconds that the broker keeps a day's numbers
MOST_NOTED = 20_000  # different visitors or papers between two hand-overs
_PAPER = re.compile(r"/papers/([^/]{1,120})/")

_lock = threading.Lock()
_views: Counter[str] = Counter()
_visitors: set[bytes] = set()
_timer: threading.Timer | None = None


def note_page(path: str, visitor: bytes) -> None:
    """A page was shown to whoever `visitor` (address and browser) is. Costs the caller a dictionary's entry."""
    match = _PAPER.fullmatch(path)
    with _lock:
        if len(_visitors) < MOST_NOTED:
            _visitors.add(visitor)
        if match and len(_views) < MOST_NOTED:
            _views[f"views:{unquote(match[1])}"] += 1
        _start_timer()


def note_play(uid: str) -> None:
    """Somebody has started a paper's film."""
    with _lock:
        if len(_views) < MOST_NOTED:
            _views[f"plays:{uid}"] += 1
        _start_timer()


def _start_timer() -> None:
    global _timer
    if _timer is None:
        _timer = threading.Timer(EVERY, hand_over)
        _timer.daemon = True
        _timer.start()


def hand_over() -> None:
    """Give the broker what was noted. While it is away numbers wait; those beyond MOST_NOTED are lost."""
    global _timer
    with _lock:
        views, visitors = Counter(_views), set(_visitors)
        _views.clear()
        _visitors.clear()
        _timer = None
    day = now().date().isoformat()
    try:
        with broker_client() as client:
            key = _key_of(client, day)
            pipe = client.pipeline(transaction=False)
            for name, count in views.items():
                pipe.hincrby(f"numbers:{day}", name, count)
            hashes = [hashlib.blake2b(visitor, key=key, digest_size=12).hexdigest() for visitor in visitors]
            if hashes:
                pipe.pfadd(f"numbers:visitors:{day}", *hashes)
            pipe.expire(f"numbers:{day}", KEPT)
            pipe.expire(f"numbers:visitors:{day}", KEPT)
            pipe.execute()
    except (redis.RedisError, OSError):
        with _lock:
            _views.update(views)
            _visitors.update(visitors)


def _key_of(client: redis.Redis, day: str) -> bytes:
    """The day's random key, which all processes share and nobody has any more on the next day."""
    client.set(f"numbers:key:{day}", secrets.token_hex(16), nx=True, ex=36 * 3600)
    return cast(str, client.get(f"numbers:key:{day}")).encode()


def visitor_of(scope: dict[str, Any]) -> bytes:
    """Address and browser of a request, as counted; never stored."""
    headers = dict(scope["headers"])
    address = (scope.get("client") or ("", 0))[0].encode()
    if settings.SECURE_PROXY_SSL_HEADER:
        address = headers.get(b"x-forwarded-for", address).split(b",")[-1].strip()
    return address + b"\0" + headers.get(b"user-agent", b"")[:300]


def roll_up() -> int:
    """Write the broker's numbers of today and yesterday into rows; returns how many. A row never becomes less: a broker
    that has lost its memory begins at zero."""
    days = [now().date() - timedelta(days=1), now().date()]
    kept = {(row.what, row.day, row.key): row.number for row in DayNumber.objects.filter(day__in=days)}
    with broker_client(timeout=5) as client:
        found = [row for day in days for row in _rows_of(client, day)]
    rows = [row for row in found if row.number > kept.get((row.what, row.day, row.key), 0)]
    DayNumber.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["what", "day", "key"],
        update_fields=["number"],
    )
    return len(rows)


def _rows_of(client: redis.Redis, day: date) -> list[DayNumber]:
    name = f"numbers:{day.isoformat()}"
    found = cast(dict[str, str], client.hgetall(name))
    rows = [
        DayNumber(day=day, what=what, key=key, number=int(count))
        for field, count in found.items()
        for what, _, key in [field.partition(":")]
    ]
    if visitors := client.pfcount(f"numbers:visitors:{day.isoformat()}"):
        rows.append(DayNumber(day=day, what="visitors", number=visitors))
    return rows
