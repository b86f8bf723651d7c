"""Whom one can mention: the people of a room, and everybody with an account by name."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.live import BrokerDown
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_post

from .models import Message
from .rooms import RoomInfo
from .services import open_room

RATE = "90/minute"
SHORTEST = 2  # letters
MOST_FOUND = 8
MOST_OF_A_ROOM = 30
RECENT = 200  # messages that are looked through for who is talking


def find_people(*, user: Viewer, room_key: str, text: str) -> list[dict[str, Any]]:
    """People whose name has a word that begins with `text`; without a text, those of the room. Names and public ids only."""
    room = open_room(user=user, room_key=room_key)
    if not isinstance(user, User) or not can_post(user, room.key):
        raise LiveError("sign_in", "Please sign in to take part in this chat.")
    text = text.strip()
    if not text:
        return people_of(room)
    if len(text) < SHORTEST:
        raise LiveError("invalid", f"At least {SHORTEST} letters of a name are needed.")
    try:
        wait = allow(RATE, "chat-people", str(user.pk))
    except BrokerDown:
        wait = None
    if wait is not None:
        raise LiveError("rate_limited", "That is very fast. Please wait a moment.", retry_after=round(wait))
    begins = Q(name__istartswith=text) | Q(name__icontains=f" {text}") | Q(name__icontains=f"-{text}")
    found = User.objects.filter(begins, is_active=True).exclude(name="").order_by("name", "pk")[:MOST_FOUND]
    return [_described(person, room) for person in found]


def people_of(room: RoomInfo) -> list[dict[str, Any]]:
    """Who talked last, then those who speak as authors here."""
    recent = Message.objects.filter(room__key=room.key, deleted_at=None, hidden_at=None).exclude(author=None)
    ids = list(dict.fromkeys(recent.order_by("-number").values_list("author_id", flat=True)[:RECENT]))
    ids = list(dict.fromkeys([*ids[: MOST_OF_A_ROOM // 2], *sorted(room.author_ids)]))[:MOST_OF_A_ROOM]
    known = User.objects.filter(is_active=True).exclude(name="").in_bulk(ids)
    return [_described(known[pk], room) for pk in ids if pk in known]


def _described(person: User, room: RoomInfo) -> dict[str, Any]:
    return {
        "id": str(person.public_id),
        "name": person.display_name,
        "role": "author" if person.pk in room.author_ids else "organizer" if person.is_organizer else "",
    }
