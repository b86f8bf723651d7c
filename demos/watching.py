"""Whether anybody watches a run. One that nobody watches is stopped after a while, unless it is to be kept.

Sockets and event streams are followers of the topic `run:<id>`; each web process says every few seconds which runs its
followers follow (demos/live.py), and asking for a run over the API counts, too. Runs started by programs are kept: they
come back for the result. So are those of pages without a script. The site's script asks for runs that are not kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.utils.timezone import now

from miniconf.live import BrokerDown

from . import queue
from .models import Run

WATCHED = "demos:watched"  # run -> when somebody was last seen to watch it
REASON = "nobody was watching any more"


def seen(run_ids: Iterable[str]) -> None:
    """Somebody watches these runs at this moment."""
    times = dict.fromkeys(run_ids, time.time())
    if not times:
        return
    try:
        with queue.broker() as r:
            r.zadd(WATCHED, times)
    except BrokerDown:
        pass  # nobody's run is stopped before the broker has been back for long enough


def abandoned() -> list[Run]:
    """Unfinished runs that are not to be kept and that nobody has watched for RUN_GRACE_SECONDS."""
    grace = settings.RUN_GRACE_SECONDS
    if not grace or queue.broker_age() < grace:
        return []
    runs = Run.objects.filter(
        state__in=[Run.State.QUEUED, Run.State.RUNNING], keep=False, created_at__lt=now() - timedelta(seconds=grace)
    ).only("id", "state", "started_at")
    found = list(runs[:500])
    with queue.broker() as r:
        r.zremrangebyscore(WATCHED, 0, time.time() - 3600)
        last = r.zmscore(WATCHED, [str(run.id) for run in found]) if found else []
    limit = time.time() - grace
    return [run for run, at in zip(found, last, strict=True) if at is None or at < limit]
