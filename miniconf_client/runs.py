"""What a client knows of a run, kept up to date by its events. No network here: demos.py and api.py bring that."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

Json = dict[str, Any]

FINISHED = frozenset({"succeeded", "failed", "cancelled", "expired"})
LATER = frozenset({429, 502, 503, 504})  # the same request may succeed a little later
SILENCE = 45.0  # seconds; the server gives a sign of life every 15


class Problem(Exception):
    """An answer of problem JSON (RFC 9457). `errors` are those of single fields, `retry_after` seconds or None."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        errors: Iterable[Json] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail
        self.errors, self.retry_after = list(errors), retry_after


class RunFailed(Exception):
    """The run ended without a result; `state` says how."""

    def __init__(self, state: str, error: str) -> None:
        super().__init__(f"the run {state}: {error}" if error else f"the run {state}")
        self.state, self.error = state, error


class RunLost(Exception):
    """Nothing could be heard of a run for as long as one was ready to wait. It may go on; follow it again by its id."""


def key_for_once() -> dict[str, str]:
    """A header for one request: however often it is sent, it is carried out once."""
    return {"Idempotency-Key": str(uuid4())}


@dataclass(frozen=True)
class Token:
    """A token of a text; printed, it is its text. `probability` is the model's own, `alternatives` (text, probability)."""

    index: int
    id: int
    text: str
    probability: float | None  # None where the model tells none
    alternatives: list[tuple[str, float]]
    stream: int = 0  # which of the run's texts, where it writes several

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Event:
    """An event of a run: its number (None for those that are not kept, like a place in the queue), type and data."""

    n: int | None
    type: str
    data: Json

    def parts(self) -> Iterator[Event]:
        """The single events of one of type `tokens`; else the event itself."""
        if self.type != "tokens" or self.n is None:
            yield self
            return
        first = self.n + 1 - len(self.data["items"])
        for place, (token, text, p, *top) in enumerate(self.data["items"]):
            data = {"i": self.data["i"] + place, "id": token, "text": text, "p": p, "top": top[0] if top else []}
            yield Event(first + place, "token", {**data, "stream": self.data.get("stream", 0)})

    def token(self) -> Token:
        found = self.data
        return Token(
            found["i"],
            found["id"],
            found["text"],
            found["p"],
            [(text, p) for text, p in found.get("top", [])],
            found.get("stream", 0),
        )


@dataclass
class Knowledge:
    """The run as the API last showed it, and what its events have added since."""

    shown: Json
    last: int = 0  # number of the last event that was applied
    written: list[list[Any]] = field(default_factory=list)  # [id, text, probability, alternatives] of each token

    def begin(self) -> Knowledge:
        """The same run, followed from its first event."""
        return Knowledge(self.shown)

    def take(self, event: Event) -> bool:
        """Apply an event; False for one that was applied before."""
        if event.n is not None:
            if event.n <= self.last:
                return False
            self.last = event.n
        if event.type == "token" and not event.data.get("stream"):
            self.written.append([event.data[name] for name in ("id", "text", "p", "top")])
        if event.type == "state" and not self.finished:  # a run that has ended may be read again from its beginning
            self.shown = {**self.shown, "state": event.data["state"], "position": event.data.get("position")}
        elif event.type == "done":
            told = {name: event.data.get(name) for name in ("state", "output", "error")}
            output = told["output"]
            if output and "tokens" not in output and output.get("new_tokens") == len(self.written):
                told["output"] = {"tokens": self.written, **output}  # they were sent before, and not once more
            self.shown = {**self.shown, **told, "position": None}
        return True

    @property
    def finished(self) -> bool:
        return self.shown["state"] in FINISHED

    def result(self) -> Json:
        """The output of a run that succeeded. Raises RunFailed for one that ended otherwise."""
        if self.shown["state"] != "succeeded":
            raise RunFailed(self.shown["state"], self.shown["error"] or "")
        output: Json = self.shown["output"]
        return output


@dataclass
class EventLines:
    """Server-sent events out of the lines of a stream (HTML standard, "server-sent events")."""

    _n: int | None = None
    _type: str = ""
    _data: list[str] = field(default_factory=list)

    def take(self, line: str) -> Event | None:
        """The event that an empty line ends."""
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                self._n = int(value)
            elif name == "event":
                self._type = value
            elif name == "data":
                self._data.append(value)
            return None
        if not self._data:
            return None
        event = Event(self._n, self._type, json.loads("\n".join(self._data)))
        self._n, self._type, self._data = None, "", []
        return event


@dataclass
class Patience:
    """How long to pause before the next try, and when to give up: `seconds` after the last good news."""

    seconds: float
    first: float = 0.3
    longest: float = 10.0

    def __post_init__(self) -> None:
        self.good_news()

    def good_news(self) -> None:
        self._until = time.monotonic() + self.seconds
        self._pauses = self._growing()

    def _growing(self) -> Iterator[float]:
        pause = self.first
        while True:
            yield pause * random.uniform(0.7, 1.3)  # many clients that were cut off together come back one by one
            pause = min(2 * pause, self.longest)

    def pause(self, asked: float | None = None) -> float | None:
        """Seconds to wait, what the server asked for if it did; None when that is longer than there is patience."""
        pause = next(self._pauses) if asked is None else asked
        return None if time.monotonic() + pause > self._until else pause


def problem_of(status: int, reason: str, body: Any, retry_after: str | None) -> Problem:
    """The exception for an error answer; `body` is its JSON, or None where it has none."""
    told: Json = body if isinstance(body, dict) else {}
    wait = float(retry_after) if retry_after and retry_after.replace(".", "", 1).isdigit() else None
    return Problem(
        status, told.get("title", reason), told.get("detail", ""), errors=told.get("errors", ()), retry_after=wait
    )
