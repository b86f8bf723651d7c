"""Celery tasks: running a run on a GPU worker, and looking after runs whose worker died."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connections
from django.db.models import F
from django.utils.timezone import now

from miniconf.live import BrokerDown

from . import kinds, queue, runlog, worker
from .kinds.base import RunCancelled, RunContext, RunFailed
from .models import Run
from .parts import RunParts
from .services import finish_run

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 2
EXPIRES_AFTER = timedelta(minutes=30)
# A waiting run whose Celery message may have died with a worker is sent again; claiming makes that harmless.
RESEND_AFTER = timedelta(seconds=20)


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
    """Run it on this worker's engine. A run that is not queued any more (cancelled, a duplicate message) is left alone."""
    me = worker.current()
    if me.stopping.is_set():
        queue.enqueue(run_id)  # for the next worker
        return
    claimed = Run.objects.filter(pk=run_id, state=Run.State.QUEUED).update(
        state=Run.State.RUNNING, worker=me.name, started_at=now(), attempts=F("attempts") + 1
    )
    if not claimed:
        queue.leave(run_id)
        return
    run = Run.objects.select_related("demo").get(pk=run_id)
    log = worker.RunLog(me, run_id)
    kind = kinds.get(run.demo.kind)
    try:
        models = kind.models_for(run.demo, run.inputs)
        for model in models:
            me.load(model)
        context = RunContext(
            engine=me.engine,
            model=run.demo.model,
            inputs=run.inputs,
            log=log,
            watch_cancel=partial(me.on_cancel, run_id),
            models=models,
            options=kind.options_for(run.demo),
            parts=RunParts(run, log),
        )
        if settings.CELERY_DB_REUSE_MAX is None:
            connections.close_all()  # a server's connections are few, and this thread waits for the engine now
        output = kind.run(context)
        state, error = Run.State.SUCCEEDED, ""
    except RunCancelled as cancelled:
        if me.stopping.is_set() and not queue.is_cancelled(run_id):
            _put_back(run_id)
            return
        output, state, error = cancelled.output, Run.State.CANCELLED, ""
    except RunFailed as failed:
        output, state, error = None, Run.State.FAILED, str(failed)
    except Exception as failed:
        logger.exception("run %s failed", run_id)
        output, state, error = None, Run.State.FAILED, f"{type(failed).__name__}: {failed}"
    finally:
        me.forget(run_id)
    me.publisher.flush(run_id)
    ended = {"first_token_at": log.first_token_at, "events": max(0, log.last - runlog.RUNNING)}
    finish_run(run_id, state=state, output=output, error=error, **ended)
    queue.leave(run_id)


def _put_back(run_id: str) -> None:
    """Queue a run again that this worker cannot finish."""
    Run.objects.filter(pk=run_id, state=Run.State.RUNNING).update(state=Run.State.QUEUED, worker="", started_at=None)
    queue.enqueue(run_id)


@shared_task(name="demos.tasks.recover_lost_runs", ignore_result=True)
def recover_lost_runs() -> None:
    """Runs of dead workers are queued again, at most MOST_ATTEMPTS times; runs nobody took are sent again or expire."""
    try:
        alive = {w["name"] for w in queue.workers()}
    except BrokerDown:
        return
    for run in Run.objects.filter(state=Run.State.RUNNING).exclude(worker__in=alive).only("id", "attempts"):
        if run.attempts >= MOST_ATTEMPTS:
            finish_run(
                run.id,
                state=Run.State.FAILED,
                output=None,
                error=f"the worker stopped {run.attempts} times while running this; it is not tried again",
            )
        else:
            logger.warning("run %s lost its worker; queued again", run.id)
            _put_back(str(run.id))
    waiting = Run.objects.filter(state=Run.State.QUEUED)
    for run in waiting.filter(created_at__lt=now() - EXPIRES_AFTER).only("id"):
        finish_run(run.id, state=Run.State.EXPIRED, output=None, error="no worker took this run in time")
        queue.leave(str(run.id))
    if alive:
        for run in waiting.filter(created_at__lt=now() - RESEND_AFTER).only("id")[:50]:
            execute_run.delay(str(run.id))
