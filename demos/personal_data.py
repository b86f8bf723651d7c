"""The demos' part of somebody's data: their runs."""

from __future__ import annotations

from typing import Any

from miniconf.accounts.models import User
from miniconf.personal_data import Part, iso, register

from .models import Run

MOST_RUNS = 20_000


def data(user: User) -> dict[str, Any]:
    runs = user.runs.select_related("demo").order_by("created_at")[:MOST_RUNS]
    return {
        "runs": [
            {
                "id": str(run.pk),
                "demo": run.demo.slug,
                "inputs": run.inputs,
                "state": run.state,
                "at": iso(run.created_at),
            }
            for run in runs
        ]
    }


def forget(user: User) -> dict[str, int]:
    """A run is a public record under its own address; it stays without a name."""
    return {"runs, now without a name": Run.objects.filter(user=user).update(user=None)}


register(Part("demos", data, forget))
