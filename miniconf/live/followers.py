"""Who follows what in this process."""

from __future__ import annotations

from typing import Any

from .hub import _hubs


def followers(kind: str) -> dict[str, list[Any]]:
    """Users who follow topics of a kind, by the topic's key: a snapshot that may be taken on any thread."""
    topics = [topic for home in list(_hubs.values()) for topic in tuple(home._topics.values())]
    return {
        topic.key: [subscription.user for subscription in tuple(topic.subscriptions)]
        for topic in topics
        if topic.name.startswith(f"{kind}:")
    }
