"""`{% load chat_panel %}{% chat_panel room_key title %}`: the conversation on anything, on its own page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from chat import order
from chat.panel import panel_context
from chat.rooms import find_room
from miniconf.live.registry import LiveError

register = template.Library()


@register.inclusion_tag("chat/panel.html", takes_context=True)
def chat_panel(context: Context, room_key: str, title: str = "Discussion") -> dict[str, Any]:
    """The newest messages, a form, and the script that keeps them live. Nothing where there is no such room."""
    room = find_room(room_key)
    if room is None:
        return {"room": None}
    try:
        order.check_reader(context["request"].user, room)
    except LiveError as error:
        return {"room": None, "refused": error.message, "title": title}
    return panel_context(context["request"], room, title)
