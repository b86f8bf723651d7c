"""The websocket's address."""

from typing import Any, cast

from django.urls import path, re_path

from .consumer import LiveConsumer


async def no_such_socket(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.close"})  # before accepting: HTTP 403


websocket_urlpatterns = [path("live/", LiveConsumer.as_asgi()), re_path("", cast(Any, no_such_socket))]
