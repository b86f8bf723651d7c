"""The questions asked in a room: found, sorted and counted."""

from __future__ import annotations

from typing import Literal

from django.db.models import Case, Count, QuerySet, Value, When

from miniconf.live import Event

from .models import Message
from .queries import LONGEST_PIECE, event_of, messages_of
from .rooms import RoomInfo

Show = Literal["open", "answered", "all"]
Sort = Literal["votes", "newest", "unanswered"]
DEEPEST = 5000  # questions that can be paged through; a room with more has other worries

ASKED = (Message.Asked.OPEN, Message.Asked.ANSWERED, Message.Asked.LIVE)
_OPEN_FIRST = Case(When(asked=Message.Asked.OPEN, then=Value(0)), default=Value(1))
_ORDERS: dict[Sort, tuple[str | Case, ...]] = {
    "votes": ("-votes", "number"),
    "newest": ("-number",),
    # Those to which nobody has said anything at all come first, the oldest of them before the others.
    "unanswered": (_OPEN_FIRST, "reply_count", "number"),
}


def questions_of(room: RoomInfo) -> QuerySet[Message]:
    return messages_of(room).filter(asked__in=ASKED, deleted_at=None, hidden_at=None)


def list_questions(
    room: RoomInfo, *, show: Show = "open", sort: Sort = "votes", offset: int = 0, limit: int = 50
) -> tuple[list[Event], bool]:
    """A piece of the list, and whether there are further ones."""
    found = questions_of(room)
    if show == "open":
        found = found.filter(asked=Message.Asked.OPEN)
    elif show == "answered":
        found = found.filter(asked__in=[Message.Asked.ANSWERED, Message.Asked.LIVE])
    offset, limit = min(offset, DEEPEST), min(limit, LONGEST_PIECE)
    rows = list(found.order_by(*_ORDERS[sort])[offset : offset + limit + 1])
    return [event_of(message, room) for message in rows[:limit]], len(rows) > limit


def count_questions(room: RoomInfo) -> dict[str, int]:
    """`{"open": 3, "answered": 5}`."""
    counts = dict(questions_of(room).order_by().values_list("asked").annotate(Count("pk")))
    return {
        "open": counts.get("open", 0),
        "answered": counts.get("answered", 0) + counts.get("live", 0),
    }
