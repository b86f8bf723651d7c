"""The topic `inbox:<public id>`: how many notifications somebody has not read; its owner's only."""

from __future__ import annotations

from typing import Any

from miniconf.live import Event
from miniconf.live.registry import LiveError, topic_kind
from miniconf.permissions import is_member

from .notifications import state


@topic_kind("inbox")
class InboxTopic:
    def authorize(self, user: Any, key: str) -> None:
        if not is_member(user) or str(user.public_id) != key:
            raise LiveError("forbidden", "Notifications are for whom they concern.")

    def backlog(self, user: Any, key: str, after: int | None) -> list[Event]:
        """Not numbered: it is the present state, and whoever comes back needs no other."""
        return [state(user)]
