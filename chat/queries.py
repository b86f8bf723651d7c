"""Messages as events, and pieces of a room's history."""

from __future__ import annotations

from datetime import UTC

from django.db.models import QuerySet

from miniconf.live import Event

from .models import Message
from .rooms import RoomInfo

STARTS_WITH = 50  # messages a new viewer sees
MOST_MISSED = 500  # messages one who comes back gets; beyond that they are told of a gap and read the history
LONGEST_PIECE = 100


def event_of(message: Message, room: RoomInfo) -> Event:
    """A message as everybody gets it: live, from the backlog and from the history."""
    author = message.author
    return {
        "n": message.number,
        "type": "message",
        "id": message.pk,
        "client_id": str(message.client_id),
        "author": {
            "id": str(author.public_id) if author else "",
            "name": author.display_name if author else "Somebody who left",
            "role": role_of(author, room),
        },
        "html": message.html,
        "text": message.text,
        "at": message.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def role_of(user: object, room: RoomInfo) -> str:
    """ "author" of what the room hangs on, else "organizer", else ""."""
    if getattr(user, "pk", None) in room.author_ids:
        return "author"
    return "organizer" if getattr(user, "is_organizer", False) else ""


def messages_of(room: RoomInfo) -> QuerySet[Message]:
    return Message.objects.filter(room__key=room.key).select_related("author")


def latest(room: RoomInfo, *, before: int | None = None, limit: int = STARTS_WITH) -> list[Event]:
    """The newest messages, or the newest of those before number `before`; ascending."""
    messages = messages_of(room)
    if before is not None:
        messages = messages.filter(number__lt=before)
    return [event_of(message, room) for message in reversed(messages.order_by("-number")[:limit])]


def missed(room: RoomInfo, *, after: int) -> list[Event]:
    """The messages after number `after`. Of very many only the newest, behind a marker for the gap before them."""
    newest = messages_of(room).filter(number__gt=after).order_by("-number")[:MOST_MISSED]
    events = [event_of(message, room) for message in reversed(newest)]
    if events and events[0]["n"] > after + 1:
        return [{"type": "gap", "after": after, "before": events[0]["n"]}, *events]
    return events
