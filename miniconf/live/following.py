"""A topic as an asynchronous iterator, for whoever is not a websocket: server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from miniconf.serving.pool import run_db

from . import Event
from .frames import Frame
from .hub import hub
from .registry import find_topic

FOLLOW_LIMIT = 5000  # events that may wait for one reader


class _Inbox:
    """Events that wait for the reader of one follow(); cut off when they are too many."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.cut = False
        self.ready = asyncio.Event()

    def deliver(self, frame: Frame) -> None:
        if not self.cut:
            self.open(frame.events)
            self.cut = len(self.events) > FOLLOW_LIMIT

    def open(self, events: list[Event]) -> None:
        self.events.extend(events)
        self.ready.set()

    def fail(self) -> None:
        self.cut = True
        self.ready.set()


async def follow_batches(topic: str, user: Any, after: int | None = None) -> AsyncGenerator[list[Event]]:
    """Backlog, then live events, as many at a time as there are, without end. Raises LiveError where `user` may not.

    While the broker is away there is `{"type": "offline"}`, then `{"type": "online"}` and what was missed. A reader
    slower than the topic misses nothing: it is cut off and resumes. Leaving the loop in any way lets go of the topic.
    """
    kind, key = find_topic(topic)
    await run_db(kind.authorize, user, key)
    last = after
    home = hub()
    while True:
        inbox = _Inbox()
        subscription = await home.attach(topic, user, last, inbox, inbox.open)
        try:
            while inbox.events or not inbox.cut:
                await inbox.ready.wait()
                inbox.ready.clear()
                events, inbox.events = inbox.events, []
                if events:
                    last = max((event["n"] for event in events if "n" in event), default=last)
                    yield events
        finally:
            home.detach(subscription)


async def follow(topic: str, user: Any, after: int | None = None) -> AsyncIterator[Event]:
    """The same, one by one."""
    batches = follow_batches(topic, user, after)
    try:
        async for events in batches:
            for event in events:
                yield event
    finally:
        await batches.aclose()
