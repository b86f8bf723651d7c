"""What a run's page says about it, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .models import Run

STATES = {
    Run.State.QUEUED: "Waiting in the queue",
    Run.State.RUNNING: "Running",
    Run.State.SUCCEEDED: "Done",
    Run.State.FAILED: "Failed",
    Run.State.CANCELLED: "Stopped",
    Run.State.EXPIRED: "Not run: it waited too long in the queue",
}


def facts(run: Run) -> list[tuple[str, Any]]:
    """The inputs besides the prompt, under the names they have in the API."""
    return [(name, value) for name, value in run.inputs.items() if name != "prompt"]


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
        tokens = len((run.output or {}).get("tokens", []))
        took = (run.finished_at - run.started_at).total_seconds()
        if tokens and took > 0:
            rows.append(("Speed", f"{tokens / took:.0f} tokens/s"))
    return rows


def status_line(run: Run, position: int | None) -> str:
    """The state in a sentence: what the script shows while the run goes on."""
    if run.state == Run.State.QUEUED and position is not None:
        if position == 1:
            return "Queued: you are next"
        others = position - 1
        return f"Queued: {others} {'person' if others == 1 else 'people'} before you"
    line = STATES[Run.State(run.state)]
    tokens = len((run.output or {}).get("tokens", []))
    return f"{line} · {tokens} {'token' if tokens == 1 else 'tokens'}" if tokens else line
