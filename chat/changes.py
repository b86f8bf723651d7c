"""What can be done with a message that stands: edit, delete, react, vote, answer, pin. Each is one numbered change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.live import BrokerDown, Event
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_mark_answer, can_moderate_room, can_post

from . import order
from .models import Message, Reaction, Revision, Room, Vote
from .notify import announce, announce_answer
from .rooms import RoomInfo
from .search_index import index_messages
from .services import checked_text, open_room, record_change, rendered, tell

EMOJI = ("👍", "❤️", "😄", "🎉", "🤔", "👀", "🙏", "✅")
RATE = "120/minute"


@dataclass(slots=True)
class Changing:
    """A message locked for a change, and the event that told of it once the block is left."""

    message: Message
    room: RoomInfo
    user: User
    html: str = ""  # of the text that is to become the message's
    event: Event | None = None


def find_message(*, user: Viewer, message_id: int) -> tuple[Message, RoomInfo]:
    """A message and its room, for one who may read there."""
    found = Message.objects.filter(pk=message_id).select_related("room", "author").first()
    if found is None:
        raise LiveError("no_message", "There is no such message any more.")
    return found, open_room(user=user, room_key=found.room.key)


@contextmanager
def changing(user: Viewer, message_id: int, text: str = "") -> Iterator[Changing]:
    """Lock a message for `user`, who may write in its room; number and tell the change made in the block.

    A new text is rendered first, since others wait for the lock.
    """
    room = find_message(user=user, message_id=message_id)[1]
    if not isinstance(user, User) or not can_post(user, room.key):
        raise LiveError("sign_in", "Please sign in to take part in this chat.")
    _count(user)
    html = rendered(text) if text else ""
    with transaction.atomic():
        # The room before the message, as who sends a reply does: the other way round they would wait for each other.
        Room.objects.select_for_update().get(key=room.key)
        message = Message.objects.select_for_update(of=("self",)).select_related("author", "room").get(pk=message_id)
        change = Changing(message, room, user, html)
        yield change
        message.save()
        change.event = record_change(message, room)
        event = change.event
        transaction.on_commit(lambda: tell(room, [event]))


def _count(user: User) -> None:
    try:
        wait = allow(RATE, "chat-change", str(user.pk))
    except BrokerDown:
        return
    if wait is not None:
        raise LiveError("rate_limited", "That is very fast. Please wait a moment.", retry_after=round(wait))


def _own(change: Changing) -> None:
    if change.message.author_id != change.user.pk:
        raise LiveError("forbidden", "Only its author can do that.")


def _standing(change: Changing) -> None:
    if change.message.deleted_at or change.message.hidden_at:
        raise LiveError("gone", "This message was taken away.")


def edit_message(*, user: Viewer, message_id: int, text: str) -> Event:
    """Give one's own message another text; the earlier one is kept for moderators."""
    text = checked_text(text)
    with changing(user, message_id, text) as change:
        _own(change)
        _standing(change)
        order.check_writer(change.user, change.room)
        held = order.check_words(text)
        message = change.message
        if message.text != text:
            if held:
                order.report_words(message, held)
            Revision.objects.create(message=message, text=message.text)
            message.text, message.html = text, change.html
            message.edited_at = now()
            index_messages([(message.pk, message.room_id, text)])
    return _told(change)


def delete_message(*, user: Viewer, message_id: int) -> Event:
    """Take one's own message back: the text goes, its place stays."""
    with changing(user, message_id) as change:
        _own(change)
        take_text(change.message)
    return _told(change)


def take_text(message: Message) -> None:
    message.text = message.html = ""
    message.deleted_at = message.deleted_at or now()
    message.pinned_at = None
    message.revisions.all().delete()
    index_messages([(message.pk, message.room_id, "")])


def react(*, user: Viewer, message_id: int, emoji: str, on: bool) -> Event:
    if emoji not in EMOJI:
        raise LiveError("invalid", f"One of {' '.join(EMOJI)} was expected.")
    with changing(user, message_id) as change:
        order.check_not_over(change.user, change.room)
        _standing(change)
        rows = Reaction.objects.filter(message=change.message)
        if on:
            rows.get_or_create(message=change.message, user=change.user, emoji=emoji)
        else:
            rows.filter(user=change.user, emoji=emoji).delete()
        counts = dict(rows.values_list("emoji").annotate(Count("pk")))
        change.message.reactions = {sign: counts[sign] for sign in EMOJI if sign in counts}
    return _told(change)


def vote(*, user: Viewer, message_id: int, on: bool) -> Event:
    """Want a question answered, too; once each, and not for one's own."""
    with changing(user, message_id) as change:
        order.check_not_over(change.user, change.room)
        _standing(change)
        if not change.message.asked:
            raise LiveError("no_question", "Only questions are voted for.")
        if change.message.author_id == change.user.pk:
            raise LiveError("forbidden", "Your own question counts already.")
        rows = Vote.objects.filter(message=change.message)
        if on:
            rows.get_or_create(message=change.message, user=change.user)
        else:
            rows.filter(user=change.user).delete()
        change.message.votes = rows.count()
    return _told(change)


def ask(*, user: Viewer, message_id: int, on: bool) -> Event:
    """Make one's own message a question, or a plain message again."""
    with changing(user, message_id) as change:
        _own(change)
        order.check_not_over(change.user, change.room)
        _standing(change)
        message = change.message
        if message.thread_id is not None:
            raise LiveError("invalid", "A reply cannot be a question: ask it in the room.")
        if bool(message.asked) != on:
            message.asked = Message.Asked.OPEN if on else Message.Asked.NO
            message.answer, message.answered_at = None, None
            if on:
                announce(message, change.room)  # who was told of the message already is not told again
    return _told(change)


def mark_answered(
    *, user: Viewer, message_id: int, answer_id: int | None = None, live: bool = False, on: bool = True
) -> Event:
    """Mark a question as answered (by a reply, in the session, or just so), or as open again."""
    with changing(user, message_id) as change:
        _standing(change)
        message = change.message
        if not message.asked:
            raise LiveError("no_question", "This is no question.")
        if not can_mark_answer(change.user, message.author_id, change.room.key, change.room.author_ids):
            raise LiveError("forbidden", "The asker, the authors and moderators mark answers.")
        answer = None
        if on and answer_id is not None:
            answer = Message.objects.filter(pk=answer_id, thread=message).first()
            if answer is None:
                raise LiveError("no_message", "The answer must be a reply to the question.")
        was_open = message.asked == Message.Asked.OPEN
        message.asked = (Message.Asked.LIVE if live else Message.Asked.ANSWERED) if on else Message.Asked.OPEN
        message.answer, message.answered_at = answer, now() if on else None
        if on and was_open and change.user.pk != message.author_id:
            announce_answer(message, answer)
    return _told(change)


def pin(*, user: Viewer, message_id: int, on: bool) -> Event:
    with changing(user, message_id) as change:
        _standing(change)
        if not can_moderate_room(change.user, change.room.key, change.room.author_ids):
            raise LiveError("forbidden", "Moderators and the authors of this page pin messages.")
        change.message.pinned_at = now() if on else None
        order.record_act(actor=change.user, action="pin" if on else "unpin", message=change.message)
    return _told(change)


def _told(change: Changing) -> Event:
    assert change.event is not None
    return change.event
