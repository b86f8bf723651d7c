"""Who is to hear of a message: rows for the page and for mail, made in the sender's transaction.

Nobody hears of one message twice, of what they did themselves, or of a room they may not read. How much somebody wants
to hear is said for the room or for the thread (`Follow`); what is said for the thread counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from miniconf.accounts.models import User

from . import notifications
from .mentions import mentioned
from .models import Follow, Message, Notification, Sanction
from .order import in_force
from .rooms import RoomInfo


def announce(message: Message, room: RoomInfo) -> None:
    """Make a notification for everybody whom the message concerns, once each, by the nearest cause."""
    thread = message.thread
    here, there = _levels(message)
    causes: dict[int, str] = {}

    def add(users: Iterable[int], cause: str, *, unless: str = "") -> None:
        for pk in users:
            level = there.get(pk) or here.get(pk) or ""
            if level not in (Follow.Level.NONE, unless or Follow.Level.NONE):
                causes.setdefault(pk, cause)

    if message.asked:
        add(room.author_ids, Notification.Cause.QUESTION)
    add(mentioned(message.text), Notification.Cause.MENTION)
    if thread is not None:
        if thread.author_id is not None:
            add([thread.author_id], Notification.Cause.REPLY)
        talkers = thread.replies.exclude(author=None).order_by().values_list("author_id", flat=True).distinct()
        # Who wants to hear only of what concerns them has not asked for the rest of a thread.
        add((pk for pk in talkers if pk is not None), Notification.Cause.REPLY, unless=Follow.Level.MINE)
        add((pk for pk, level in there.items() if level == Follow.Level.ALL), Notification.Cause.REPLY)
    add((pk for pk, level in here.items() if level == Follow.Level.ALL), Notification.Cause.MESSAGE)
    causes.pop(message.author_id or 0, None)
    wanted = _who_may_read(message, causes)
    Notification.objects.bulk_create(
        [Notification(user_id=pk, message=message, cause=cause) for pk, cause in causes.items() if pk in wanted],
        ignore_conflicts=True,
        batch_size=500,
    )
    notifications.tell_after_commit(wanted)


def _levels(message: Message) -> tuple[dict[int, str], dict[int, str]]:
    """What people have said for the room, and for the thread, by account."""
    about = Q(thread=None) | Q(thread=message.thread_id) if message.thread_id else Q(thread=None)
    here: dict[int, str] = {}
    there: dict[int, str] = {}
    rows = Follow.objects.filter(about, room=message.room_id).values_list("user_id", "thread_id", "level")
    for user, thread, level in rows:
        (there if thread else here)[user] = level
    return here, there


def _who_may_read(message: Message, users: Iterable[int]) -> set[int]:
    """Those whose accounts are in use and who are not banned from the room."""
    users = set(users)
    if not users:
        return users
    here = Q(room=None) | Q(room=message.room_id)
    bans = in_force().filter(here, kind=Sanction.Kind.BAN, user__in=users)
    known = User.objects.filter(pk__in=users, is_active=True).exclude(pk__in=bans.values("user"))
    return set(known.values_list("pk", flat=True))


def announce_answer(question: Message, answer: Message | None) -> None:
    """Tell the asker that the question was answered: by whom, where."""
    told = answer or question
    if question.author_id is None or (answer is not None and answer.author_id == question.author_id):
        return
    follows = Follow.objects.filter(room=question.room_id, user=question.author_id)
    rows = follows.filter(Q(thread=None) | Q(thread=question)).values_list("thread_id", "level")
    levels = {thread or 0: level for thread, level in rows}
    if (levels.get(question.pk) or levels.get(0)) == Follow.Level.NONE:
        return
    Notification.objects.update_or_create(
        user_id=question.author_id, message=told, defaults={"cause": Notification.Cause.ANSWER}
    )
    notifications.tell_after_commit([question.author_id])
