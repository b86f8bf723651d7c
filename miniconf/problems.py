"""Errors of the API as problem JSON (RFC 9457): raise `Problem` anywhere below an API operation."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An error with a sentence for whoever reads it.

    `title` names the kind of error in a few words, the same each time; `detail` names this very thing and what was
    expected. `retry_after` is in seconds. `extra` becomes further members of the JSON object.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        retry_after: float | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.retry_after = None if retry_after is None else max(1, math.ceil(retry_after))
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def as_dict(self) -> dict[str, Any]:
        body: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
        return body | self.extra


def unauthorized(detail: str) -> Problem:
    """401: who asks is not known, and would have to be."""
    challenge = {"WWW-Authenticate": 'Bearer realm="miniconf"'}
    return Problem(401, "Not signed in", detail, headers=challenge)


def broker_down() -> Problem:
    return Problem(
        503,
        "Broker unavailable",
        "The message broker cannot be reached, so this is not possible just now. Reading still works.",
        retry_after=5,
    )


def problem_response(problem: Problem) -> HttpResponse:
    """The answer that carries `problem`."""
    response = HttpResponse(
        json.dumps(problem.as_dict(), ensure_ascii=False), status=problem.status, content_type=CONTENT_TYPE
    )
    for name, value in problem.headers.items():
        response[name] = value
    if problem.retry_after is not None:
        response["Retry-After"] = str(problem.retry_after)
    return response
