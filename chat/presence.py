"""Who is here, and who is typing: the topic `here:<room key>`, whose events are not kept.

Nobody has to say that they are here: a page that follows the topic is. Every process counts its own followers, writes
them to Redis under a name that expires, puts together what all processes wrote, and tells it when its own have changed.
The database is not asked. A topic of its own, so that the comings and goings make no page of the room out of date.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast
from uuid import uuid4

import redis
from django.conf import settings
from django.core.cache import cache
from pydantic import BaseModel, ConfigDict, Field
from redis.backoff import NoBackoff
from redis.retry import Retry

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.live import BrokerDown, Event, publish
from miniconf.live.followers import followers
from miniconf.live.protocol import Number
from miniconf.live.registry import LiveError, command, topic_kind
from miniconf.permissions import Viewer, can_post, is_member

from . import order
from .services import open_room

logger = logging.getLogger(__name__)

NAMES_SHOWN = 30
NAMES_KEPT = 500  # of one process; of more only the number
LOOK_EVERY = 2.0  # seconds
REFRESH_EVERY = 20.0
TTL = 60  # seconds after which the followers of a process that died are forgotten
TYPING_RATE, TYPING_ROOM_RATE = "30/minute", "120/minute"
HERE = uuid4().hex[:12]  # this process, among all


@lru_cache(maxsize=2)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 1))


def _key(room_key: str) -> str:
    return f"chat:here:{room_key}"


@dataclass(frozen=True)
class Company:
    """Who follows a room: members by public id, visitors and those beyond the bound as numbers."""

    names: dict[str, str] = field(default_factory=dict)
    more: int = 0
    visitors: int = 0

    @classmethod
    def of(cls, users: Iterable[Any]) -> Company:
        names: dict[str, str] = {}
        visitors = 0
        for user in users:
            if is_member(user):
                names[str(user.public_id)] = user.display_name
            else:
                visitors += 1
        kept = dict(sorted(names.items(), key=lambda item: (item[1].casefold(), item[0]))[:NAMES_KEPT])
        return cls(kept, len(names) - len(kept), visitors)

    def with_others(self, other: Company) -> Company:
        return Company({**self.names, **other.names}, self.more + other.more, self.visitors + other.visitors)

    @property
    def size(self) -> int:
        return len(self.names) + self.more + self.visitors

    def as_event(self) -> Event:
        people = sorted(self.names.items(), key=lambda item: (item[1].casefold(), item[0]))[:NAMES_SHOWN]
        return {
            "type": "here",
            "people": [{"id": pk, "name": name} for pk, name in people],
            "members": len(self.names) + self.more,
            "visitors": self.visitors,
        }


def _together(values: Iterable[bytes], at: float) -> Company:
    company = Company()
    for value in values:
        try:
            said = json.loads(value)
            if said["at"] > at - TTL:
                company = company.with_others(Company(said["names"], said["more"], said["visitors"]))
        except (ValueError, KeyError, TypeError):
            logger.warning("Who is here was not understood: %r", value[:80])
    return company


def company_of(room_key: str) -> Company:
    """Who is in a room, as all processes have said. Raises redis.RedisError."""
    client = _client(settings.REDIS_URL)
    values = cast("list[bytes]", client.hvals(_key(room_key)))
    return _together(values, _now(client))


def _now(client: redis.Redis) -> float:
    """The broker's clock: those of several machines differ."""
    return float(client.time()[0])


@dataclass
class _Told:
    """What this process has last said of a room."""

    own: Company
    event: Event
    at: float


class Observer:
    """Looks every few seconds at who follows which room in this process, and tells the others what has changed."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="chat-presence", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            try:
                self.look()
            except (redis.RedisError, BrokerDown) as error:
                logger.debug("Who is here is told later: %s", error)
            except Exception:  # it is looked again soon, whatever it was
                logger.exception("Who is here cannot be told")

    def look(self) -> None:
        found = followers("here")
        for room_key in {*found, *self._told}:
            own = Company.of(found.get(room_key, ()))
            told = self._told.get(room_key)
            age = time.monotonic() - told.at if told else REFRESH_EVERY
            if told is None or age >= REFRESH_EVERY or (own != told.own and age >= _pause(own)):
                self._tell(room_key, own, told)

    def _tell(self, room_key: str, own: Company, told: _Told | None) -> None:
        client = _client(settings.REDIS_URL)
        at = _now(client)
        name = _key(room_key)
        with client.pipeline() as pipeline:
            if own.size:
                said = {"at": at, "names": own.names, "more": own.more, "visitors": own.visitors}
                pipeline.hset(name, HERE, json.dumps(said, ensure_ascii=False, separators=(",", ":")))
                pipeline.expire(name, TTL)
            else:
                pipeline.hdel(name, HERE)
            pipeline.hvals(name)
            values = cast("list[bytes]", pipeline.execute()[-1])
        event = _together(values, at).as_event()
        if told is None or event != told.event:
            publish(f"here:{room_key}", [event])
        if own.size:
            self._told[room_key] = _Told(own, event, time.monotonic())
        else:
            self._told.pop(room_key, None)


def _pause(company: Company) -> float:
    """Seconds between two news of the same room: the fuller it is, the less one more matters, and the more hear it."""
    return 0 if company.size < 100 else 10 if company.size < 1000 else REFRESH_EVERY


observer = Observer()


@topic_kind("here")
class HereTopic:
    def authorize(self, user: Any, key: str) -> None:
        open_room(user=user, room_key=key)
        observer.start()

    def backlog(self, user: Any, key: str, after: int | None) -> list[Event]:
        """Who was here before; that one came oneself is told to all a moment later."""
        try:
            return [company_of(key).as_event()]
        except redis.RedisError:
            return []


class Typing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)
    thread: Number | None = None


@command("chat.typing", Typing)
def typing(user: Any, payload: Typing) -> dict[str, Any]:
    """Tell the room that `user` is typing. Told too often, it is not told on."""
    if not isinstance(user, User) or not may_type(user, payload.room):
        raise LiveError("forbidden", "Only who may write here can be typing.")
    event: Event = {
        "type": "typing",
        "author": {"id": str(user.public_id), "name": user.display_name},
        "thread": payload.thread,
    }
    if allow(TYPING_RATE, "chat-typing", str(user.pk)) is None and (
        allow(TYPING_ROOM_RATE, "chat-typing-room", payload.room) is None
    ):
        publish(f"here:{payload.room}", [event])
    return {}


def may_type(user: Viewer, room_key: str) -> bool:
    """Whether somebody may write in a room; kept for a minute, since it is asked while people type."""
    if not isinstance(user, User) or not can_post(user, room_key):
        return False
    key = f"chat:types:{user.pk}:{_short(room_key)}"
    known = cache.get(key)
    if known is None:
        try:
            order.check_writer(user, open_room(user=user, room_key=room_key))
            known = True
        except LiveError as error:
            known = error.code == "slow_mode"
        cache.set(key, known, 60)
    return bool(known)


def _short(text: str) -> str:
    """Of the same length for every key, since keys of the cache are bounded."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
