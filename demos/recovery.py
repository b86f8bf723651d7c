"""Runs whose worker died, whose place in the queue was lost, who waited too long, or whom nobody watches.

Asked by every GPU worker every few seconds (one at a time) and by the scheduler (tasks.recover_lost_runs), so also when
all GPU workers are gone.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from miniconf.live import BrokerDown

from . import queue, watching
from .models import Run
from .services import entry_of, finish_run

logger = logging.getLogger(__name__)

# A run whose worker died is tried again in company; if that worker dies, too, once more with no other suspect beside it,
# so that the one run that kills workers does not take others along. One that was the only suspect is not tried again.
MOST_ATTEMPTS = 3
EXPIRES_AFTER = timedelta(minutes=30)
# A waiting run that is in no queue was taken by a worker that died before it claimed the row, or the broker has lost it.
LOST_AFTER = timedelta(seconds=5)
LOOK_AGAIN = 1.0  # seconds; a connection may be made anew at this moment

_NAME = re.compile(r"(?P<node>.*)-(?P<pid>\d+)-[0-9a-f]{6}")


def recover() -> None:
    """All of it. Raises BrokerDown."""
    rescue()
    expire()
    stop_abandoned()


def rescue() -> None:
    """Put back what lost its worker or its place. Raises BrokerDown."""
    young = queue.broker_age() < queue.WORKER_TTL
    if not young:
        held = {w["name"]: set(w.get("runs", ())) for w in _living()}
        _rescue_running(held)
    _enter_missing()


def _living() -> list[dict[str, Any]]:
    """Workers that have announced themselves and whose connection, if they have said that they have one, is open."""
    workers = queue.workers()
    missing = _unconnected(workers)
    if missing:
        threading.Event().wait(LOOK_AGAIN)
        workers = queue.workers()
        missing &= _unconnected(workers)
    return [worker for worker in workers if worker["name"] not in missing]


def _unconnected(workers: list[dict[str, Any]]) -> set[str]:
    connected = queue.connected_workers()
    if connected is None:
        return set()
    return {w["name"] for w in workers if w.get("listens") and w["name"] not in connected}


def _rescue_running(held: dict[str, set[str]]) -> None:
    """`held`: what each living worker says it has."""
    running = Run.objects.filter(state=Run.State.RUNNING)
    lost = defaultdict(list)
    for run in running.exclude(worker__in=list(held)).select_related("demo"):
        lost[run.worker].append(run)
    for worker, runs in lost.items():
        _lost_their_worker(worker, runs)
    # Of a living worker that does not know them: it could not record their end.
    forgotten = running.filter(
        worker__in=list(held), started_at__lt=now() - timedelta(seconds=3 * queue.WORKER_REFRESH)
    )
    for run in forgotten.select_related("demo"):
        if str(run.pk) not in held[run.worker]:
            _try_again(run, "was forgotten by its worker")


def _lost_their_worker(worker: str, runs: list[Run]) -> None:
    suspects = [run for run in runs if run.attempts >= queue.SUSPECT_AFTER]
    for run in runs:
        if run.attempts >= MOST_ATTEMPTS or suspects == [run]:
            finish_run(
                run.pk,
                state=Run.State.FAILED,
                output=None,
                error=f"the worker stopped {run.attempts} times while running this; it is not tried again",
            )
        else:
            _try_again(run, f"lost its worker {worker}")


def _try_again(run: Run, why: str) -> None:
    mine = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING, worker=run.worker, attempts=run.attempts)
    if mine.update(state=Run.State.QUEUED, worker="", started_at=None):
        logger.warning("run %s %s; queued again", run.pk, why)
        queue.put_back(str(run.pk), entry_of(run, tier=queue.AGAIN))


def worker_started(name: str) -> None:
    """A worker has come up: an earlier one of the same node on this machine whose process is gone is dead for certain."""
    match = _NAME.fullmatch(name)
    if match is None or not Run.objects.filter(state=Run.State.RUNNING).exists():
        return
    names = Run.objects.filter(state=Run.State.RUNNING).values_list("worker", flat=True).distinct()
    for other in list(names):
        found = _NAME.fullmatch(other)
        if found and other != name and found["node"] == match["node"] and not _runs_here(int(found["pid"])):
            _lost_their_worker(
                other, list(Run.objects.filter(state=Run.State.RUNNING, worker=other).select_related("demo"))
            )
            try:
                queue.withdraw_worker(other)
            except BrokerDown:
                logger.info("the dead worker's announcement expires by itself")


def _runs_here(pid: int) -> bool:
    if pid == os.getpid():
        return False  # the name is another one's: numbers are given again in containers
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _enter_missing() -> None:
    """Rows that wait and are in no queue."""
    waiting = Run.objects.filter(state=Run.State.QUEUED, created_at__lt=now() - LOST_AFTER)
    rows = {str(pk): pk for pk in waiting.values_list("pk", flat=True)[:1000]}
    if not rows:
        return
    there = {run_id for run_id, _ in queue.waiting_runs(2000)}
    for run in Run.objects.filter(pk__in=[pk for name, pk in rows.items() if name not in there]).select_related("demo"):
        if run.state == Run.State.QUEUED:
            logger.warning("run %s was in no queue; put back", run.pk)
            queue.put_back(str(run.pk), entry_of(run, tier=queue.AGAIN if run.attempts else None))


def expire() -> None:
    """Runs nobody took in time, and runs of models that no worker can load."""
    waiting = Run.objects.filter(state=Run.State.QUEUED).select_related("demo")
    for run in waiting.filter(created_at__lt=now() - EXPIRES_AFTER)[:500]:
        _end(run, Run.State.EXPIRED, "no worker took this run in time")
    workers = queue.workers()
    for run in waiting.filter(created_at__lt=now() - LOST_AFTER)[:500] if workers else ():
        reasons = [w.get("failures", {}).get(run.demo.model) for w in workers]
        if all(reasons):
            _end(run, Run.State.FAILED, reasons[0])


def _end(run: Run, state: Run.State, error: str) -> None:
    queue.leave(str(run.pk))
    finish_run(run.pk, state=state, output=None, error=error)


def stop_abandoned() -> None:
    """Runs that nobody watches any more and that are not to be kept."""
    for run in watching.abandoned():
        logger.info("run %s is stopped: %s", run.pk, watching.REASON)
        queue.request_cancel(str(run.pk), watching.REASON)
        if Run.objects.filter(pk=run.pk, state=Run.State.QUEUED).exists():
            _end(run, Run.State.CANCELLED, watching.REASON)
