"""Values that every page needs and few people change, kept in a web process until the programme changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar, cast

from django.db import transaction

T = TypeVar("T")

SECONDS = 60.0


class Memory:
    """Remembers only while changes are certain to be heard of: elsewhere (commands, workers) it always asks again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, tuple[Any, float]] = {}
        self._change = 0
        self._listening = False

    def listen(self, listening: bool) -> None:
        """Say that changes are heard of from now on, or no longer. What was remembered is forgotten either way."""
        with self._lock:
            self._listening = listening
        self.forget()

    def forget(self) -> None:
        with self._lock:
            self._change += 1
            self._values.clear()

    def remembered(self, name: str, compute: Callable[[], T]) -> T:
        """`compute()`, or what it gave not long ago. Many threads get the same object: none may change it."""
        if transaction.get_connection().in_atomic_block:
            return compute()  # which may see what others never will
        with self._lock:
            found = self._values.get(name)
            change = self._change
        if found is not None and monotonic() < found[1]:
            return cast(T, found[0])
        value = compute()
        with self._lock:
            if self._listening and change == self._change:
                self._values[name] = (value, monotonic() + SECONDS)
        return value


memory = Memory()
remembered = memory.remembered
