"""How Celery's processes say that they live: a key in Redis that expires unless it is set again.

The key is `miniconf:worker:<name>`, its value JSON: name, kind ("worker" or "beat"), queues, pid, started_at. Workers
of the queue `gpu` announce their engine besides (`demos:worker:*`, see demos/queue.py).
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import Any, cast

import redis
from celery.signals import beat_init, worker_ready, worker_shutting_down
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

PREFIX = "miniconf:worker:"
TTL = 10  # seconds after which a silent process counts as dead
REFRESH = 3


def broker_client(*, timeout: float = 1.0) -> redis.Redis:
    """A client that gives up soon and tries nothing twice: for those who ask whether the broker is there at all."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def announced(client: redis.Redis, prefix: str = PREFIX) -> list[dict[str, Any]]:
    """What lives below `prefix`, by name. Raises redis.RedisError."""
    keys = list(client.scan_iter(prefix + "*", count=1000))
    values = cast(list[str | None], client.mget(keys)) if keys else []
    return sorted((json.loads(value) for value in values if value), key=lambda found: str(found["name"]))


class Announcement:
    """Says every few seconds, from a thread of its own, that this process lives."""

    def __init__(self, name: str, *, kind: str, queues: list[str]) -> None:
        self.key = PREFIX + name
        self.value = json.dumps(
            {"name": name, "kind": kind, "queues": queues, "pid": os.getpid(), "started_at": time.time()}
        )
        self._stopping = threading.Event()
        threading.Thread(target=self._repeat, name="presence", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        try:
            broker_client().delete(self.key)
        except redis.RedisError:
            logger.debug("the broker is gone already; the announcement expires by itself")

    def _repeat(self) -> None:
        client = broker_client(timeout=2)
        while not self._stopping.is_set():
            try:
                client.set(self.key, self.value, ex=TTL)
            except redis.RedisError as error:
                logger.warning("cannot say that this process lives: %s", error)
            self._stopping.wait(REFRESH)


_announcement: Announcement | None = None


@worker_ready.connect
def _worker_is_ready(sender: Any, **_: object) -> None:
    """Sent again after every reconnection; the first one counts."""
    global _announcement
    if _announcement is None:
        queues = sorted(queue.name for queue in sender.task_consumer.queues)
        _announcement = Announcement(sender.hostname, kind="worker", queues=queues)


@worker_shutting_down.connect
def _worker_shuts_down(**_: object) -> None:
    if _announcement is not None:
        _announcement.stop()


@beat_init.connect
def _beat_is_ready(sender: Any, **_: object) -> None:
    global _announcement
    from celery.beat import beat_nodename

    if _announcement is None:
        _announcement = Announcement(beat_nodename(sender.hostname), kind="beat", queues=[])
