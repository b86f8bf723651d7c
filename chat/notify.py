"""Who is to hear of a message: rows for the page and for mail, made in the sender's transaction."""

from __future__ import annotations

import re

from miniconf.accounts.models import User

from .models import Follow, Message, Notification
from .rooms import RoomInfo

# `@[Ada Lovelace](person:0b6e…)`, as the completion of names writes it: a name alone belongs to nobody for certain.
MENTION = re.compile(r"@\[[^\]\n]{1,120}\]\(person:([0-9a-f-]{36})\)")
MOST_MENTIONS = 20


def announce(message: Message, room: RoomInfo) -> None:
    """Make a notification for everybody whom the message concerns, once each, by the nearest cause."""
    causes: dict[int, str] = {}

    def add(users: set[int], cause: str) -> None:
        for pk in users:
            causes.setdefault(pk, cause)

    if message.asked:
        add(set(room.author_ids), Notification.Cause.QUESTION)
    add(mentioned(message.text), Notification.Cause.MENTION)
    thread = message.thread
    if thread is not None:
        talkers = set(thread.replies.exclude(author=None).values_list("author_id", flat=True))
        add({pk for pk in (thread.author_id, *talkers) if pk is not None}, Notification.Cause.REPLY)
    follows = Follow.objects.filter(room=message.room)
    add(
        set(follows.filter(level=Follow.Level.ALL, thread=None).values_list("user_id", flat=True)),
        Notification.Cause.MESSAGE,
    )
    if thread is not None:
        add(
            set(follows.filter(level=Follow.Level.ALL, thread=thread).values_list("user_id", flat=True)),
            Notification.Cause.REPLY,
        )
    silenced = set(follows.filter(level=Follow.Level.NONE, thread=None).values_list("user_id", flat=True))
    if thread is not None:
        silenced |= set(follows.filter(level=Follow.Level.NONE, thread=thread).values_list("user_id", flat=True))
    wanted = {pk: cause for pk, cause in causes.items() if pk != message.author_id and pk not in silenced}
    Notification.objects.bulk_create(
        [Notification(user_id=pk, message=message, cause=cause) for pk, cause in wanted.items()],
        ignore_conflicts=True,
    )


def announce_answer(question: Message, answer: Message | None) -> None:
    """Tell the asker that the question was answered: by whom, where."""
    told = answer or question
    if question.author_id is None or (answer is not None and answer.author_id == question.author_id):
        return
    Notification.objects.update_or_create(
        user_id=question.author_id, message=told, defaults={"cause": Notification.Cause.ANSWER}
    )


def mentioned(text: str) -> set[int]:
    """Accounts named in a text."""
    ids = list(dict.fromkeys(MENTION.findall(text)))[:MOST_MENTIONS]
    return set(User.objects.filter(public_id__in=ids, is_active=True).values_list("pk", flat=True)) if ids else set()
