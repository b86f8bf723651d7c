"""What a demo's panel shows: the form with its values and errors, and whether running is possible now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from miniconf.live import BrokerDown
from miniconf.permissions import Viewer, can_post, can_run
from miniconf.problems import Problem
from miniconf.serving.page_notes import mark_page

from . import kinds, queue, snippets, stored
from .models import Demo, Run
from .run_pages import RunView

# Alternatives are shown unless the demo says otherwise; the API's own default is none.
SHOWN_ALTERNATIVES = 5
# How long visitors may be shown that no machine runs the model: one may be there any moment.
NOT_READY_SECONDS = 3.0


@dataclass(frozen=True)
class Example:
    """`run` shows its result, where that was computed before."""

    title: str
    inputs_json: str
    run: UUID | None = None


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
    meanwhile: list[dict[str, Any]] = field(default_factory=list)  # stored results to be seen where a run was refused
    may_discuss: bool = False
    open_to_visitors: bool = False
    shown: Run | None = None  # the chosen example's result

    @property
    def kind(self) -> kinds.Kind:
        return kinds.get(self.demo.kind)

    @property
    def template(self) -> str:
        return f"demos/kinds/{self.demo.kind}.html"

    @property
    def script(self) -> str:
        return f"demos/kinds/{self.demo.kind}.js"

    @property
    def style(self) -> str:
        return f"demos/kinds/{self.demo.kind}.css"

    @property
    def run_view(self) -> RunView:
        return RunView(self.demo, self.shown, may_run=self.may_run, may_discuss=self.may_discuss)

    @cached_property
    def form(self) -> dict[str, Any]:
        """What the kind adds for its form's template."""
        return self.kind.form(self.demo)

    @cached_property
    def limits(self) -> dict[str, dict[str, float]]:
        return self.kind.limits_for(self.demo)

    @cached_property
    def examples(self) -> list[Example]:
        runs = stored.runs_of_examples(self.demo)
        return [
            Example(example["title"], json.dumps(example["inputs"], ensure_ascii=False), run.pk if run else None)
            for example, run in zip(self.demo.examples, runs, strict=True)
        ]

    @property
    def setting_errors(self) -> bool:
        """Whether something is wrong among the settings, which are folded away."""
        return any(name != self.kind.headline for name in self.errors)

    @property
    def code(self) -> dict[str, str]:
        """The inputs as they stand in examples of code; those left open are left out."""
        given = {name: value for name, value in self.inputs.items() if value is not None}
        return {
            "json": snippets.as_json(given),
            "entries": snippets.as_entries(given),
            "arguments": snippets.as_arguments(given),
        }


def worker_ready(demo: Demo, workers: list[dict[str, Any]] | None) -> bool:
    """Whether a living worker has the demo's models; True where that is not known."""
    if workers is None:
        return True
    needed = set(kinds.get(demo.kind).models_of(demo))
    return any(needed <= set(worker["models"]) for worker in workers)


def living_workers() -> list[dict[str, Any]] | None:
    """The workers that announced themselves; None when the broker cannot be asked."""
    try:
        return queue.workers()
    except BrokerDown:
        return None


def may_discuss(user: Viewer, demo: Demo) -> bool:
    """Whether `user` may post runs of `demo` into its paper's room."""
    return demo.paper is not None and can_post(user, f"paper:{demo.paper.uid}")


def presets_of(demo: Demo) -> dict[str, Any]:
    """What the form starts with."""
    presets = kinds.get(demo.kind).inputs_for(demo)
    if "alternatives" in presets and "alternatives" not in demo.defaults:
        presets["alternatives"] = SHOWN_ALTERNATIVES
    return presets


def panel_for(
    *,
    request: HttpRequest,
    demo: Demo,
    workers: list[dict[str, Any]] | None,
    inputs: dict[str, Any] | None = None,
    problem: Problem | None = None,
    shown: Run | None = None,
) -> Panel:
    """The panel of `demo` for who asks; `inputs` take the place of the demo's presets, also where they are wrong."""
    ready = worker_ready(demo, workers)
    if not ready:
        mark_page(request, seconds=NOT_READY_SECONDS)
    presets = presets_of(demo)
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
        meanwhile=problem.extra.get("examples", []) if problem else [],
        may_discuss=may_discuss(request.user, demo),
        open_to_visitors=can_run(AnonymousUser(), demo, getattr(request, "conference", None)),
        shown=shown,
    )
