"""One piece of work at a time, on however many machines: a key in the broker that expires with its holder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis
from django.conf import settings
from redis.exceptions import LockError

_EXPIRES = 60  # seconds after which a holder that was killed is forgotten
_RENEWED = 15


@contextmanager
def only_one(key: str) -> Iterator[bool]:
    """Whether nobody else is at the work named by `key`, now and until the block ends.

    Without a broker there is no worker that could, so that a command may.
    """
    lock = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5).lock(
        f"papers:{key}", timeout=_EXPIRES, blocking=False, thread_local=False
    )
    try:
        held = lock.acquire()
    except (redis.ConnectionError, redis.TimeoutError):
        yield True
        return
    if not held:
        yield False
        return
    done = threading.Event()

    def renew() -> None:
        while not done.wait(_RENEWED):
            try:
                lock.reacquire()
            except (LockError, redis.RedisError):
                continue  # the broker is away; whoever comes first when it is back has it

    threading.Thread(target=renew, name=f"{key} lock", daemon=True).start()
    try:
        yield True
    finally:
        done.set()
        with suppress(LockError, redis.RedisError):  # it expired, or expires soon
            lock.release()
