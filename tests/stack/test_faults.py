"""The promise under real faults: processes are killed and lines cut while people talk, and every message is accounted for.

Each test prints how many messages were sent, acknowledged, stored and delivered (`pytest -s`).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import urllib.error
from collections.abc import Iterator

import psycopg
import pytest

from miniconf_client import Client, Lost
from tests.postgres import binary_folder, throw_away_server
from tests.running import Site

from .crowd import ANSWER_WITHIN, Account, Proxy, make_people, talk

PEOPLE, MESSAGES = 8, 20
GENEROUS = {"SAMPLE": 0, "CHAT_RATE_PERSON": "100000/minute", "CHAT_RATE_ROOM": "100000/minute"}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(WEB_PROCESSES=2, **GENEROUS) as site:
        yield site.wait_until_ready()


@pytest.fixture(scope="module")
def tokens(site: Site) -> list[str]:
    return make_people(site, "faults", PEOPLE)


def web_processes(site: Site) -> list[int]:
    return [pid for pid, line in site.processes().items() if "uvicorn" in line]


def kill(site: Site, *words: str) -> None:
    os.kill(site.find(*words), signal.SIGKILL)


async def until_ready(site: Site) -> None:
    def ready() -> bool:
        try:
            return site.get("/readyz")[0] == 200
        except (OSError, urllib.error.URLError):
            return False

    while not await asyncio.to_thread(ready):
        await asyncio.sleep(0.1)


def assert_kept(account: Account) -> None:
    assert account.wrong == []
    assert account.sent == account.acknowledged == account.stored
    assert account.delivered == [account.stored] * len(account.delivered)


async def test_web_processes_that_are_killed_cost_nothing(site: Site, tokens: list[str]) -> None:
    async def faults(clients: list[Client]) -> None:
        for _ in range(3):
            await asyncio.sleep(0.3)
            for pid in web_processes(site)[:2]:
                os.kill(pid, signal.SIGKILL)
            await until_ready(site)

    account = await talk(site, room="lounge:main", tokens=tokens, messages=MESSAGES, faults=faults)
    assert_kept(account)
    assert account.connections["connected"] > PEOPLE, "nobody's connection was broken"


async def test_a_broker_that_is_killed_costs_nothing(site: Site, tokens: list[str]) -> None:
    async def faults(clients: list[Client]) -> None:
        for _ in range(2):
            await asyncio.sleep(0.3)
            kill(site, f"{site.data}/broker")
            await until_ready(site)

    account = await talk(site, room="helpdesk:main", tokens=tokens, messages=MESSAGES, faults=faults)
    assert_kept(account)


PAPER = "from papers.models import Paper; Paper.objects.get_or_create(uid={uid!r}, defaults={{'title': 'A paper'}})"


def paper_room(site: Site, uid: str) -> str:
    done = site.manage("shell", "--no-imports", "-c", PAPER.format(uid=uid))
    assert done.returncode == 0, done.stderr
    return f"paper:{uid}"


async def test_a_network_that_is_cut_or_goes_silent_costs_nothing(site: Site, tokens: list[str]) -> None:
    room = paper_room(site, "network")
    async with Proxy(site.port) as proxy:

        async def faults(clients: list[Client]) -> None:
            behind = clients[1::2]
            for _ in range(3):
                await asyncio.gather(*(client.connected() for client in behind))
                proxy.cut()
                await asyncio.sleep(0.2)
            await asyncio.gather(*(client.connected() for client in behind))
            proxy.go_silent()
            for client in behind:
                client._answer_within = 1.0
                with pytest.raises(Lost):  # no answer, though nothing broke
                    await client.command("chat.history", {"room": room, "before": 1})
                client._answer_within = ANSWER_WITHIN
            proxy.speak_again()

        addresses = [proxy.url if n % 2 else site.url for n in range(PEOPLE)]
        account = await talk(site, room=room, tokens=tokens, messages=MESSAGES, faults=faults, addresses=addresses)
    assert_kept(account)
    assert account.connections["connected"] >= PEOPLE + 3 * (PEOPLE // 2)


async def test_clients_that_send_everything_twice_store_it_once(site: Site, tokens: list[str]) -> None:
    room = paper_room(site, "twice")

    async def faults(clients: list[Client]) -> None:
        """Whatever is on its way is sent a second time over another connection of the same person."""
        for client, token in zip(clients, tokens, strict=True):
            async with Client(site.url, token=token) as second:
                for outgoing in list(client._outbox)[:1]:
                    answers = [await second.command("chat.send", outgoing.payload) for _ in range(2)]
                    assert answers[0]["event"]["id"] == answers[1]["event"]["id"]

    assert_kept(await talk(site, room=room, tokens=tokens, messages=MESSAGES, faults=faults))


def never_reading(site: Site, token: str, room: str) -> socket.socket:
    """A websocket that follows the room and never takes anything from its line."""
    line = socket.create_connection(("localhost", site.port))
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.sendall(
        f"GET /live/ HTTP/1.1\r\nHost: localhost:{site.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    assert line.recv(12) == b"HTTP/1.1 101"
    frame = json.dumps({"id": 1, "do": "subscribe", "topic": f"room:{room}", "after": 0}).encode()
    line.sendall(bytes([0x81, 0x80 | len(frame)]) + b"\0\0\0\0" + frame)
    return line


def resident(pid: int) -> int:
    """Kilobytes of memory of a process."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


async def test_clients_that_never_read_hold_up_nobody_and_take_no_memory(site: Site, tokens: list[str]) -> None:
    room = paper_room(site, "never")
    before = sum(map(resident, web_processes(site)))
    lines = [await asyncio.to_thread(never_reading, site, tokens[0], room) for _ in range(20)]

    async def nothing(clients: list[Client]) -> None: ...

    # 13 million characters: more than is kept for one socket, and than the system takes in between.
    account = await talk(site, room=room, tokens=tokens, messages=MESSAGES, faults=nothing, text="$x$ " * 900)
    assert_kept(account)
    grown = sum(map(resident, web_processes(site))) - before
    for line in lines:
        line.close()
    # The bound is 4 MB for each of the twenty; all they did not take would be 260 MB, and grow with time.
    assert grown < 150_000, f"{grown} kB more"


@pytest.mark.skipif(binary_folder() is None, reason="no PostgreSQL: install postgresql")
async def test_connections_to_postgresql_that_are_cut_cost_nothing() -> None:
    with throw_away_server() as url, Site(DATABASE_URL=url, WEB_PROCESSES=2, **GENEROUS) as site:
        site.wait_until_ready()
        tokens = make_people(site, "faults", PEOPLE)
        ended = 0

        def end_connections() -> int:
            with psycopg.connect(url, autocommit=True) as connection:
                others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                return len(connection.execute(f"{others} and datname = current_database()").fetchall())

        async def faults(clients: list[Client]) -> None:
            nonlocal ended
            for _ in range(6):
                await asyncio.sleep(0.2)
                ended += await asyncio.to_thread(end_connections)
            os.kill(web_processes(site)[0], signal.SIGKILL)
            await until_ready(site)

        account = await talk(site, room="lounge:main", tokens=tokens, messages=MESSAGES, faults=faults)
        print(f"{ended} connections to the database were ended")
        assert_kept(account)
        assert ended > 0


def test_the_order_does_not_come_from_clocks(site: Site, tokens: list[str]) -> None:
    """Times go backwards in the database, as after a jump of the server's clock: the numbers alone give the order."""
    room = paper_room(site, "clock")

    async def conversation() -> list[str]:
        async with Client(site.url, token=tokens[0]) as client:
            here = await client.room(room, after=0)
            for number in range(3):
                await here.send(f"{number}")
                shift = (
                    "from chat.models import Message; from datetime import timedelta; from django.db.models import F;"
                    f"Message.objects.filter(room__key={room!r}, text='{number}').update("
                    f"created_at=F('created_at') - timedelta(hours={number}))"
                )
                assert (await asyncio.to_thread(site.manage, "shell", "--no-imports", "-c", shift)).returncode == 0
            async with Client(site.url, token=tokens[1]) as late:
                found = await late.room(room, after=1)
                return [message["text"] for message in found.messages.values()]

    assert asyncio.run(conversation()) == ["1", "2"]
