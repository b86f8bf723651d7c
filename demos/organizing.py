"""What organizers see of demos at work: workers, the queue, runs and failures."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils.timezone import now

from miniconf.live import BrokerDown

from . import estimates, queue
from .models import Run

MOST_WAITING, MOST_RUNNING, MOST_FAILED, MOST_FINISHED = 30, 64, 20, 10


@dataclass(frozen=True)
class WorkerLine:
    """A worker as it announced itself, with what it was ordered."""

    name: str
    node: str
    models: list[dict[str, Any]]
    failures: dict[str, str]
    loading: dict[str, str]
    device: str
    slots: int
    runs: int
    order: str
    up: timedelta

    @property
    def state(self) -> str:
        if self.order == "restart":
            return "starts again when its runs are done" if self.runs else "starting again"
        if self.order == "drain":
            return "takes no new runs" if self.runs else "drained"
        return "working" if self.runs else "idle"


@dataclass(frozen=True)
class Overview:
    broker_down: bool = False
    workers: list[WorkerLine] = field(default_factory=list)
    waiting_count: int = 0
    waiting: list[dict[str, Any]] = field(default_factory=list)
    running: list[Run] = field(default_factory=list)
    failed: list[Run] = field(default_factory=list)
    finished: list[Run] = field(default_factory=list)
    last_hour: dict[str, int] = field(default_factory=dict)


def overview() -> Overview:
    runs = Run.objects.select_related("demo", "user")
    hour = Run.objects.filter(created_at__gt=now() - timedelta(hours=1)).order_by()
    rows: dict[str, Any] = {
        "running": list(runs.filter(state=Run.State.RUNNING).order_by("started_at")[:MOST_RUNNING]),
        "failed": list(runs.filter(state__in=[Run.State.FAILED, Run.State.EXPIRED])[:MOST_FAILED]),
        "finished": list(runs.filter(state__in=[Run.State.SUCCEEDED, Run.State.CANCELLED])[:MOST_FINISHED]),
        "last_hour": dict(hour.values_list("state").annotate(Count("pk"))),
    }
    try:
        workers, waiting = queue.workers(), queue.waiting_runs()
    except BrokerDown:
        return Overview(broker_down=True, **rows)
    waits = estimates.waits(waiting, workers)
    shown = {str(run.pk): run for run in runs.filter(pk__in=[run_id for run_id, _ in waiting[:MOST_WAITING]])}
    return Overview(
        workers=[_line(worker) for worker in workers],
        waiting_count=len(waiting),
        waiting=[
            {
                "run": shown[run_id],
                "place": place,
                "asked": entry.asked,
                "tier": ("again", "author", "")[entry.tier],
                "wait": estimates.in_words(waits[run_id].as_list()) if run_id in waits else "",
            }
            for place, (run_id, entry) in enumerate(waiting[:MOST_WAITING], 1)
            if run_id in shown
        ],
        **rows,
    )


def _line(worker: dict[str, Any]) -> WorkerLine:
    speeds, left = worker.get("speed", {}), worker.get("left", {})
    slots = int(worker.get("slots", 0))
    return WorkerLine(
        name=worker["name"],
        node=worker["name"].rsplit("-", 2)[0],
        models=[
            {
                "name": model,
                "runs": len(left.get(model, ())),
                "speed": round(speeds[model]) if model in speeds else None,
            }
            for model in worker["models"]
        ],
        failures=worker.get("failures", {}),
        loading=worker.get("loading", {}),
        device=worker.get("device", ""),
        slots=slots,
        runs=len(worker.get("runs", ())),
        order=worker["order"],
        up=timedelta(seconds=round(time.time() - worker.get("started_at", time.time()))),
    )
