"""What a mail about notifications says: what happened, room by room, and how to answer, mute and unsubscribe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.safestring import SafeString

from miniconf.accounts.models import User
from miniconf.mail import send_mail
from miniconf.rendering import render_mail

from .links import permalink
from .mail_choices import CAUSES, mute_address, unsubscribe_address
from .mentions import without_marks
from .models import Notification
from .notifications import item_of
from .reply_address import reply_address
from .titles import RoomTitle

MOST_ITEMS = 20
LONGEST_TEXT = 1500
_RANK = {cause: rank for rank, cause in enumerate(CAUSES)}


@dataclass(frozen=True, slots=True)
class Item:
    """One message as the mail tells of it."""

    who: str
    says: str
    text: str
    url: str
    answer: str  # address; "" where replying to the whole mail answers it, or no mail is taken
    mute: str  # the thread's; "" for a message of the room itself

    @property
    def head(self) -> str:
        """One line: it becomes the subject."""
        return " ".join(f"{self.who} {self.says}".split())

    @property
    def quoted(self) -> str:
        return "\n".join(f"> {line}".rstrip() for line in self.text.splitlines())

    @property
    def html(self) -> SafeString:
        return render_mail(self.text)


@dataclass(slots=True)
class Group:
    title: str
    url: str
    mute: str
    items: list[Item] = field(default_factory=list)


def send_digest(
    user: User, notifications: Sequence[Notification], rooms: dict[str, RoomTitle], connection: BaseEmailBackend | None
) -> None:
    """Mail these notifications to `user`: the weightiest 20 in full, the others as a number."""
    told = sorted(notifications, key=lambda n: (_RANK.get(n.cause, len(_RANK)), n.created_at, n.pk))[:MOST_ITEMS]
    told.sort(key=lambda n: (n.message.room_id, n.created_at, n.pk))
    threads = {n.message.thread_id or n.message_id for n in notifications}
    # A reply to a mail about one thread goes there; of several nobody could tell which is meant.
    reply_to = reply_address(user_id=user.pk, message_id=told[-1].message_id) if len(threads) == 1 else ""
    causes = sorted({n.cause for n in notifications}, key=lambda cause: _RANK.get(cause, len(_RANK)))
    unsubscribe = [(CAUSES[cause], unsubscribe_address(user, [cause])) for cause in causes if cause in CAUSES]
    groups = [
        _group(user, rooms[key], list(found), one=bool(reply_to))
        for key, found in groupby(told, key=lambda n: n.message.room.key)
    ]
    send_mail(
        template="notifications",
        to=user.email,
        connection=connection,
        reply_to=reply_to,
        headers=_headers(user, causes, threads),
        name=user.name,
        groups=groups,
        first=groups[0].items[0],
        count=len(notifications),
        room_count=len({n.message.room_id for n in notifications}),
        more=len(notifications) - len(told),
        may_reply=bool(reply_to),
        unsubscribe=unsubscribe,
    )


def _group(user: User, room: RoomTitle, notifications: Sequence[Notification], *, one: bool) -> Group:
    group = Group(
        " ".join(room.title.split()), settings.SITE_URL + room.url, mute_address(user, notifications[0].message.room_id)
    )
    for notification in notifications:
        message = notification.message
        shown = item_of(notification)
        text = without_marks(message.text)
        group.items.append(
            Item(
                who=shown.who,
                says=shown.says,
                text=text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rstrip() + " …",
                url=settings.SITE_URL + permalink(message, room.key),
                answer="" if one else reply_address(user_id=user.pk, message_id=message.pk),
                mute=mute_address(user, message.room_id, message.thread_id) if message.thread_id else "",
            )
        )
    return group


def _headers(user: User, causes: Sequence[str], threads: set[int]) -> dict[str, str]:
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    headers = {
        # RFC 8058: one click in the mail program, no page to look at.
        "List-Unsubscribe": f"<{unsubscribe_address(user, causes)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<notifications.{host}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: who is away does not answer
        "X-Auto-Response-Suppress": "All",
        "X-Loop": host,
    }
    if len(threads) == 1:
        headers["References"] = f"<thread-{next(iter(threads))}@{host}>"  # mail programs show them together
    return headers
