"""Around the whole ASGI application: an id for each request, and how many there are and how long they take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from miniconf.console.counting import note_page, visitor_of

from .context import working_for_request
from .metrics import REQUESTS, SECONDS, SOCKETS, kind_of

HEADER = b"x-request-id"
App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class Observed:
    """Times requests to the beginning of their answer (event streams never end), and names them in `X-Request-ID`."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            with SOCKETS.track_inprogress():
                await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _request(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        began, kind = perf_counter(), kind_of(scope["path"])
        given = dict(scope["headers"]).get(HEADER, b"").decode("latin1")
        answered = False
        with working_for_request(given) as name:

            async def observed(message: dict[str, Any]) -> None:
                nonlocal answered
                if message["type"] == "http.response.start":
                    answered = True
                    SECONDS.labels(kind).observe(perf_counter() - began)
                    REQUESTS.labels(kind, f"{message['status'] // 100}xx").inc()
                    if kind == "page" and _is_a_page(scope, message):
                        note_page(scope["path"], visitor_of(scope))
                    # A copy: an answer from memory is sent to others, too.
                    message = {**message, "headers": [*message.get("headers", ()), (HEADER, name.encode())]}
                await send(message)

            try:
                await self.app(scope, receive, observed)
            finally:
                if not answered:  # who asked has gone, or the application has failed
                    REQUESTS.labels(kind, "none").inc()


def _is_a_page(scope: dict[str, Any], message: dict[str, Any]) -> bool:
    """Whether somebody has a whole page before them now: no piece of one, no file, no error."""
    if scope["method"] != "GET" or message["status"] not in (200, 304):
        return False
    if any(name == b"hx-request" for name, _ in scope["headers"]):
        return False
    kinds = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
    return message["status"] == 304 or any(kind.startswith(b"text/html") for kind in kinds)
