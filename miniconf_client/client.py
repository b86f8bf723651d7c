"""One websocket for all topics and commands: made again when it breaks, resumed where it was, with an outbox."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from .room import Room

Json = dict[str, Any]

# Errors after which the same frame may be sent again; all others are the sender's to solve.
LATER = {"too_fast", "rate_limited", "slow_mode", "internal", "broker_down"}
LARGEST_ANSWER = 2**24  # bytes


class Lost(Exception):
    """The connection broke before the answer came: whether the command was carried out is not known."""


class Refused(Exception):
    """The server's answer was an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: str = error["code"]
        self.retry_after: float | None = error.get("retry_after")


class Socket(Protocol):
    """What is needed of a websocket; tests put their own in its place."""

    @property
    def transport(self) -> Any: ...

    async def send(self, message: str, /) -> None: ...

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...


class Follower(Protocol):
    """One who follows a topic; `last` is the number of the last event it has seen, None before the first."""

    topic: str
    last: int | None

    def apply(self, events: list[Json]) -> None: ...

    def refuse(self, error: Refused) -> None: ...

    def interrupt(self) -> None: ...


@dataclass
class _Waiting:
    answer: asyncio.Future[Json]
    handle: Callable[[Json], None] | None


@dataclass
class Outgoing:
    """A message on its way; `sent` has its event once the server has stored it."""

    payload: Json
    sent: asyncio.Future[Json] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Client:
    """Use it as an asynchronous context. `token`: of an account; without one, or `cookie`, one is a visitor."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        cookie: str | None = None,
        answer_within: float = 15.0,
        first_pause: float = 0.4,
        longest_pause: float = 20.0,
        ssl_context: ssl.SSLContext | None = None,
        connector: Callable[[], AbstractAsyncContextManager[Socket]] | None = None,
    ) -> None:
        self.address = "ws" + url.removeprefix("http").rstrip("/") + "/live/"
        self._headers = {
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **({"Cookie": cookie} if cookie else {}),
        }
        self._ssl = ssl_context
        self._connect = connector or self._over_the_network
        self._answer_within, self._first_pause, self._longest_pause = answer_within, first_pause, longest_pause
        self._socket: Socket | None = None
        self._connected = asyncio.Event()
        self._followers: dict[str, Follower] = {}
        self._following: set[str] = set()  # topics whose first backlog has come
        self._waiting: dict[int, _Waiting] = {}
        self._number = 0
        self._outbox: deque[Outgoing] = deque()
        self._sender: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._runner: asyncio.Task[None] | None = None
        self.counts: Counter[str] = Counter()  # "connected", "lost", "sent again"

    async def __aenter__(self) -> Client:
        self._runner = asyncio.create_task(self._run())
        await self.connected()
        return self

    async def connected(self) -> None:
        """Wait for a connection. Raises what made that impossible for good."""
        assert self._runner is not None, "use the client in `async with`"
        waiting = asyncio.create_task(self._connected.wait())
        try:
            await asyncio.wait({self._runner, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._runner.done():
            self._runner.result()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        failed = self._runner is not None and self._runner.done()
        ending = [task for task in (self._runner, self._sender, *self._tasks) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        for waiting in self._waiting.values():
            waiting.answer.cancel()
        if failed and kind is None and self._runner is not None:
            self._runner.result()

    # --- Topics, commands, messages ---------------------------------------------------------------------------------

    async def room(self, key: str, *, after: int | None = None) -> Room:
        """Follow a room: from the newest messages on, or from everything after a number. Raises Refused."""
        room = Room(self, key, after)
        await self.follow(room)
        return room

    async def follow(self, follower: Follower) -> None:
        """Have a follower told of its topic, now and after each break; returns when it has the backlog."""
        self._followers[follower.topic] = follower
        while True:
            try:
                await self._resume(follower)
                return
            except Lost:
                await self.connected()

    async def leave(self, follower: Follower) -> None:
        self._following.discard(follower.topic)
        if self._followers.pop(follower.topic, None) and self._socket is not None:
            await self._ask({"do": "unsubscribe", "topic": follower.topic})

    async def command(self, name: str, payload: Json, handle: Callable[[Json], None] | None = None) -> Json:
        """Carry out a command; its answer. `handle` gets it first, before anything that the server sent after it.

        Raises Refused, or Lost at once where there is no connection.
        """
        return await self._ask({"do": name, "payload": payload}, handle)

    def send(self, room: str, text: str, **more: Any) -> Outgoing:
        """Put a message into the outbox. It goes out in its turn, as often as it takes; the server keeps it once."""
        outgoing = Outgoing({"room": room, "client_id": str(uuid4()), "text": text, **more})
        self._outbox.append(outgoing)
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())
        return outgoing

    async def _send_all(self) -> None:
        """One after the other: the next one would overtake one that has to be sent again."""
        while self._outbox:
            outgoing = self._outbox[0]
            try:
                answer = await self.command("chat.send", outgoing.payload)
            except Lost:
                await self.connected()
                self.counts["sent again"] += 1
                continue
            except Refused as error:
                if error.code in LATER:
                    await asyncio.sleep(error.retry_after or random.uniform(0.5, 1.5))
                    continue
                if not outgoing.sent.done():
                    outgoing.sent.set_exception(error)
            else:
                if not outgoing.sent.done():
                    outgoing.sent.set_result(answer["event"])
            self._outbox.popleft()

    # --- The connection ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        pause = self._first_pause
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                async with self._connect() as socket:
                    await self._converse(socket)
            except InvalidStatus as error:
                if error.response.status_code in (401, 403):
                    raise  # the address or the token is wrong, and stays so
            except (OSError, InvalidHandshake, TimeoutError, WebSocketException):
                pass
            # One that lasted was not refused: the next try may come soon. All come back at different moments.
            if clock() - began > 5:
                pause = self._first_pause
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, self._longest_pause)

    def _over_the_network(self) -> AbstractAsyncContextManager[Socket]:
        # The server does not compress, and the backlog of a lively room is long.
        return connect(
            self.address,
            additional_headers=self._headers,
            compression=None,
            max_size=LARGEST_ANSWER,
            close_timeout=1,
            ssl=self._ssl,
        )

    async def _converse(self, socket: Socket) -> None:
        self._socket = socket
        self.counts["connected"] += 1
        self._connected.set()
        try:
            for follower in self._followers.values():
                if follower.topic in self._following:
                    self._start(self._resume_again(follower))
            async for text in socket:
                self._receive(json.loads(text))
        finally:
            self.counts["lost"] += 1
            self._socket = None
            self._connected.clear()
            waiting, self._waiting = self._waiting, {}
            for one in waiting.values():
                if not one.answer.done():
                    one.answer.set_exception(Lost())
            for follower in self._followers.values():
                follower.interrupt()

    def _receive(self, frame: Json) -> None:
        if "topic" in frame:
            follower = self._followers.get(frame["topic"])
            if follower is not None and "error" in frame:
                del self._followers[frame["topic"]]
                follower.refuse(Refused(frame["error"]))
            elif follower is not None:
                follower.apply(frame["events"])
            return
        waiting = self._waiting.pop(frame["id"], None)
        if waiting is None or waiting.answer.done():
            return
        if "error" in frame:
            waiting.answer.set_exception(Refused(frame["error"]))
            return
        if waiting.handle is not None:
            waiting.handle(frame["ok"])
        waiting.answer.set_result(frame["ok"])

    async def _ask(self, frame: Json, handle: Callable[[Json], None] | None = None) -> Json:
        socket = self._socket
        if socket is None:
            raise Lost
        self._number += 1
        number = self._number
        self._waiting[number] = _Waiting(asyncio.get_running_loop().create_future(), handle)
        answer = self._waiting[number].answer
        try:
            await socket.send(json.dumps({"id": number, **frame}))
            return await asyncio.wait_for(answer, self._answer_within)
        except TimeoutError:
            socket.transport.abort()  # the line is dead, whether or not it is known yet
            raise Lost from None
        except (OSError, WebSocketException):
            raise Lost from None
        finally:
            self._waiting.pop(number, None)
            answer.cancel()

    async def _resume(self, follower: Follower) -> None:
        """Subscribe behind what was seen. The backlog is handed on before anything that follows it."""
        socket = self._socket
        frame = {"do": "subscribe", "topic": follower.topic, "after": follower.last}

        def handle(ok: Json) -> None:
            self._following.add(follower.topic)
            follower.apply(ok["events"])

        try:
            await self._ask(frame, handle)
        except Refused as error:
            if error.code in LATER:
                await asyncio.sleep(error.retry_after or random.uniform(0.5, 1.5))
                if self._socket is not socket:
                    raise Lost from None
                return await self._resume(follower)
            self._followers.pop(follower.topic, None)
            raise

    async def _resume_again(self, follower: Follower) -> None:
        try:
            await self._resume(follower)
        except Lost:
            pass  # the next connection asks again
        except Refused as error:
            follower.refuse(error)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
