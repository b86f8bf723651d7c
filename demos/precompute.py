"""Computing the results of examples before anybody asks, so that they are shown at once, also where no GPU is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from miniconf.live import BrokerDown
from miniconf.problems import broker_down

from . import kinds, queue, runlog, stored
from .models import Demo, Run
from .panels import presets_of
from .services import entry_of, work_of


@dataclass(frozen=True)
class ExampleState:
    """An example and the run that shows its result, or is on its way, or failed; None where there is none."""

    title: str
    inputs: dict[str, Any]
    run: Run | None

    @property
    def done(self) -> bool:
        return self.run is not None and self.run.state == Run.State.SUCCEEDED

    @property
    def under_way(self) -> bool:
        return self.run is not None and self.run.state not in Run.FINISHED

    @property
    def words(self) -> str:
        if self.run is None:
            return "not computed"
        if self.run.state in (Run.State.SUCCEEDED, Run.State.QUEUED, Run.State.RUNNING):
            return {"succeeded": "computed", "queued": "waiting", "running": "running"}[self.run.state]
        return f"{self.run.state}: {self.run.error}" if self.run.error else self.run.state


def states(demo: Demo) -> list[ExampleState]:
    """The demo's examples; of several runs of one the latest that gave something or may still do so."""
    keys = [stored.example_key(demo, example["inputs"]) for example in demo.examples]
    latest: dict[str, Run] = {}
    for run in Run.objects.filter(demo=demo, example_key__in=keys).defer("output").order_by("created_at"):
        known = latest.get(run.example_key)
        if known is None or run.state in (Run.State.SUCCEEDED, Run.State.QUEUED, Run.State.RUNNING):
            latest[run.example_key] = run
    return [
        ExampleState(example["title"], example["inputs"], latest.get(key))
        for example, key in zip(demo.examples, keys, strict=True)
    ]


def precompute(demo: Demo) -> list[Run]:
    """Queue a run for each example that has no result and none on its way. They belong to nobody, and are kept.

    Inputs that an example leaves open are those of the form. Raises Problem: 422 for an example that cannot be run, 503
    where the queue cannot be reached; those before it are queued then.
    """
    kind, queued = kinds.get(demo.kind), []
    for example in states(demo):
        if example.done or example.under_way:
            continue
        inputs = kind.validate(demo, {**presets_of(demo), **example.inputs})
        run = Run.objects.create(
            demo=demo,
            inputs=inputs,
            asked=work_of(inputs),
            result_key=stored.key_of(demo, inputs),
            example_key=stored.example_key(demo, example.inputs),
            is_stored=True,
        )
        try:
            runlog.append(str(run.id), [runlog.queued_event()])
            queue.enqueue(str(run.id), entry_of(run))
        except BrokerDown:
            run.delete()
            raise broker_down() from None
        queued.append(run)
    return queued
