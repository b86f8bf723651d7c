"""What can be done in a room. Views, socket commands and API operations call these."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.live import BrokerDown, Event, publish
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_post, can_read_site
from miniconf.rendering import render_markdown

from .models import Message, Room
from .queries import event_of
from .rooms import RoomInfo, find_room

logger = logging.getLogger(__name__)

LONGEST_TEXT = 4000
# Beyond what anybody types; pasted floods and loops end here.
RATE = "30/minute"


def open_room(*, user: Viewer, room_key: str) -> RoomInfo:
    """The room, for one who may read it. Raises LiveError "forbidden" or "no_room"."""
    if not can_read_site(user):
        raise LiveError("forbidden", "Please sign in to read this chat.")
    return existing_room(room_key)


def existing_room(room_key: str) -> RoomInfo:
    room = find_room(room_key)
    if room is None:
        raise LiveError("no_room", f"There is no chat room “{room_key[:80]}”.")
    return room


def send_message(*, user: Viewer, room_key: str, client_id: UUID, text: str) -> Event:
    """Store a message, then tell everybody; returns it as the event that they get.

    `client_id` names the message among those of its author: sent again, also at the same moment from elsewhere, it is
    stored once and answered with what was stored. It is stored whether or not the broker can be reached; then others
    see it as soon as it is back. Raises LiveError with a sentence for the sender.
    """
    room = open_room(user=user, room_key=room_key)
    if not isinstance(user, User) or not can_post(user, room.key):
        raise LiveError("sign_in", "Please sign in to write in this chat.")
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise LiveError("empty", "A message needs some text.")
    if len(text) > LONGEST_TEXT:
        raise LiveError("too_long", f"A message has at most {LONGEST_TEXT} characters; this one has {len(text)}.")
    earlier = _sent_before(user, client_id, room)
    if earlier is not None:
        return event_of(earlier, room)
    _count(user)
    try:
        message = _store(user, room, client_id, text, html=render_markdown(text, breaks=True))
    except IntegrityError:
        # The same message was sent twice at once, and the other was first.
        earlier = _sent_before(user, client_id, room)
        if earlier is None:
            raise
        return event_of(earlier, room)
    event = event_of(message, room)
    transaction.on_commit(lambda: _tell(room, event))
    return event


def _sent_before(user: User, client_id: UUID, room: RoomInfo) -> Message | None:
    message = Message.objects.filter(author=user, client_id=client_id).select_related("author", "room").first()
    if message is not None and message.room.key != room.key:
        raise LiveError("client_id_used", "This message was already sent to another room.")
    return message


def _count(user: User) -> None:
    try:
        wait = allow(RATE, "chat", str(user.pk))
    except BrokerDown:
        return  # nobody can be counted; what people say is stored all the same
    if wait is not None:
        seconds = round(wait)
        raise LiveError("rate_limited", f"That is very fast. Please wait {seconds} seconds.", retry_after=seconds)


def _store(user: User, room: RoomInfo, client_id: UUID, text: str, html: str) -> Message:
    """One transaction. Whoever raises the room's number holds its row until the commit, so numbers have no gaps."""
    Room.objects.get_or_create(key=room.key)
    with transaction.atomic():
        Room.objects.filter(key=room.key).update(last_number=F("last_number") + 1)
        row = Room.objects.get(key=room.key)
        return Message.objects.create(
            room=row, number=row.last_number, author=user, client_id=client_id, text=text, html=html
        )


def _tell(room: RoomInfo, event: Event) -> None:
    try:
        publish(f"room:{room.key}", [event])
    except BrokerDown:
        logger.warning("Message %s in %s waits for the broker", event["n"], room.key)
