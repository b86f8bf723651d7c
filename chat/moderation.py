"""What members and moderators do for the order in a room. Each act is written down in the transaction that does it.

Who may is in miniconf/permissions.py; docs/conversation.md, "Order in the room", has the table.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.limits import allow
from miniconf.live import BrokerDown, Event
from miniconf.live.registry import LiveError
from miniconf.permissions import (
    Viewer,
    can_judge,
    can_moderate,
    can_report,
    can_sanction,
    can_see_moderation,
    is_member,
    is_organizer,
)

from .bulk import change_many
from .changes import Changing, changing, find_message, take_text
from .models import BlockedWord, Message, ModerationAct, Report, Room, Sanction
from .order import MOST_WORDS, in_force, plain, record_act, tell_person, tell_topic
from .rooms import RoomInfo
from .services import existing_room, record_change, tell

REPORT_RATE = "30/hour"
LONGEST_REASON = 300
LONGEST_SLOW = 3600  # seconds
LONGEST_SANCTION = timedelta(days=366)
MOST_AT_ONCE = 500  # messages hidden by one act

# What an act is called in the record, and what it says there.
ACTIONS = {
    "hide": "hid a message",
    "keep": "kept a reported message hidden",
    "show": "showed a message again",
    "delete": "deleted a message",
    "dismiss": "found reports to be without cause",
    "pin": "pinned a message",
    "unpin": "took a pin away",
    "mute": "muted",
    "ban": "banned",
    "lift": "lifted a sanction",
    "lock": "closed a room",
    "unlock": "opened a room",
    "slow": "set a room's pace",
    "word": "changed the word list",
    "hide_all": "hid messages",
    "forget": "took somebody's name off everything",
    "retention": "removed old texts",
}


# --- Reports ---------------------------------------------------------------------------------------------------------


def report_message(*, user: Viewer, message_id: int, reason: str = "") -> bool:
    """Tell moderators of a message; a second report of the same person changes nothing. Returns whether it is hidden now.

    Reports of enough different people hide it until a moderator has looked. Messages of organizers stand: whoever would
    hide those needs no more than three accounts.
    """
    message, room = find_message(user=user, message_id=message_id)
    if not is_member(user):
        raise LiveError("sign_in", "Please sign in to report a message.")
    if not can_report(user, message.author_id):
        raise LiveError("forbidden", "This is your own message: you can delete it.")
    if message.deleted_at:
        raise LiveError("gone", "This message was taken away.")
    _count_report(user)
    with transaction.atomic():
        Room.objects.select_for_update().get(key=room.key)
        message = Message.objects.select_for_update(of=("self",)).select_related("author", "room").get(pk=message_id)
        message.reports.get_or_create(reporter=user, defaults={"reason": _reason(reason)})
        if _enough_reports(message):
            _hide(message, room)
            record_act(actor=None, action="hide", message=message, note="Enough people have reported it")
            message.save()
            event = record_change(message, room)
            transaction.on_commit(lambda: tell(room, [event]))
    return message.hidden_at is not None


def _count_report(user: User) -> None:
    try:
        wait = allow(REPORT_RATE, "chat-report", str(user.pk))
    except BrokerDown:
        return
    if wait is not None:
        raise LiveError("rate_limited", "You have reported much. Moderators look at it.", retry_after=round(wait))


def _enough_reports(message: Message) -> bool:
    if message.hidden_at or not settings.CHAT_REPORTS_TO_HIDE or (message.author and is_organizer(message.author)):
        return False
    open_ones = message.reports.filter(state=Report.State.OPEN).exclude(reporter=None)
    return open_ones.count() >= settings.CHAT_REPORTS_TO_HIDE


def dismiss_reports(*, user: Viewer, message_id: int) -> Event | None:
    """Decide that a message may stand; one that is hidden is shown again, which is the event returned."""
    message, room = find_message(user=user, message_id=message_id)
    if message.hidden_at:
        return show_message(user=user, message_id=message_id)
    _check_judge(user, message, room)
    with transaction.atomic():
        if _decide(message, Report.State.DISMISSED):
            record_act(actor=user, action="dismiss", message=message)
    return None


def keep_hidden(*, user: Viewer, message_id: int) -> None:
    """Agree with those who had a message hidden by reporting it: it stays so, by the word of a moderator now."""
    message, room = find_message(user=user, message_id=message_id)
    _check_judge(user, message, room)
    if not message.hidden_at:
        raise LiveError("no_change", "This message is not hidden.")
    with transaction.atomic():
        if _decide(message, Report.State.ACTED):
            record_act(actor=user, action="keep", message=message)


def _decide(message: Message, state: str) -> int:
    return message.reports.filter(state=Report.State.OPEN).update(state=state)


# --- Messages --------------------------------------------------------------------------------------------------------


def hide_message(*, user: Viewer, message_id: int, reason: str = "") -> Event:
    """Take a message out of sight. Its text is kept: moderators see it and may show it again."""
    with changing(user, message_id) as change:
        message = change.message
        _check_judge(user, message, change.room)
        if message.deleted_at:
            raise LiveError("gone", "This message was taken away.")
        if message.hidden_at:
            raise LiveError("no_change", "This message is hidden already.")
        _hide(message, change.room, reason)
        _decide(message, Report.State.ACTED)
        record_act(actor=user, action="hide", message=message, note=_reason(reason))
    return _told(change)


def show_message(*, user: Viewer, message_id: int) -> Event:
    """Show a hidden message again; of what an organizer hid, only organizers decide."""
    with changing(user, message_id) as change:
        message = change.message
        _check_judge(user, message, change.room)
        if not message.hidden_at:
            raise LiveError("no_change", "This message is not hidden.")
        hid = ModerationAct.objects.filter(message=message, action__in=("hide", "hide_all", "keep")).first()
        if not can_moderate(user, change.room.key) and hid and hid.actor and is_organizer(hid.actor):
            raise LiveError("forbidden", "An organizer has hidden this message, and organizers can show it again.")
        message.hidden_at = None
        _decide(message, Report.State.DISMISSED)
        record_act(actor=user, action="show", message=message)
        if message.author and message.author_id != change.user.pk:
            tell_person(message.author, f"Your message in “{change.room.title}” is shown again.", message=message.pk)
    return _told(change)


def remove_message(*, user: Viewer, message_id: int, reason: str = "") -> Event:
    """Delete somebody else's message for good: the text goes, also that of its earlier versions, and the place stays."""
    with changing(user, message_id) as change:
        message = change.message
        if not can_moderate(user, change.room.key):
            raise LiveError("forbidden", "Only organizers delete other people's messages.")
        if message.deleted_at:
            raise LiveError("no_change", "This message is deleted already.")
        take_text(message)
        _decide(message, Report.State.ACTED)
        record_act(actor=user, action="delete", message=message, note=_reason(reason))
        if message.author and message.author_id != change.user.pk:
            because = f": {_reason(reason)}" if _reason(reason) else ""
            text = f"A moderator has deleted your message in “{change.room.title}”{because}"
            tell_person(message.author, text, message=message.pk)
    return _told(change)


def hide_all(*, user: Viewer, about: User, since: datetime, reason: str = "") -> int:
    """Hide what somebody wrote since then, MOST_AT_ONCE at most; returns how many messages that were."""
    if not can_sanction(user, about):
        raise LiveError("forbidden", "Only organizers do that, and not to one another.")
    standing = about.chat_messages.filter(deleted_at=None, hidden_at=None, created_at__gte=since)
    newest = list(standing.order_by("-pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
    with transaction.atomic():
        messages = Message.objects.filter(pk__in=newest)
        hidden = change_many(messages, _hide_these)
        Report.objects.filter(message__in=newest, state=Report.State.OPEN).update(state=Report.State.ACTED)
        for message in messages.select_related("room", "author"):
            record_act(actor=user, action="hide_all", message=message, note=_reason(reason))
    return hidden


def _hide_these(messages: QuerySet[Message]) -> None:
    messages.update(hidden_at=now(), pinned_at=None)


def _hide(message: Message, room: RoomInfo, reason: str = "") -> None:
    message.hidden_at, message.pinned_at = now(), None
    if message.author:
        why = f": {_reason(reason)}" if _reason(reason) else ""
        text = f"Your message in “{room.title}” is hidden until a moderator shows it again{why}"
        tell_person(message.author, text, message=message.pk)


def _check_judge(user: Viewer, message: Message, room: RoomInfo) -> None:
    if not can_judge(user, room.key, room.author_ids, message.author_id):
        raise LiveError("forbidden", "Moderators decide on that, and authors in their own room about others' messages.")


# --- People ----------------------------------------------------------------------------------------------------------


def sanction(
    *,
    user: Viewer,
    about: User,
    kind: str,
    room_key: str = "",
    lasts: timedelta | None = None,
    reason: str = "",
) -> Sanction:
    """Mute or ban somebody, in one room or everywhere (""), for a while or for good; in place of an earlier one like it."""
    if not can_sanction(user, about):
        raise LiveError("forbidden", "Organizers mute and ban people, and neither one another nor themselves.")
    if kind not in Sanction.Kind.values:
        raise LiveError("invalid", f"One of {', '.join(Sanction.Kind.values)} was expected.")
    if lasts is not None and not timedelta(0) < lasts <= LONGEST_SANCTION:
        raise LiveError("invalid", f"A sanction lasts at most {LONGEST_SANCTION.days} days, or for good.")
    room = existing_room(room_key) if room_key else None
    with transaction.atomic():
        row = Room.objects.get_or_create(key=room.key)[0] if room else None
        in_force().filter(user=about, kind=kind, room=row).update(lifted_at=now())
        made = Sanction.objects.create(
            user=about,
            kind=kind,
            room=row,
            until=now() + lasts if lasts else None,
            reason=_reason(reason),
            made_by=user if isinstance(user, User) else None,
        )
        note = f"{terms_of(made)}{': ' + made.reason if made.reason else ''}"
        record_act(actor=user, action=kind, room_key=room_key, about=about, note=note)
        verb = "muted" if kind == Sanction.Kind.MUTE else "banned"
        told = note.replace(f"in {room.key}", f"in “{room.title}”", 1) if room else note
        tell_person(about, f"You have been {verb} {told}", room=room_key)
    return made


def terms_of(sanction: Sanction) -> str:
    """ "in paper:P1 until 27 Apr, 08:00 UTC" """
    where = f"in {sanction.room.key}" if sanction.room else "everywhere"
    return f"{where} until {sanction.until:%-d %b %Y, %H:%M} UTC" if sanction.until else f"{where} for good"


def lift(*, user: Viewer, sanction_id: int) -> Sanction:
    with transaction.atomic():
        found = (
            Sanction.objects.select_for_update(of=("self",))
            .select_related("user", "room")
            .filter(pk=sanction_id, lifted_at=None)
            .first()
        )
        if found is None:
            raise LiveError("no_change", "This sanction is not in force any more.")
        if not can_sanction(user, found.user):
            raise LiveError("forbidden", "Organizers lift sanctions, and not their own.")
        found.lifted_at = now()
        found.save(update_fields=["lifted_at"])
        room_key = found.room.key if found.room else ""
        record_act(
            actor=user, action="lift", room_key=room_key, about=found.user, note=f"{found.kind} {terms_of(found)}"
        )
        tell_person(found.user, "A moderator has lifted what kept you from writing.", room=room_key)
    return found


# --- Rooms -----------------------------------------------------------------------------------------------------------


def set_room(*, user: Viewer, room_key: str, locked: bool | None = None, slow_seconds: int | None = None) -> Room:
    """Close or open a room, or say how long each person waits between two messages; None leaves a thing as it is."""
    room = existing_room(room_key)
    if not can_moderate(user, room.key):
        raise LiveError("forbidden", "Only organizers close and slow rooms.")
    if slow_seconds is not None and not 0 <= slow_seconds <= LONGEST_SLOW:
        raise LiveError("invalid", f"From 0 to {LONGEST_SLOW} seconds were expected, not {slow_seconds}.")
    with transaction.atomic():
        Room.objects.get_or_create(key=room.key)
        row = Room.objects.select_for_update().get(key=room.key)
        if locked is not None and locked != row.locked:
            row.locked = locked
            record_act(actor=user, action="lock" if locked else "unlock", room_key=room.key)
        if slow_seconds is not None and slow_seconds != row.slow_seconds:
            row.slow_seconds = slow_seconds
            note = f"one message each {slow_seconds} s" if slow_seconds else "no waiting"
            record_act(actor=user, action="slow", room_key=room.key, note=note)
        row.save(update_fields=["locked", "slow_seconds"])
        event = {"type": "room", "locked": row.locked, "slow_seconds": row.slow_seconds}
        transaction.on_commit(partial(tell_topic, f"room:{room.key}", event))
    return row


# --- Words -----------------------------------------------------------------------------------------------------------


def set_word(*, user: Viewer, word: str, effect: str) -> BlockedWord:
    """Put a word or several in a row ("buy now") on the list, or change what becomes of messages with it."""
    _check_words_keeper(user)
    word = " ".join(plain(word).split())
    if not 2 <= len(word) <= 80:
        raise LiveError("invalid", "A word of 2 to 80 characters was expected.")
    if effect not in BlockedWord.Effect.values:
        raise LiveError("invalid", f"One of {', '.join(BlockedWord.Effect.values)} was expected.")
    with transaction.atomic():
        known = BlockedWord.objects.filter(word=word).first()
        if known is None and BlockedWord.objects.count() >= MOST_WORDS:
            raise LiveError("too_many", f"The list has at most {MOST_WORDS} words; take one off first.")
        row = BlockedWord.objects.update_or_create(word=word, defaults={"effect": effect})[0]
        if known is None or known.effect != effect:
            record_act(actor=user, action="word", note=f"{effect} “{word}”")
    return row


def remove_word(*, user: Viewer, word_id: int) -> None:
    _check_words_keeper(user)
    with transaction.atomic():
        row = BlockedWord.objects.filter(pk=word_id).first()
        if row is not None:
            row.delete()
            record_act(actor=user, action="word", note=f"took “{row.word}” off the list")


def _check_words_keeper(user: Viewer) -> None:
    if not can_see_moderation(user):
        raise LiveError("forbidden", "Only organizers keep the word list.")


# --- Helpers ---------------------------------------------------------------------------------------------------------


def _reason(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())[:LONGEST_REASON]


def _told(change: Changing) -> Event:
    assert change.event is not None
    return change.event


def counts() -> dict[str, Any]:
    """How much waits for moderators."""
    return {
        "reports": Report.objects.filter(state=Report.State.OPEN).values("message").distinct().count(),
        "sanctions": in_force().count(),
    }
