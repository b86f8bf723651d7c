"""The topic `run:<id>`: whoever may read the site may watch a run."""

from __future__ import annotations

import uuid
from typing import Any

from miniconf.live.registry import LiveError, topic_kind
from miniconf.permissions import can_read_site

from .models import Run
from .runlog import backlog


@topic_kind("run")
class RunTopic:
    def authorize(self, user: Any, key: str) -> None:
        if not can_read_site(user):
            raise LiveError("forbidden", "Please sign in to watch this run.")
        self._run(key)

    def backlog(self, user: Any, key: str, after: int | None) -> list[dict[str, Any]]:
        return backlog(self._run(key), after)

    def _run(self, key: str) -> Run:
        try:
            return Run.objects.get(pk=uuid.UUID(key))
        except (ValueError, Run.DoesNotExist):
            raise LiveError("not_found", f"There is no run {key[:60]!r}.") from None
