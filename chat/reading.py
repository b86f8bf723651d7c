"""How far somebody has read, and what is their own in what everybody sees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.utils.timezone import now

from miniconf.limits import allow
from miniconf.live import BrokerDown
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, is_member

from .models import Reaction, ReadMark, Room, Vote
from .notifications import read_in_room
from .rooms import RoomInfo
from .services import open_room

RATE = "60/minute"


def mark_read(*, user: Viewer, room_key: str, number: int) -> int:
    """Note that `user` has seen everything up to `number`; returns the furthest number they have seen on any device."""
    room = open_room(user=user, room_key=room_key)
    if not is_member(user):
        raise LiveError("sign_in", "Please sign in: what visitors have read is not kept.")
    try:
        wait = allow(RATE, "chat-read", str(user.pk))
    except BrokerDown:
        wait = None
    if wait is not None:
        raise LiveError("rate_limited", "That is very fast. Please wait a moment.", retry_after=round(wait))
    row = Room.objects.filter(key=room.key).first()
    if row is None:
        return 0  # nobody has written here: there is nothing to have read
    number = min(number, row.last_number)
    read_in_room(user=user, room_key=room.key, number=number)
    marks = ReadMark.objects.filter(user=user, room=row)
    if marks.filter(number__lt=number).update(number=number, updated_at=now()):
        return number
    return ReadMark.objects.get_or_create(user=user, room=row, defaults={"number": number})[0].number


def read_up_to(user: Viewer, room: RoomInfo) -> int | None:
    """The number of the last that a member has seen here; None for visitors and who has never been here."""
    if not is_member(user):
        return None
    return ReadMark.objects.filter(user=user, room__key=room.key).values_list("number", flat=True).first()


def mine(user: Viewer, messages: Collection[int]) -> dict[int, dict[str, Any]]:
    """What `user` did with these messages: `{id: {"voted": True, "reactions": ["👍"]}}`; two queries."""
    if not is_member(user) or not messages:
        return {}
    found: dict[int, dict[str, Any]] = defaultdict(lambda: {"voted": False, "reactions": []})
    for pk in Vote.objects.filter(user=user, message__in=messages).values_list("message_id", flat=True):
        found[pk]["voted"] = True
    reactions = Reaction.objects.filter(user=user, message__in=messages).order_by("pk")
    for pk, emoji in reactions.values_list("message_id", "emoji"):
        found[pk]["reactions"].append(emoji)
    return dict(found)
