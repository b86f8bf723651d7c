"""How much may be run: by one person, of one demo, in all. Who meets a limit is told when to come back and what can be
seen meanwhile.

A demo's own limits are entries of its `limits` beside the bounds of its inputs: `waiting` (unfinished runs of it),
`runs_per_hour` (by all people together) and `runs_per_hour_person`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import QuerySet

from miniconf.limits import allow
from miniconf.permissions import Viewer, is_member
from miniconf.problems import Problem

from . import queue
from .models import Demo, Run
from .recorded import runs_of

# Limits that every kind of demo may have: their names in words, and the most they can be.
OF_A_DEMO: dict[str, tuple[str, int]] = {
    "waiting": ("Unfinished runs of it at a time", 10_000),
    "runs_per_hour": ("Runs an hour", 1_000_000),
    "runs_per_hour_person": ("Runs an hour of one person", 100_000),
}
UNFINISHED = (Run.State.QUEUED, Run.State.RUNNING)
REMEMBER_EXAMPLES = 30  # seconds: who meets a limit may well ask again and again
COME_BACK = 15  # seconds, where nothing better is known


def check(demo: Demo, *, user: Viewer, who: str, own: QuerySet[Run]) -> None:
    """Raises Problem 429 with `retry_after` and `examples`. `who` tells people apart, `own` are their runs."""
    at_once = settings.RUNS_AT_ONCE_PER_PERSON
    unfinished = own.filter(state__in=UNFINISHED).count()
    if unfinished >= at_once:
        said = f"{unfinished} of your runs have not finished; {at_once} at once is the limit."
        raise refused("Too many runs at once", said, 5, demo)
    waiting = queue.waiting()
    if waiting >= settings.RUN_QUEUE_LIMIT:
        said = f"{waiting} runs are waiting, which is as many as this site takes."
        raise refused("The queue is full", said, COME_BACK, demo)
    if (most := demo.limits.get("waiting")) is not None:
        of_demo = demo.runs.filter(state__in=UNFINISHED).count()
        if of_demo >= most:
            said = f"{of_demo} runs of this demo have not finished; {most:.0f} at once is its limit."
            raise refused("This demo is busy", said, COME_BACK, demo)
    _count(settings.RUN_RATE_PERSON if is_member(user) else settings.RUN_RATE_ANONYMOUS, "runs", who, demo)
    if (most := demo.limits.get("runs_per_hour_person")) is not None:
        _count(f"{max(1, int(most))}/hour", f"runs:{demo.pk}", who, demo, "of this demo for each person")
    if (most := demo.limits.get("runs_per_hour")) is not None:
        _count(f"{max(1, int(most))}/hour", "runs:demo", str(demo.pk), demo, "of this demo")


def _count(rate: str, scope: str, who: str, demo: Demo, of_what: str = "") -> None:
    if wait := allow(rate, scope, who):
        number, unit = rate.split("/")
        limit = f"{number} runs {of_what} {'an' if unit == 'hour' else 'a'} {unit}".replace("  ", " ")
        raise refused("Too many runs", f"The limit is {limit}. Try again in {wait:.0f} s.", wait, demo)


def refused(title: str, detail: str, retry_after: float, demo: Demo) -> Problem:
    """The refusal, with the demo's examples whose results are stored: they can be viewed at once."""
    examples = stored_examples(demo)
    if examples:
        detail += " The examples' stored results can be viewed meanwhile."
    return Problem(429, title, detail, retry_after=retry_after, extra={"examples": examples} if examples else {})


def stored_examples(demo: Demo) -> list[dict[str, Any]]:
    """[{"title", "page", "run"}]"""
    key = f"demos.examples.{demo.pk}"
    found: list[dict[str, Any]] | None = cache.get(key)
    if found is None:
        titles = [(example["title"], example["inputs"]) for example in demo.examples]
        found = [
            {"title": _title_of(run, titles), "page": run.get_absolute_url(), "run": str(run.pk)}
            for run in runs_of(demo, posted=frozenset())
        ]
        cache.set(key, found, REMEMBER_EXAMPLES)
    return found


def _title_of(run: Run, titles: list[tuple[str, dict[str, Any]]]) -> str:
    for title, inputs in titles:
        if all(run.inputs.get(name) == value for name, value in inputs.items()):
            return title
    return run.demo.title
