"""The queue in Redis: who waits in which order, which workers live, and how a run is cancelled.

Celery carries the work; this keeps what Celery cannot tell: a place in the queue.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

import redis
from django.conf import settings
from kombu.exceptions import OperationalError

from miniconf.live import BrokerDown, publish

WAITING = "demos:waiting"
CANCEL_CHANNEL = "demos:cancel"
WORKER_PREFIX = "demos:worker:"
WORKERS = "demos:workers"  # names of those that have announced themselves
WORKER_TTL = 10  # seconds after which a silent worker counts as dead
WORKER_REFRESH = 3


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5, decode_responses=True)


@contextmanager
def broker() -> Iterator[redis.Redis]:
    """The Redis client; its errors, and Celery's, become BrokerDown."""
    try:
        yield client()
    except (redis.RedisError, OperationalError, OSError) as error:
        raise BrokerDown from error


def enqueue(run_id: str) -> None:
    """Put a run at the end of the queue. Raises BrokerDown, and then the run is in no queue."""
    from .tasks import execute_run  # the task module needs this one

    with broker() as r:
        r.zadd(WAITING, {run_id: time.time()}, nx=True)
        try:
            execute_run.delay(run_id)
        except Exception:
            r.zrem(WAITING, run_id)
            raise


def position(run_id: str) -> int | None:
    """1 for whoever is next, None for a run that does not wait."""
    with broker() as r:
        rank = r.zrank(WAITING, run_id)
    return None if rank is None else cast(int, rank) + 1


def waiting() -> int:
    """How many runs wait."""
    with broker() as r:
        return r.zcard(WAITING)


def leave(run_id: str) -> None:
    """The run does not wait any more: it was admitted, or it ended."""
    with broker() as r:
        r.zrem(WAITING, run_id)


def announce_positions() -> None:
    """Tell everybody who waits where they stand."""
    with broker() as r:
        ids = cast(list[str], r.zrange(WAITING, 0, settings.RUN_QUEUE_LIMIT))
    for place, run_id in enumerate(ids, 1):
        publish(f"run:{run_id}", [{"type": "state", "state": "queued", "position": place}])


def request_cancel(run_id: str) -> None:
    """Ask whichever worker has the run to stop it; also remembered for a worker that is only about to start it."""
    with broker() as r:
        r.set(f"demos:cancelled:{run_id}", 1, ex=3600)
        r.publish(CANCEL_CHANNEL, run_id)


def is_cancelled(run_id: str) -> bool:
    with broker() as r:
        return bool(r.exists(f"demos:cancelled:{run_id}"))


def announce_worker(name: str, figures: dict[str, Any]) -> None:
    with broker() as r:
        pipe = r.pipeline()
        pipe.set(WORKER_PREFIX + name, json.dumps({"name": name, **figures}), ex=WORKER_TTL)
        pipe.sadd(WORKERS, name)
        pipe.execute()


def withdraw_worker(name: str) -> None:
    with broker() as r:
        pipe = r.pipeline()
        pipe.delete(WORKER_PREFIX + name)
        pipe.srem(WORKERS, name)
        pipe.execute()


def workers() -> list[dict[str, Any]]:
    """Living workers as they announced themselves: name, models, slots, busy, device, started_at."""
    with broker() as r:
        names = sorted(cast(set[str], r.smembers(WORKERS)))
        values = cast(list[str | None], r.mget([WORKER_PREFIX + name for name in names])) if names else []
        dead = [name for name, value in zip(names, values, strict=True) if value is None]
        if dead:
            r.srem(WORKERS, *dead)  # one that lives after all is back with its next announcement
    return [json.loads(value) for value in values if value]
