"""What a client knows of a room, kept up to date by events. It holds the server to its promise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import Client, Outgoing, Refused

Json = dict[str, Any]


class BrokenPromise(AssertionError):
    """The server did what docs/protocol.md rules out: something came twice, or out of order."""


class Room:
    """`messages` by id, as everybody sees them now; replies among them. Iterate over `news()` for what comes."""

    def __init__(self, client: Client, key: str, after: int | None) -> None:
        self.client = client
        self.key = key
        self.topic = f"room:{key}"
        self.last = after
        self.messages: dict[int, Json] = {}
        self.known_from = (after or 0) + 1  # every message with this number or a later one has been told
        self.state = "connecting"  # then "live", "delayed" (the server gets no news) or "refused"
        self.refused: Refused | None = None
        self.gaps: list[tuple[int, int]] = []
        self._changed: set[int] | None = None  # ids that were changed while the history was being read
        self._sent_as: dict[tuple[str, str], int] = {}  # author and client id -> id
        self._queues: list[asyncio.Queue[Json]] = []
        self._moved = asyncio.Event()

    # --- What comes -------------------------------------------------------------------------------------------------

    def apply(self, events: list[Json]) -> None:
        first = self.last is None
        if self.state == "connecting":
            self.state = "live"
        for event in events:
            number, kind = event.get("n"), event["type"]
            if kind in ("offline", "online"):
                self.state = "delayed" if kind == "offline" else "live"
            elif kind == "gap":
                self._start_over(event)
            elif number is not None:
                self._next(number)
                if kind == "message":
                    self._add(event)
                elif kind == "change":
                    self._change(event["message"])
            for queue in self._queues:
                queue.put_nowait(event)
        if first:
            # The newest messages, of which replies are not told.
            self.known_from = (self.last or 0) + 1
            self.last = self.last or 0
        self._wake()

    def _next(self, number: int) -> None:
        if self.last is not None and number <= self.last:
            raise BrokenPromise(f"{self.topic}: number {number} came after {self.last}")
        self.last = number

    def _add(self, event: Json) -> None:
        message = {name: value for name, value in event.items() if name != "type"}
        sent_as = (message["author"]["id"], message["client_id"])
        if message["id"] in self.messages or (sent_as in self._sent_as and sent_as[0]):
            raise BrokenPromise(f"{self.topic}: message {message['id']} came twice")
        self._keep(message)

    def _change(self, message: Json) -> None:
        if self._changed is not None:
            self._changed.add(message["id"])
        if message["id"] in self.messages:
            self._keep(message)
        elif message["n"] >= self.known_from:
            raise BrokenPromise(f"{self.topic}: message {message['id']} changed before it came")
        elif self._changed is not None:
            self._keep(message)

    def _keep(self, message: Json) -> None:
        self.messages[message["id"]] = message
        self._sent_as[message["author"]["id"], message["client_id"]] = message["id"]

    def _start_over(self, gap: Json) -> None:
        """So much was missed that only the newest came: what was known before may have changed, too."""
        if gap["after"] != (self.last or 0):
            raise BrokenPromise(f"{self.topic}: a gap after {gap['after']}, not after {self.last}")
        self.gaps.append((gap["after"], gap["before"]))
        self.messages.clear()
        self._sent_as.clear()
        self.known_from = gap["before"]

    def interrupt(self) -> None:
        self.state = "connecting"
        self._wake()

    def refuse(self, error: Refused) -> None:
        self.state, self.refused = "refused", error
        self._wake()

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def news(self) -> AsyncGenerator[Json]:
        """Every event from this call on, without end; those after a break, too."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._queues.append(queue)
        return self._taken_from(queue)

    async def _taken_from(self, queue: asyncio.Queue[Json]) -> AsyncGenerator[Json]:
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.remove(queue)

    async def until(self, so: Callable[[Room], bool]) -> None:
        """Wait until something holds of the room as it is known here."""
        while not so(self):
            await self._moved.wait()

    # --- What is read ------------------------------------------------------------------------------------------------

    async def read_all(self) -> None:
        """Read whatever is not known yet: messages from before, and the replies to them. May be repeated after Lost."""
        self._changed = set()
        try:
            before: int | None = (self.last or 0) + 1
            while before is not None:
                payload = {"room": self.key, "before": before, "limit": 100}
                ok = await self.client.command("chat.history", payload, self._take)
                before = ok["events"][0]["n"] if ok["more"] else None
            for root in [message for message in self.messages.values() if message["replies"]]:
                after: int | None = 0
                while after is not None:
                    payload = {"message": root["id"], "after": after, "limit": 100}
                    ok = await self.client.command("chat.thread", payload, self._take)
                    after = ok["events"][-1]["n"] if ok["more"] else None
            self.known_from = 1
        finally:
            self._changed = None

    def _take(self, ok: Json) -> None:
        """What was changed since the history was asked for has come already, and is newer."""
        assert self._changed is not None
        for event in ok["events"]:
            if event["id"] not in self._changed and event["n"] <= (self.last or 0):
                self._keep({name: value for name, value in event.items() if name != "type"})

    # --- What is said ------------------------------------------------------------------------------------------------

    async def send(self, text: str, *, asked: bool = False, reply_to: int | None = None) -> Json:
        """Say something; returns its event when the server has stored it. Raises Refused."""
        return await self.post(text, asked=asked, reply_to=reply_to).sent

    def post(self, text: str, *, asked: bool = False, reply_to: int | None = None) -> Outgoing:
        """The same without waiting: `sent` of what is returned has the event later."""
        more = {**({"asked": True} if asked else {}), **({"thread": reply_to} if reply_to is not None else {})}
        return self.client.send(self.key, text, **more)
