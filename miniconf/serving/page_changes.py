"""What makes pages out of date, and how every web process hears of it.

`forget_pages` may be called anywhere. It takes effect after the commit: at once in this process, and through the
broker in all others within milliseconds. Messages in chat rooms are published to their topics anyway; a page with the
tag `room:<key>` is forgotten when one is.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import uuid4
from weakref import WeakSet

import redis
import redis.asyncio
from django.conf import settings
from django.db import transaction
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from miniconf.live import BrokerDown, channel_of, publish

from .page_store import PageStore
from .remembered import memory

logger = logging.getLogger(__name__)

TOPIC = "pages:changed"  # of no registered kind, so no socket can follow it
PING_EVERY = 10.0  # seconds; a broker that has said nothing for twice that is taken for gone

stores: WeakSet[PageStore] = WeakSet()  # of this process
HERE = uuid4().hex  # by which a process knows its own news


def forget_pages(tags: Iterable[str] | None = None) -> None:
    """Have all web processes drop the pages with one of `tags` ("room:paper:SkxSha1"), or all of them.

    Within a transaction it waits for the commit. Bulk writes, which send no signals, call it themselves.
    """
    if tags is not None:
        transaction.on_commit(partial(_forget, sorted(set(tags))))
        return
    waiting = transaction.get_connection().run_on_commit
    if not waiting or waiting[-1][1] is not _forget:  # once for a thousand rows saved one after the other
        transaction.on_commit(_forget)


def _forget(tags: list[str] | None = None) -> None:
    if tags is None:
        memory.forget()
    for store in tuple(stores):
        store.forget(tags)
    try:
        publish(TOPIC, [{"type": "forget", "tags": tags, "by": HERE}])
    except BrokerDown:
        # They know that they hear nothing, and keep their pages for seconds only.
        logger.debug("Other processes are not told of a change: the broker cannot be reached")


class Changes:
    """Listens for changes, with one connection to the broker, and has a store forget what they make out of date."""

    def __init__(self, store: PageStore) -> None:
        self.store = store
        self.listening = False  # whether every change is certain to be heard
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen on the running event loop, if not yet begun."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        pause = 0.05
        while True:
            try:
                await self._connected()
            except Exception as error:  # whatever it was, the connection is made again
                known = isinstance(error, redis.RedisError | OSError)
                if self.listening:
                    pause = 0.05
                    logger.warning("The broker is away, pages are kept only shortly: %s", error, exc_info=not known)
            finally:
                self.listening = False
                memory.listen(False)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)

    async def _connected(self) -> None:
        """One connection, from its beginning to the error that ends it."""
        client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2, protocol=2, retry=Retry(NoBackoff(), 0)
        )
        connection = client.connection_pool.make_connection()
        try:
            await connection.connect()
            await connection.send_command("PSUBSCRIBE", channel_of(TOPIC), channel_of("room:*"), check_health=False)
            confirmed = 0
            while True:
                message = await self._next_message(connection)
                if message[0] == b"pmessage":
                    self._hear(message[2].decode(), message[3])
                elif message[0] == b"psubscribe":
                    confirmed += 1
                    if confirmed == 2:
                        self.store.forget()  # what changed until now was not heard
                        memory.listen(True)
                        self.listening = True
        finally:
            await connection.disconnect(nowait=True)

    async def _next_message(self, connection: Any) -> Any:
        reading = asyncio.ensure_future(connection.read_response())
        try:
            done, _ = await asyncio.wait({reading}, timeout=PING_EVERY)
            if not done:
                await connection.send_command("PING", check_health=False)
                done, _ = await asyncio.wait({reading}, timeout=PING_EVERY)
            if not done:
                raise redis.TimeoutError("the broker has stopped answering")
            return reading.result()
        finally:
            reading.cancel()

    def _hear(self, channel: str, text: bytes) -> None:
        topic = channel.removeprefix(channel_of(""))
        if topic != TOPIC:
            self.store.forget([topic])
            return
        try:
            for event in json.loads(text)["events"]:
                if event["by"] != HERE:
                    if event["tags"] is None:
                        memory.forget()
                    self.store.forget(event["tags"])
        except (ValueError, KeyError, TypeError):
            logger.exception("What was published to %s is no change of pages", TOPIC)
            memory.forget()
            self.store.forget()
