"""Changes of many messages at once: numbered like any other, told in one word for each room."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

from django.db import transaction
from django.db.models import F, QuerySet

from .models import Change, Message, Room
from .queries import change_of
from .rooms import find_room
from .services import tell

PIECE = 500


def pieces(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), PIECE):
        yield ids[start : start + PIECE]


def lock_rooms(messages: QuerySet[Message]) -> None:
    """Lock the rooms of these messages, as whoever writes there does; always in the same order."""
    rooms = sorted(set(messages.order_by().values_list("room_id", flat=True)))
    for some in pieces(rooms):
        list(Room.objects.select_for_update().filter(pk__in=some).order_by("pk").values_list("pk"))


def change_many(messages: QuerySet[Message], change: Callable[[QuerySet[Message]], None]) -> int:
    """Apply `change` to these messages, a piece at a time, in a transaction of the caller; returns how many they were.

    Everybody who follows a room is told of its last change only. That leaves a hole in the numbers they have seen, so the
    rest is read from the database, once for all who follow, and no frame is larger than a backlog may be.
    """
    lock_rooms(messages)
    ids = defaultdict(list)
    for room, pk in messages.order_by("room_id", "number").values_list("room_id", "pk"):
        ids[room].append(pk)
    for room, numbered in ids.items():
        for some in pieces(numbered):
            change(Message.objects.filter(pk__in=some))
        number_changes(room, numbered)
    return sum(map(len, ids.values()))


def number_changes(room_id: int, ids: list[int]) -> None:
    """Give each of these changed messages of a room the next number; the room is locked."""
    Room.objects.filter(pk=room_id).update(last_number=F("last_number") + len(ids))
    row = Room.objects.get(pk=room_id)
    first = row.last_number - len(ids) + 1
    Change.objects.bulk_create(
        [Change(room=row, number=first + place, message_id=pk) for place, pk in enumerate(ids)], batch_size=PIECE
    )
    transaction.on_commit(partial(_tell, row.key, ids[-1], row.last_number))


def _tell(room_key: str, message_id: int, number: int) -> None:
    room = find_room(room_key)
    message = Message.objects.select_related("author").filter(pk=message_id).first()
    if room is not None and message is not None:
        tell(room, [change_of(message, room, number)])
