"""Delivery: one connection to the broker per process, one subscription per topic, one encoded frame for all.

A subscriber has seen events up to number `last`. It is *live* when every logged event after `last` is certain to
come through the broker; then frames are handed on as they are. Otherwise it is *catching up*: frames are held back
while the backlog is read. That happens at the start, after the broker was away, and when a number is missing (two
messages committed one after the other may be published the other way round). So nothing is lost or repeated, and
logged events are delivered in the order of their numbers. A publication that nobody hears (its process was killed after the
commit) leaves no trace in the broker, so every few seconds one query asks for all topics which number is the newest.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import perf_counter
from typing import Any, Protocol
from uuid import uuid4
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from miniconf.observing.metrics import LAG
from miniconf.serving.pool import run_db, run_in_pool

from . import BrokerDown, Event, channel_of, publish_probe
from .access import CHANNEL as ACCESS
from .access import Watch
from .frames import OFFLINE, ONLINE, Frame
from .registry import TopicKind, find_topic, newest_of

logger = logging.getLogger(__name__)

PING_EVERY = 10.0  # seconds; a broker that has said nothing for twice that is taken for gone
CHECK_EVERY = 10.0  # seconds between looks for what was stored and never heard of
FRAMES_AT_A_TIME = 32  # a burst must not fill the sockets' queues before any of them could send

# What this process has done since its start, for whoever looks after it.
counts: Counter[str] = Counter()


class Sink(Protocol):
    """Where a subscriber's frames go. Neither method waits: who cannot keep up is cut off and comes back later."""

    def deliver(self, frame: Frame) -> None: ...

    def fail(self) -> None:
        """The backlog could not be read: the subscriber should start again."""


class Subscription:
    def __init__(self, topic: Topic, user: Any, after: int | None, sink: Sink) -> None:
        self.topic = topic
        self.user = user
        self.last = after
        self.sink = sink
        self.held: list[Frame] | None = []  # frames that wait for the backlog; None: live
        self.told_offline = False
        self.ended = False  # what was still being read for it is not handed on any more

    def hand_on(self, frame: Frame) -> None:
        if self.ended:
            return
        rest = frame.after(self.last or 0)
        if rest is not None:
            self.last = max(self.last or 0, rest.last)
            self.sink.deliver(rest)


class Topic:
    def __init__(self, name: str, kind: TopicKind, key: str) -> None:
        self.name = name
        self.kind = kind
        self.key = key
        self.channel = channel_of(name)
        self.subscriptions: set[Subscription] = set()
        # Counts up whenever the broker starts or stops sending us this topic: a backlog read across that is stale.
        self.generation = 0
        self.listening = False
        self.settled = asyncio.Event()  # it is known whether the broker sends us this topic


def _gap(last: int, frames: list[Frame], later: list[Frame]) -> bool:
    """Whether a number is missing between `last` and one of the `later` of these frames."""
    for frame in sorted(frames, key=lambda frame: frame.last):
        if frame.first is not None and frame.first > last + 1 and frame in later:
            return True
        last = max(last, frame.last)
    return False


class Hub:
    """All topics of one event loop."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}
        self._commands: asyncio.Queue[tuple[str, ...]] | None = None  # to the broker; None: no connection
        self._failed = False
        self._runner: asyncio.Task[None] | None = None
        self._checker: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.watch = Watch()
        self._probe = f"live-probe:{uuid4().hex}"  # on which this process hears how long its own word takes

    # --- Subscribers ------------------------------------------------------------------------------------------------

    async def attach(
        self, topic: str, user: Any, after: int | None, sink: Sink, opening: Callable[[list[Event]], None]
    ) -> Subscription:
        """Follow `topic` until `detach`. `opening` gets the backlog, before `sink` gets the first live frame.

        Whether `user` may is the caller's business. Raises LiveError for a topic that cannot be.
        """
        kind, key = find_topic(topic)
        entry = self._topics.get(topic)
        if entry is None:
            entry = self._topics[topic] = Topic(topic, kind, key)
            self._subscribe(entry)
        subscription = Subscription(entry, user, after, sink)
        entry.subscriptions.add(subscription)
        counts["subscriptions"] += 1
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(entry.settled.wait(), 2)
            await self._catch_up(entry, [subscription], opening)
        except BaseException:
            self.detach(subscription)
            raise
        return subscription

    def detach(self, subscription: Subscription) -> None:
        """Stop following; may be called twice."""
        topic = subscription.topic
        subscription.ended = True
        topic.subscriptions.discard(subscription)
        if not topic.subscriptions and self._topics.get(topic.name) is topic:
            del self._topics[topic.name]
            if self._commands is not None:
                self._commands.put_nowait(("UNSUBSCRIBE", topic.channel))

    async def _catch_up(
        self, topic: Topic, subscriptions: list[Subscription], opening: Callable[[list[Event]], None] | None = None
    ) -> None:
        """Bring subscribers who have seen the same up to date, with one read of the backlog, and make them live."""
        first = subscriptions[0]
        stale = True
        while stale:
            generation, received = topic.generation, len(first.held or ())
            events = await run_db(topic.kind.backlog, first.user, topic.key, first.last)
            counts["backlogs"] += 1
            if opening is not None:
                opening(events if topic.listening else [*events, OFFLINE])
                opening = None
                first.last = max([first.last or 0, *(event["n"] for event in events if "n" in event)])
                first.told_offline = not topic.listening
            elif events:
                frame = Frame(topic.name, events)
                for subscription in subscriptions:
                    subscription.hand_on(frame)
            # Frames that came during the read may leave out what was committed during it.
            later = (first.held or [])[received:]
            stale = generation != topic.generation or _gap(first.last or 0, first.held or [], later)
        for subscription in subscriptions:
            held, subscription.held = subscription.held or [], None
            self._tell_state(subscription)
            for frame in sorted(held, key=lambda frame: frame.last):
                subscription.hand_on(frame)

    def _start_catching_up(self, topic: Topic, subscriptions: Iterable[Subscription]) -> None:
        """Have live subscribers read the backlog, those who have seen the same together."""
        groups: dict[int | None, list[Subscription]] = defaultdict(list)
        for subscription in subscriptions:
            if subscription.held is None:
                subscription.held = []
                groups[subscription.last].append(subscription)
        for group in groups.values():
            task = asyncio.create_task(self._catch_up_or_fail(topic, group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _catch_up_or_fail(self, topic: Topic, subscriptions: list[Subscription]) -> None:
        try:
            await self._catch_up(topic, subscriptions)
        except Exception:  # whatever the database says, the subscribers must not wait for ever
            logger.exception("The backlog of %s cannot be read", topic.name)
            for subscription in subscriptions:
                self.detach(subscription)
                subscription.sink.fail()

    async def _check(self) -> None:
        """Look for what was published in vain, for as long as the process lives."""
        while True:
            await asyncio.sleep(CHECK_EVERY * random.uniform(0.5, 1.5))
            with suppress(BrokerDown):
                await run_in_pool(publish_probe, self._probe)
            kinds: dict[str, dict[str, Topic]] = defaultdict(dict)
            for topic in self._topics.values():
                kinds[topic.name.partition(":")[0]][topic.key] = topic
            for topics in kinds.values():
                kind = next(iter(topics.values())).kind
                try:
                    self._check_topics(topics, await run_db(newest_of, kind, list(topics)))
                except Exception:
                    logger.exception("What was missed could not be looked for")

    def _check_topics(self, topics: dict[str, Topic], newest: dict[str, int]) -> None:
        for key, number in newest.items():
            behind = [one for one in topics[key].subscriptions if one.held is None and (one.last or 0) < number]
            if behind:
                counts["behind"] += 1
                self._start_catching_up(topics[key], behind)

    def _tell_state(self, subscription: Subscription) -> None:
        offline = not subscription.topic.listening
        if subscription.told_offline != offline and not subscription.ended:
            subscription.told_offline = offline
            subscription.sink.deliver(Frame(subscription.topic.name, [OFFLINE if offline else ONLINE]))

    def _deliver(self, topic: Topic, frame: Frame) -> None:
        counts["frames"] += 1
        behind = []
        for subscription in tuple(topic.subscriptions):
            if subscription.held is not None:
                subscription.held.append(frame)
            elif frame.first is None or frame.first == (subscription.last or 0) + 1:  # the rule: as it is
                subscription.last = max(subscription.last or 0, frame.last)
                subscription.sink.deliver(frame)
            elif frame.first <= (subscription.last or 0):
                subscription.hand_on(frame)
            else:
                behind.append(subscription)
        if behind:
            self._start_catching_up(topic, behind)

    # --- The broker -------------------------------------------------------------------------------------------------

    def _subscribe(self, topic: Topic) -> None:
        if self._commands is not None:
            self._commands.put_nowait(("SUBSCRIBE", topic.channel))
        elif self._failed:
            topic.settled.set()  # not now; the connection is being made again
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
            self._checker = asyncio.create_task(self._check())

    async def _run(self) -> None:
        """Keep one connection to the broker for as long as the process lives."""
        pause = 0.05
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._connected()
            except Exception as error:  # whatever it was, the connection is made again
                known = isinstance(error, redis.RedisError | OSError)
                if not self._failed:
                    logger.warning("The broker is away, live topics wait for it: %s", error, exc_info=not known)
                self._lost()
            if asyncio.get_running_loop().time() - started > 5:
                pause = 0.05
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, 2.0)

    async def _connected(self) -> None:
        """One connection, from its beginning to the error that ends it."""
        # A blocking read must never time out by itself, nor reconnect without our reading the backlog.
        client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=None, socket_connect_timeout=2, protocol=2, retry=Retry(NoBackoff(), 0)
        )
        connection = client.connection_pool.make_connection()
        try:
            await connection.connect()
            commands: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
            self._commands = commands
            if self._failed:
                logger.info("The broker is back")
            self._failed = False
            commands.put_nowait(("SUBSCRIBE", ACCESS))
            commands.put_nowait(("SUBSCRIBE", self._probe))
            for topic in self._topics.values():
                self._subscribe(topic)
            parts = [asyncio.create_task(part) for part in (self._read(connection), _write(connection, commands))]
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for part in parts:
                    part.cancel()
                ended = await asyncio.gather(*parts, return_exceptions=True)
            raise next(error for error in ended if isinstance(error, Exception))
        finally:
            await connection.disconnect(nowait=True)

    async def _read(self, connection: Any) -> None:
        while True:
            async with asyncio.timeout(2 * PING_EVERY):
                message = await connection.read_response()
            if message[0] == b"message" and message[1] == ACCESS.encode():
                self.watch.hear(message[2])
            elif message[0] == b"message" and message[1] == self._probe.encode():
                LAG.observe(perf_counter() - float(message[2]))
            elif message[0] == b"message":
                topic = self._topics.get(message[1].decode().removeprefix("live:"))
                if topic is not None:
                    text = message[2].decode()
                    try:
                        frame = Frame(topic.name, json.loads(text)["events"], text)
                    except (ValueError, KeyError, TypeError):
                        logger.exception("What was published to %s is no frame", topic.name)
                    else:
                        self._deliver(topic, frame)
                        if counts["frames"] % FRAMES_AT_A_TIME == 0:
                            await asyncio.sleep(0)
            elif message[0] == b"subscribe":
                self._confirm(message[1].decode())

    def _confirm(self, channel: str) -> None:
        """The broker sends us a channel from here on.

        This may still answer the request of a topic that was left and joined again; another answer follows then.
        """
        if channel == ACCESS:
            self.watch.listen()
            return
        topic = self._topics.get(channel.removeprefix("live:"))
        if topic is None:
            return
        topic.generation += 1
        topic.listening = True
        topic.settled.set()
        self._start_catching_up(topic, topic.subscriptions)

    def _lost(self) -> None:
        self._commands = None
        self._failed = True
        for topic in self._topics.values():
            topic.generation += 1
            topic.listening = False
            topic.settled.set()
            for subscription in tuple(topic.subscriptions):
                if subscription.held is None:
                    self._tell_state(subscription)


async def _write(connection: Any, commands: asyncio.Queue[tuple[str, ...]]) -> None:
    while True:
        try:
            async with asyncio.timeout(PING_EVERY):
                command = await commands.get()
        except TimeoutError:
            command = ("PING",)
        await connection.send_command(*command, check_health=False)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop: one per process."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
