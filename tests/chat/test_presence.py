"""Who is here and who is typing: told through the broker to whoever is in the room, and kept nowhere."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.test import Client

from chat import presence
from chat.models import Room, Sanction
from chat.presence import Company
from chat.services import send_message
from miniconf.accounts.models import User
from miniconf.serving.pool import run_in_pool
from papers.models import Conference, Paper
from tests.live.communicator import Socket

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = "paper:P1"


@pytest.fixture(autouse=True)
def an_empty_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "LOOK_EVERY", 0.02)
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter("chat:here:*"):
        client.delete(key)
    cache.clear()
    Paper.objects.create(uid="P1", title="A paper")


def make(name: str) -> str:
    client = Client()
    client.force_login(User.objects.create_user(f"{name.lower()}@example.org", name=name))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@asynccontextmanager
async def page_of(session: str = "") -> AsyncIterator[tuple[Socket, dict[str, Any]]]:
    socket = Socket([(b"host", b"localhost"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())])
    assert await socket.connect()
    try:
        answer = await socket.ask(id=0, do="subscribe", topic=f"here:{ROOM}")
        yield socket, answer["ok"]["events"][0]
    finally:
        await socket.disconnect()


async def news(socket: Socket, kind: str) -> dict[str, Any]:
    while True:
        frame = await socket.receive_json()
        for event in frame.get("events", []):
            if event["type"] == kind:
                return event


async def until(socket: Socket, members: list[str], visitors: int) -> None:
    """Wait until the room is told to hold exactly these."""
    while True:
        event = await news(socket, "here")
        if ([person["name"] for person in event["people"]], event["visitors"]) == (members, visitors):
            assert event["members"] == len(members)
            return


async def test_members_are_named_and_visitors_counted_as_they_come_and_go():
    ada, bob = await run_in_pool(make, "Ada"), await run_in_pool(make, "Bob")
    async with page_of(ada) as (page, before):
        assert (before["people"], before["visitors"]) == ([], 0)
        await until(page, ["Ada"], 0)
        async with page_of(bob), page_of(), page_of():
            await until(page, ["Ada", "Bob"], 2)
        await until(page, ["Ada"], 0)


async def test_two_pages_of_one_member_are_one_person():
    ada, bob = await run_in_pool(make, "Ada"), await run_in_pool(make, "Bob")
    async with page_of(ada), page_of(ada), page_of(bob) as (page, _):
        await until(page, ["Ada", "Bob"], 0)


async def test_who_comes_sees_at_once_who_is_there():
    ada = await run_in_pool(make, "Ada")
    async with page_of(ada) as (page, _):
        await until(page, ["Ada"], 0)
        async with page_of() as (_, before):
            assert [person["name"] for person in before["people"]] == ["Ada"]


async def test_who_is_here_is_not_told_to_those_who_may_not_read():
    def close() -> None:
        Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"members_only": True})

    await run_in_pool(close)
    socket = Socket([(b"host", b"localhost")])
    assert await socket.connect()
    assert (await socket.ask(id=1, do="subscribe", topic=f"here:{ROOM}"))["error"]["code"] == "forbidden"
    await socket.disconnect()


async def test_typing_is_told_to_the_room():
    ada, bob = await run_in_pool(make, "Ada"), await run_in_pool(make, "Bob")
    async with page_of(ada) as (typist, _), page_of(bob) as (page, _):
        await typist.send_json({"id": 1, "do": "chat.typing", "payload": {"room": ROOM, "thread": 7}})
        event = await news(page, "typing")
        assert (event["author"]["name"], event["thread"]) == ("Ada", 7)


async def test_visitors_and_the_muted_are_not_told_to_be_typing():
    def mute() -> str:
        session = make("Ada")
        user = User.objects.get()
        send_message(user=user, room_key=ROOM, client_id=uuid.uuid4(), text="x")
        Sanction.objects.create(user=user, room=Room.objects.get(), kind="mute")
        return session

    for session in ("", await run_in_pool(mute)):
        async with page_of(session) as (page, _):
            await page.send_json({"id": 5, "do": "chat.typing", "payload": {"room": ROOM}})
            while (answer := await page.receive_json()).get("id") != 5:
                pass
            assert answer["error"]["code"] == "forbidden"


async def test_typing_without_pause_is_told_on_only_so_often(monkeypatch):
    monkeypatch.setattr(presence, "TYPING_RATE", "2/minute")
    ada = await run_in_pool(make, "Ada")
    async with page_of(ada) as (page, _):
        heard, answers = 0, 0
        for number in range(10, 16):
            await page.send_json({"id": number, "do": "chat.typing", "payload": {"room": ROOM}})
        while answers < 6:
            frame = await page.receive_json()
            answers += "ok" in frame
            heard += any(event["type"] == "typing" for event in frame.get("events", []))
        assert heard == 2


def test_a_full_room_names_some_and_counts_all():
    users = [User(name=f"P{number:04}", public_id=uuid.uuid4()) for number in range(600)]
    event = Company.of([*users, *users, *(AnonymousUser() for _ in range(7))]).as_event()
    assert [person["name"] for person in event["people"]] == [f"P{number:04}" for number in range(30)]
    assert (event["members"], event["visitors"]) == (600, 7)


def test_what_a_process_that_died_has_said_is_forgotten():
    client = redis.Redis.from_url(settings.REDIS_URL)
    now = client.time()[0]
    said = '{"at": %d, "names": {"%s": "%s"}, "more": 0, "visitors": 1}'
    client.hset(f"chat:here:{ROOM}", "dead", said % (now - presence.TTL - 1, "1", "Ghost"))
    client.hset(f"chat:here:{ROOM}", "alive", said % (now, "2", "Ada"))
    client.hset(f"chat:here:{ROOM}", "broken", "{")
    assert presence.company_of(ROOM) == Company({"2": "Ada"}, 0, 1)
