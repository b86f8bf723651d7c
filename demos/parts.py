"""What does not fit into a run's output: bytes kept with the run under a name."""

from __future__ import annotations

import hashlib
import re
import zlib

from django.conf import settings
from django.db import connection, connections
from django.db.models import Sum

from .kinds.base import Log, RunFailed
from .models import Run, RunPart

LARGEST = 8 * 2**20  # bytes of one part
LARGEST_OF_A_RUN = 32 * 2**20
MOST = 64  # parts of one run
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
# What a browser may be given from here: nothing that it would run or render as a page.
CONTENT_TYPES = frozenset(
    {"application/octet-stream", "application/json", "text/plain; charset=utf-8", "image/png", "application/zstd"}
)


class RunParts:
    """The parts of one run, for the worker that makes them."""

    def __init__(self, run: Run, log: Log) -> None:
        self.run, self.log = run, log

    def put(self, name: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        """Keep `data`; one of the same name takes its place. Raises RunFailed where it is too much."""
        put_part(self.run, name, data, content_type)
        if settings.CELERY_DB_REUSE_MAX is None and not connection.in_atomic_block:
            connections.close_all()  # the thread goes on with the model for a while
        self.log.emit("part", {"name": name, "bytes": len(data), "content_type": content_type}, key=name)


def put_part(run: Run, name: str, data: bytes, content_type: str) -> RunPart:
    """The same without telling anybody. Raises RunFailed, or ValueError for a name or type that cannot be."""
    if not NAME.fullmatch(name):
        raise ValueError(f"part {name!r}: expected lower-case letters, digits, '.', '_' and '-'")
    if content_type not in CONTENT_TYPES:
        raise ValueError(f"part {name!r}: {content_type!r} is none of {', '.join(sorted(CONTENT_TYPES))}")
    if len(data) > LARGEST:
        raise RunFailed(f"part {name!r} has {len(data):,} bytes; at most {LARGEST:,} are kept")
    others = run.parts.exclude(name=name)
    if others.count() >= MOST:
        raise RunFailed(f"a run keeps at most {MOST} parts")
    packed = zlib.compress(data, 6)
    deflated = len(packed) < len(data)
    stored = packed if deflated else data
    if (others.aggregate(all=Sum("stored_size"))["all"] or 0) + len(stored) > LARGEST_OF_A_RUN:
        raise RunFailed(f"the parts of this run have more than {LARGEST_OF_A_RUN:,} bytes, which is what a run keeps")
    part, _ = RunPart.objects.update_or_create(
        run=run,
        name=name,
        defaults={
            "content_type": content_type,
            "data": stored,
            "deflated": deflated,
            "size": len(data),
            "stored_size": len(stored),
            "digest": hashlib.sha256(data).hexdigest(),
        },
    )
    return part


def part_bytes(part: RunPart) -> bytes:
    """What was put."""
    data = bytes(part.data)
    return zlib.decompress(data) if part.deflated else data
