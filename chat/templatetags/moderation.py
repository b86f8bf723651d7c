"""What the moderators' pages need of messages."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from chat import links
from chat.mentions import without_marks
from chat.models import Message
from chat.titles import RoomTitle

register = template.Library()

LONGEST = 200


@register.simple_tag
def permalink(message: Message) -> str:
    return links.permalink(message, message.room.key)


@register.filter
def excerpt(message: Message) -> str:
    text = " ".join(without_marks(message.text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


@register.filter
def room_title(key: str, titles: Mapping[str, RoomTitle] | None) -> str:
    """The title of a room, or its key where it hangs on nothing any more."""
    found = (titles or {}).get(key)
    return found.title if found else key


@register.filter
def get_show(shows: Mapping[str, str], name: str) -> str:
    """What the stream shows, as a heading."""
    return {"all": "Everything that is said"}.get(name, shows.get(name, ""))
