"""Notifications as their owner sees them: how many are unread, which they are, what reading them changes.

Open pages are told over the topic `inbox:<public id>`: the present state, not single changes, so that a page that missed
something is right again with the next word.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from itertools import groupby

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.live import BrokerDown, Event, publish_each
from miniconf.permissions import Viewer, is_member

from .mentions import without_marks
from .models import Message, Notification
from .titles import RoomTitle, titles_of

logger = logging.getLogger(__name__)

MOST_COUNTED = 100  # beyond that the bell says "99+"
MOST_TOLD = 500  # pages that are told of one message at once; the others see it when they load
LONGEST_EXCERPT = 280

# What happened, after the name of who did it.
SAYS = {
    Notification.Cause.QUESTION: "asked",
    Notification.Cause.ANSWER: "answered your question",
    Notification.Cause.MENTION: "mentioned you",
    Notification.Cause.REPLY: "replied",
    Notification.Cause.MESSAGE: "wrote",
}


def shown(user: User) -> QuerySet[Notification]:
    """Of messages that stand; the newest first."""
    return Notification.objects.filter(user=user, message__deleted_at=None, message__hidden_at=None)


def unread_count(user: User) -> int:
    """Unread ones, MOST_COUNTED at most.

    Counted in the database each time: this is one look into an index and never wrong, where a value kept in the broker
    would cost the same way there and stop all pages with it.
    """
    return shown(user).filter(read_at=None).order_by()[:MOST_COUNTED].count()


# --- Reading ---------------------------------------------------------------------------------------------------------


def read(user: User, which: Q | None = None) -> int:
    """Mark notifications of `user` as read, all or those that fit; returns how many were not."""
    unread = Notification.objects.filter(user=user, read_at=None)
    changed = unread.filter(which or Q()).update(read_at=now())
    if changed:
        tell_after_commit([user.pk])
    return changed


def read_in_room(*, user: User, room_key: str, number: int) -> int:
    """What somebody has seen needs no notification: everything in the room itself up to a number. Replies are folded
    there; they are read with their thread."""
    return read(user, Q(message__room__key=room_key, message__number__lte=number, message__thread=None))


def read_thread(*, user: Viewer, root: int) -> None:
    """Somebody has opened a thread."""
    if is_member(user):
        read(user, Q(message__thread=root) | Q(message=root))


# --- Telling open pages ----------------------------------------------------------------------------------------------


def topic_of(user: User) -> str:
    return f"inbox:{user.public_id}"


def state(user: User) -> Event:
    return _event(unread_count(user))


def _event(count: int) -> Event:
    return {"type": "unread", "count": min(count, MOST_COUNTED)}


def tell_after_commit(users: Iterable[int]) -> None:
    chosen = sorted(set(users))[:MOST_TOLD]
    if chosen:
        transaction.on_commit(lambda: tell(chosen))


def tell(users: Iterable[int]) -> None:
    """Tell open pages of these accounts how many notifications are unread."""
    people = list(User.objects.filter(pk__in=users))
    unread = Notification.objects.filter(
        user__in=people, read_at=None, message__deleted_at=None, message__hidden_at=None
    )
    counts = dict(unread.order_by().values_list("user_id").annotate(Count("pk")))
    try:
        publish_each({topic_of(user): [_event(counts.get(user.pk, 0))] for user in people})
    except BrokerDown:
        logger.warning("Open pages are not told of notifications: the broker is away")


# --- The page --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    notification: Notification
    who: str
    says: str
    excerpt: str

    @property
    def url(self) -> str:
        return reverse("notification", args=[self.notification.pk])


@dataclass(slots=True)
class Group:
    """What happened in one room."""

    room: RoomTitle
    items: list[Item] = field(default_factory=list)


def for_page(user: User) -> QuerySet[Notification]:
    return shown(user).select_related("message__room", "message__author", "message__thread")


def grouped(notifications: Iterable[Notification]) -> list[Group]:
    """By room, in the order of each room's first; rooms that are no more are left out."""
    notifications = list(notifications)
    rooms = titles_of(notification.message.room.key for notification in notifications)
    first = {key: place for place, key in enumerate(dict.fromkeys(n.message.room.key for n in notifications))}
    ordered = sorted(notifications, key=lambda n: first[n.message.room.key])  # a stable sort: the order within stays
    return [
        Group(rooms[key], [item_of(notification) for notification in group])
        for key, group in groupby(ordered, key=lambda n: n.message.room.key)
        if key in rooms
    ]


def item_of(notification: Notification) -> Item:
    message = notification.message
    says = SAYS[Notification.Cause(notification.cause)]
    if notification.cause == Notification.Cause.ANSWER and message.author_id == notification.user_id:
        who, says = "", "Your question was answered"  # in the session, or without a reply
    else:
        who = name_of(message)
    return Item(notification, who, says, excerpt(message))


def name_of(message: Message) -> str:
    return message.author.display_name if message.author else "Somebody who left"


def plain_text(html: str) -> str:
    """What people read of a message, on one line."""
    return " ".join(unescape(strip_tags(without_marks(html))).split())


def excerpt(message: Message, longest: int = LONGEST_EXCERPT) -> str:
    """The beginning of a message as people read it, on one line, without Markdown's signs."""
    text = plain_text(message.html)
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
