"""The websocket at /live/: one per tab, carrying all topics of a page and the commands of its viewer."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.module_loading import import_string
from pydantic import ValidationError
from pydantic_core import from_json

from miniconf.accounts.services import user_of_token
from miniconf.serving.pool import run_db

from . import BrokerDown, Event
from .hub import Subscription, counts, hub
from .outbox import SIGNED_OUT, TOO_MANY_ERRORS, Outbox
from .protocol import LARGEST_FRAME, Run, Subscribe, Unsubscribe, client_frame
from .registry import LiveError, Viewer, find_topic, run_command, sentence_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

SUBSCRIPTIONS = 64
# What no working client does; one that keeps doing it is closed.
CLIENT_ERRORS = {"malformed", "too_large", "too_fast", "invalid", "unknown_topic", "unknown_command"}
ERRORS_BEFORE_CLOSE = 50
FRAMES_PER_SECOND, FRAMES_AT_ONCE = 20.0, 60.0


def viewer_of(session_key: str | None, token: str | None = None) -> Viewer:
    """Who a bearer token, else a session, belongs to at this moment; synchronous."""
    if token is not None:
        return user_of_token(token) or AnonymousUser()
    request = HttpRequest()
    request.session = import_string(f"{settings.SESSION_ENGINE}.SessionStore")(session_key)
    return get_user(request)


def origin_allowed(origin: str | None, host: str) -> bool:
    """Whether a page at `origin` may open a socket to `host`: its own site's may, and the trusted ones.

    Browsers always name the origin; what names none is not a browser and carries nobody's cookies unasked.
    """
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    return origin is None or urlsplit(origin).netloc == host or origin in settings.CSRF_TRUSTED_ORIGINS


class LiveConsumer(AsyncWebsocketConsumer):
    """Each frame is validated, answered in order, and judged by what its sender may do at that moment."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.session_key: str | None = None
        self.token: str | None = None
        self.user_id: Any = None
        self.changed = False  # the session belongs to somebody else than when the socket was opened
        self.errors = 0
        self.allowance, self.counted_at = FRAMES_AT_ONCE, time.monotonic()
        self.outbox = Outbox(send)
        conversation = asyncio.create_task(super().__call__(scope, receive, send))
        try:
            await asyncio.wait({conversation, self.outbox.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            conversation.cancel()
            self.outbox.task.cancel()
            ended = await asyncio.gather(conversation, self.outbox.task, return_exceptions=True)
            hub().watch.discard(self)
            for subscription in self.subscriptions.values():
                hub().detach(subscription)
        for error in ended:  # a socket that is gone raises OSError when it is written to: the usual end
            if isinstance(error, Exception) and not isinstance(error, OSError):
                raise error

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own also hops to a thread to close database connections; run_db takes care of them here.
        await {
            "websocket.connect": self.websocket_connect,
            "websocket.receive": self.websocket_receive,
            "websocket.disconnect": self.websocket_disconnect,
        }[message["type"]](message)

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1") or None
        if not origin_allowed(origin, headers.get(b"host", b"").decode("latin-1")):
            counts["foreign_origins"] += 1
            await self.close()  # before accepting: HTTP 403
            return
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() == "bearer":
            self.token = token.strip()
        cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
        self.session_key = cookies.get(settings.SESSION_COOKIE_NAME)
        self.user_id = (await run_db(viewer_of, self.session_key, self.token)).pk
        if self.token is not None and self.user_id is None:  # an invalid token is an error, not a visitor
            await self.close()
            return
        hub().watch.add(self)
        counts["sockets"] += 1
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        number = None
        try:
            frame = _parse(text_data)
            number = _number_of(frame)
            self._count_frame()
            await self._obey(client_frame.validate_python(frame))
        except LiveError as error:
            self._refuse(number, error)
        except ValidationError as error:
            self._refuse(number, LiveError("invalid", f"The frame is not understood: {sentence_of(error)}"))
        except BrokerDown as error:
            self._refuse(number, LiveError("broker_down", str(error)))
        except Exception:
            logger.exception("A frame could not be answered")
            self._refuse(number, LiveError("internal", "The server could not do this; it has been logged."))
        if self.changed:
            self.outbox.close(SIGNED_OUT)

    async def _obey(self, frame: Subscribe | Unsubscribe | Run) -> None:
        match frame:
            case Subscribe():
                await self._subscribe(frame)
            case Unsubscribe():
                if subscription := self.subscriptions.pop(frame.topic, None):
                    hub().detach(subscription)
                self._answer(frame.id, {"topic": frame.topic})
            case Run():
                self._answer(frame.id, await self._as_viewer(lambda user: run_command(user, frame.do, frame.payload)))

    async def _subscribe(self, frame: Subscribe) -> None:
        kind, key = find_topic(frame.topic)
        if len(self.subscriptions) >= SUBSCRIPTIONS and frame.topic not in self.subscriptions:
            raise LiveError("too_many_topics", f"One connection follows at most {SUBSCRIPTIONS} topics.")

        def authorize(user: Viewer) -> Viewer:
            kind.authorize(user, key)
            return user

        def answer(events: list[Event]) -> None:
            self._answer(frame.id, {"topic": frame.topic, "events": events})

        heard = hub().watch.heard
        user = await self._as_viewer(authorize)
        if earlier := self.subscriptions.pop(frame.topic, None):
            hub().detach(earlier)
        self.subscriptions[frame.topic] = await hub().attach(frame.topic, user, frame.after, self.outbox, answer)
        if hub().watch.heard != heard:  # the permission may have been taken back while the backlog was read
            await self.recheck()

    async def recheck(self) -> None:
        """Let go of the topics that the viewer may not follow any more, and say so."""

        def refusals(user: Viewer) -> dict[str, LiveError]:
            found = {}
            for topic in tuple(self.subscriptions):
                try:
                    kind, key = find_topic(topic)
                    kind.authorize(user, key)
                except LiveError as error:
                    found[topic] = error
            return found

        try:
            refused = await self._as_viewer(refusals)
        except Exception:  # the database is away: who comes again is asked again
            logger.exception("Permissions could not be checked")
            self.outbox.fail()
            return
        for topic, error in refused.items():
            if subscription := self.subscriptions.pop(topic, None):
                hub().detach(subscription)
                self.outbox.push(_encode({"topic": topic, "error": error.as_dict()}))
        if self.changed:
            self.outbox.close(SIGNED_OUT)

    async def _as_viewer(self, func: Callable[[Viewer], T]) -> T:
        """`func(user)` on a thread, with the user as the session says now. One who signed out loses the socket."""

        def with_viewer() -> T:
            user = viewer_of(self.session_key, self.token)
            self.changed = user.pk != self.user_id
            return func(user)

        return await run_db(with_viewer)

    def _answer(self, number: int, ok: dict[str, Any]) -> None:
        self.outbox.push(_encode({"id": number, "ok": ok}))

    def _refuse(self, number: int | None, error: LiveError) -> None:
        counts["refused"] += 1
        self.errors += error.code in CLIENT_ERRORS
        self.outbox.push(_encode({"id": number, "error": error.as_dict()}))
        if self.errors >= ERRORS_BEFORE_CLOSE:
            self.outbox.close(TOO_MANY_ERRORS)

    def _count_frame(self) -> None:
        now = time.monotonic()
        self.allowance = min(FRAMES_AT_ONCE, self.allowance + (now - self.counted_at) * FRAMES_PER_SECOND)
        self.counted_at = now
        if self.allowance < 1:
            raise LiveError("too_fast", "This connection sends too many frames.", retry_after=1)
        self.allowance -= 1


def _encode(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _parse(text: str | None) -> Any:
    if text is None:
        raise LiveError("malformed", "A frame is JSON text, not binary.")
    if len(text) > LARGEST_FRAME or len(text.encode()) > LARGEST_FRAME:
        raise LiveError("too_large", f"A frame has at most {LARGEST_FRAME} bytes.")
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise LiveError("malformed", "The frame is not JSON.") from error


def _number_of(frame: Any) -> int | None:
    """The id to answer to, also of a frame that is wrong otherwise."""
    number = frame.get("id") if isinstance(frame, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and abs(number) < 2**53 else None
