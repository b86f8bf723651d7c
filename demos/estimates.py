"""How long those who wait will wait: from what was asked for before them and how fast it goes, as a range.

The places of all workers are played through: each waiting run, in its turn, takes the place that falls free first. The
later end of the range lets everybody write all they asked for, a little slower than measured; the earlier one lets them
write the share that runs of this model have written lately, a little faster.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .queue import Entry

SLOWER, FASTER = 1.25, 0.85


@dataclass(frozen=True)
class Wait:
    """Seconds until the run begins."""

    earliest: float
    latest: float

    def as_list(self) -> list[int]:
        """Whole seconds that a person would say: 7, 25, 140."""
        return [_rounded(self.earliest), _rounded(self.latest)]


def _rounded(seconds: float) -> int:
    for step, upto in ((1, 10), (5, 60), (10, 300)):
        if seconds < upto:
            return int(step * round(seconds / step))
    return int(60 * round(seconds / 60))


def in_words(wait: Sequence[int]) -> str:
    """[7, 25] -> "about 7 to 25 s"."""
    earliest, latest = wait
    if latest <= 1:
        return "any moment"
    unit = 60 if latest >= 120 else 1
    first, last = round(earliest / unit), round(latest / unit)
    name = "min" if unit == 60 else "s"
    return f"about {last} {name}" if first == last else f"about {first} to {last} {name}"


def waits(waiting: Sequence[tuple[str, Entry]], workers: Sequence[dict[str, Any]]) -> dict[str, Wait]:
    """For each waiting run, where it can be told: its model is in some worker's memory and has been measured."""
    found: dict[str, Wait] = {}
    for model in {entry.model for _, entry in waiting}:
        mine = [(run_id, entry.asked) for run_id, entry in waiting if entry.model == model]
        able = [w for w in workers if model in w.get("models", ()) and not w.get("order")]
        speeds = [w["speed"][model] for w in able if model in w.get("speed", {})]
        if not speeds:
            continue
        speed = sum(speeds) / len(speeds)
        share = min((w.get("share", {}).get(model, 1.0) for w in able), default=1.0)
        earliest = _starts(mine, able, model, speed / FASTER, share)
        latest = _starts(mine, able, model, speed / SLOWER, 1.0)
        for (run_id, _), first, last in zip(mine, earliest, latest, strict=True):
            found[run_id] = Wait(min(first, last), last)
    return found


def _starts(
    runs: Sequence[tuple[str, int]], workers: Sequence[dict[str, Any]], model: str, speed: float, share: float
) -> list[float]:
    """Seconds until each of `runs` begins."""
    places: list[float] = []
    for worker in workers:
        left = sorted(worker.get("left", {}).get(model, []))
        slots = max(1, int(worker.get("slots", 1)))
        taken = [share * tokens / speed for tokens in left]
        places += [*[0.0] * (slots - len(taken)), *taken[:slots]]
        # More than fit at once: they follow in the places that fall free.
        for more in taken[slots:]:
            heapq.heapify(places)
            heapq.heapreplace(places, places[0] + more)
    heapq.heapify(places)
    starts = []
    for _, asked in runs:
        start = places[0]
        starts.append(start)
        heapq.heapreplace(places, start + share * asked / speed)
    return starts
