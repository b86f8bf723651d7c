"""Addresses of messages that stay: where a notification, a mail or a quote leads."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import urlencode

from .models import Message


def permalink(message: Message, room_key: str) -> str:
    """The place of a message in its room's own page; a reply's is in its open thread. Reads `message.thread`."""
    root = message.thread
    query: dict[str, int] = {"around": (root or message).number}
    if root is not None:
        query["thread"] = root.pk
    return f"{reverse('room', args=[room_key])}?{urlencode(query)}#m{message.number}"
