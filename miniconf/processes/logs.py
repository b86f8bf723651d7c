"""Log files of the processes: bounded in size, with the errors in them told to whoever watches the console."""

from __future__ import annotations

import os
import re
import shutil
from collections import deque
from pathlib import Path
from typing import BinaryIO

LARGEST = 10_000_000  # bytes; then the file is copied to <name>.log.1 and begun again
KEPT = 3
MOST_ECHOED = 25  # lines of one error

# "2026-11-21 08:00:00,000 ERROR ...", "[2026-11-21 08:00:00,000: ERROR/MainProcess] ...", "ERROR:    ..."
_BEGINS = re.compile(r"^(\[?\d{4}-\d\d-\d\d[ T]|(DEBUG|INFO|WARNING|ERROR|CRITICAL):\s)")
_IS_ERROR = re.compile(r"^(\[?[\d-]+[ T][\d:,.]+ )?(ERROR|CRITICAL)\b")


class Log:
    """One process's log file. The process writes to it; `new_errors` reads along."""

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        self.path = path
        self.largest = largest
        self._position = 0
        self._unfinished = b""
        self._echoing = 0  # lines of the current error still to be told
        self._last: deque[str] = deque(maxlen=12)
        rotate(path)
        path.touch()

    def open(self) -> BinaryIO:
        """For the process to write to; appending, so that the file can be begun again under it."""
        return self.path.open("ab")

    def new_errors(self) -> list[str]:
        """Lines written since the last call that belong to errors."""
        with self.path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < self._position:
                self._position = 0  # somebody has emptied it
            file.seek(self._position)
            fresh = file.read()
        self._position += len(fresh)
        *lines, self._unfinished = (self._unfinished + fresh).split(b"\n")
        found = [line for raw in lines if self._is_told(line := raw.decode(errors="replace").rstrip())]
        if self._position > self.largest:
            self._begin_again()
        return found

    def last_lines(self) -> list[str]:
        return list(self._last)

    def _is_told(self, line: str) -> bool:
        if line:
            self._last.append(line)
        if _BEGINS.match(line):
            self._echoing = MOST_ECHOED if _IS_ERROR.match(line) else 0
        if not line or not self._echoing:
            return False
        self._echoing -= 1
        return True

    def _begin_again(self) -> None:
        rotate(self.path, copy=True)
        os.truncate(self.path, 0)
        self._position, self._unfinished = 0, b""


def rotate(path: Path, *, copy: bool = False) -> None:
    """Number the older logs up and make the newest <name>.log.1; the oldest goes."""
    if not path.exists() or path.stat().st_size == 0:
        return
    for number in range(KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    first = path.with_name(f"{path.name}.1")
    if copy:
        shutil.copyfile(path, first)
    else:
        path.replace(first)
