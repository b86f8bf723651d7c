"""What a run's page says about it, in words."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from . import kinds
from .branches import Branch
from .estimates import in_words
from .models import Demo, Run

STATES = {
    Run.State.QUEUED: "Waiting in the queue",
    Run.State.RUNNING: "Running",
    Run.State.SUCCEEDED: "Done",
    Run.State.FAILED: "Failed",
    Run.State.CANCELLED: "Stopped",
    Run.State.EXPIRED: "Not run: it waited too long in the queue",
}


STORED = "Done · stored result"  # computed once, and shown to all who ask the same


def facts(run: Run) -> list[tuple[str, Any]]:
    """The inputs besides the one that the result shows anyway, under the names they have in the API."""
    headline = kinds.get(run.demo.kind).headline
    elsewhere = {headline, "parent", "parent_token"}  # the latter are shown as a tree
    return [(name, _in_words(value)) for name, value in run.inputs.items() if name not in elsewhere]


def _in_words(value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(_visible(item) for item in value) or None
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _visible(item: Any) -> str:
    """Quoted where blanks or line breaks would not be seen."""
    text = str(item)
    return text if text and text == text.strip() and "\n" not in text else json.dumps(text, ensure_ascii=False)


def seconds(start: datetime, end: datetime) -> str:
    took = (end - start).total_seconds()
    if took < 1:
        return f"{took:.2f} s"
    return f"{took:.1f} s" if took < 10 else f"{took:.0f} s"


def timings(run: Run) -> list[tuple[str, str]]:
    """How long the run waited, took to its first token, and ran; what has not happened is left out."""
    rows = []
    if run.started_at:
        rows.append(("Waited", seconds(run.created_at, run.started_at)))
    if run.started_at and run.first_token_at:
        rows.append(("First token after", seconds(run.started_at, run.first_token_at)))
    if run.started_at and run.finished_at:
        rows.append(("Ran", seconds(run.started_at, run.finished_at)))
        tokens = len((run.output or {}).get("tokens", [])) if run.demo.kind == "generate" else 0
        took = (run.finished_at - run.started_at).total_seconds()
        if tokens and took > 0:
            rows.append(("Speed", f"{tokens / took:.0f} tokens/s"))
    return rows


KEPT = "goes on when you leave"


def status_line(run: Run, position: int | None, wait: list[int] | None = None) -> str:
    """The state in a sentence: what the script shows while the run goes on."""
    if run.state == Run.State.QUEUED and position is not None:
        others = position - 1
        place = f"{others} {'run' if others == 1 else 'runs'} before yours" if others else "yours is next"
        return f"Queued: {place}" + (f", {in_words(wait)}" if wait else "")
    line = STORED if run.is_stored and run.state == Run.State.SUCCEEDED else STATES[Run.State(run.state)]
    tokens = len((run.output or {}).get("tokens", [])) if run.demo.kind == "generate" else 0
    return f"{line} · {tokens} {'token' if tokens == 1 else 'tokens'}" if tokens else line


@dataclass(frozen=True)
class RunView:
    """A run as templates/demos/run_view.html shows it; without one, the place where a script shows the next.

    `may_control`: may stop it and have it kept. `page`: it is the run's own page. `branches`: the tree it grew in, empty
    where it stands alone.
    """

    demo: Demo
    run: Run | None = None
    position: int | None = None
    wait: list[int] | None = None
    may_control: bool = False
    may_run: bool = False
    may_discuss: bool = False
    page: bool = False
    branches: list[Branch] | None = None

    @property
    def kind(self) -> kinds.Kind:
        return kinds.get(self.demo.kind)

    @property
    def slug(self) -> str:
        """For ids of elements: there may be several runs in a page."""
        return self.demo.slug if self.run is None else f"{self.demo.slug}-{self.run.pk.hex[:8]}"

    @property
    def template(self) -> str:
        return f"demos/results/{self.demo.kind}.html"

    @property
    def finished(self) -> bool:
        return self.run is not None and self.run.state in Run.FINISHED

    @property
    def status(self) -> str:
        if self.run is None:
            return ""
        line = status_line(self.run, self.position, self.wait)
        return f"{line} · {KEPT}" if self.may_control and self.run.keep and not self.finished else line

    @cached_property
    def result(self) -> dict[str, Any]:
        """What the kind says about the output; empty while there is none."""
        return shown(self.run) if self.run is not None and self.run.output is not None else {}


def shown(run: Run) -> dict[str, Any]:
    """What the kind says about a run's output, also of one that was made before the kind had all of its inputs."""
    return kinds.get(run.demo.kind).shown(_completed(run))


def outcome(run: Run) -> str:
    """A finished run's result in a line of text."""
    return kinds.get(run.demo.kind).outcome(_completed(run))


def _completed(run: Run) -> Run:
    """A copy: the run's record stays as it is."""
    completed = copy(run)
    completed.inputs = kinds.get(run.demo.kind).complete(run.inputs)
    return completed


def beginning(run: Run, letters: int = 120) -> str:
    """How a run's main input begins."""
    text = " ".join(str(run.inputs.get(kinds.get(run.demo.kind).headline, "")).split())
    return f"{text[:letters].rstrip()} …" if len(text) > letters else text
