"""The queue in Redis: who waits in which order, which workers live, and how a run is cancelled.

Celery's message is only the bell: it tells a worker that somebody waits. Who is next is decided here, when a worker has a
free place: people take turns (each person's first waiting run, then each person's second, ...), by arrival within a turn.
All of that is in one sorted set whose score is tier, turn and arrival, so a place in the queue is a rank. The rows are
the truth: what Redis forgets is put back from them (demos/recovery.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, cast

import redis
from django.conf import settings
from kombu.exceptions import OperationalError

from miniconf.live import BrokerDown

from .queue_scripts import ENQUEUE, LEAVE, TAKE

WAITING = "demos:waiting"
ENTRIES = "demos:entries"  # run -> what is known of it while it waits
TURNS = "demos:turns"  # tier and person -> the turn of their latest run
CLOCK = "demos:clock"  # tier -> the turn that is being served
ARRIVALS = "demos:arrivals"
CANCEL_CHANNEL = "demos:cancel"
WAKE_CHANNEL = "demos:wake"  # the bell reached a worker that cannot take the run; perhaps another one can
ORDERS = "demos:orders"  # name of a worker -> "drain" or "restart"
WORKER_PREFIX = "demos:worker:"
WORKERS = "demos:workers"  # names of those that have announced themselves
CONNECTION_PREFIX = "demos-worker:"  # name of a worker's connection to the broker
WORKER_TTL = 10  # seconds after which a silent worker counts as dead
WORKER_REFRESH = 3
# A worker that has not got the model leaves a run for so many seconds to those that have.
PATIENCE = 5

# So many workers that died while running it make a run suspect of having killed them.
SUSPECT_AFTER = 2

# Tiers: runs that lost their worker, authors during their own session, everybody.
AGAIN, AUTHORS, EVERYBODY = 0, 1, 2


@dataclass(frozen=True)
class Entry:
    """A waiting run. `asked` is the work it asks for, in tokens; `alone`: it may have killed its workers."""

    person: str
    model: str = ""
    asked: int = 0
    tier: int = EVERYBODY
    alone: bool = False


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


@lru_cache(maxsize=8)
def _script(source: str) -> Any:
    return client().register_script(source)


def _run_script(source: str, keys: list[str], *arguments: Any) -> Any:
    with broker() as r:
        return _script(source)(keys=keys, args=list(arguments), client=r)


# --- Waiting ---------------------------------------------------------------------------------------------------------


_recent: tuple[float, list[dict[str, Any]]] = (0.0, [])


def recent_workers() -> list[dict[str, Any]]:
    """`workers` as this process saw them within the last second: for those who ask often. None living is asked anew."""
    global _recent
    seen, found = _recent
    if not found or time.monotonic() - seen > 1.0:
        found = workers()
        _recent = (time.monotonic(), found)
    return found


def enqueue(run_id: str, entry: Entry) -> None:
    """Put a run into the queue and ring. Raises BrokerDown, and then the run is in no queue."""
    from .tasks import execute_run  # the task module needs this one

    _run_script(ENQUEUE, [WAITING, ENTRIES, TURNS, CLOCK, ARRIVALS], run_id, json.dumps(asdict(entry)))
    try:
        with broker():
            execute_run.delay(run_id)
    except Exception:
        leave(run_id)
        raise


def put_back(run_id: str, entry: Entry) -> None:
    """Put a run into the queue if it is not there, and wake workers directly."""
    _run_script(ENQUEUE, [WAITING, ENTRIES, TURNS, CLOCK, ARRIVALS], run_id, json.dumps(asdict(entry)))
    wake()


def take(
    worker: str, *, ready: Iterable[str], refused: Iterable[str], elsewhere: Iterable[str], alone: bool = True
) -> tuple[str, Entry] | None:
    """Take the run whose turn it is among those that `worker` may serve; None when there is none.

    It may serve runs of models in memory (`ready`), none of models that are `refused`, and those of other models if no
    other worker has them (`elsewhere`) or they have waited for PATIENCE. `alone`: whether runs that may kill it are
    welcome. A worker with an order to drain gets none.
    """
    asked = {
        "ready": list(ready),
        "refused": list(refused),
        "elsewhere": list(elsewhere),
        "alone": alone,
        "patience": PATIENCE,
    }
    found = _run_script(TAKE, [WAITING, ENTRIES, TURNS, CLOCK, ORDERS], worker, json.dumps(asked))
    return (found[0], _entry(found[1])) if found else None


def position(run_id: str) -> int | None:
    """1 for whoever is next, None for a run that does not wait."""
    with broker() as r:
        rank = r.zrank(WAITING, run_id)
    return None if rank is None else cast(int, rank) + 1


def waiting() -> int:
    """How many runs wait."""
    with broker() as r:
        return r.zcard(WAITING)


def waiting_runs(most: int = 1000) -> list[tuple[str, Entry]]:
    """Those who wait, in the order of their turns."""
    with broker() as r:
        ids = cast(list[str], r.zrange(WAITING, 0, most - 1))
        found = cast(list[str | None], r.hmget(ENTRIES, ids)) if ids else []
    return [(run_id, _entry(raw)) for run_id, raw in zip(ids, found, strict=True)]


def _entry(raw: str | None) -> Entry:
    if raw is None:  # it left a moment ago
        return Entry(person="")
    values = json.loads(raw)
    return Entry(**{name: values[name] for name in Entry.__dataclass_fields__ if name in values})


def leave(run_id: str) -> None:
    """The run does not wait any more: it was admitted, or it ended."""
    _run_script(LEAVE, [WAITING, ENTRIES, TURNS, CLOCK], run_id)


def wake() -> None:
    """Have all workers look whether there is something for them."""
    with broker() as r:
        r.publish(WAKE_CHANNEL, "")


# --- Cancelling ------------------------------------------------------------------------------------------------------


def request_cancel(run_id: str, reason: str = "") -> None:
    """Ask whichever worker has the run to stop it; also remembered for a worker that is only about to start it."""
    with broker() as r:
        r.set(f"demos:cancelled:{run_id}", reason, ex=3600)
        r.publish(CANCEL_CHANNEL, run_id)


def cancel_reason(run_id: str) -> str | None:
    """Why the run was cancelled, "" where no reason was given; None when it was not."""
    with broker() as r:
        return cast("str | None", r.get(f"demos:cancelled:{run_id}"))


def is_cancelled(run_id: str) -> bool:
    return cancel_reason(run_id) is not None


# --- Workers ---------------------------------------------------------------------------------------------------------


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
        pipe.hdel(ORDERS, name)
        pipe.execute()


def workers() -> list[dict[str, Any]]:
    """Living workers as they announced themselves, with what they were ordered: name, models, slots, order, ..."""
    with broker() as r:
        pipe = r.pipeline(transaction=False)
        pipe.smembers(WORKERS)
        pipe.hgetall(ORDERS)
        found, orders = pipe.execute()
        names = sorted(cast(set[str], found))
        values = cast(list[str | None], r.mget([WORKER_PREFIX + name for name in names])) if names else []
        dead = [name for name, value in zip(names, values, strict=True) if value is None]
        if dead:
            r.srem(WORKERS, *dead)  # one that lives after all is back with its next announcement
            r.hdel(ORDERS, *dead)
    living = [json.loads(value) for value in values if value]
    return [{**worker, "order": orders.get(worker["name"], "")} for worker in living]


def serves(worker: dict[str, Any], model: str) -> bool:
    """Whether a worker has a model in memory or loads it when somebody asks for it."""
    return model in worker["models"] or model in worker.get("loadable", ())


def order(worker: str, what: str | None) -> None:
    """Tell a worker to take no new runs ("drain"), to start anew when its own are done ("restart"), or to go on (None)."""
    with broker() as r:
        if what is None:
            r.hdel(ORDERS, worker)
        else:
            r.hset(ORDERS, worker, what)
        r.publish(WAKE_CHANNEL, "")


def orders() -> dict[str, str]:
    with broker() as r:
        return cast(dict[str, str], r.hgetall(ORDERS))


def connected_workers() -> set[str] | None:
    """Names of workers whose connection to the broker is open: the system closes it when a process is killed.

    None where the broker does not tell.
    """
    with broker() as r:
        try:
            found = r.client_list()
        except redis.ResponseError:
            return None
    return {c["name"].removeprefix(CONNECTION_PREFIX) for c in found if c["name"].startswith(CONNECTION_PREFIX)}


def broker_age() -> float:
    """Seconds since the broker was started: what announcements it lacks tells nothing at first."""
    with broker() as r:
        return float(r.info("server")["uptime_in_seconds"])


def only_one(name: str, seconds: float) -> bool:
    """Whether the caller is the one among all processes that does `name` within these seconds."""
    with broker() as r:
        return bool(r.set(f"demos:only:{name}", time.time(), nx=True, px=int(seconds * 1000)))
