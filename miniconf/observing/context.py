"""Which request or run the present code works for: put into log lines and error pages."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request: ContextVar[str] = ContextVar("request", default="")
_run: ContextVar[str] = ContextVar("run", default="")

GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")  # an id that a proxy has given the request


def request_id() -> str:
    """Of the request that is being answered; "" outside of one."""
    return _request.get()


def run_id() -> str:
    """Of the demo's run that is being executed; "" outside of one."""
    return _run.get()


@contextmanager
def working_for_request(given: str) -> Iterator[str]:
    """Inside, `request_id()` is `given` if that is a fit id, else a new one, which is also yielded."""
    name = given if GIVEN.fullmatch(given) else secrets.token_hex(8)
    token = _request.set(name)
    try:
        yield name
    finally:
        _request.reset(token)


@contextmanager
def working_for_run(name: str) -> Iterator[None]:
    token = _run.set(name)
    try:
        yield
    finally:
        _run.reset(token)
