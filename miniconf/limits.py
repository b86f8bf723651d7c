"""Rate limits, counted in the broker so that all processes share them."""

from __future__ import annotations

import time
from functools import lru_cache

import redis
from django.conf import settings
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from miniconf.live import BrokerDown


@lru_cache(maxsize=2)
def _limiter(url: str) -> SlidingWindowCounterRateLimiter:
    pool = redis.ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=2)
    # The address only satisfies the library's parser; connections come from the pool.
    storage = RedisStorage("redis://localhost", connection_pool=pool, key_prefix="limits")
    return SlidingWindowCounterRateLimiter(storage)


@lru_cache(maxsize=64)
def _item(rate: str) -> RateLimitItem:
    return parse(rate)


def allow(rate: str, scope: str, who: str) -> float | None:
    """Count one act of `who` against `rate` ("20/minute"); None when allowed, else seconds until the next is.

    Raises BrokerDown when the counter cannot be reached.
    """
    item, limiter = _item(rate), _limiter(settings.REDIS_URL)
    try:
        if limiter.hit(item, scope, who):
            return None
        stats = limiter.get_window_stats(item, scope, who)
    except redis.RedisError as error:
        raise BrokerDown from error
    return max(1.0, stats.reset_time - time.time())
