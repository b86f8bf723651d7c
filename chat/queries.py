"""Messages as events, and pieces of a room's history."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from miniconf.live import Event

from .models import Change, Message, Room
from .rooms import RoomInfo

STARTS_WITH = 50  # messages a new viewer sees
MOST_MISSED = 500  # messages one who comes back gets; beyond that they are told of a gap and read the history
LONGEST_PIECE = 100
MOST_CHARACTERS = 1_000_000  # of text and HTML in one piece: a socket takes so much at once, and a page
MOST_PINNED = 20


def event_of(message: Message, room: RoomInfo) -> Event:
    """A message as everybody gets it: live, from the backlog and from the history."""
    return {"n": message.number, "type": "message", **state_of(message, room)}


def change_of(message: Message, room: RoomInfo, number: int) -> Event:
    """A change of a message: the whole of it as it is now."""
    return {"n": number, "type": "change", "message": {"n": message.number, **state_of(message, room)}}


def state_of(message: Message, room: RoomInfo) -> dict[str, Any]:
    author = message.author
    gone = "deleted" if message.deleted_at else "hidden" if message.hidden_at else ""
    return {
        "id": message.pk,
        "client_id": str(message.client_id),
        "author": {
            "id": str(author.public_id) if author else "",
            "name": author.display_name if author else "Somebody who left",
            "role": role_of(author, room),
        },
        "html": "" if gone else message.html,
        "text": "" if gone else message.text,
        "at": _iso(message.created_at),
        "thread": message.thread_id,
        "replies": message.reply_count,
        "asked": str(message.asked),
        "answer": message.answer_id,
        "votes": message.votes,
        "reactions": message.reactions,
        "pinned": message.pinned_at is not None,
        "edited": _iso(message.edited_at) if message.edited_at else None,
        "gone": gone,
    }


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def role_of(user: object, room: RoomInfo) -> str:
    """ "author" of what the room hangs on, else "organizer", else ""."""
    if getattr(user, "pk", None) in room.author_ids:
        return "author"
    return "organizer" if getattr(user, "is_organizer", False) else ""


def messages_of(room: RoomInfo) -> QuerySet[Message]:
    return Message.objects.filter(room__key=room.key).select_related("author")


def latest(room: RoomInfo, *, before: int | None = None, limit: int = STARTS_WITH) -> list[Event]:
    """The newest messages, or the newest of those before number `before`; ascending. Replies stand in their threads."""
    messages = messages_of(room).filter(thread=None)
    if before is not None:
        messages = messages.filter(number__lt=before)
    return [event_of(message, room) for message in reversed(_piece(messages.order_by("-number")[:limit]))]


def _piece(messages: QuerySet[Message]) -> list[Message]:
    """The first of these messages, as many as are not too much; one at least."""
    taken: list[Message] = []
    characters = 0
    for message in messages:
        characters += len(message.text) + len(message.html)
        if taken and characters > MOST_CHARACTERS:
            break
        taken.append(message)
    return taken


def everything(room: RoomInfo, *, limit: int) -> list[Event]:
    """All messages of a room, each followed by the replies to it, for a page that nobody can ask for more."""
    messages = list(messages_of(room).order_by("number")[:limit])
    replies: dict[int, list[Message]] = defaultdict(list)
    for message in messages:
        if message.thread_id is not None:
            replies[message.thread_id].append(message)
    roots = (message for message in messages if message.thread_id is None)
    return [event_of(message, room) for root in roots for message in (root, *replies[root.pk])]


def opening(room: RoomInfo) -> list[Event]:
    """What a new viewer starts with: the newest messages, and a mark with the number that comes before what follows."""
    # Read first: what is changed meanwhile is told again, and nothing is left out.
    number = Room.objects.filter(key=room.key).values_list("last_number", flat=True).first() or 0
    return _up_to(number, latest(room), 0)


def thread_of(root: Message, room: RoomInfo, *, after: int = 0, limit: int = LONGEST_PIECE) -> list[Event]:
    """Replies to a message, in order."""
    replies = messages_of(room).filter(thread=root, number__gt=after).order_by("number")
    return [event_of(message, room) for message in _piece(replies[:limit])]


def has_later_reply(root: Message, number: int) -> bool:
    return Message.objects.filter(thread=root, number__gt=number).exists()


def missed(room: RoomInfo, *, after: int) -> list[Event]:
    """What happened after number `after`. Of very much only the newest, behind a marker for the gap before it."""
    # Read first, and nothing beyond it: of what is stored between the queries below, one might hold what the other lacks.
    number = Room.objects.filter(key=room.key).values_list("last_number", flat=True).first() or 0
    messages = messages_of(room).filter(number__lte=number)
    if number - after <= MOST_MISSED:
        events = [event_of(message, room) for message in messages.filter(number__gt=after)]
        changes = Change.objects.filter(room__key=room.key, number__gt=after, number__lte=number)
        told = changes.select_related("message__author").order_by("number")
        last = {change.message_id: change for change in told}  # of each message the newest
        events += [change_of(change.message, room, change.number) for change in last.values()]
        if sum(map(_characters, events)) <= MOST_CHARACTERS:
            return _up_to(number, sorted(events, key=lambda event: event["n"]), after)
    newest = _piece(messages.filter(number__gt=after).order_by("-number")[:MOST_MISSED])
    events = [event_of(message, room) for message in reversed(newest)]
    before = events[0]["n"] if events else number
    return [{"type": "gap", "after": after, "before": before}, *_up_to(number, events, after)]


def _up_to(number: int, events: list[Event], after: int) -> list[Event]:
    """These events, with a mark where the last of them is not the newest of all (that message is gone, with its author)."""
    if number > (events[-1]["n"] if events else after):
        events.append({"n": number, "type": "mark"})
    return events


def newest_numbers(keys: list[str]) -> dict[str, int]:
    """How far each of these rooms is; one query."""
    return dict(Room.objects.filter(key__in=keys).values_list("key", "last_number"))


def _characters(event: Event) -> int:
    message = event.get("message", event)
    return len(message["text"]) + len(message["html"])


def has_earlier(room: RoomInfo, number: int) -> bool:
    return Message.objects.filter(room__key=room.key, thread=None, number__lt=number).exists()


def later(room: RoomInfo, *, after: int, limit: int = STARTS_WITH) -> list[Event]:
    """The oldest messages after number `after`; ascending."""
    messages = messages_of(room).filter(thread=None, number__gt=after).order_by("number")
    return [event_of(message, room) for message in _piece(messages[:limit])]


def has_later(room: RoomInfo, number: int) -> bool:
    return Message.objects.filter(room__key=room.key, thread=None, number__gt=number).exists()


def around(room: RoomInfo, number: int, *, limit: int = STARTS_WITH) -> list[Event]:
    """Messages before and after message `number`, and it."""
    before = latest(room, before=number + 1, limit=limit - limit // 2)
    return before + later(room, after=number, limit=limit // 2)


def find_place(room: RoomInfo, number: int) -> tuple[int, int | None]:
    """Where message `number` stands: the number of the message in the list, and its id where `number` is a reply to it."""
    reply = Message.objects.filter(room__key=room.key, number=number).exclude(thread=None)
    found = reply.values_list("thread__number", "thread_id").first()
    return (found[0], found[1]) if found else (number, None)


def pinned(room: RoomInfo) -> list[Event]:
    """Messages that are pinned above a room, the latest first."""
    messages = messages_of(room).filter(pinned_at__isnull=False).order_by("-pinned_at", "-number")
    return [event_of(message, room) for message in messages[:MOST_PINNED]]
