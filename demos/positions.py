"""Where each waiting run stands and how long it will wait: told to those who watch, and kept for those who ask."""

from __future__ import annotations

import json
from typing import Any, cast

from miniconf.live import publish_each

from . import estimates, queue

WAITS = "demos:waits"  # run -> [earliest, latest] seconds, as last told
MOST_TOLD = 1000
AT_LEAST_EVERY = 0.3  # seconds between two rounds of telling; longer where many wait
TOLD_A_SECOND = 200


def announce() -> float:
    """Tell everybody who waits where they stand; returns the seconds until this should be done again at the earliest."""
    waiting = queue.waiting_runs(MOST_TOLD)
    pause = max(AT_LEAST_EVERY, len(waiting) / TOLD_A_SECOND)
    if not waiting or not queue.only_one("positions", 0.9 * pause):
        return pause
    waits = estimates.waits(waiting, queue.workers())
    known = {run_id: wait.as_list() for run_id, wait in waits.items()}
    with queue.broker() as r:
        pipe = r.pipeline()
        pipe.delete(WAITS)
        if known:
            pipe.hset(WAITS, mapping={run_id: json.dumps(wait) for run_id, wait in known.items()})
            pipe.expire(WAITS, 60)
        pipe.execute()
    publish_each({f"run:{run_id}": [event(place, known.get(run_id))] for place, (run_id, _) in enumerate(waiting, 1)})
    return pause


def event(position: int, wait: list[int] | None) -> dict[str, Any]:
    """Without a number: it holds for a moment."""
    told: dict[str, Any] = {"type": "state", "state": "queued", "position": position}
    return told if wait is None else {**told, "wait": wait}


def place_of(run_id: str) -> tuple[int, list[int] | None] | None:
    """(place, seconds to wait as [earliest, latest] where they are known); None for a run that does not wait."""
    with queue.broker() as r:
        pipe = r.pipeline(transaction=False)
        pipe.zrank(queue.WAITING, run_id)
        pipe.hget(WAITS, run_id)
        rank, told = cast(tuple[int | None, str | None], tuple(pipe.execute()))
    if rank is None:
        return None
    if told is not None:
        return rank + 1, json.loads(told)
    # Nobody has told this one yet: it has just come.
    waits = estimates.waits(queue.waiting_runs(rank + 1), queue.workers())
    return rank + 1, waits[run_id].as_list() if run_id in waits else None
