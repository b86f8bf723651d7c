"""Chat as browsers use it: two people, two sockets, one room."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from chat.models import Message
from miniconf.accounts.models import User
from miniconf.serving.pool import run_in_pool
from papers.models import Paper
from tests.live.communicator import Socket

from .test_services import fill, numbers

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = "paper:SkxSha1"


def make(name: str) -> str:
    """Somebody with an account and a session; returns the session's key."""
    Paper.objects.get_or_create(uid="SkxSha1", defaults={"title": "Single Headed Attention"})
    client = Client()
    client.force_login(User.objects.create_user(f"{name}@example.org", name=name))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@asynccontextmanager
async def page_of(session: str, after: int | None = None) -> AsyncIterator[tuple[Socket, list[Any]]]:
    """A page that follows the room; its socket and what it started with."""
    socket = Socket([(b"host", b"localhost"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())])
    assert await socket.connect()
    try:
        answer = await socket.ask(id=0, do="subscribe", topic=f"room:{ROOM}", after=after)
        yield socket, answer["ok"]["events"]
    finally:
        await socket.disconnect()


def send(text: str, client_id: str | None = None) -> dict[str, Any]:
    payload = {"room": ROOM, "client_id": client_id or str(uuid.uuid4()), "text": text}
    return {"id": 1, "do": "chat.send", "payload": payload}


async def receive_two(socket: Socket) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer to a command and the live frame, which come in either order."""
    first, second = await socket.receive_json(), await socket.receive_json()
    return (first, second) if "id" in first else (second, first)


async def test_what_one_says_the_other_hears_and_the_answer_is_the_same_event():
    ada, bob = await run_in_pool(make, "Ada"), await run_in_pool(make, "Bob")
    async with page_of(ada) as (ada_page, _), page_of(bob) as (bob_page, start):
        assert start == []
        await ada_page.send_json(send("**hello**"))
        answer, echo = await receive_two(ada_page)
        heard = await bob_page.receive_json()
        assert heard == echo == {"topic": f"room:{ROOM}", "events": [answer["ok"]["event"]]}
        assert (heard["events"][0]["author"]["name"], heard["events"][0]["html"]) == (
            "Ada",
            "<p><strong>hello</strong></p>\n",
        )


async def test_a_message_sent_again_after_a_break_is_heard_once():
    ada, bob = await run_in_pool(make, "Ada"), await run_in_pool(make, "Bob")
    message = send("hello")
    async with page_of(bob) as (bob_page, _):
        async with page_of(ada) as (ada_page, _):
            await ada_page.send_json(message)
            first, _ = await receive_two(ada_page)
        async with page_of(ada, after=0) as (ada_page, missed):
            assert await ada_page.ask(**message) == first
            assert missed == [first["ok"]["event"]]
        assert numbers((await bob_page.receive_json())["events"]) == [1]
        assert await bob_page.receive_nothing(0.1)


async def test_everybody_hears_every_message_of_a_lively_room_once_and_in_order(monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "1000/minute")
    sessions = [await run_in_pool(make, f"p{n}") for n in range(6)]

    async def talk_and_listen(session: str) -> list[int]:
        heard: list[int] = []
        async with page_of(session, after=0) as (page, start):
            heard += numbers(start)
            for _ in range(10):
                await page.send_json(send("x"))
            while len(heard) < 60:
                frame = await page.receive_json()
                heard += numbers(frame.get("events", []))
        return heard

    heard = await asyncio.gather(*(talk_and_listen(session) for session in sessions))
    assert heard == [list(range(1, 61))] * 6
    assert await run_in_pool(Message.objects.count) == 60


async def test_a_visitor_hears_but_is_asked_to_sign_in_to_speak():
    await run_in_pool(make, "Ada")
    async with page_of("") as (page, _):
        assert await page.ask(**send("hello")) == {
            "id": 1,
            "error": {"code": "sign_in", "message": "Please sign in to write in this chat."},
        }


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"room": ROOM, "text": "x"},
        {"room": ROOM, "text": "x", "client_id": "no uuid"},
        {"room": 7, "text": "x", "client_id": "5c9d3b1c-90ad-4c8f-9a66-0d9a4f6a7c11"},
        {"room": ROOM, "text": "x", "client_id": "5c9d3b1c-90ad-4c8f-9a66-0d9a4f6a7c11", "author": "somebody"},
        {"room": ROOM, "text": "x" * 30000, "client_id": "5c9d3b1c-90ad-4c8f-9a66-0d9a4f6a7c11"},
    ],
)
async def test_a_malformed_message_is_refused(payload: dict[str, Any]):
    ada = await run_in_pool(make, "Ada")
    async with page_of(ada) as (page, _):
        assert (await page.ask(id=1, do="chat.send", payload=payload))["error"]["code"] == "invalid"
    assert await run_in_pool(Message.objects.count) == 0


async def test_the_history_is_read_in_bounded_pieces():
    ada = await run_in_pool(make, "Ada")
    await run_in_pool(lambda: fill(User.objects.get(), 130))

    async def history(page: Socket, **payload: Any) -> dict[str, Any]:
        return await page.ask(id=1, do="chat.history", payload={"room": "lounge:main", **payload})

    async with page_of(ada) as (page, _):
        piece = (await history(page, before=131, limit=100))["ok"]
        assert (numbers(piece["events"]), piece["more"]) == (list(range(31, 131)), True)
        piece = (await history(page, before=31))["ok"]
        assert (numbers(piece["events"]), piece["more"]) == (list(range(1, 31)), False)
        for wrong in ({}, {"before": -1}, {"before": "31"}, {"before": 31, "limit": 0}, {"before": 31, "limit": 101}):
            assert (await history(page, **wrong))["error"]["code"] == "invalid"
