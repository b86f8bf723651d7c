"""Addresses of messages that stay: where a notification, a mail or a quote leads."""

from __future__ import annotations

from django.urls import reverse

from .models import Message


def permalink(message: Message, room_key: str) -> str:
    """The place of a message in its room's own page, which opens the thread that a reply stands in."""
    return f"{reverse('room', args=[room_key])}?around={message.number}#m{message.number}"
