"""The topic `site:announcements`: what is pinned, whole, whenever it changes."""

from __future__ import annotations

from typing import Any

from miniconf.live import Event
from miniconf.live.registry import LiveError, topic_kind
from miniconf.permissions import can_read_site

from .announcements import state


@topic_kind("site")
class SiteTopic:
    def authorize(self, user: Any, key: str) -> None:
        if not can_read_site(user):
            raise LiveError("forbidden", "Please sign in to read the announcements.")
        if key != "announcements":
            raise LiveError("not_found", f"There is no topic “site:{key[:60]}”.")

    def backlog(self, user: Any, key: str, after: int | None) -> list[Event]:
        """Not numbered: it is the present state, and whoever comes back needs no other."""
        return [state()]
