"""What can be done in a room. Views, socket commands and API operations call these."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.live import BrokerDown, Event, publish
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_post, can_read_site
from miniconf.rendering import render_markdown

from . import order
from .models import Change, Message, Room
from .notify import announce
from .queries import change_of, event_of
from .rooms import RoomInfo, find_room
from .search_index import index_messages

logger = logging.getLogger(__name__)

LONGEST_TEXT = 4000
LONGEST_HTML = 150_000  # a few thousand characters of formulas or tables can become very much more
RATE = settings.CHAT_RATE_PERSON
ROOM_RATE = settings.CHAT_RATE_ROOM  # all people together


def open_room(*, user: Viewer, room_key: str) -> RoomInfo:
    """The room, for one who may read it. Raises LiveError "forbidden" or "no_room"."""
    if not can_read_site(user):
        raise LiveError("forbidden", "Please sign in to read this chat.")
    room = existing_room(room_key)
    order.check_reader(user, room)
    return room


def existing_room(room_key: str) -> RoomInfo:
    room = find_room(room_key)
    if room is None:
        raise LiveError("no_room", f"There is no chat room “{room_key[:80]}”.")
    return room


def send_message(
    *, user: Viewer, room_key: str, client_id: UUID, text: str, asked: bool = False, thread: int | None = None
) -> Event:
    """Store a message, then tell everybody; returns it as the event that they get.

    `asked`: it is a question; `thread`: the id of the message it is a reply to. `client_id` names the message among those
    of its author: sent again, also at the same moment from elsewhere, it is stored once and answered with what was
    stored. It is stored whether or not the broker can be reached; then others see it as soon as it is back. Raises
    LiveError with a sentence for the sender.
    """
    room = open_room(user=user, room_key=room_key)
    if not isinstance(user, User) or not can_post(user, room.key):
        raise LiveError("sign_in", "Please sign in to write in this chat.")
    text = checked_text(text)
    earlier = _sent_before(user, client_id, room)
    if earlier is not None:
        event = event_of(earlier, room)
        # Who stored it may have died before it could tell; who has heard of it hears nothing twice.
        transaction.on_commit(lambda: tell(room, [event]))
        return event
    order.check_writer(user, room)
    held = order.check_words(text)
    root = _root(room, thread) if thread is not None else None
    _count(user, room)
    html = rendered(text)  # before the transaction, which others wait for
    try:
        with transaction.atomic():
            message = _store(user, room, client_id, text, html, asked=asked and root is None, root=root)
            told = [event_of(message, room)]
            if root is not None:
                told.append(record_change(message.thread, room))
            if held:
                order.report_words(message, held)
            announce(message, room)
    except IntegrityError:
        # The same message was sent twice at once, and the other was first.
        earlier = _sent_before(user, client_id, room)
        if earlier is None:
            raise
        return event_of(earlier, room)
    transaction.on_commit(lambda: tell(room, told))
    return told[0]


def checked_text(text: str) -> str:
    """The text as it is stored. Raises LiveError "empty" or "too_long"."""
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise LiveError("empty", "A message needs some text.")
    if len(text) > LONGEST_TEXT:
        raise LiveError("too_long", f"A message has at most {LONGEST_TEXT} characters; this one has {len(text)}.")
    return text


def rendered(text: str) -> str:
    """A message's HTML. Raises LiveError "too_long"."""
    html = render_markdown(text, breaks=True)
    if len(html) > LONGEST_HTML:
        raise LiveError(
            "too_long", "This message becomes too large when it is shown: please use fewer cells or formulas."
        )
    return html


def _root(room: RoomInfo, thread: int) -> Message:
    """The root of the thread that message `thread` is or stands in."""
    found = Message.objects.filter(pk=thread, room__key=room.key).select_related("thread").first()
    if found is None:
        raise LiveError("no_message", "The message you reply to is not in this room.")
    return found.thread or found


def _sent_before(user: User, client_id: UUID, room: RoomInfo) -> Message | None:
    earlier = Message.objects.filter(author=user, client_id=client_id)
    if not earlier.exists():  # the rule, and far less to fetch
        return None
    message = earlier.select_related("author", "room").first()
    if message is not None and message.room.key != room.key:
        raise LiveError("client_id_used", "This message was already sent to another room.")
    return message


def _count(user: User, room: RoomInfo) -> None:
    try:
        wait = allow(RATE, "chat", str(user.pk)) or allow(ROOM_RATE, "chat-room", room.key)
    except BrokerDown:
        return  # nobody can be counted; what people say is stored all the same
    if wait is not None:
        seconds = round(wait)
        raise LiveError("rate_limited", f"That is very fast. Please wait {seconds} seconds.", retry_after=seconds)


def _store(
    user: User, room: RoomInfo, client_id: UUID, text: str, html: str, *, asked: bool, root: Message | None
) -> Message:
    message = Message(
        author=user,
        client_id=client_id,
        text=text,
        html=html,
        asked=Message.Asked.OPEN if asked else Message.Asked.NO,
    )
    message.room, message.number = take_number(room.key, message=True)
    if root is not None:
        Message.objects.filter(pk=root.pk).update(reply_count=F("reply_count") + 1)
        message.thread = Message.objects.select_related("author").get(pk=root.pk)
    message.save()
    index_messages([(message.pk, message.room_id, text)])
    return message


def take_number(room_key: str, *, message: bool = False) -> tuple[Room, int]:
    """The room's row and its next number, in a transaction of the caller.

    Whoever raises the number holds the row until the commit, so numbers have no gaps and are committed in order.
    """
    more = {"last_message_at": now()} if message else {}
    rows = Room.objects.filter(key=room_key)
    if not rows.update(last_number=F("last_number") + 1, **more):
        Room.objects.get_or_create(key=room_key)  # the first to speak here
        rows.update(last_number=F("last_number") + 1, **more)
    row = rows.get()
    return row, row.last_number


def record_change(message: Message | None, room: RoomInfo) -> Event:
    """Give a change of a message, stored in the same transaction, its number; returns it as everybody gets it."""
    assert message is not None
    row, number = take_number(room.key)
    Change.objects.create(room=row, number=number, message=message)
    return change_of(message, room, number)


def tell(room: RoomInfo, events: list[Event]) -> None:
    try:
        publish(f"room:{room.key}", events)
    except BrokerDown:
        logger.warning("Event %s in %s waits for the broker", events[0]["n"], room.key)
