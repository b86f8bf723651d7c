"""A websocket client without a network, on asgiref's communicator. (Channels' own imports daphne, which is not used.)"""

from __future__ import annotations

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter

from miniconf.live.routing import websocket_urlpatterns

TIMEOUT = 10


class Socket(ApplicationCommunicator):
    def __init__(self, headers: list[tuple[bytes, bytes]], path: str = "/live/") -> None:
        scope = {"type": "websocket", "path": path, "query_string": b"", "subprotocols": [], "headers": headers}
        super().__init__(URLRouter(websocket_urlpatterns), scope)
        self.opened = False

    async def connect(self) -> bool:
        await self.send_input({"type": "websocket.connect"})
        self.opened = (await self.receive_output(TIMEOUT))["type"] == "websocket.accept"
        return self.opened

    async def send_text(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def send_json(self, frame: dict[str, Any]) -> None:
        await self.send_text(json.dumps(frame))

    async def send_binary(self, data: bytes) -> None:
        await self.send_input({"type": "websocket.receive", "bytes": data})

    async def receive_text(self) -> str:
        output = await self.receive_output(TIMEOUT)
        assert output["type"] == "websocket.send", output
        return output["text"]

    async def receive_json(self) -> dict[str, Any]:
        return json.loads(await self.receive_text())

    async def ask(self, **frame: Any) -> dict[str, Any]:
        await self.send_json(frame)
        return await self.receive_json()

    async def disconnect(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(TIMEOUT)
