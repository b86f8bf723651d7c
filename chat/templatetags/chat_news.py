"""`{% notification_bell %}` for the header, `{% follow_control room_key %}` for a room or, with `thread=`, a thread."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from chat.follows import CHOICES, level_of
from chat.notifications import MOST_COUNTED, topic_of, unread_count
from miniconf.permissions import is_member

register = template.Library()


@register.inclusion_tag("chat/bell.html", takes_context=True)
def notification_bell(context: Context) -> dict[str, Any]:
    """The bell with the number of unread notifications, kept up to date by its script; nothing for visitors."""
    user = context.get("user")
    if user is None or not is_member(user):
        return {"user": None}
    return {"user": user, "count": unread_count(user), "most": MOST_COUNTED, "topic": topic_of(user)}


@register.inclusion_tag("chat/follow.html", takes_context=True)
def follow_control(context: Context, room_key: str, thread: int | None = None) -> dict[str, Any]:
    """What one wants to hear of a room or thread; nothing for visitors. One query."""
    user = context.get("user")
    if user is None or not is_member(user):
        return {"choices": ()}
    return {
        "room_key": room_key,
        "thread": thread,
        "level": level_of(user=user, room_key=room_key, thread=thread),
        "choices": CHOICES,
        "csrf_token": context.get("csrf_token"),
    }
