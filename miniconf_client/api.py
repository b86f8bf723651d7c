"""The HTTP API: lists without end, errors as exceptions, waiting where the server asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx

Json = dict[str, Any]


class Problem(Exception):
    """An answer of problem JSON (RFC 9457)."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail


class Api:
    """Use it as an asynchronous context. `tries`: how often a request is made that the server puts off (429, 503)."""

    def __init__(self, url: str, *, token: str | None = None, tries: int = 3) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=url.rstrip("/") + "/api/v1/", headers=headers, timeout=30)
        self._tries = tries

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

    async def _request(self, method: str, path: str, **more: Any) -> Json:
        for left in reversed(range(self._tries)):
            response = await self._http.request(method, path, **more)
            if response.is_success:
                found: Json = response.json()
                return found
            if left and response.status_code in (429, 503):
                await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
                continue
            problem = response.json() if "json" in response.headers.get("Content-Type", "") else {}
            raise Problem(response.status_code, problem.get("title", response.reason_phrase), problem.get("detail", ""))
        raise AssertionError("at least one try")
