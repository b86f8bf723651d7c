"""Runs that may be shown to everybody for good: those of the demos' examples, and those that somebody posted.

Other runs have addresses that only their makers know, and stay that way.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from miniconf.problems import Problem

from . import kinds
from .models import Demo, Run

MOST = 20  # runs of one demo
_LOOKED_AT = 500  # newest runs among which those of examples are looked for


def demos_shown() -> QuerySet[Demo]:
    return Demo.objects.filter(enabled=True, kind__in=kinds.KINDS, paper__withdrawn_at=None)


def runs_of(demo: Demo, *, posted: Set[UUID]) -> list[Run]:
    """The newest finished run of each example, then the runs of this demo among `posted`."""
    finished = _finished(demo)
    newest = list(finished[:_LOOKED_AT])
    found: dict[UUID, Run] = {}
    for example in demo.examples:
        run = next((run for run in newest if is_of(run, example["inputs"])), None)
        if run is not None:
            found[run.pk] = run
    for run in finished.filter(pk__in=posted)[:MOST]:
        found.setdefault(run.pk, run)
    return list(found.values())[:MOST]


def _finished(demo: Demo) -> QuerySet[Run]:
    runs = Run.objects.filter(demo=demo, state=Run.State.SUCCEEDED)
    return runs.select_related("demo__paper", "user").order_by("-created_at")


def is_of(run: Run, inputs: dict[str, Any]) -> bool:
    """Whether a run was made with these inputs (numbers may be written as text), whatever else it was given."""
    try:
        wanted = kinds.get(run.demo.kind).validate(run.demo, inputs)
    except Problem:  # the demo's limits have changed since
        return False
    return all(run.inputs.get(name) == wanted[name] for name in inputs if name in wanted)


def missing_examples() -> list[tuple[Demo, dict[str, Any]]]:
    """Examples nobody has run yet, with their inputs."""
    return [
        (demo, example["inputs"])
        for demo in demos_shown()
        for newest in [list(_finished(demo)[:_LOOKED_AT])]
        for example in demo.examples
        if not any(is_of(run, example["inputs"]) for run in newest)
    ]
