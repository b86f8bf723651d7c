"""The websocket at /live/: who may open it, what it answers, and what happens to those who do not keep to the rules."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from pydantic import BaseModel

from miniconf.live import registry
from miniconf.live.consumer import ERRORS_BEFORE_CLOSE, LiveConsumer
from miniconf.live.hub import hub
from miniconf.live.outbox import QUEUE_FRAMES, SIGNED_OUT, TOO_MANY_ERRORS, TOO_SLOW
from miniconf.live.registry import LiveError, command
from miniconf.serving.pool import run_in_pool

from .communicator import Socket
from .conftest import Log

pytestmark = pytest.mark.django_db(transaction=True)


class Sum(BaseModel):
    numbers: list[int]


@pytest.fixture(autouse=True)
def commands():
    @command("test.add", Sum)
    def add(user: Any, payload: Sum) -> dict[str, Any]:
        return {"sum": sum(payload.numbers), "for": str(user)}

    @command("test.fail", Sum)
    def fail(user: Any, payload: Sum) -> dict[str, Any]:
        raise RuntimeError("secret details")

    @command("test.refuse", Sum)
    def refuse(user: Any, payload: Sum) -> dict[str, Any]:
        raise LiveError("rate_limited", "Please wait.", retry_after=3)

    yield
    for name in ("test.add", "test.fail", "test.refuse"):
        del registry._commands[name]


@asynccontextmanager
async def socket(session: str = "", origin: str = "http://localhost", host: str = "localhost") -> AsyncIterator[Socket]:
    headers = [(b"host", host.encode()), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())]
    if origin:
        headers.append((b"origin", origin.encode()))
    communicator = Socket(headers)
    await communicator.connect()
    try:
        yield communicator
    finally:
        await communicator.disconnect()


def signed_in(email: str = "ada@example.org") -> tuple[Any, Client]:
    user = get_user_model().objects.create_user(email, name="Ada")
    client = Client()
    client.force_login(user)
    return user, client


def session_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


# --- Opening ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "host", "opened"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("", "localhost", True),  # not a browser
        (settings.SITE_URL, "127.0.0.1", True),
        ("https://elsewhere.example", "localhost", False),
        ("http://localhost:9999", "localhost:8000", False),
        ("null", "localhost", False),
        ("http://rebound.example", "rebound.example", False),
    ],
)
async def test_only_pages_of_this_site_may_open_it(origin: str, host: str, opened: bool):
    async with socket(origin=origin, host=host) as communicator:
        assert communicator.opened is opened


async def test_there_is_no_socket_anywhere_else():
    for path in ("/", "/live", "/live/more/", "/papers/"):
        assert await Socket([(b"host", b"localhost")], path).connect() is False


async def test_it_knows_its_viewer_from_the_session():
    _, client = await run_in_pool(signed_in)
    async with socket(session_of(client)) as communicator:
        answer = await communicator.ask(id=1, do="test.add", payload={"numbers": [1, 2]})
        assert answer == {"id": 1, "ok": {"sum": 3, "for": "Ada"}}
    for session in ("", "invented", "a" * 5000):
        async with socket(session) as communicator:
            answer = await communicator.ask(id=1, do="test.add", payload={"numbers": []})
            assert answer == {"id": 1, "ok": {"sum": 0, "for": "AnonymousUser"}}


async def test_one_who_signs_out_elsewhere_is_a_visitor_at_once_and_loses_the_socket():
    _, client = await run_in_pool(signed_in)
    async with socket(session_of(client)) as communicator:
        await run_in_pool(client.logout)
        answer = await communicator.ask(id=1, do="test.add", payload={"numbers": []})
        assert answer["ok"]["for"] == "AnonymousUser"
        assert await communicator.receive_output(10) == {"type": "websocket.close", "code": SIGNED_OUT}


async def test_one_whose_account_is_switched_off_is_a_visitor_at_once():
    user, client = await run_in_pool(signed_in)
    async with socket(session_of(client)) as communicator:
        user.is_active = False
        await run_in_pool(user.save)
        answer = await communicator.ask(id=1, do="test.add", payload={"numbers": []})
        assert answer["ok"]["for"] == "AnonymousUser"


# --- Following -------------------------------------------------------------------------------------------------------


async def test_a_subscription_is_answered_with_the_backlog_and_followed_by_live_frames(log: Log):
    log.commit("a")
    async with socket() as communicator:
        answer = await communicator.ask(id=7, do="subscribe", topic="log:a")
        assert answer == {"id": 7, "ok": {"topic": "log:a", "events": [{"n": 1, "type": "line", "text": "a"}]}}
        log.say("b")
        frame = await communicator.receive_json()
        assert frame == {"topic": "log:a", "events": [{"n": 2, "type": "line", "text": "b"}]}


async def test_a_subscription_resumes_after_a_number_and_replaces_the_earlier_one(log: Log):
    for _ in range(3):
        log.commit()
    async with socket() as communicator:
        await communicator.ask(id=1, do="subscribe", topic="log:a", after=0)
        answer = await communicator.ask(id=2, do="subscribe", topic="log:a", after=2)
        assert [event["n"] for event in answer["ok"]["events"]] == [3]
        log.say()
        assert [event["n"] for event in (await communicator.receive_json())["events"]] == [4]
        assert await communicator.receive_nothing(0.1)


async def test_after_unsubscribing_nothing_comes_and_nothing_is_held(log: Log):
    async with socket() as communicator:
        await communicator.ask(id=1, do="subscribe", topic="log:a")
        assert await communicator.ask(id=2, do="unsubscribe", topic="log:a") == {"id": 2, "ok": {"topic": "log:a"}}
        assert list(hub()._topics) == []
        log.say()
        assert await communicator.receive_nothing(0.1)


async def test_a_socket_that_closes_lets_go_of_its_topics(log: Log):
    async with socket() as communicator:
        await communicator.ask(id=1, do="subscribe", topic="log:a")
        assert list(hub()._topics) == ["log:a"]
    assert list(hub()._topics) == []


async def test_all_sockets_get_the_same_frame(log: Log):
    async with socket() as one, socket() as other:
        for communicator in (one, other):
            await communicator.ask(id=1, do="subscribe", topic="log:a")
        log.say("é < 語")
        texts = [await communicator.receive_text() for communicator in (one, other)]
        assert texts == ['{"topic":"log:a","events":[{"n":1,"type":"line","text":"é < 語"}]}'] * 2


async def test_a_topic_one_may_not_follow_is_refused_with_a_reason(log: Log):
    async with socket() as communicator:
        assert await communicator.ask(id=1, do="subscribe", topic="log:private") == {
            "id": 1,
            "error": {"code": "forbidden", "message": "This topic is private."},
        }
        assert (await communicator.ask(id=2, do="subscribe", topic="no:such"))["error"] == {
            "code": "unknown_topic",
            "message": "There is no topic “no:such”.",
        }


async def test_one_socket_follows_a_bounded_number_of_topics(log: Log, monkeypatch):
    monkeypatch.setattr("miniconf.live.consumer.SUBSCRIPTIONS", 2)
    async with socket() as communicator:
        answers = [await communicator.ask(id=n, do="subscribe", topic=f"log:{n}") for n in range(3)]
        assert ["ok" in answer for answer in answers] == [True, True, False]
        assert answers[2]["error"]["code"] == "too_many_topics"


# --- Rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number", "code"),
    [
        ("nonsense", None, "malformed"),
        ("[" * 20000, None, "malformed"),
        ('{"id": 1, "do": "subscribe", "topic": "\\ud800:a"}', None, "malformed"),
        ("[]", None, "invalid"),
        ("3", None, "invalid"),
        ("{}", None, "invalid"),
        ('{"do": "subscribe", "topic": "log:a"}', None, "invalid"),
        ('{"id": "x", "do": "subscribe", "topic": "log:a"}', None, "invalid"),
        ('{"id": -1, "do": "subscribe", "topic": "log:a"}', -1, "invalid"),
        ('{"id": true, "do": "subscribe", "topic": "log:a"}', None, "invalid"),
        ('{"id": 1, "do": "subscribe"}', 1, "invalid"),
        ('{"id": 1, "do": "subscribe", "topic": 5}', 1, "invalid"),
        ('{"id": 1, "do": "subscribe", "topic": "log:a", "after": -3}', 1, "invalid"),
        ('{"id": 1, "do": "subscribe", "topic": "log:a", "after": "3"}', 1, "invalid"),
        ('{"id": 1, "do": "subscribe", "topic": "log:a", "after": 1e300}', 1, "invalid"),
        ('{"id": 1, "do": "subscribe", "topic": "log:a", "extra": 1}', 1, "invalid"),
        ('{"id": 1, "do": "subscribe", "topic": "log:\\u0000"}', 1, "unknown_topic"),
        ('{"id": 1, "do": "dance"}', 1, "invalid"),
        ('{"id": 1, "do": "test.dance"}', 1, "unknown_command"),
        ('{"id": 1, "do": "test.add", "payload": {"numbers": "many"}}', 1, "invalid"),
        ('{"id": 1, "do": "test.add", "payload": []}', 1, "invalid"),
        ('{"id": 1, "do": "test.add"}', 1, "invalid"),
        (json.dumps({"id": 1, "do": "test.add", "payload": {"x": "é" * 17000}}, ensure_ascii=False), None, "too_large"),
    ],
)
async def test_a_frame_that_is_not_understood_is_answered_and_the_socket_goes_on(text: str, number: Any, code: str):
    async with socket() as communicator:
        await communicator.send_text(text)
        answer = await communicator.receive_json()
        assert (answer["id"], answer["error"]["code"]) == (number, code)
        assert (await communicator.ask(id=2, do="test.add", payload={"numbers": [1]}))["ok"]["sum"] == 1


async def test_binary_frames_are_refused():
    async with socket() as communicator:
        await communicator.send_binary(b"{}")
        assert (await communicator.receive_json())["error"]["code"] == "malformed"


async def test_an_error_in_a_command_says_nothing_about_the_inside(caplog):
    async with socket() as communicator:
        with caplog.at_level(logging.CRITICAL):
            answer = await communicator.ask(id=1, do="test.fail", payload={"numbers": []})
        message = "The server could not do this; it has been logged."
        assert answer == {"id": 1, "error": {"code": "internal", "message": message}}


async def test_a_refusal_carries_its_details_and_is_no_offence():
    async with socket() as communicator:
        for _ in range(ERRORS_BEFORE_CLOSE):
            answer = await communicator.ask(id=1, do="test.refuse", payload={"numbers": []})
        error = {"code": "rate_limited", "message": "Please wait.", "retry_after": 3}
        assert answer == {"id": 1, "error": error}
        assert await communicator.receive_nothing(0.1)


async def test_a_socket_that_floods_is_slowed_down_then_closed():
    async with socket() as communicator:
        for number in range(300):
            await communicator.send_text(json.dumps({"id": number, "do": "test.add", "payload": {"numbers": [1]}}))
        outputs = []
        while not outputs or outputs[-1]["type"] == "websocket.send":
            outputs.append(await communicator.receive_output(10))
        answers = [json.loads(output["text"]) for output in outputs[:-1]]
        assert {answer["error"]["code"] for answer in answers if "error" in answer} == {"too_fast"}
        assert sum("error" in answer for answer in answers) == ERRORS_BEFORE_CLOSE
        assert outputs[-1] == {"type": "websocket.close", "code": TOO_MANY_ERRORS}


# --- Who cannot keep up ----------------------------------------------------------------------------------------------


class Reader:
    """A client that stops taking frames after the first, as one on a dead line does."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: list[Any] = []
        self.reads = asyncio.Event()
        scope = {"type": "websocket", "path": "/live/", "headers": [(b"host", b"localhost")]}
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(LiveConsumer.as_asgi()(scope, self.incoming.get, self._send))

    async def _send(self, message: Any) -> None:
        if len(self.sent) >= 2:  # accepted and answered
            await self.reads.wait()
        self.sent.append(message)

    async def subscribe(self) -> None:
        frame = {"id": 1, "do": "subscribe", "topic": "log:a", "after": 0}
        self.incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})
        while len(self.sent) < 2:
            await asyncio.sleep(0.001)


async def test_a_slow_reader_is_cut_off_and_holds_up_nobody(log: Log):
    slow = Reader()
    await slow.subscribe()
    async with socket() as fast:
        await fast.ask(id=1, do="subscribe", topic="log:a", after=0)
        total = QUEUE_FRAMES + 10
        heard = []
        for _ in range(total):
            await run_in_pool(log.say)
            heard += (await fast.receive_json())["events"]
        assert [event["n"] for event in heard] == list(range(1, total + 1))
        assert list(hub()._topics["log:a"].subscriptions)  # the fast one's
        slow.reads.set()
        await asyncio.wait_for(slow.task, 10)
    assert slow.sent[-1] == {"type": "websocket.close", "code": TOO_SLOW}
    assert len(slow.sent) < 10


async def test_a_reader_that_never_reads_again_is_given_up(log: Log, monkeypatch):
    monkeypatch.setattr("miniconf.live.outbox.CLOSE_PATIENCE", 0.05)
    slow = Reader()
    await slow.subscribe()
    for _ in range(QUEUE_FRAMES + 10):
        await run_in_pool(log.say)
    await asyncio.wait_for(slow.task, 10)
    assert list(hub()._topics) == []
