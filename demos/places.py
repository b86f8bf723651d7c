"""A worker's places: which runs it has, for which models it has room, and how fast it serves them."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MOST_RUNS = 60  # of all models together: each waits in a thread of Celery's, of which there are 64
FORGET_AFTER = 60.0  # seconds of work after which an old measurement counts half


@dataclass
class Held:
    """A run that this worker has. `done` is how much of what it `asked` for has been done, in tokens."""

    run_id: str
    model: str
    asked: int
    alone: bool
    started: bool = False
    done: int = 0


@dataclass
class _Speed:
    """Tokens and seconds of work, the old ones counting less."""

    tokens: float = 0.0
    seconds: float = 0.0
    asked: float = 0.0  # of runs that have ended
    written: float = 0.0
    running: int = 0
    since: float = field(default_factory=time.monotonic)

    def pass_time(self) -> None:
        now = time.monotonic()
        worked = self.running * (now - self.since)
        self.since = now
        self.seconds += worked
        fade = 0.5 ** (worked / FORGET_AFTER)
        self.tokens *= fade
        self.seconds *= fade

    @property
    def rate(self) -> float | None:
        return self.tokens / self.seconds if self.seconds > 0.2 and self.tokens >= 16 else None

    @property
    def share(self) -> float:
        return self.written / self.asked if self.asked else 1.0


class Places:
    """May be used from any thread. Each model has as many places as the engine has slots, and a few more, so that the
    next run is
    at hand when a slot falls free."""

    def __init__(self, slots: int) -> None:
        self.of_a_model = slots + max(1, slots // 8)
        self._looking = threading.Lock()
        self._lock = threading.Lock()  # held for moments only: the engine's thread waits for it
        self._held: dict[str, Held] = {}
        self._speeds: dict[str, _Speed] = {}

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Whoever looks for a run to take, and takes it, does so alone; so nobody misses a place that falls
        free meanwhile.
        """
        with self._looking:
            yield

    def full(self) -> set[str] | None:
        """Models without a free place; None: there is none for any. Called while `looking`."""
        with self._lock:
            models = [held.model for held in self._held.values()]
        if len(models) >= MOST_RUNS:
            return None
        counts = Counter(models)
        return {model for model, count in counts.items() if count >= self.of_a_model}

    def welcomes_alone(self) -> bool:
        """Whether there is no run yet that may kill this worker. Called while `looking`."""
        with self._lock:
            return not any(held.alone for held in self._held.values())

    def enter(self, held: Held) -> None:
        """Called while `looking`."""
        with self._lock:
            self._held[held.run_id] = held

    def leave(self, run_id: str) -> None:
        with self._lock:
            held = self._held.pop(run_id, None)
            if held is None or not held.started:
                return
            speed = self._speed(held.model)
            speed.pass_time()
            speed.running -= 1
            if held.done == 0:  # a kind that does not write tokens: what it asked for was the work
                speed.tokens += held.asked
            speed.asked = 0.9 * speed.asked + held.asked
            speed.written = 0.9 * speed.written + (held.done or held.asked)

    def started(self, run_id: str) -> None:
        """The engine has begun with the run."""
        with self._lock:
            held = self._held.get(run_id)
            if held is not None and not held.started:
                held.started = True
                speed = self._speed(held.model)
                speed.pass_time()
                speed.running += 1

    def wrote(self, run_id: str, tokens: int) -> None:
        """Called on the engine's thread for each run and step."""
        held = self._held.get(run_id)
        if held is not None:
            held.done += tokens
            self._speed(held.model).tokens += tokens

    def _speed(self, model: str) -> _Speed:
        return self._speeds.setdefault(model, _Speed())

    def runs(self) -> list[str]:
        with self._lock:
            return list(self._held)

    def figures(self) -> dict[str, Any]:
        """For the announcement: runs held, work left for each model, tokens/s of one run, the share of what is
        asked that is written.
        """
        with self._lock:
            left: dict[str, list[int]] = {}
            for held in self._held.values():
                left.setdefault(held.model, []).append(max(0, held.asked - held.done))
            for speed in self._speeds.values():
                speed.pass_time()
            return {
                "runs": list(self._held),
                "left": left,
                "speed": {m: round(s.rate, 2) for m, s in self._speeds.items() if s.rate is not None},
                "share": {m: round(min(1.0, s.share), 3) for m, s in self._speeds.items() if math.isfinite(s.share)},
            }
