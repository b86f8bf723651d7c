"""Pages for visitors, answered on the event loop from memory; everybody else's requests go on to Django.

A visitor's page depends on its address, a few harmless cookies and on nothing else. That holds by construction: the
request from which a shared page is rendered carries nothing of the person who asked for it, no other cookie, no
address, no browser's name. What comes out is kept unless it says that it is somebody's own: it sets a cookie, varies
by something else, streams, or has `Cache-Control: private`, `no-store` or `no-cache`. A page with a CSRF token sets a
cookie, so it is never kept. A hundred people who ask for one page at once have it rendered once.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from io import BytesIO
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpResponseBase

from .onehop import OneHopHandler, Receive, Scope, Send
from .page_answers import PRIVATE, PUBLIC, STALE, Page
from .page_changes import Changes, forget_pages, stores
from .page_notes import PageNotes, mark_page
from .page_store import PageStore
from .pool import run_in_pool

__all__ = ["PageCache", "forget_pages", "mark_page"]

logger = logging.getLogger(__name__)

# Pages about one person, or about this very moment. Media files are served by Django in parts.
NEVER = (
    *("/accounts/", "/sign-in/", "/profile/", "/admin/", "/media/", "/runs/", "/live/", "/healthz", "/readyz"),
    "/api/",
)
PUBLIC_API = tuple(f"/api/v1/{name}" for name in ("papers", "sessions", "events", "demos", "openapi.json", "docs"))
LONGEST_ADDRESS = 1000
# Kept even though they are not there: what is asked for again and again. Redirects and errors are not.
SECONDS_OF_MISSING = 10.0
KEPT_STATUS = {200: None, 404: SECONDS_OF_MISSING, 410: None}
WITHOUT_BROKER = 10.0  # seconds a page may be kept while changes are not heard of
MOST_OWN = 2000

_HTMX = (b"hx-request", b"hx-boosted", b"hx-history-restore-request", b"hx-target", b"hx-current-url")
_KNOWN_VARY = {"cookie", "accept-encoding", "origin", *(name.decode() for name in _HTMX)}
_NO_GZIP = re.compile(rb"gzip\s*;\s*q=0(\.0*)?\s*(,|$)")
_OWN = re.compile(r"\b(private|no-store|no-cache)\b")


class _Asked(NamedTuple):
    """A request whose answer may be shared."""

    scheme: str
    host: bytes
    path: str
    query: bytes
    htmx: tuple[bytes, ...]
    cookies: tuple[str, ...]


class _Flight(NamedTuple):
    task: asyncio.Task[Page | None]
    since: int  # what the store's `change` was


class PageCache:
    """ASGI application in front of Django.

    `cookies` are those by which shared pages may differ, each with a function that returns the value to be told to
    the page, "" for one that makes no sense.
    """

    def __init__(self, handler: OneHopHandler, *, cookies: Mapping[str, Callable[[str], str]] | None = None) -> None:
        self.handler = handler
        self.cookies = dict(cookies or {})
        self.store = PageStore(settings.PAGE_CACHE_BYTES)
        self.changes = Changes(self.store)
        self.rendered = 0  # pages rendered to be shared, since the start
        stores.add(self.store)
        # By which of the cookies the pages at a path differ. What is not known here is found out again.
        self._differs: dict[str, tuple[str, ...]] = {}
        self._flights: dict[_Asked, _Flight] = {}
        self._own: dict[_Asked, float] = {}  # until when requests are known to be for a page of one's own
        self._session = settings.SESSION_COOKIE_NAME.encode() + b"="
        self._blank = ("",) * len(self.cookies)
        self._cookie_names = tuple(name.encode() + b"=" for name in self.cookies)
        proxy = settings.SECURE_PROXY_SSL_HEADER
        self._scheme_header = proxy[0].removeprefix("HTTP_").replace("_", "-").lower().encode() if proxy else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.changes.start()
        if scope["method"] not in ("GET", "HEAD") or not settings.PAGE_CACHE_SECONDS:
            await self.handler(scope, receive, _private(send))
            return
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            headers[name] = headers[name] + b"; " + value if name == b"cookie" and name in headers else value
        asked = self._asked(scope, headers)
        page = None if asked is None else await self._page(asked, scope)
        if page is None:
            await self.handler(scope, receive, _private(send))
            return
        accepted = headers.get(b"accept-encoding", b"")
        await page.send(
            send,
            packed=b"gzip" in accepted and not _NO_GZIP.search(accepted),
            known=headers.get(b"if-none-match"),
            head=scope["method"] == "HEAD",
        )

    # --- What is asked for ---------------------------------------------------------------------------------------------

    def _asked(self, scope: Scope, headers: dict[bytes, bytes]) -> _Asked | None:
        """What a shared page may depend on; None where the answer is, or might be, one person's own."""
        path: str = scope["path"]
        query: bytes = scope["query_string"]
        cookie = headers.get(b"cookie", b"")
        if (
            (path.startswith(NEVER) and not path.startswith(PUBLIC_API))
            or self._session in cookie
            or b"messages=" in cookie  # something is to be told to this visitor, once
            or b"authorization" in headers
            or (b"origin" in headers and path.startswith("/api/"))  # another site's page: told what it may read
            or b"host" not in headers
            or len(query) + len(path) + len(headers.get(b"hx-current-url", b"")) > LONGEST_ADDRESS
        ):
            return None
        scheme = scope["scheme"]
        if self._scheme_header is not None:
            scheme = headers.get(self._scheme_header, b"").decode("latin1")
        htmx: tuple[bytes, ...] = ()
        if b"hx-request" in headers:
            htmx = tuple(headers.get(name, b"") for name in _HTMX)
        return _Asked(scheme, headers[b"host"].lower(), path, query, htmx, self._told(cookie))

    def _told(self, cookie: bytes) -> tuple[str, ...]:
        """The values of the cookies that count, those that make no sense left blank."""
        if not any(name in cookie for name in self._cookie_names):
            return self._blank
        found = dict.fromkeys(self.cookies, "")
        for part in cookie.decode("latin1").split("; "):
            name, _, value = part.partition("=")
            if name in found:
                found[name] = self.cookies[name](value.strip('"'))  # Django sets some in quotes
        return tuple(found.values())

    def _key(self, asked: _Asked) -> _Asked:
        """`asked` without the cookies that make no difference on this path."""
        differs = self._differs.get(asked.path)
        told = self._blank
        if differs is not None:
            told = tuple(
                value if name in differs else "" for name, value in zip(self.cookies, asked.cookies, strict=True)
            )
        return _Asked(asked.scheme, asked.host, asked.path, asked.query, asked.htmx, told)

    # --- Answers --------------------------------------------------------------------------------------------------------

    async def _page(self, asked: _Asked, scope: Scope) -> Page | None:
        """The page for everybody; None where it turns out that there is none."""
        key = self._key(asked)
        page = self.store.get(key)
        if page is not None:
            now = monotonic()
            age = now - page.made_at
            if age < (page.seconds if self.changes.listening else min(page.seconds, WITHOUT_BROKER)):
                return page
            if self.changes.listening and now < page.ends_at:
                self._fly(asked, scope)  # a fresh one for those who come next
                return page
        if (until := self._own.get(key)) is not None:
            if monotonic() < until:
                return None
            del self._own[key]
        return await asyncio.shield(self._fly(asked, scope).task)

    def _fly(self, asked: _Asked, scope: Scope) -> _Flight:
        """The rendering of this page that is under way, or a new one where that began before the last change."""
        flight = self._flights.get(asked)
        if flight is None or flight.since != self.store.change:
            since = self.store.change
            self.rendered += 1
            flight = _Flight(asyncio.create_task(self._render(asked, scope, since)), since)
            self._flights[asked] = flight
            flight.task.add_done_callback(lambda task: self._landed(asked, task))
        return flight

    def _landed(self, asked: _Asked, task: asyncio.Task[Page | None]) -> None:
        flight = self._flights.get(asked)
        if flight is not None and flight.task is task:
            del self._flights[asked]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The page %s could not be rendered for everybody", asked.path, exc_info=error)

    async def _render(self, asked: _Asked, scope: Scope, since: int) -> Page | None:
        notes = PageNotes()
        page, keep = await run_in_pool(self._respond, self._impersonal(asked, scope, notes), notes)
        if differs := notes.cookies & self.cookies.keys():
            if len(self._differs) >= 10_000:
                self._differs.clear()
            self._differs[asked.path] = tuple(sorted(differs.union(self._differs.get(asked.path, ()))))
        key = self._key(asked)
        if page is None:
            if len(self._own) >= MOST_OWN:
                self._own.clear()
            self._own[key] = monotonic() + settings.PAGE_CACHE_SECONDS
        if page is None or not keep:
            self.store.drop(key)  # there may be an older one
        else:
            self.store.put(key, page, since=since)
        return page

    def _impersonal(self, asked: _Asked, scope: Scope, notes: PageNotes) -> Scope:
        """The request as anybody might have sent it."""
        headers = [(b"host", asked.host)]
        if told := "; ".join(f"{n}={v}" for n, v in zip(self.cookies, asked.cookies, strict=True) if v):
            headers.append((b"cookie", told.encode("latin1")))
        headers += [(name, value) for name, value in zip(_HTMX, asked.htmx, strict=False) if value]
        if self._scheme_header is not None:
            headers.append((self._scheme_header, asked.scheme.encode("latin1")))
        return {**scope, "method": "GET", "client": None, "headers": headers, "page": notes}

    def _respond(self, scope: Scope, notes: PageNotes) -> tuple[Page | None, bool]:
        """On a thread: the page and whether it may be kept; no page where it is somebody's own."""
        response = self.handler.respond(scope, BytesIO())
        if response.streaming or not response.cookies.keys() <= self.cookies.keys():
            if response.streaming:
                response.close()
            return None, False
        vary = [name.strip() for name in response.headers.get("Vary", "").split(",") if name.strip()]
        control = response.headers.get("Cache-Control", "").lower()
        encoded = "Content-Encoding" in response.headers  # although nothing was said about what can be read
        if encoded or _OWN.search(control) or not {name.lower() for name in vary} <= _KNOWN_VARY:
            return None, False
        usual = settings.PAGE_CACHE_SECONDS
        bounds = (usual, notes.seconds, KEPT_STATUS.get(response.status_code))
        seconds = min(bound for bound in bounds if bound is not None)
        keep = _may_be_kept(response, control)
        page = Page(
            status=response.status_code,
            headers=[
                *response.items(),
                *(("Set-Cookie", c.output(header="").strip()) for c in response.cookies.values()),
            ],
            vary=vary,
            body=response.content,  # type: ignore[attr-defined]
            seconds=seconds,
            stale=STALE if seconds == usual else 0.0,  # what said how long it holds is not shown any longer
            control=control if "public" in control else PUBLIC if keep else PRIVATE,
            tags=frozenset(notes.tags),
        )
        return page, keep


def _may_be_kept(response: HttpResponseBase, control: str) -> bool:
    """HTML and JSON that is there or known not to be; other things only where they say that they are public."""
    kind = response.headers.get("Content-Type", "").split(";")[0]
    fit = kind in ("text/html", "application/json", "application/problem+json") or "public" in control
    return fit and not response.cookies and response.status_code in KEPT_STATUS


def _private(send: Send) -> Send:
    """`send` that marks what says nothing about caching as one person's own."""

    async def marked(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message["headers"])
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", PRIVATE.encode()))
            message = {**message, "headers": headers}
        await send(message)

    return marked
