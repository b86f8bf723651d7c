"""Who may go on following. Somebody is banned, the site is closed to visitors, a token is taken back: every process
hears of it through the broker and asks again, for those whom it concerns, what was asked when they subscribed.

News of that kind can be lost while the broker is away, so everybody is asked about anew when it is back, and every few
minutes in any case.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

from django.db import transaction

from . import BrokerDown, channel_of, publish

logger = logging.getLogger(__name__)

TOPIC = "access:changed"  # of no registered kind, so no socket can follow it
CHANNEL = channel_of(TOPIC)
EVERY = 300.0  # seconds


def access_changed(users: Iterable[Any] | None = None) -> None:
    """What accounts with these keys (None: everybody) may follow has changed. Takes effect after the commit."""
    transaction.on_commit(partial(_tell, None if users is None else sorted(users)))


def _tell(users: list[Any] | None) -> None:
    try:
        publish(TOPIC, [{"type": "access", "users": users}])
    except BrokerDown:
        logger.debug("A change of permissions takes effect on open connections when the broker is back")


class Watched(Protocol):
    """One who follows topics."""

    user_id: Any

    async def recheck(self) -> None:
        """Let go of every topic that may not be followed any more."""


class Watch:
    """All who follow something in one event loop."""

    def __init__(self) -> None:
        self._watched: dict[Watched, None] = {}  # in the order of their coming
        self._due: dict[Watched, None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listened = False
        self.heard = 0  # counts up with each change: what was asked before may have another answer now

    def add(self, one: Watched) -> None:
        self._watched[one] = None
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def discard(self, one: Watched) -> None:
        self._watched.pop(one, None)
        self._due.pop(one, None)

    def listen(self) -> None:
        """From here on the broker tells of changes; those while it was away were not heard."""
        if self._listened:
            self._ask_about(self._watched)
        self._listened = True

    def hear(self, frame: bytes) -> None:
        try:
            for event in json.loads(frame)["events"]:
                users = event["users"]
                self._ask_about([one for one in self._watched if users is None or one.user_id in users])
        except (ValueError, KeyError, TypeError):
            logger.exception("What was published to %s is no change of access", TOPIC)
            self._ask_about(self._watched)

    def _ask_about(self, some: Iterable[Watched]) -> None:
        self.heard += 1
        self._due |= dict.fromkeys(some)
        self._wake.set()

    async def _run(self) -> None:
        """One after the other: the threads are there for those who speak."""
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), EVERY)
            except TimeoutError:
                self._due |= self._watched
            self._wake.clear()
            while self._due:
                one = next(iter(self._due))
                del self._due[one]
                await one.recheck()
