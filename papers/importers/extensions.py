"""Other apps read their part of a source here, in the import's transaction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .report import Report

Extension = Callable[[Path, str, Report], None]

_registered: list[Extension] = []


def register(extension: Extension) -> Extension:
    """Call `extension(folder, source, report)` in every import, after the programme is stored.

    It writes rows of `source` only, tells `report.problem(...)` about what it cannot read (the import is then
    rolled back), and `report.count(...)` what it did. It is called in dry runs too, and must leave files alone.
    """
    if extension not in _registered:
        _registered.append(extension)
    return extension


def registered() -> tuple[Extension, ...]:
    return tuple(_registered)
