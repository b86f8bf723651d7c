"""Celery tasks: the bell that wakes a GPU worker, and looking after runs that are in trouble."""

from __future__ import annotations

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from miniconf.live import BrokerDown

from . import recovery, worker


@worker_ready.connect
def start_engine(sender: object, **_: object) -> None:
    """A worker that takes runs gets its engine when it is up."""
    if any(q.name == "gpu" for q in sender.task_consumer.queues):  # type: ignore[attr-defined]
        worker.start(str(sender.hostname))  # type: ignore[attr-defined]


@worker_shutting_down.connect
def stop_engine(**_: object) -> None:
    worker.stop()


@shared_task(name="demos.tasks.execute_run", ignore_result=True)
def execute_run(run_id: str) -> None:
    """Somebody waits: run whose turn it is, if there is a free place, and go on while there is. See demos/running.py."""
    from . import running

    running.serve(worker.current())


@shared_task(name="demos.tasks.recover_lost_runs", ignore_result=True)
def recover_lost_runs() -> None:
    """Nothing stays "running" or "queued" for ever, whatever died. See demos/recovery.py."""
    try:
        recovery.recover()
    except BrokerDown:
        return
