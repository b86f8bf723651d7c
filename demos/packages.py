"""Kinds of demo that come with Python packages: entry points of the group `miniconf.demos` (docs/writing_a_demo.md).

Settings read this before Django is there, so nothing here imports the packages or Django.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

GROUP = "miniconf.demos"


@cache
def declared() -> tuple[EntryPoint, ...]:
    """The entry points of all installed packages, sorted by name; one for each name."""
    return tuple(
        sorted({point.name: point for point in entry_points(group=GROUP)}.values(), key=lambda point: point.name)
    )


def folders(name: str) -> list[Path]:
    """The folders `name` ("templates", "static") inside the packages that declare kinds."""
    found = []
    for package in dict.fromkeys(point.module.partition(".")[0] for point in declared()):
        try:
            spec = find_spec(package)
        except (ImportError, ValueError):
            continue  # the registry says what is wrong with it
        for place in (spec.submodule_search_locations or ()) if spec else ():
            if (folder := Path(place) / name).is_dir():
                found.append(folder)
    return found
