"""Topics: publish once, deliver to every open page, resume after a break. See docs/architecture.md, "Live"."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from time import perf_counter
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

Event = dict[str, Any]


class BrokerDown(Exception):
    """The broker cannot be reached: what needs it has to wait, everything else goes on."""

    def __init__(self) -> None:
        super().__init__("The message broker cannot be reached at the moment.")


def channel_of(topic: str) -> str:
    """The Redis channel that carries a topic."""
    return f"live:{topic}"


def encode_frame(topic: str, events: Sequence[Event]) -> str:
    """The one encoding of a frame; published once and sent to every socket as it is."""
    return json.dumps({"topic": topic, "events": events}, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=2)
def _client(url: str) -> redis.Redis:
    # One retry at once: a pooled connection may be older than the broker.
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 1))


def publish(topic: str, events: Sequence[Event]) -> None:
    """Send events to everybody who follows `topic`, in this and every other process.

    Call it after the commit of what the events tell. Logged events carry `n` and stand in ascending order. Raises
    BrokerDown; nothing is lost then, since followers read the backlog as soon as the broker is back.
    """
    try:
        _client(settings.REDIS_URL).publish(channel_of(topic), encode_frame(topic, events))
    except (redis.RedisError, OSError) as error:
        raise BrokerDown from error


def publish_probe(channel: str) -> None:
    """Publish this process's clock for itself. Raises BrokerDown."""
    try:
        _client(settings.REDIS_URL).publish(channel, str(perf_counter()))
    except (redis.RedisError, OSError) as error:
        raise BrokerDown from error


def publish_each(news: Mapping[str, Sequence[Event]]) -> None:
    """`publish` for many topics, each with its own events, in one round trip."""
    pipeline = _client(settings.REDIS_URL).pipeline(transaction=False)
    for topic, events in news.items():
        pipeline.publish(channel_of(topic), encode_frame(topic, events))
    try:
        pipeline.execute()
    except (redis.RedisError, OSError) as error:
        raise BrokerDown from error
