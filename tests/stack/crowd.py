"""People who talk in a room of a running site, and the account of what became of every message."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from miniconf_client import Client, Room
from miniconf_client.client import Outgoing
from tests.running import Site

WITHIN = 240  # seconds until everything has arrived, however busy the machine is
ANSWER_WITHIN = 30.0  # seconds: a busy server is not a dead line
MAKE = """
import json
from miniconf.accounts.models import ApiToken, User
tokens = []
for n in range({count}):
    user = User.objects.get_or_create(email=f"{name}{{n}}@example.org", defaults={{"name": f"{name} {{n}}"}})[0]
    tokens.append(ApiToken.issue(user, "test")[1])
print("TOKENS", json.dumps(tokens))
"""
READ = """
import json
from chat.models import Message
rows = Message.objects.filter(room__key={room!r}).order_by("number")
print("ROWS", json.dumps([[row.number, row.pk, str(row.client_id), row.text] for row in rows]))
"""


def asked(site: Site, code: str) -> str:
    """What a piece of code says in the site's shell."""
    done = site.manage("shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(maxsplit=1)[1]


def make_people(site: Site, name: str, count: int) -> list[str]:
    """Bearer tokens of new accounts."""
    tokens: list[str] = json.loads(asked(site, MAKE.format(name=name, count=count)))
    return tokens


@dataclass
class Account:
    """How many messages were sent, acknowledged and stored, and what is wrong with what anybody got."""

    sent: int
    acknowledged: int
    stored: int
    delivered: list[int]
    connections: Counter[str]
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.acknowledged} acknowledged, {self.stored} stored, delivered to each of "
            f"{len(self.delivered)} clients: {min(self.delivered)} to {max(self.delivered)}; connections "
            f"{self.connections['connected']}, sent again {self.connections['sent again']}; wrong: {self.wrong or 'nothing'}"
        )


async def talk(
    site: Site,
    *,
    room: str,
    tokens: list[str],
    messages: int,
    faults: Callable[[list[Client]], Awaitable[None]],
    addresses: list[str] | None = None,
    text: str = "",
) -> Account:
    """Each of the people writes so many messages while the faults happen; returns when all have everything.

    `addresses`: by which each reaches the site. The second half of the messages waits until the faults are over, so
    that there is always something to come after them.
    """
    addresses = addresses or [site.url] * len(tokens)
    async with AsyncExitStack() as stack, asyncio.timeout(WITHIN):
        clients = [
            await stack.enter_async_context(
                Client(address, token=token, answer_within=ANSWER_WITHIN, first_pause=0.2, longest_pause=1.0)
            )
            for address, token in zip(addresses, tokens, strict=True)
        ]
        rooms = [await client.room(room, after=0) for client in clients]
        over = asyncio.Event()
        posted = await asyncio.gather(
            *(_write(room, f"{n}", messages, over, text) for n, room in enumerate(rooms)), _break(faults, clients, over)
        )
        outgoing = [sent for sent in posted[:-1] if sent is not None]
        events = [await asyncio.gather(*(one.sent for one in own)) for own in outgoing]
        rows = json.loads(await asyncio.to_thread(asked, site, READ.format(room=room)))
        newest = rows[-1][0]
        for one in rooms:
            await one.until(lambda one: (one.last or 0) >= newest)
            if one.gaps:  # so it was told, and has to read
                await one.read_all()
                one.messages = dict(sorted(one.messages.items(), key=lambda item: item[1]["n"]))
        account = Account(
            sent=messages * len(tokens),
            acknowledged=sum(map(len, events)),
            stored=len(rows),
            delivered=[len(one.messages) for one in rooms],
            connections=sum((client.counts for client in clients), Counter()),
        )
        _compare(account, rows, rooms, [[event["id"] for event in own] for own in events])
    print(f"\n{room}: {account}")
    return account


def _compare(account: Account, rows: list[list[object]], rooms: list[Room], acknowledged: list[list[int]]) -> None:
    ids = [row[1] for row in rows]
    if len({row[2] for row in rows}) != len(rows):
        account.wrong.append("stored twice")
    if [row[0] for row in rows] != list(range(1, len(rows) + 1)):
        account.wrong.append("numbers with gaps")
    if sorted(ids) != sorted(pk for own in acknowledged for pk in own):
        account.wrong.append("acknowledged is not what is stored")
    for n, own in enumerate(acknowledged):
        if own != [row[1] for row in rows if str(row[3]).startswith(f"{n}:")]:
            account.wrong.append(f"messages of {n} not in the order in which they were written")
    for n, one in enumerate(rooms):
        if list(one.messages) != ids:  # in the order of their coming
            account.wrong.append(f"{n} got something else than what is stored")


async def _write(room: Room, name: str, messages: int, over: asyncio.Event, text: str) -> list[Outgoing]:
    posted = []
    for number in range(messages):
        if number == messages // 2:
            await over.wait()
        posted.append(room.post(f"{name}:{number} {text}"))
        await asyncio.sleep(random.uniform(0.01, 0.1))
    return posted


async def _break(faults: Callable[[list[Client]], Awaitable[None]], clients: list[Client], over: asyncio.Event) -> None:
    try:
        await faults(clients)
    finally:
        over.set()


class Proxy:
    """A network between client and server: it can be cut (connections break) or go silent (nothing passes, none breaks)."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._passes = asyncio.Event()
        self._passes.set()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://localhost:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def go_silent(self) -> None:
        self._passes.clear()

    def speak_again(self) -> None:
        self._passes.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()
