"""Clients that break the rules, and viewers who lose a permission: they are cut off, and the others go on."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from chat.models import Message, Room, Sanction
from chat.services import send_message
from miniconf.accounts.models import ApiToken, User
from miniconf.live.consumer import ERRORS_BEFORE_CLOSE, SUBSCRIPTIONS
from miniconf.live.hub import hub
from miniconf.live.outbox import QUEUE_FRAMES, SIGNED_OUT, TOO_MANY_ERRORS
from miniconf.live.protocol import LARGEST_FRAME
from miniconf.live.registry import find_topic
from miniconf.serving.pool import run_in_pool
from papers.models import Conference, Paper

from .communicator import TIMEOUT, Socket

pytestmark = pytest.mark.django_db(transaction=True)
LOUNGE = "room:lounge:main"


def member(name: str) -> tuple[User, str]:
    """An account and its session's key."""
    user = User.objects.create_user(f"{name.lower()}@example.org", name=name)
    client = Client()
    client.force_login(user)
    return user, client.cookies[settings.SESSION_COOKIE_NAME].value


@asynccontextmanager
async def socket(session: str = "", token: str = "") -> AsyncIterator[Socket]:
    headers = [(b"host", b"localhost"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    communicator = Socket(headers)
    await communicator.connect()
    try:
        yield communicator
    finally:
        await communicator.disconnect()


async def follow(communicator: Socket, topic: str = LOUNGE) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await communicator.ask(id=0, do="subscribe", topic=topic, after=0))["ok"]["events"]
    return events


async def say(user: User, text: str = "hello") -> None:
    await run_in_pool(lambda: send_message(user=user, room_key="lounge:main", client_id=uuid.uuid4(), text=text))


async def closed_with(communicator: Socket) -> tuple[list[dict[str, Any]], int]:
    """What comes until the socket is closed, and the code."""
    frames = []
    while (output := await communicator.receive_output(TIMEOUT))["type"] == "websocket.send":
        frames.append(json.loads(output["text"]))
    return frames, output["code"]


# --- What a client may not send --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LARGEST_FRAME + 1),
        "\U0001f600" * (LARGEST_FRAME // 4 + 1),
        '{"id": 1, "do": "chat.send", "payload": ' + "[" * 10_000 + "]" * 10_000 + "}",
        '{"id": 1, "do": "chat.send", "payload": {"a": ' * 500 + "1" + "}}" * 500,
        '{"id": 9' + "9" * 5000 + "}",
        '{"id": 1, "id": "\x00"}',
        "",
    ],
)
async def test_one_who_sends_nothing_but_nonsense_is_answered_then_closed_and_others_do_not_notice(text: str):
    ada, session = await run_in_pool(member, "Ada")
    async with socket() as hostile, socket(session) as other:
        await follow(other)
        for _ in range(ERRORS_BEFORE_CLOSE):
            await hostile.send_text(text)
        frames, code = await closed_with(hostile)
        assert len(frames) == ERRORS_BEFORE_CLOSE
        assert {frame["error"]["code"] for frame in frames} <= {"too_large", "malformed", "invalid"}
        assert code == TOO_MANY_ERRORS
        await say(ada)
        assert [event["n"] for event in (await other.receive_json())["events"]] == [1]


async def test_the_65th_topic_is_refused_and_the_64_go_on():
    ada, _ = await run_in_pool(member, "Ada")

    def papers() -> None:
        Paper.objects.bulk_create([Paper(uid=f"P{n}", title="A paper") for n in range(SUBSCRIPTIONS)])

    await run_in_pool(papers)
    async with socket() as greedy:
        await follow(greedy)
        # At the pace that is allowed: a flood is another matter.
        greedy_consumer = next(iter(hub().watch._watched))
        answers = []
        for n in range(SUBSCRIPTIONS):
            greedy_consumer.allowance = 10.0  # type: ignore[attr-defined]
            answers.append(await greedy.ask(id=n, do="subscribe", topic=f"room:paper:P{n}"))
        assert ["ok" in answer for answer in answers] == [True] * (SUBSCRIPTIONS - 1) + [False]
        assert answers[-1]["error"]["code"] == "too_many_topics"
        await say(ada)
        assert (await greedy.receive_json())["topic"] == LOUNGE


async def test_a_flood_of_messages_is_slowed_and_each_one_that_was_acknowledged_is_stored(monkeypatch):
    monkeypatch.setattr("miniconf.live.consumer.FRAMES_PER_SECOND", 0.0)  # however slow this machine is just now
    _, session = await run_in_pool(member, "Ada")
    async with socket(session) as flooding:
        for number in range(200):
            payload = {"room": "lounge:main", "client_id": str(uuid.uuid4()), "text": f"{number}"}
            await flooding.send_json({"id": number, "do": "chat.send", "payload": payload})
        frames, code = await closed_with(flooding)
    acknowledged = [frame["ok"]["event"]["text"] for frame in frames if "ok" in frame]
    refused = {frame["error"]["code"] for frame in frames if "error" in frame}
    assert (code, refused) == (TOO_MANY_ERRORS, {"too_fast", "rate_limited"})
    assert await run_in_pool(lambda: [message.text for message in Message.objects.all()]) == acknowledged


async def test_one_who_follows_and_leaves_without_end_leaves_nothing_behind():
    async with socket() as restless:
        consumer: Any = next(iter(hub().watch._watched))
        for number in range(200):
            consumer.allowance = 10.0
            await restless.ask(id=number, do="subscribe", topic=LOUNGE, after=0)
            if number % 2:
                await restless.ask(id=number, do="unsubscribe", topic=LOUNGE)
        assert list(hub()._topics) == []
    assert list(hub().watch._watched) == []


# --- Permissions that are taken away while one follows ----------------------------------------------------------------


async def test_a_ban_cuts_the_live_stream_of_the_banned_and_of_nobody_else():
    (ada, _), (eve, eves), (_, bobs) = [await run_in_pool(member, name) for name in ("Ada", "Eve", "Bob")]
    async with socket(eves) as banned, socket(eves) as banned_too, socket(bobs) as other:
        for one in (banned, banned_too, other):
            await follow(one)
        await say(ada, "before")
        for one in (banned, banned_too, other):
            assert [event["n"] for event in (await one.receive_json())["events"]] == [1]
        await run_in_pool(lambda: Sanction.objects.create(user=eve, room=Room.objects.get(), kind="ban"))
        for one in (banned, banned_too):
            told = await one.receive_json()
            assert (told["topic"], told["error"]["code"]) == (LOUNGE, "banned")
        await say(ada, "after")
        assert [event["n"] for event in (await other.receive_json())["events"]] == [2]
        assert await banned.receive_nothing(0.1)
        assert (await banned.ask(id=1, do="subscribe", topic=LOUNGE))["error"]["code"] == "banned"


async def test_a_ban_in_one_room_leaves_the_others_open_and_ends():
    (ada, _), (eve, eves) = [await run_in_pool(member, name) for name in ("Ada", "Eve")]
    await say(ada)
    async with socket(eves) as banned:
        await follow(banned)
        await follow(banned, "room:helpdesk:main")
        ban = await run_in_pool(lambda: Sanction.objects.create(user=eve, room=Room.objects.get(), kind="ban"))
        assert (await banned.receive_json())["topic"] == LOUNGE
        assert list(hub()._topics) == ["room:helpdesk:main"]

        def lift() -> None:
            ban.lifted_at = ban.created_at
            ban.save()

        await run_in_pool(lift)
        assert [event["n"] for event in await follow(banned)] == [1]


async def test_closing_the_site_to_visitors_cuts_them_off_and_members_go_on():
    (ada, _), (_, bobs) = [await run_in_pool(member, name) for name in ("Ada", "Bob")]
    async with socket() as visitor, socket(bobs) as other:
        await follow(visitor)
        await follow(other)

        def close() -> None:
            conference = Conference.current()
            conference.members_only = True
            conference.save()

        await run_in_pool(close)
        told = await visitor.receive_json()
        assert (told["topic"], told["error"]["code"]) == (LOUNGE, "forbidden")
        await say(ada)
        assert [event["n"] for event in (await other.receive_json())["events"]] == [1]
        assert await visitor.receive_nothing(0.1)


async def test_one_who_signs_out_or_is_switched_off_loses_open_connections_without_sending_anything():
    (_, eves), (off, offs) = [await run_in_pool(member, name) for name in ("Eve", "Off")]
    async with socket(eves) as left, socket(offs) as switched_off:
        await follow(left)
        await follow(switched_off)

        def sign_out() -> None:
            client = Client()
            client.cookies[settings.SESSION_COOKIE_NAME] = eves
            client.logout()
            off.is_active = False
            off.save()

        await run_in_pool(sign_out)
        for one in (left, switched_off):
            assert await one.receive_output(TIMEOUT) == {"type": "websocket.close", "code": SIGNED_OUT}


async def test_a_permission_taken_while_the_backlog_is_read_is_noticed(monkeypatch):
    """The subscription was allowed, then the ban came, then the answer: the ban holds."""
    (ada, _), (eve, eves) = [await run_in_pool(member, name) for name in ("Ada", "Eve")]
    await say(ada)
    kind: Any = find_topic(LOUNGE)[0]
    read = kind.backlog

    def banned_meanwhile(*args: Any) -> Any:
        events = read(*args)
        Sanction.objects.create(user=eve, room=None, kind="ban")
        return events

    async with socket(eves) as banned, socket() as other:
        await follow(other)
        monkeypatch.setattr(kind, "backlog", banned_meanwhile)
        await banned.send_json({"id": 1, "do": "subscribe", "topic": LOUNGE, "after": 0})
        assert [event["n"] for event in (await banned.receive_json())["ok"]["events"]] == [1]
        assert (await banned.receive_json())["error"]["code"] == "banned"
        monkeypatch.undo()
        await say(ada)
        assert [event["n"] for event in (await other.receive_json())["events"]] == [2]
        assert await banned.receive_nothing(0.1)


async def test_a_ban_made_while_the_broker_was_away_is_found_when_it_is_back(broker):
    (ada, _), (eve, eves) = [await run_in_pool(member, name) for name in ("Ada", "Eve")]
    async with socket(eves) as banned:
        await follow(banned)
        await asyncio.to_thread(broker.stop)
        assert (await banned.receive_json())["events"] == [{"type": "offline"}]
        await run_in_pool(lambda: Sanction.objects.create(user=eve, room=None, kind="ban"))
        await asyncio.to_thread(broker.start)
        frames = []
        while not frames or "error" not in frames[-1]:
            frames.append(await banned.receive_json())
        assert frames[-1]["error"]["code"] == "banned"
        await say(ada)
        assert await banned.receive_nothing(0.1)


async def test_a_bearer_token_opens_the_socket_until_it_is_taken_back():
    ada, _ = await run_in_pool(member, "Ada")
    row, token = await run_in_pool(ApiToken.issue, ada, "test")
    async with socket(token=token) as program:
        assert program.opened
        await follow(program)
        payload = {"room": "lounge:main", "client_id": str(uuid.uuid4()), "text": "from a program"}
        await program.send_json({"id": 1, "do": "chat.send", "payload": payload})
        frames = [await program.receive_json(), await program.receive_json()]
        answer = next(frame for frame in frames if "id" in frame)
        assert answer["ok"]["event"]["author"]["name"] == "Ada"
        await run_in_pool(row.delete)
        assert await program.receive_output(TIMEOUT) == {"type": "websocket.close", "code": SIGNED_OUT}
    async with socket(token=token) as refused:
        assert refused.opened is False


# --- Who does not read ------------------------------------------------------------------------------------------------


async def test_what_waits_for_one_who_never_reads_is_bounded():
    """Ten thousand messages' worth of frames: at most 512 of them are kept for the one who takes none."""
    from miniconf.live.frames import Frame
    from miniconf.live.outbox import Outbox

    async def never(_: Any) -> None:
        await asyncio.Event().wait()

    outbox = Outbox(never)
    await asyncio.sleep(0)
    most = 0
    for number in range(1, 10_001):
        outbox.deliver(Frame(LOUNGE, [{"n": number, "type": "message", "text": "x" * 500}]))
        most = max(most, len(outbox._queue))
    assert most == QUEUE_FRAMES
    assert len(outbox._queue) == 0
    outbox.task.cancel()
