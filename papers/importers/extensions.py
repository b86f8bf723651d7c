"""Other apps read their part of a source here, in the import's transaction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .report import Report

Extension = Callable[[Path, str, Report], None]
Keeper = Callable[[str, list[str]], set[str]]

_registered: list[Extension] = []
_keepers: list[Keeper] = []


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


def keeps(keeper: Keeper) -> Keeper:
    """Ask `keeper(kind, keys)` which rows carry something people made (a discussion, runs of a demo).

    Undoing an import withdraws those instead of deleting them.
    """
    if keeper not in _keepers:
        _keepers.append(keeper)
    return keeper


def kept(kind: str, keys: list[str]) -> set[str]:
    return set().union(*(keeper(kind, keys) for keeper in _keepers))
