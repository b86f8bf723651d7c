"""What is noted about a page while it is rendered for everybody: how long it holds, what it shows, what it depends on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest


class PageNotes:
    """Kept in the ASGI scope of a request whose answer may be shared."""

    def __init__(self) -> None:
        self.tags: set[str] = set()
        self.seconds: float | None = None
        self.cookies: set[str] = set()  # names of those that were looked at


class NotedCookies(dict[str, str]):
    """A request's cookies; which of them decide what the page looks like is noted as they are read."""

    def __init__(self, cookies: dict[str, str], notes: PageNotes) -> None:
        super().__init__(cookies)
        self._read = notes.cookies

    def __getitem__(self, name: str) -> str:
        self._read.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._read.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._read.add(name)
        return super().get(name, default)


def notes_of(request: HttpRequest) -> PageNotes | None:
    """The notes of a request whose answer may be shared; None for everybody else's."""
    notes = getattr(request, "scope", {}).get("page")
    return notes if isinstance(notes, PageNotes) else None


def mark_page(request: HttpRequest, *, tags: Iterable[str] = (), seconds: float | None = None) -> None:
    """Say of the page that answers `request`: it is forgotten when one of `tags` is, and kept `seconds` at most.

    Does nothing where the answer is one person's own. A page with a chat has the tag of its topic, `room:<key>`.
    """
    notes = notes_of(request)
    if notes is None:
        return
    notes.tags.update(tags)
    if seconds is not None:
        notes.seconds = seconds if notes.seconds is None else min(notes.seconds, seconds)
