"""What a GPU worker is besides Celery: one engine, the models it has loaded, and its voice in Redis.

Only a process that takes tasks from the queue `gpu` creates one; it imports torch.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import connections
from django.utils.timezone import now

from miniconf.live import BrokerDown

from . import positions, queue, runlog
from .model_use import wanted_models
from .places import Places
from .running import Upkeep

logger = logging.getLogger(__name__)

GIVE_BACK_WITHIN = 2.0  # seconds
SAY_AT_MOST_EVERY = 0.2  # seconds between two announcements of what this worker holds
TELL_POSITIONS = 3.0  # seconds between two rounds, at most
LOOK_FOR_MODELS = 10  # seconds between looks for demos with models that are not loaded yet
TRY_AGAIN = 60  # seconds after which a model that could not be loaded is tried again: somebody may have mended it


class Worker:
    """The process's engine, its announcements and its ear for cancellations. `current()` is it."""

    def __init__(self, node: str) -> None:
        import torch  # the web process reads this module's constants and must not load torch

        from .backends import offer_all
        from .engine import Engine
        from .engine.loading import pick_device, pick_dtype

        torch.set_num_threads(settings.ENGINE_THREADS)
        # The engine's thread gives up the interpreter in every operation and must get it back soon from the others.
        sys.setswitchinterval(0.0005)
        # A name of its own for every start: runs of a worker that died are told from those of its successor.
        self.name = f"{node or socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.started_at = time.time()
        self.device = pick_device(settings.ENGINE_DEVICE)
        budget = settings.ENGINE_MEMORY_MB * 2**20 or None
        self.engine = Engine(
            slots=settings.ENGINE_SLOTS,
            device=self.device,
            budget=budget,
            dtype=pick_dtype(settings.ENGINE_DTYPE, self.device),
            graphs=settings.ENGINE_GRAPHS,
            packed=settings.ENGINE_PACKED,
        )
        offer_all(self.engine, settings.MODEL_BACKENDS)
        self.publisher = runlog.Publisher()
        self.failures: dict[str, str] = {}
        self._failed: dict[str, float] = {}  # when
        self.stopping = threading.Event()
        self.loaded = threading.Event()
        self._cancels: dict[str, Callable[[], None]] = {}
        self._loading = threading.Lock()
        self._saying = threading.Lock()  # what one thread found must not overwrite what another found later
        self._positions_changed = threading.Event()
        self._news = threading.Event()
        self.places = Places(settings.ENGINE_SLOTS)
        self.order: str | None = None  # "drain" or "restart"
        self.others = 0  # workers besides this one
        self.elsewhere: set[str] = set()  # models that other workers have in memory
        self.loadable: set[str] = set()  # models that are loaded when somebody asks for them
        self._listens = False
        self.upkeep = Upkeep(self)
        loops = (self._load_models, self._announce, self._listen, self._tell_positions, self.upkeep.loop)
        for loop in loops:
            threading.Thread(target=loop, name=loop.__name__.strip("_"), daemon=True).start()

    def models(self) -> set[str]:
        """Those in memory, and those that other machines have ready."""
        return set(self.engine.names())

    def log_of(self, run_id: str) -> RunLog:
        return RunLog(self, run_id)

    def load(self, model: str, *, make_room: bool = True) -> None:
        """Have `model` ready. Raises demos.engine.loading.ModelError."""
        from .model_files import find_model

        with self._loading:
            if self.engine.touch(model):
                return
            with self.engine.fetching(model) as progress:
                folder = find_model(model, settings.MODELS_DIR, hub=settings.ENGINE_HUB, progress=progress)
            loaded = self.engine.load(
                model,
                folder,
                pinned=model in settings.ENGINE_PINNED,
                trust_code=model in settings.ENGINE_TRUSTED_CODE,
                make_room=make_room,
            )
            logger.info("model %s ready: %.1f M weights on %s", model, loaded.parameters / 1e6, loaded.device)

    def on_cancel(self, run_id: str, stop: Callable[[], None]) -> None:
        """Call `stop` when somebody cancels the run, or has done so already."""
        self._cancels[run_id] = stop
        if queue.is_cancelled(run_id):
            stop()

    def forget(self, run_id: str) -> None:
        self._cancels.pop(run_id, None)

    def admitted(self, run_id: str) -> None:
        """The run has its slot: the others move up. Called on the engine's thread, so it only leaves a note."""
        self.places.started(run_id)
        self._positions_changed.set()

    def shut_down(self) -> None:
        """Stop at once; runs in the engine go back to the queue (see tasks.execute_run)."""
        self.stopping.set()
        self._news.set()
        self.engine.stop()
        until = time.monotonic() + GIVE_BACK_WITHIN
        while self.places.runs() and time.monotonic() < until:  # they are being given back, each on its own thread
            time.sleep(0.02)
        self.publisher.stop()
        try:
            queue.withdraw_worker(self.name)
        except BrokerDown:
            logger.info("the broker is gone already; this worker's announcement expires by itself")

    def _load_models(self) -> None:
        """Have the models of all demos ready that fit, also of those that are added while the worker runs."""
        from .engine.loading import NoRoom
        from .model_files import ModelError

        while not self.stopping.is_set():
            wanted, asked = wanted_models()
            connections.close_all()
            self.loadable |= asked - settings.MODEL_BACKENDS.keys()
            failed = {model for model, since in self._failed.items() if time.monotonic() - since < TRY_AGAIN}
            for model in sorted(wanted - failed - settings.MODEL_BACKENDS.keys() - self.models()):
                try:
                    self.load(model, make_room=False)
                    self.failures.pop(model, None)
                except NoRoom:
                    self.loadable.add(model)
                    continue  # it is loaded when somebody asks for it
                except ModelError as error:
                    self.failures[model] = str(error)
                    self._failed[model] = time.monotonic()
                    logger.error("%s", error)
                self._say()
            self.loaded.set()
            self.stopping.wait(LOOK_FOR_MODELS)

    def _say(self) -> None:
        with self._saying:
            busy, waiting = self.engine.load_figures()
            figures: dict[str, Any] = {
                "models": self.engine.names(),
                "loadable": sorted(self.loadable),
                "failures": {**self.failures, **self.engine.failures()},
                "loading": {name: doing for name, (doing, _) in self.engine.loading().items()},
                "slots": self.engine.slots,
                "busy": busy,
                "waiting": waiting,
                "device": self.device,
                "loaded": self.loaded.is_set(),
                "started_at": self.started_at,
                "listens": self._listens,
                **self.places.figures(),
            }
            try:
                queue.announce_worker(self.name, figures)
            except BrokerDown:
                logger.warning("cannot announce this worker: the broker does not answer")

    def has_news(self) -> None:
        """This worker holds a run more: the organizers' page and whoever looks for the run see it at once."""
        self._news.set()

    def _announce(self) -> None:
        while not self.stopping.is_set():
            self._news.clear()
            self._say()
            self.stopping.wait(SAY_AT_MOST_EVERY)  # a burst of runs is told once
            self._news.wait(queue.WORKER_REFRESH)

    def _tell_positions(self) -> None:
        while not self.stopping.is_set():
            # At once where somebody was admitted; from time to time anyway, since estimates change.
            self._positions_changed.wait(TELL_POSITIONS)
            self._positions_changed.clear()
            pause = positions.AT_LEAST_EVERY  # a burst of admissions is told once
            try:
                pause = positions.announce()
            except BrokerDown:
                logger.info("positions not announced: the broker does not answer")
            self.stopping.wait(pause)

    def _listen(self) -> None:
        """Hear of cancellations; whatever was missed while the broker was away is asked for afterwards."""
        while not self.stopping.is_set():
            try:
                r = redis.Redis.from_url(
                    settings.REDIS_URL,
                    socket_timeout=None,
                    decode_responses=True,
                    client_name=queue.CONNECTION_PREFIX + self.name,
                )
                with r.pubsub(ignore_subscribe_messages=True) as heard:
                    heard.subscribe(queue.CANCEL_CHANNEL, queue.WAKE_CHANNEL)
                    self._listens = True
                    for run_id in list(self._cancels):
                        if queue.is_cancelled(run_id):
                            self._cancel(run_id)
                    self.upkeep.look()
                    for message in heard.listen():
                        if message["channel"] == queue.WAKE_CHANNEL:
                            self.upkeep.look()
                        else:
                            self._cancel(message["data"])
            except (redis.RedisError, BrokerDown):
                self.stopping.wait(1)

    def _cancel(self, run_id: str) -> None:
        stop = self._cancels.get(run_id)
        if stop is not None:
            stop()


class RunLog:
    """Where one run reports to: numbers its events and passes over those that an earlier attempt has sent."""

    def __init__(self, worker: Worker, run_id: str) -> None:
        self.worker, self.run_id = worker, run_id
        already = runlog.kept(run_id)
        self.last = already[-1]["n"] if already else runlog.QUEUED
        self.first_token_at: datetime | None = None
        self._seen = {runlog.key_of(event) for event in already}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()  # a kind emits from its own thread and from the engine's

    def started(self) -> None:
        self._add([])
        self.worker.admitted(self.run_id)

    def tokens(self, tokens: list[dict[str, Any]], stream: int = 0) -> None:
        if self.first_token_at is None:
            self.first_token_at = now()
        self.worker.places.wrote(self.run_id, len(tokens))
        lane = {"stream": stream} if stream else {}
        self._add([{"type": "token", **lane, **token} for token in tokens])

    def emit(self, type: str, data: dict[str, Any], *, key: str = "") -> None:
        with self._lock:
            place = self._counts[type]
            self._counts[type] += 1
        self._add([{"type": type, "key": key or str(place), **data}])

    def progress(self, done: int, total: int, label: str = "") -> None:
        self.worker.publisher.note(self.run_id, {"type": "progress", "done": done, "total": total, "label": label})

    def _add(self, events: list[dict[str, Any]]) -> None:
        with self._lock:
            fresh = []
            if runlog.STARTED not in self._seen:  # a kind that does one thing need not say that it has begun
                events = [runlog.running_event(), *events]
            for event in events:
                key = runlog.key_of(event)
                if key not in self._seen:
                    self._seen.add(key)
                    self.last += 1
                    fresh.append({**event, "n": self.last})
            if fresh:
                self.worker.publisher.add(self.run_id, fresh)


_current: Worker | None = None
_starting = threading.Lock()


def start(node: str) -> Worker:
    """Make this process's worker, once."""
    global _current
    with _starting:
        if _current is None:
            _current = Worker(node)
        return _current


def current() -> Worker:
    """This process's worker; started on first use where Celery's own start was not seen (tests)."""
    return _current or start("")


def stop() -> None:
    if _current is not None:
        _current.shut_down()
