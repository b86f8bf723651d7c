"""Asked for once, run once: a program that got no answer asks again under the same `Idempotency-Key`.

The broker keeps, for a day, what was asked for under somebody's key and the id that the run has or will have. The id is
chosen before the run is made, so a process that dies in between leaves nothing that could be made twice: the row's primary
key is that id. One request at a time goes on under a key; the others wait for it.
(draft-ietf-httpapi-idempotency-key-header)
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError
from redis.exceptions import LockError

from miniconf.live import BrokerDown
from miniconf.permissions import Viewer, is_member
from miniconf.problems import Problem

from . import queue, services
from .models import Demo, Run

SECONDS = 24 * 3600
LONGEST = 255
LOCKED_SECONDS = 20  # more than starting a run takes; the one who holds the lock may have died
WAIT_SECONDS = 10
PREFIX = "demos:once:"


@dataclass
class Place:
    """Where a request's run is, or is to be. `found` is the run of an earlier request."""

    name: str
    digest: str
    run_id: uuid.UUID
    found: Run | None = None

    def keep(self, run: Run) -> None:
        """The answer is another run than the one that was to be made: a stored result."""
        if run.pk != self.run_id:
            with suppress(BrokerDown), queue.broker() as r:
                r.set(self.name, f"{self.digest}:{run.pk}", ex=SECONDS)


def create_run(
    key: str, *, demo: Demo, inputs: dict[str, Any], user: Viewer, visitor: str, fresh: bool, keep: bool
) -> Run:
    """`services.create_run`, or the run that the same person has started under this key. Raises Problem."""
    who = f"member:{user.pk}" if is_member(user) else f"visitor:{visitor}"
    body = {"demo": demo.slug, "inputs": inputs, "fresh": fresh, "keep": keep}
    with _place_of(key, who=who, body=body) as place:
        if place.found is not None:
            return place.found
        try:
            run = services.create_run(
                demo=demo, inputs=inputs, user=user, visitor=visitor, fresh=fresh, keep=keep, run_id=place.run_id
            )
        except IntegrityError:  # made by a request that was stopped for longer than its lock lasts
            return Run.objects.select_related("demo").get(pk=place.run_id)
        place.keep(run)
        return run


def check_key(key: str) -> None:
    """Raises Problem 400."""
    if not 1 <= len(key) <= LONGEST or not key.isascii() or not key.isprintable():
        raise Problem(
            400,
            "Bad Idempotency-Key",
            f"Expected 1 to {LONGEST} printable ASCII characters, such as a random UUID; this one has {len(key)}.",
        )


@contextmanager
def _place_of(key: str, *, who: str, body: dict[str, Any]) -> Iterator[Place]:
    """The place of a request. Whoever sends the same at the same time waits here until it is done.

    Raises Problem: 422 where `body` is not what was asked for under this key before, 409 where that takes too long.
    """
    check_key(key)
    name = PREFIX + _hash([who, key])
    digest = _hash(body)
    try:
        with queue.broker() as r:
            lock = r.lock(f"{name}:lock", timeout=LOCKED_SECONDS, blocking_timeout=WAIT_SECONDS)
            if not lock.acquire():
                raise Problem(
                    409, "Still being started", "What was asked for under this key is being started.", retry_after=2
                )
    except BrokerDown:  # nothing can be queued then: what is stored is answered, all else refused
        yield Place(name, digest, uuid.uuid4())
        return
    try:
        yield _place(name, digest)
    finally:
        with suppress(LockError, BrokerDown), queue.broker():
            lock.release()


def _place(name: str, digest: str) -> Place:
    fresh = uuid.uuid4()
    with queue.broker() as r:
        if r.set(name, f"{digest}:{fresh}", ex=SECONDS, nx=True):
            return Place(name, digest, fresh)
        kept = r.get(name)
    before, _, run_id = str(kept).partition(":")
    if before != digest:
        raise Problem(
            422,
            "This key was used for something else",
            "Under this Idempotency-Key another demo or other inputs were asked for before; expected a new key for "
            "each new request.",
        )
    found = Run.objects.select_related("demo").filter(pk=run_id).first()
    return Place(name, digest, uuid.UUID(run_id), found)


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]
