"""What a demo's panel shows: the form with its values and errors, and whether running is possible now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import HttpRequest

from miniconf.live import BrokerDown
from miniconf.permissions import can_run
from miniconf.problems import Problem
from miniconf.serving.page_notes import mark_page

from . import kinds, queue
from .models import Demo

# Alternatives are shown unless the demo says otherwise; the API's own default is none.
SHOWN_ALTERNATIVES = 5
# How long visitors may be shown that no machine runs the model: one may be there any moment.
NOT_READY_SECONDS = 3.0


@dataclass(frozen=True)
class Example:
    title: str
    inputs_json: str


@dataclass(frozen=True)
class Panel:
    """A demo as one person sees it. `inputs` are preset in the form; `errors` stand at their fields."""

    demo: Demo
    inputs: dict[str, Any]
    may_run: bool
    worker_ready: bool
    site: str
    errors: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def kind(self) -> kinds.Kind:
        return kinds.get(self.demo.kind)

    @property
    def template(self) -> str:
        return f"demos/kinds/{self.demo.kind}.html"

    @property
    def script(self) -> str:
        return f"demos/kinds/{self.demo.kind}.js"

    @cached_property
    def limits(self) -> dict[str, dict[str, float]]:
        return self.kind.limits_for(self.demo)

    @property
    def examples(self) -> list[Example]:
        return [
            Example(example["title"], json.dumps(example["inputs"], ensure_ascii=False))
            for example in self.demo.examples
        ]

    @property
    def setting_errors(self) -> bool:
        """Whether something is wrong among the settings, which are folded away."""
        return any(name != "prompt" for name in self.errors)

    @property
    def inputs_code(self) -> str:
        """The inputs as JSON that is a Python literal, too: nothing in it is null."""
        return json.dumps({k: v for k, v in self.inputs.items() if v is not None}, ensure_ascii=False)


def worker_ready(demo: Demo, workers: list[dict[str, Any]] | None) -> bool:
    """Whether a living worker has the demo's model; True where that is not known."""
    return workers is None or any(demo.model in worker["models"] for worker in workers)


def living_workers() -> list[dict[str, Any]] | None:
    """The workers that announced themselves; None when the broker cannot be asked."""
    try:
        return queue.workers()
    except BrokerDown:
        return None


def panel_for(
    *,
    request: HttpRequest,
    demo: Demo,
    workers: list[dict[str, Any]] | None,
    inputs: dict[str, Any] | None = None,
    problem: Problem | None = None,
) -> Panel:
    """The panel of `demo` for who asks; `inputs` take the place of the demo's presets, also where they are wrong."""
    ready = worker_ready(demo, workers)
    if not ready:
        mark_page(request, seconds=NOT_READY_SECONDS)
    presets = kinds.get(demo.kind).inputs_for(demo)
    if "alternatives" in presets and "alternatives" not in demo.defaults:
        presets["alternatives"] = SHOWN_ALTERNATIVES
    errors = {error["field"]: error["message"] for error in problem.extra.get("errors", [])} if problem else {}
    known = {name: message for name, message in errors.items() if name in presets}
    rest = [message for name, message in errors.items() if name not in presets]
    if problem and not errors:
        rest = [problem.detail]
    return Panel(
        demo=demo,
        inputs={**presets, **(inputs or {})},
        may_run=can_run(request.user, demo, getattr(request, "conference", None)),
        worker_ready=ready,
        site=request.build_absolute_uri("/").rstrip("/"),
        errors=known,
        problem=" ".join(rest),
    )
