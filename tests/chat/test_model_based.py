"""The promise, tried with every mixture of people and faults: whoever follows a room ends with what the database holds.

Hypothesis makes up conversations of four clients (three members, one visitor) on the real consumer, hub, database and
broker: they speak, reply, ask, change, repeat themselves, lose the connection, stay away, stop reading, while
publications are lost, held up and turned round, and the broker stops answering, drops its connections or is killed.
The clients are those of miniconf_client, which refuse whatever comes twice or out of order.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import redis
from django.conf import settings as site
from django.test import Client as Browser
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from chat import services
from chat.changes import EMOJI
from chat.models import Message, Room
from chat.queries import state_of
from chat.rooms import find_room
from miniconf.accounts.models import User
from miniconf.live import BrokerDown
from miniconf.serving.pool import run_in_pool
from miniconf_client import Client, Lost, Refused
from miniconf_client.client import Outgoing
from papers.models import Paper
from tests.live import conftest as live
from tests.live.communicator import Socket
from tests.live.conftest import StoppableBroker

PEOPLE = 3
broker = live.broker  # the fixture
EXAMPLES, STEPS = int(os.environ.get("MODEL_EXAMPLES", "25")), 30  # half a minute; look longer with more
WITHIN = 40  # seconds for everything to arrive, however busy the machine is
people = st.integers(0, PEOPLE - 1)
clients = st.integers(0, PEOPLE)  # the visitor, too
some = st.integers(0, 1000)
CHANGES = ["edit", "delete", "react", "vote", "ask", "answered"]


class Line:
    """A connection that can be cut, and a client at its end that can stop reading."""

    def __init__(self, session: str, reads: asyncio.Event) -> None:
        self.socket = Socket([(b"host", b"localhost"), (b"cookie", f"{site.SESSION_COOKIE_NAME}={session}".encode())])
        self.socket._output_queue = asyncio.Queue(4)  # then the server waits
        self.reads = reads
        self.broken = asyncio.Event()

    @property
    def transport(self) -> Line:
        return self

    def abort(self) -> None:
        self.broken.set()

    async def send(self, text: str) -> None:
        if self.broken.is_set():
            raise ConnectionError
        await self.socket.send_text(text)

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            coming = asyncio.create_task(self._next())
            broken = asyncio.create_task(self.broken.wait())
            try:
                await asyncio.wait({coming, broken}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done() or (output := coming.result())["type"] != "websocket.send":
                    return
            finally:
                coming.cancel()
                broken.cancel()
            yield output["text"]

    async def _next(self) -> dict[str, Any]:
        await self.reads.wait()
        output: dict[str, Any] = await self.socket.output_queue.get()
        return output


class Person:
    """A client in the room, with its line and what it has posted."""

    def __init__(self, session: str, room: str, after: int | None) -> None:
        self.key, self.after, self.session = room, after, session
        self.near, self.reads = asyncio.Event(), asyncio.Event()
        self.near.set()
        self.reads.set()
        self.line: Line | None = None
        self.posted: list[Outgoing] = []
        self.client = Client("http://localhost", connector=self._connect, first_pause=0.005, longest_pause=0.02)

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[Line]:
        await self.near.wait()
        line = self.line = Line(self.session, self.reads)
        await line.socket.send_input({"type": "websocket.connect"})
        if (await line.socket.output_queue.get())["type"] != "websocket.accept":
            raise ConnectionError
        try:
            yield line
        finally:
            line.broken.set()
            with suppress(asyncio.CancelledError, Exception):  # the consumer has closed it already
                await line.socket.send_input({"type": "websocket.disconnect", "code": 1006})

    async def arrive(self) -> None:
        await self.client.__aenter__()
        self.room = await self.client.room(self.key, after=self.after)


class Publishing:
    """Stands before the real publication: lets it through, loses it, or holds it until it is let go, last first."""

    def __init__(self) -> None:
        self.mode = "through"
        self.held: list[tuple[Any, ...]] = []

    def __call__(self, *publication: Any) -> None:
        if self.mode == "hold":
            self.held.append(publication)
        elif self.mode == "through":
            self.real(*publication)

    real = staticmethod(services.publish)

    def let_go(self) -> None:
        held, self.held = self.held, []
        for publication in reversed(held):
            with suppress(BrokerDown):
                self.real(*publication)


class Conversation(RuleBasedStateMachine):
    sessions: tuple[str, ...]
    broker: StoppableBroker
    publishing: Publishing
    numbers: Iterator[int]

    @initialize(after=st.sampled_from([0, None]))
    def begin(self, after: int | None) -> None:
        self.runner = asyncio.Runner()
        self.key = f"paper:M{next(self.numbers)}"
        Paper.objects.create(uid=self.key.partition(":")[2], title="A paper")
        self.away = False
        self.publishing.mode = "through"
        self.kills = 0

        async def gather() -> None:
            self.people = [Person(session, self.key, 0) for session in self.sessions]
            self.people.append(Person("", self.key, after))
            await asyncio.gather(*(person.arrive() for person in self.people))

        self.run(gather())
        self.begun = True

    def run(self, work: Any) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(WITHIN):
                return await work

        return self.runner.run(bounded())

    def let_time_pass(self, seconds: float = 0.003) -> None:
        self.run(asyncio.sleep(seconds))

    # --- What people do ----------------------------------------------------------------------------------------------

    @rule(who=people, what=st.sampled_from(["say", "ask", "reply"]), where=some, often=st.integers(1, 4))
    def speak(self, who: int, what: str, where: int, often: int) -> None:
        person = self.people[who]
        roots = [message["id"] for message in person.room.messages.values() if message["thread"] is None]

        async def post() -> None:
            for _ in range(often):
                reply_to = roots[where % len(roots)] if what == "reply" and roots else None
                text = f"{who} says {len(person.posted)}"
                person.posted.append(person.room.post(text, asked=what == "ask", reply_to=reply_to))

        self.run(post())
        self.let_time_pass()

    @rule(
        who=people,
        where=some,
        on=st.booleans(),
        what=st.sampled_from(["edit", "delete", "react", "vote", "ask", "answered"]),
    )
    def change(self, who: int, where: int, on: bool, what: str) -> None:
        known = list(self.people[who].room.messages)
        if not known:
            return
        payload: dict[str, Any] = {"message": known[where % len(known)]}
        if what == "edit":
            payload["text"] = f"{who} says otherwise {where}"
        elif what != "delete":
            payload["on"] = on
        if what == "react":
            payload["emoji"] = EMOJI[where % len(EMOJI)]
        self.start(who, f"chat.{what}", payload)

    @rule(who=people, which=some)
    def say_it_again(self, who: int, which: int) -> None:
        """A client that does not believe its answer, and sends what is on its way a second time at the same moment."""
        posted = self.people[who].posted
        begun = sum(outgoing.sent.done() for outgoing in posted) + 1  # and the first that is not yet answered
        if posted:
            self.start(who, "chat.send", posted[which % min(begun, len(posted))].payload)

    def start(self, who: int, command: str, payload: dict[str, Any]) -> None:
        async def attempt() -> None:
            with suppress(Lost, Refused):
                await self.people[who].client.command(command, payload)

        async def begin() -> None:
            self.people[who].client._start(attempt())

        self.run(begin())
        self.let_time_pass()

    # --- What goes wrong ---------------------------------------------------------------------------------------------

    @rule(who=clients, stays_away=st.booleans())
    def cut(self, who: int, stays_away: bool) -> None:
        person = self.people[who]
        if stays_away:
            person.near.clear()
        if person.line is not None:
            person.line.abort()
        self.let_time_pass()

    @rule(who=clients)
    def come_back(self, who: int) -> None:
        self.people[who].near.set()
        self.let_time_pass()

    @rule(who=clients, reads=st.booleans())
    def read_or_not(self, who: int, reads: bool) -> None:
        event = self.people[who].reads
        event.set() if reads else event.clear()
        self.let_time_pass()

    @rule(mode=st.sampled_from(["through", "hold", "lose"]))
    def publish_otherwise(self, mode: str) -> None:
        self.publishing.mode = mode

    @rule()
    def let_publications_go(self) -> None:
        self.publishing.let_go()
        self.let_time_pass()

    @precondition(lambda self: not self.away)
    @rule(kind=st.sampled_from(["pubsub", "normal"]))
    def drop_connections(self, kind: str) -> None:
        self.tell_broker("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    @precondition(lambda self: not self.away)
    @rule(milliseconds=st.integers(1, 60))
    def pause_broker(self, milliseconds: int) -> None:
        self.tell_broker("CLIENT", "PAUSE", str(milliseconds), "ALL")

    def tell_broker(self, *command: str) -> None:
        with redis.Redis.from_url(self.broker.running.url) as client:
            client.execute_command(*command)
        self.let_time_pass()

    @precondition(lambda self: self.away or self.kills < 2)  # each costs half a second
    @rule()
    def kill_broker_or_start_it(self) -> None:
        self.kills += not self.away
        if self.away:
            self.broker.start()
        else:
            self.broker.running.process.kill()
            self.broker.stop()
        self.away = not self.away
        self.let_time_pass()

    # --- How it ends -------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not getattr(self, "begun", False):
            return
        try:
            self.publishing.mode = "through"
            self.publishing.held.clear()  # whoever was to publish this was killed
            if self.away:
                self.broker.start()
            for person in self.people:
                person.near.set()
                person.reads.set()
            self.run(self.compare())
        finally:
            self.run(asyncio.gather(*(person.client.__aexit__(None) for person in self.people), return_exceptions=True))
            self.runner.close()

    async def compare(self) -> None:
        for person in self.people:
            await asyncio.gather(*(outgoing.sent for outgoing in person.posted))
            while person.client._tasks:  # commands and resumptions under way
                await asyncio.wait(person.client._tasks)
        stored, last = await run_in_pool(self.stored)
        for person in self.people:
            # Nothing wakes those who wait here if the client breaks off: that is looked at, too.
            arrived = asyncio.create_task(person.room.until(lambda room: room.last == last and room.state == "live"))
            assert person.client._runner is not None
            await asyncio.wait({arrived, person.client._runner}, return_when=asyncio.FIRST_COMPLETED)
            if person.client._runner.done():
                person.client._runner.result()
            if person.room.known_from > 1:
                await person.room.read_all()
            assert person.room.messages == stored
        for person in self.people[:PEOPLE]:
            events = [outgoing.sent.result() for outgoing in person.posted]
            numbers = [event["n"] for event in events]
            assert numbers == sorted(set(numbers)), "in the order in which they were posted, each once"
            assert [event["client_id"] for event in events] == [out.payload["client_id"] for out in person.posted]
        assert len(stored) == sum(len(person.posted) for person in self.people)

    def stored(self) -> tuple[dict[int, dict[str, Any]], int]:
        room = find_room(self.key)
        assert room is not None
        messages = Message.objects.filter(room__key=self.key).select_related("author")
        last = Room.objects.filter(key=self.key).values_list("last_number", flat=True).first() or 0
        return {message.pk: {"n": message.number, **state_of(message, room)} for message in messages}, last


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_everybody_ends_with_what_is_stored(
    monkeypatch: pytest.MonkeyPatch, broker: StoppableBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")  # that the broker is away is told often enough
    for name, value in {
        "chat.services.RATE": "100000/minute",
        "chat.services.ROOM_RATE": "100000/minute",
        "chat.changes.RATE": "100000/minute",
        "chat.queries.MOST_MISSED": 6,  # gaps
        "miniconf.live.outbox.QUEUE_FRAMES": 6,  # who does not read is dropped soon
        "miniconf.live.consumer.FRAMES_AT_ONCE": 100000.0,
        "miniconf.live.hub.CHECK_EVERY": 0.05,
    }.items():
        monkeypatch.setattr(name, value)
    publishing = Publishing()
    monkeypatch.setattr("chat.services.publish", publishing)

    def session_of(n: int) -> str:
        browser = Browser()
        browser.force_login(User.objects.create_user(f"p{n}@example.org", name=f"P{n}"))
        return browser.cookies[site.SESSION_COOKIE_NAME].value

    class Here(Conversation):
        pass

    Here.sessions = tuple(map(session_of, range(PEOPLE)))
    Here.broker, Here.publishing, Here.numbers = broker, publishing, itertools.count()
    make: Callable[[], Conversation] = Here
    run_state_machine_as_test(
        make,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller case is seldom worth the minutes
        ),
    )
