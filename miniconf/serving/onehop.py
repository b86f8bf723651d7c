"""Django under ASGI with one thread hop a request.

Django's own ASGI handler hops between event loop and thread at every synchronous middleware and view and opens a
database connection for each request. Here middleware, view and rendering run together on one thread of the
process's pool, as they would under WSGI. A view may return a StreamingHttpResponse over an asynchronous iterator:
that one runs on the event loop, which is how event streams are served.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, cast

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpResponseBase, StreamingHttpResponse, parse_cookie
from django.urls import set_script_prefix
from django.utils.functional import cached_property

from .page_notes import NotedCookies, notes_of
from .pool import run_in_pool

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class TooLarge(Exception):
    """The request's body is larger than settings.MAX_REQUEST_BYTES."""


class Request(ASGIRequest):
    """Notes which cookies were looked at where the answer is to be shared (see page_cache.py)."""

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]
        cookies = parse_cookie(self.META.get("HTTP_COOKIE", ""))
        notes = notes_of(self)
        return cookies if notes is None else NotedCookies(cookies, notes)


class OneHopHandler(ASGIHandler):
    request_class = Request

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(_bounded(receive))
        except RequestAborted:
            return
        except TooLarge:
            await _send_bytes(send, 413, b"The request is larger than this site accepts.\n")
            return
        try:
            response = await run_in_pool(self.respond, scope, body)
            if isinstance(response, StreamingHttpResponse):
                await self._stream(response, receive, send)
            else:
                await self.send_response(response, send)
        finally:
            body.close()

    def respond(self, scope: Scope, body: Any) -> HttpResponseBase:
        """On a thread: the whole of Django. Only streaming responses are left open."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response = cast(HttpResponseBase, self.get_response(request) if request is not None else refusal)
        if not response.streaming:
            response.close()  # sends request_finished: this thread's connections are checked
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Receive, send: Send) -> None:
        if not response.is_async:
            # Files and other synchronous iterators: read chunk by chunk on the pool.
            response.streaming_content = _read_in_pool(iter(response))
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()  # closes the response's iterator, which lets go of what it held
            results = await asyncio.gather(sending, return_exceptions=True)
            await run_in_pool(response.close)
        if isinstance(results[0], Exception):
            raise results[0]


def _bounded(receive: Receive) -> Receive:
    """`receive` that gives up once the body has grown too large; nothing more of it is kept."""
    total = 0

    async def bounded() -> Mapping[str, Any]:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > settings.MAX_REQUEST_BYTES:
            raise TooLarge
        return message

    return bounded


async def _read_in_pool(chunks: Any) -> AsyncIterator[bytes]:
    while (chunk := await run_in_pool(next, chunks, None)) is not None:
        yield chunk


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_bytes(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
