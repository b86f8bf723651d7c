"""The HTTP API for asynchronous programs: lists without end, errors as exceptions, waiting where the server asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx

from .runs import (
    LATER,
    SILENCE,
    Event,
    EventLines,
    Json,
    Knowledge,
    Patience,
    Problem,
    RunLost,
    Token,
    key_for_once,
    problem_of,
)


class Api:
    """Use it as an asynchronous context. `tries`: how often a request is made that the server puts off (409, 429, 503),
    or that broke off and is one to be made again.

    `patience`: for how many seconds a run is followed of which nothing is heard.
    """

    def __init__(self, url: str, *, token: str | None = None, tries: int = 3, patience: float = 120.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=url.rstrip("/") + "/api/v1/", headers=headers, timeout=30)
        self._tries = tries
        self.patience = patience

    async def __aenter__(self) -> Api:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: Any) -> Json:
        return await self._request("GET", path, params=query)

    async def post(self, path: str, body: Json) -> Json:
        return await self._request("POST", path, json=body)

    async def items(self, path: str, *, page: int = 100, **query: Any) -> AsyncIterator[Json]:
        """All items of a list, page by page."""
        offset, count = 0, 1
        while offset < count:
            piece = await self.get(path, limit=page, offset=offset, **query)
            for item in piece["items"]:
                yield item
            if not piece["items"]:
                return
            offset, count = offset + len(piece["items"]), piece["count"]

    async def run(self, slug: str, *, fresh: bool = False, **inputs: Any) -> AsyncRun:
        """Start a run of a demo, as `Demos.run` does."""
        body: Json = {"inputs": inputs, **({"fresh": True} if fresh else {})}
        headers = key_for_once()
        return AsyncRun(self, await self._request("POST", f"demos/{slug}/runs", json=body, headers=headers))

    async def find(self, run_id: str) -> AsyncRun:
        """A run by its id."""
        return AsyncRun(self, await self.get(f"runs/{run_id}"))

    async def _request(self, method: str, path: str, **more: Any) -> Json:
        again = method == "GET" or "Idempotency-Key" in more.get("headers", ())  # carried out once in any case
        for left in reversed(range(self._tries)):
            try:
                response = await self._http.request(method, path, **more)
            except httpx.TransportError:
                if not left or not again:
                    raise
                await asyncio.sleep(1.0)
                continue
            if response.is_success:
                found: Json = response.json()
                return found
            problem = await _problem(response)
            if not left or problem.status not in (409, 429, 503):
                raise problem
            await asyncio.sleep(1.0 if problem.retry_after is None else problem.retry_after)
        raise AssertionError("at least one try")


class AsyncRun:
    """A run of a demo: `async for token in run`. `shown` is the run as the API shows it, brought up to date by events."""

    def __init__(self, api: Api, shown: Json) -> None:
        self._api = api
        self._known = Knowledge(shown)

    @property
    def shown(self) -> Json:
        return self._known.shown

    @property
    def id(self) -> str:
        return str(self.shown["id"])

    async def __aiter__(self) -> AsyncGenerator[Token]:
        async for event in self.events():
            if event.type == "token":
                yield event.token()

    async def events(self) -> AsyncGenerator[Event]:
        """Every event from the first to `done`, as `demos.Run.events`."""
        patience, known = Patience(self._api.patience), self._known.begin()
        while True:
            asked, reason = None, "the stream of its events ended too early"
            try:
                async for event in self._stream(known.last):
                    patience.good_news()
                    if known.take(event):
                        self._known = known
                        yield event
                    if event.type == "done":
                        return
            except httpx.TransportError as error:
                reason = f"{type(error).__name__} {error}"
            except Problem as problem:
                if problem.status not in LATER:
                    raise
                asked, reason = problem.retry_after, str(problem)
            pause = patience.pause(asked)
            if pause is None:
                raise RunLost(f"nothing was heard of run {self.id} for {patience.seconds:.0f} s: {reason}")
            await asyncio.sleep(pause)

    async def _stream(self, after: int) -> AsyncGenerator[Event]:
        headers = {"Last-Event-ID": str(after)} if after else {}
        timeout = httpx.Timeout(30, read=SILENCE)
        async with self._api._http.stream(
            "GET", f"runs/{self.id}/events", headers=headers, timeout=timeout
        ) as response:
            if not response.is_success:
                await response.aread()
                raise await _problem(response)
            lines = EventLines()
            async for line in response.aiter_lines():
                if (event := lines.take(line)) is not None:
                    for part in event.parts():
                        yield part

    async def result(self) -> Json:
        """Follow it to its end; the output. Raises RunFailed where there is none."""
        if not self._known.finished:
            async for _ in self.events():
                pass
        return self._known.result()

    async def cancel(self) -> None:
        """Ask for its end; its events tell when it has come."""
        self._known.shown = await self._api.post(f"runs/{self.id}/cancel", {})


async def _problem(response: httpx.Response) -> Problem:
    body = response.json() if "json" in response.headers.get("Content-Type", "") else None
    return problem_of(response.status_code, response.reason_phrase, body, response.headers.get("Retry-After"))
