"""The topic `run:<id>`: whoever may read the site may watch a run."""

from __future__ import annotations

import uuid
from typing import Any

from miniconf.live.registry import LiveError, topic_kind
from miniconf.permissions import can_read_site

from .models import Run
from .runlog import backlog, done_event, newest_numbers
from .watching import seen


def _uuid(key: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(key)
    except ValueError:
        return None


@topic_kind("run")
class RunTopic:
    def authorize(self, user: Any, key: str) -> None:
        if not can_read_site(user):
            raise LiveError("forbidden", "Please sign in to watch this run.")
        self._run(key)

    def backlog(self, user: Any, key: str, after: int | None) -> list[dict[str, Any]]:
        run = self._run(key)
        if run.state not in Run.FINISHED:
            seen([key])
        return backlog(run, after)

    def newest(self, keys: list[str]) -> dict[str, int]:
        """Asked every few seconds for all runs that somebody watches through this process: so they are known to
        be watched.
        """
        runs = [run_id for key in keys if (run_id := _uuid(key)) is not None]
        finished = Run.objects.filter(pk__in=runs, state__in=Run.FINISHED).select_related("demo")
        ends = {str(run.pk): done_event(run)["n"] for run in finished}
        open_runs = [str(run_id) for run_id in runs if str(run_id) not in ends]
        seen(open_runs)
        return {**newest_numbers(open_runs), **ends}

    def _run(self, key: str) -> Run:
        try:
            return Run.objects.select_related("demo").get(pk=uuid.UUID(key))
        except (ValueError, Run.DoesNotExist):
            raise LiveError("not_found", f"There is no run {key[:60]!r}.") from None
