"""/healthz: this process answers. /readyz: everything a visitor needs is there.

Every part of /readyz has its own entry `{"ok": ..., "detail": ...}`; the answer comes within two seconds whatever is
broken, because nothing is waited for longer and a question that hangs is not asked a second time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import asdict, dataclass
from functools import cache
from threading import Lock
from time import monotonic
from typing import Any, Generic, TypeVar, cast

import redis
from django.db import Error as DatabaseError
from django.db import connections
from django.http import HttpRequest, JsonResponse

from demos.models import Demo
from demos.queue import WORKER_PREFIX
from miniconf.processes.presence import announced, broker_client

logger = logging.getLogger(__name__)
T = TypeVar("T")

LONGEST_WAIT = 1.5  # seconds


@dataclass(frozen=True)
class Check:
    ok: bool
    detail: str


@dataclass(frozen=True)
class Programme:
    """What the database says is needed."""

    models: list[str]


@dataclass(frozen=True)
class Workers:
    """Who announced themselves at the broker: Celery's processes, and the engines inside GPU workers."""

    processes: list[dict[str, Any]]
    engines: list[dict[str, Any]]

    def taking(self, queue: str) -> int:
        return sum(queue in process["queues"] for process in self.processes)


class _Question(Generic[T]):
    """Asks on a thread of its own, one at a time, and waits for the answer only so long."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")
        self._pending: Future[T] | None = None

    def put(self) -> Future[T]:
        with self._lock:
            if self._pending is None or self._pending.done():
                self._pending = self._thread.submit(self._ask)
            return self._pending


def _ask_database() -> Programme:
    try:
        return Programme(sorted(set(Demo.objects.filter(enabled=True).values_list("model", flat=True))))
    finally:
        connections.close_all()


def _ask_broker() -> Workers:
    with broker_client() as client:
        return Workers(announced(client), announced(client, WORKER_PREFIX))


@cache
def _questions() -> tuple[_Question[Programme], _Question[Workers]]:
    return _Question(_ask_database), _Question(_ask_broker)


def readiness() -> dict[str, Check]:
    """One check for each part of the site, in the order in which they depend on each other."""
    database, broker = (question.put() for question in _questions())
    deadline = monotonic() + LONGEST_WAIT
    programme: Programme | None = None
    workers: Workers | None = None
    try:
        programme = cast(Programme, database.result(max(0.0, deadline - monotonic())))
        on_database = Check(True, "answers")
    except TookTooLong:
        on_database = Check(False, f"no answer within {LONGEST_WAIT} s")
    except DatabaseError as error:
        logger.warning("readyz: the database: %s", error)
        on_database = Check(False, "cannot be reached, or has no tables yet (manage.py prepare)")
    try:
        workers = cast(Workers, broker.result(max(0.0, deadline - monotonic())))
        on_broker = Check(True, "answers")
    except TookTooLong:
        on_broker = Check(False, f"no answer within {LONGEST_WAIT} s")
    except (redis.RedisError, OSError) as error:
        logger.warning("readyz: the broker: %s", error)
        on_broker = Check(False, "cannot be reached")
    return {
        "database": on_database,
        "broker": on_broker,
        "default_worker": _on_queue(workers, "default"),
        "scheduler": _on_scheduler(workers),
        "gpu_worker": _on_queue(workers, "gpu"),
        "models": _on_models(programme, workers),
    }


def _on_queue(workers: Workers | None, queue: str) -> Check:
    if workers is None:
        return Check(False, "unknown without the broker")
    count = workers.taking(queue)
    return Check(count > 0, f'{count or "no"} worker{"s"[: count != 1]} on the queue "{queue}"')


def _on_scheduler(workers: Workers | None) -> Check:
    if workers is None:
        return Check(False, "unknown without the broker")
    running = any(process["kind"] == "beat" for process in workers.processes)
    return Check(running, "runs" if running else "does not run")


def _on_models(programme: Programme | None, workers: Workers | None) -> Check:
    """Every model that a demo of the conference needs is in some worker's memory, or has failed to load there."""
    if programme is None or workers is None:
        return Check(False, "unknown without the database and the broker")
    if not workers.engines:
        return Check(False, "no worker has started its engine")
    loaded = {model for engine in workers.engines for model in engine["models"]}
    failed = {model for engine in workers.engines for model in engine["failures"]}
    missing = [model for model in programme.models if model not in loaded]
    if broken := [model for model in missing if model in failed]:
        return Check(False, f"cannot be loaded: {', '.join(broken)}; the GPU worker's log says why")
    if missing or not any(engine["loaded"] for engine in workers.engines):
        return Check(False, f"loading {', '.join(missing) or 'models'}")
    return Check(True, f"loaded: {', '.join(programme.models)}" if programme.models else "no demo needs one")


def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers requests; nothing else is asked."""
    return JsonResponse({"ok": True})


def readyz(request: HttpRequest) -> JsonResponse:
    checks = readiness()
    response = JsonResponse(
        {name: asdict(check) for name, check in checks.items()},
        status=200 if all(check.ok for check in checks.values()) else 503,
    )
    response["Cache-Control"] = "no-store"
    response._has_been_logged = True  # type: ignore[attr-defined]  # "not ready" is an answer, not an error of this process
    return response
