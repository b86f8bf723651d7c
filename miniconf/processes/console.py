"""What `manage.py up` says: plain lines, and one line that is overwritten while something is waited for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class Console:
    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stdout
        self._is_terminal = self.out.isatty()
        self._progress = ""

    def say(self, text: str = "") -> None:
        self._clear()
        self._write(text + "\n")

    def progress(self, text: str) -> None:
        """Say what is being waited for: in place on a terminal, elsewhere once for each change."""
        if text == self._progress:
            return
        if self._is_terminal:
            self._clear()
            self._write(text)
        elif text.partition(" (")[0] != self._progress.partition(" (")[0]:
            self._write(text + "\n")
        self._progress = text

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[list[str]]:
        """`name  doing ...` while it lasts, then `name  <what the caller put into the list> (seconds)`."""
        began = time.monotonic()
        self.progress(f"  {name:<10}{doing} ...")
        result: list[str] = []
        yield result
        took = time.monotonic() - began
        self.say(f"  {name:<10}{' '.join(result)}" + (f" ({took:.1f} s)" if took >= 1 else ""))

    def _clear(self) -> None:
        if self._is_terminal and self._progress:
            self._write("\r\x1b[K")
            self._progress = ""

    def _write(self, text: str) -> None:
        try:
            self.out.write(text)
            self.out.flush()
        except (OSError, ValueError):
            pass  # the terminal is gone; the site goes on
