"""When a member gets mail about what, and the signed addresses in mails that change it with one click."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.timezone import now

from miniconf.accounts.models import User

from .models import Follow, MailChoice, Message, Notification, Room

Cause = Notification.Cause
When = MailChoice.When

ANNOUNCEMENT = "announcement"  # no notification: organizers' announcements, which miniconf/announcing mails
# In the words of the form and of the mails' last lines.
CAUSES: dict[str, str] = {
    Cause.QUESTION: "Questions on my papers",
    Cause.ANSWER: "Answers to my questions",
    Cause.MENTION: "Mentions of me",
    Cause.REPLY: "Replies in threads I am in",
    Cause.MESSAGE: "Messages in rooms I follow whole",
    ANNOUNCEMENT: "Announcements of the organizers",
}
WHENS: dict[str, str] = {
    When.AT_ONCE: "At once",
    When.HOURLY: "Every hour",
    When.DAILY: "Every morning",
    When.NEVER: "Never",
}
_SALT = "chat.mail"


def whens_of(cause: str) -> dict[str, str]:
    """What can be chosen for a cause; an announcement is mailed when it is made, or not."""
    return {when: words for when, words in WHENS.items() if cause != ANNOUNCEMENT or when in (When.AT_ONCE, When.NEVER)}


def choice_of(user: User) -> MailChoice:
    """What holds for somebody; not saved where they have chosen nothing yet."""
    return MailChoice.objects.filter(user=user).first() or MailChoice(user=user)


def choose(*, user: User, choices: dict[str, str]) -> MailChoice:
    """Set when mail about some causes goes out. ValueError for what there is not.

    What waited while a cause was mailed never is not sent later: its time has passed.
    """
    if not all(cause in CAUSES and when in whens_of(cause) for cause, when in choices.items()):
        raise ValueError("there is no such choice")
    with transaction.atomic():
        chosen, _ = MailChoice.objects.get_or_create(user=user)
        woken = [cause for cause, when in choices.items() if getattr(chosen, cause) == When.NEVER != when]
        for cause, when in choices.items():
            setattr(chosen, cause, when)
        chosen.save()
        if woken:
            Notification.objects.filter(user=user, cause__in=woken, mailed_at=None).update(mailed_at=now())
    return chosen


def wanting_no(cause: str) -> QuerySet[Any]:
    """Keys of the accounts that want no mail about a cause, for a subquery."""
    return MailChoice.objects.filter(**{cause: When.NEVER}).values("user_id")


# --- Addresses in mails ----------------------------------------------------------------------------------------------


class LinkInvalid(Exception):
    """The address is broken, or what it speaks of is no more."""


@dataclass(frozen=True, slots=True)
class Unsubscription:
    user: User
    causes: list[str]

    @property
    def what(self) -> list[str]:
        return [CAUSES[cause] for cause in self.causes]

    def carry_out(self) -> None:
        choose(user=self.user, choices=dict.fromkeys(self.causes, When.NEVER))


@dataclass(frozen=True, slots=True)
class Muting:
    user: User
    room: Room
    thread: Message | None

    def carry_out(self) -> None:
        Follow.objects.update_or_create(
            user=self.user, room=self.room, thread=self.thread, defaults={"level": Follow.Level.NONE}
        )


def unsubscribe_address(user: User, causes: Iterable[str]) -> str:
    """Where one click ends mails about these causes; it works without signing in and does not expire."""
    return _address("unsubscribe", "u", user, list(causes))


def mute_address(user: User, room: int, thread: int | None = None) -> str:
    return _address("mute", "m", user, [room, thread or 0])


def _address(name: str, kind: str, user: User, about: list[str] | list[int]) -> str:
    token = signing.dumps([kind, user.pk, *about], salt=_SALT)
    return settings.SITE_URL + reverse(name, args=[token])


def unsubscription_of(token: str) -> Unsubscription:
    """Raises LinkInvalid."""
    user, causes = _read(token, "u")
    return Unsubscription(user, [cause for cause in causes if cause in CAUSES])


def muting_of(token: str) -> Muting:
    """Raises LinkInvalid."""
    user, (room_id, thread_id) = _read(token, "m")
    room = Room.objects.filter(pk=room_id).first()
    thread = Message.objects.filter(pk=thread_id, room=room).first() if thread_id else None
    if room is None or (thread_id and thread is None):
        raise LinkInvalid
    return Muting(user, room, thread)


def _read(token: str, kind: str) -> tuple[User, list[str]]:
    try:
        found, pk, *about = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError) as error:
        raise LinkInvalid from error
    user = User.objects.filter(pk=pk, is_active=True).first()
    if found != kind or user is None:
        raise LinkInvalid
    return user, about
