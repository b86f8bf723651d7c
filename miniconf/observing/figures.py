"""Figures of the whole site, asked from the database and the broker when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import Error as DatabaseError
from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily

from demos import queue
from demos.models import Run
from miniconf.live import BrokerDown


class SiteFigures:
    """A collector: every scrape asks anew. What cannot be asked is left out, and told by `miniconf_up`."""

    def collect(self) -> Iterator[Any]:
        up = GaugeMetricFamily("miniconf_up", "Whether a part could be asked", labels=["part"])
        for part, ask in (("database", self._database), ("broker", self._broker)):
            try:
                yield from ask()
                up.add_metric([part], 1)
            except (DatabaseError, BrokerDown):
                up.add_metric([part], 0)
        yield up

    def describe(self) -> list[Any]:
        return []  # nothing is asked when this is registered

    def _database(self) -> list[Any]:
        runs = GaugeMetricFamily("miniconf_runs", "Runs of demos by state", labels=["state"])
        counted = dict(Run.objects.order_by().values_list("state").annotate(Count("pk")))
        for state in Run.State.values:
            runs.add_metric([state], counted.get(state, 0))
        return [runs]

    def _broker(self) -> list[Any]:
        waiting = GaugeMetricFamily("miniconf_demo_queue_length", "Runs that wait for a place", value=queue.waiting())
        slots = GaugeMetricFamily("miniconf_demo_worker_slots", "Runs that a worker serves at once", labels=["worker"])
        busy = GaugeMetricFamily("miniconf_demo_worker_busy", "Of these, in use", labels=["worker"])
        for worker in queue.workers():
            name = worker["name"].rsplit("-", 2)[0]  # the same after a restart
            slots.add_metric([name], worker["slots"])
            busy.add_metric([name], worker["busy"])
        return [waiting, slots, busy]
