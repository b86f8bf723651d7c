"""A GPU worker at work: whose turn it is, and that run from its row and back into it."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from django.db.models import F
from django.utils.timezone import now

from miniconf.live import BrokerDown
from miniconf.observing.context import working_for_run

from . import kinds, queue, recovery, runlog
from .kinds.base import RunCancelled, RunContext, RunFailed
from .model_files import ModelError
from .model_states import public_sentence
from .models import Run
from .parts import RunParts
from .places import Held
from .services import entry_of, finish_run

if TYPE_CHECKING:
    from .worker import Worker

logger = logging.getLogger(__name__)

RESCUE_EVERY = 2.0  # seconds, by any one of all workers


def serve(me: Worker) -> None:
    """Take runs and run them, one after the other, for as long as there are any for this worker and it has a free place.

    Called on one thread for each message and each call to look, so as many runs are served at once as there are threads
    here. Whoever leaves a place looks again, so a message that finds none may be dropped. Raises BrokerDown.
    """
    while not me.stopping.is_set():
        run = take(me)
        if run is None:
            return
        try:
            with working_for_run(str(run.pk)):
                execute(me, run)
        finally:
            me.places.leave(str(run.pk))


def take(me: Worker) -> Run | None:
    """The run whose turn it is, claimed for this worker, with a place; None when there is none or no place."""
    while True:
        with me.places.looking():
            full = me.places.full()
            if full is None:
                break
            found = queue.take(
                me.name,
                ready=me.models() - full,
                refused=full | me.failures.keys(),
                elsewhere=me.elsewhere,
                alone=me.places.welcomes_alone(),
            )
            if found is None:
                break
            run_id, entry = found
            me.places.enter(Held(run_id, entry.model, entry.asked, entry.alone))
            me.has_news()
        try:
            run = claim(me, run_id)
        except BaseException:
            me.places.leave(run_id)
            raise
        if run is not None:
            return run
        me.places.leave(run_id)
    if me.others and me.order is None and queue.waiting():
        queue.wake()  # the message reached one that cannot take the run; another one may
    return None


def claim(me: Worker, run_id: str) -> Run | None:
    """The row, now this worker's; None when it does not wait any more (cancelled, or taken by another)."""
    claimed = Run.objects.filter(pk=run_id, state=Run.State.QUEUED).update(
        state=Run.State.RUNNING, worker=me.name, started_at=now(), attempts=F("attempts") + 1
    )
    if not claimed:
        return None
    run = Run.objects.select_related("demo").get(pk=run_id)
    run.inputs = kinds.get(run.demo.kind).complete(run.inputs)  # an older version may have queued it
    return run


def execute(me: Worker, run: Run) -> None:
    """Run it on this worker's engine and record what became of it."""
    run_id = str(run.pk)
    log = me.log_of(run_id)
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
        reason = queue.cancel_reason(run_id)
        if reason is None and me.stopping.is_set():
            give_back(run)
            return
        output, state, error = cancelled.output, Run.State.CANCELLED, reason or ""
    except RunFailed as failed:
        output, state, error = None, Run.State.FAILED, str(failed)
    except ModelError as failed:
        output, state, error = None, Run.State.FAILED, public_sentence(run.demo.model, str(failed))
    except Exception as failed:
        logger.exception("run %s failed", run_id)
        output, state, error = None, Run.State.FAILED, f"{type(failed).__name__}: {failed}"
    finally:
        me.forget(run_id)
    with suppress(BrokerDown):  # the row says it all, and those who watch read it when the broker is back
        me.publisher.flush(run_id)
    events = max(0, log.last - runlog.RUNNING)
    finish_run(run_id, state=state, output=output, error=error, first_token_at=log.first_token_at, events=events)


def give_back(run: Run) -> None:
    """A worker that is being stopped leaves a run to others; that is none of the run's fault."""
    Run.objects.filter(pk=run.pk, state=Run.State.RUNNING).update(
        state=Run.State.QUEUED, worker="", started_at=None, attempts=F("attempts") - 1
    )
    with suppress(BrokerDown):  # recovery finds the row
        queue.put_back(str(run.pk), entry_of(run, tier=queue.AGAIN))


class Upkeep:
    """What a worker looks at every second or so, besides its runs, on a thread of its own."""

    EVERY = 1.0

    def __init__(self, me: Worker) -> None:
        self.me = me
        self.wanted = threading.Event()

    def look(self) -> None:
        """See at once whether there is something to take. Returns at once."""
        self.wanted.set()

    def loop(self) -> None:
        """For as long as the worker lives."""
        started, looked, well = False, -self.EVERY, True
        while not self.me.stopping.is_set():
            self.wanted.wait(self.EVERY)
            self.wanted.clear()
            try:
                if not started:
                    recovery.worker_started(self.me.name)
                    started = True
                self._obey()
                if time.monotonic() - looked >= self.EVERY:
                    looked = time.monotonic()
                    self._see_others()
                    if queue.only_one("rescue", RESCUE_EVERY):
                        recovery.rescue()
                for _ in range(self._missing_hands()):
                    threading.Thread(target=self._serve, name="serve", daemon=True).start()
                well = True
            except BrokerDown:
                self.me.stopping.wait(self.EVERY)
            except Exception:  # the database may be away; it is looked at again in a moment, and told once
                if well:
                    logger.exception("upkeep failed")
                well = False
                self.me.stopping.wait(self.EVERY)
            finally:
                connections.close_all()

    def _obey(self) -> None:
        """An order to take nothing new is followed by the queue itself; one to start anew when nothing runs any more."""
        self.me.order = queue.orders().get(self.me.name)
        if self.me.order == "restart" and not self.me.places.runs():
            logger.info("starting anew, as ordered")
            self.me.shut_down()
            os.kill(os.getpid(), signal.SIGTERM)  # Celery ends; who watches over this process starts it again

    def _see_others(self) -> None:
        workers = [w for w in queue.workers() if w["name"] != self.me.name and not w.get("order")]
        self.me.others = len(workers)
        self.me.elsewhere = {model for worker in workers for model in worker["models"]}

    def _missing_hands(self) -> int:
        """Runs that wait although there is room: their message reached another worker, or died with one."""
        if self.me.order is not None or not (waiting := queue.waiting()):
            return 0
        free = self.me.engine.slots - len(self.me.places.runs())
        return max(0, min(waiting, free))

    def _serve(self) -> None:
        try:
            serve(self.me)
        except BrokerDown:
            pass
        except Exception:
            logger.exception("a run could not be served")
        finally:
            connections.close_all()
