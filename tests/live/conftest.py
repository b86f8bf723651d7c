"""A broker that a test may stop, and a topic kind whose log is a list."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from miniconf.broker import Broker, start_broker
from miniconf.live import publish, registry
from miniconf.live.registry import LiveError


@dataclass
class Log:
    """A topic whose events are kept in memory, as chat keeps them in the database."""

    events: list[dict[str, Any]] = field(default_factory=list)
    reads: int = 0
    failing: bool = False
    # While set, a read has taken its snapshot but not yet returned it.
    pause: threading.Event | None = None
    reading: threading.Event = field(default_factory=threading.Event)

    def authorize(self, user: Any, key: str) -> None:
        if key == "private":
            raise LiveError("forbidden", "This topic is private.")

    def backlog(self, user: Any, key: str, after: int | None) -> list[dict[str, Any]]:
        self.reads += 1
        if self.failing:
            raise RuntimeError("the database is gone")
        snapshot = [event for event in self.events if event["n"] > (after or 0)]
        if self.pause is not None:
            self.reading.set()
            self.pause.wait(10)
        return snapshot

    def commit(self, text: str = "") -> dict[str, Any]:
        event = {"n": len(self.events) + 1, "type": "line", "text": text}
        self.events.append(event)
        return event

    def say(self, text: str = "") -> dict[str, Any]:
        """Commit, then publish."""
        event = self.commit(text)
        publish("log:a", [event])
        return event


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    registry._kinds["log"] = log
    yield log
    del registry._kinds["log"]


@dataclass
class StoppableBroker:
    folder: Path
    running: Broker

    def stop(self) -> None:
        self.running.stop()

    def start(self) -> None:
        self.running = start_broker(self.folder)


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory, settings: Any) -> Iterator[StoppableBroker]:
    folder = tmp_path_factory.mktemp("b")
    broker = StoppableBroker(folder, start_broker(folder))
    settings.REDIS_URL = broker.running.url
    yield broker
    broker.stop()
