"""The conversation's part of somebody's data, and what becomes of it when they are forgotten."""

from __future__ import annotations

import re
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.personal_data import Part, iso, register
from miniconf.rendering import render_markdown

from .bulk import PIECE, change_many, lock_rooms
from .mail_choices import CAUSES
from .models import (
    Follow,
    InboundMail,
    MailChoice,
    Message,
    Notification,
    Reaction,
    ReadMark,
    Report,
    Revision,
    Vote,
)
from .search_index import index_messages

MOST_ROWS = 50_000  # of a kind
SOMEBODY = "somebody"


def data(user: User) -> dict[str, Any]:
    messages = user.chat_messages.select_related("room").prefetch_related("revisions").order_by("pk")[:MOST_ROWS]
    votes = Vote.objects.filter(user=user).order_by("pk")
    reports = Report.objects.filter(reporter=user).order_by("pk")
    reactions = Reaction.objects.filter(user=user).order_by("pk")
    place = ("message__room__key", "message__number")
    choice = MailChoice.objects.filter(user=user).first()
    return {
        "messages": [_message(message) for message in messages],
        "votes": [{"room": key, "n": n} for key, n in votes.values_list(*place)[:MOST_ROWS]],
        "reactions": [
            {"room": key, "n": n, "emoji": emoji}
            for key, n, emoji in reactions.values_list(*place, "emoji")[:MOST_ROWS]
        ],
        "read": dict(user.read_marks.values_list("room__key", "number")[:MOST_ROWS]),
        "follows": [
            {"room": key, "thread": n, "level": level}
            for key, n, level in user.follows.order_by("pk").values_list("room__key", "thread__number", "level")[
                :MOST_ROWS
            ]
        ],
        "mail": {cause: getattr(choice, cause) for cause in CAUSES} if choice else None,
        "notifications": [
            {"cause": cause, "room": key, "n": n, "at": iso(at), "read": iso(read)}
            for cause, key, n, at, read in user.notifications.order_by("pk").values_list(
                "cause", *place, "created_at", "read_at"
            )[:MOST_ROWS]
        ],
        "reports_made": [
            {"room": key, "n": n, "reason": reason, "at": iso(at)}
            for key, n, reason, at in reports.values_list(*place, "reason", "created_at")[:MOST_ROWS]
        ],
        "sanctions": [
            {
                "kind": sanction.kind,
                "room": sanction.room.key if sanction.room else None,
                "reason": sanction.reason,
                "from": iso(sanction.created_at),
                "until": iso(sanction.until),
                "lifted": iso(sanction.lifted_at),
            }
            for sanction in user.sanctions.select_related("room").order_by("pk")
        ],
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "room": message.room.key,
        "n": message.number,
        "at": iso(message.created_at),
        "text": message.text,
        "earlier_texts": [revision.text for revision in message.revisions.all()],
        "question": message.asked or None,
        "votes": message.votes,
        "edited": iso(message.edited_at),
        "deleted": iso(message.deleted_at),
        "hidden": iso(message.hidden_at),
    }


# --- Forgetting ------------------------------------------------------------------------------------------------------


def forget(user: User) -> dict[str, int]:
    """Messages stay without a name, votes and reactions as numbers; what was only for the person goes."""
    own = Message.objects.filter(author=user)
    mentions = Message.objects.filter(text__contains=f"(person:{user.public_id})")
    lock_rooms(Message.objects.filter(Q(pk__in=own.values("pk")) | Q(pk__in=mentions.values("pk"))))
    Revision.objects.filter(message__author=user).delete()
    mentioned = change_many(mentions, lambda messages: _replace_mentions(messages, user))
    for revision in Revision.objects.filter(text__contains=f"(person:{user.public_id})"):
        revision.text = mention_of(user).sub(SOMEBODY, revision.text)
        revision.save(update_fields=["text"])
    messages = change_many(own, _take_name)
    InboundMail.objects.filter(user=user).update(user=None)
    Report.objects.filter(reporter=user).update(reporter=None)
    return {
        "messages, now without a name": messages,
        "messages that mentioned them": mentioned,
        "votes, still counted": Vote.objects.filter(user=user).update(user=None),
        "reactions, still counted": Reaction.objects.filter(user=user).update(user=None),
        "notifications": Notification.objects.filter(user=user).delete()[0],
        "marks of what they had read": ReadMark.objects.filter(user=user).delete()[0],
        "rooms and threads they followed": Follow.objects.filter(user=user).delete()[0],
        "choices of mail": MailChoice.objects.filter(user=user).delete()[0],
    }


def _take_name(messages: QuerySet[Message]) -> None:
    messages.update(author=None)


def mention_of(user: User) -> re.Pattern[str]:
    return re.compile(rf"@\[[^\]\n]{{1,120}}\]\(person:{user.public_id}\)")


def _replace_mentions(messages: QuerySet[Message], user: User) -> None:
    pattern, changed = mention_of(user), list(messages)
    for message in changed:
        message.text = pattern.sub(SOMEBODY, message.text)
        message.html = render_markdown(message.text, breaks=True)
    Message.objects.bulk_update(changed, ["text", "html"], batch_size=PIECE)
    index_messages((message.pk, message.room_id, message.text) for message in changed)


def remove_texts(messages: QuerySet[Message]) -> None:
    """What taking a message back does, for many: the texts go, the places stay."""
    Revision.objects.filter(message__in=messages).delete()
    Notification.objects.filter(message__in=messages).delete()
    index_messages((pk, room, "") for pk, room in messages.values_list("pk", "room_id"))
    messages.update(text="", html="", pinned_at=None, deleted_at=Coalesce("deleted_at", Value(now())))


register(Part("conversation", data, forget))
