"""What waits to be sent to one websocket."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from .frames import Frame
from .hub import counts

# Close codes of our own; after each of them a client may connect again and resume.
SIGNED_OUT = 4001
TOO_SLOW = 4008
TOO_MANY_ERRORS = 4009
BACKLOG_FAILED = 4011

QUEUE_FRAMES = 512
QUEUE_CHARACTERS = 4_000_000
CLOSE_PATIENCE = 5.0  # seconds a socket that does not read may take to hear that it is closed


class Outbox:
    """Frames for one socket, sent in order by `run`. Nobody waits for them: when it is full, the socket is closed."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._queue: deque[str] = deque()
        self._characters = 0
        self._wake = asyncio.Event()
        self._close_code: int | None = None
        self.task = asyncio.create_task(self._run())

    def push(self, text: str) -> None:
        if self._close_code is not None:
            return
        self._queue.append(text)
        self._characters += len(text)
        if len(self._queue) > QUEUE_FRAMES or self._characters > QUEUE_CHARACTERS:
            counts["dropped"] += 1
            self._queue.clear()  # the client asks for it when it is back
            self.close(TOO_SLOW)
        else:
            self._wake.set()

    def close(self, code: int) -> None:
        """Close the socket after what is already queued."""
        if self._close_code is None:
            self._close_code = code
            self._wake.set()
            asyncio.get_running_loop().call_later(CLOSE_PATIENCE, self.task.cancel)

    async def _run(self) -> None:
        while self._queue or self._close_code is None:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
            while self._queue:
                text = self._queue.popleft()
                self._characters -= len(text)
                await self._send({"type": "websocket.send", "text": text})
        await self._send({"type": "websocket.close", "code": self._close_code})

    # As a sink of the hub:

    def deliver(self, frame: Frame) -> None:
        self.push(frame.text)

    def fail(self) -> None:
        self.close(BACKLOG_FAILED)
