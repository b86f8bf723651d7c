"""What an import is told besides its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class ReadOptions:
    source: str
    zone: ZoneInfo | None = None  # for times written without an offset; None: such times are problems
    mapping: Path | None = None  # which columns of which files mean what, where the format leaves that open
