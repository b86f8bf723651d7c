"""How much somebody wants to hear of a room or of one thread in it."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from miniconf.accounts.models import User
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, is_member

from .models import Follow, Message, Room
from .services import open_room

# In the words of the form; "" is what holds where nobody has chosen.
CHOICES = (
    (Follow.Level.ALL, "Everything"),
    (Follow.Level.MINE, "What concerns me"),
    (Follow.Level.NONE, "Nothing"),
)
LEVELS = tuple(level for level, _ in CHOICES)


def set_follow(*, user: Viewer, room_key: str, level: str, thread: int | None = None) -> None:
    """Say what `user` wants to hear of a room, or of the thread that begins with message `thread`. Raises LiveError."""
    room = open_room(user=user, room_key=room_key)
    if not is_member(user):
        raise LiveError("sign_in", "Please sign in: what you follow is kept in your account.")
    if level not in LEVELS:
        raise LiveError("invalid", f"One of {', '.join(LEVELS)} was expected.")
    if thread is not None and not Message.objects.filter(pk=thread, room__key=room.key, thread=None).exists():
        raise LiveError("no_message", "There is no such thread in this room.")
    with transaction.atomic():
        row = Room.objects.get_or_create(key=room.key)[0]
        Follow.objects.update_or_create(user=user, room=row, thread_id=thread, defaults={"level": level})


def level_of(*, user: User, room_key: str, thread: int | None = None) -> str:
    """What holds for `user`: what was chosen for the thread, else for the room, else what concerns them."""
    about = Q(thread=None) | Q(thread=thread) if thread is not None else Q(thread=None)
    rows = Follow.objects.filter(about, user=user, room__key=room_key)
    chosen = {key or 0: level for key, level in rows.values_list("thread_id", "level")}
    return chosen.get(thread or 0) or chosen.get(0) or Follow.Level.MINE
