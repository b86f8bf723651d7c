"""Mails about conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from miniconf.mail_texts import GREETING, Block, MailText, greeting, register

from .digest_mail import Group, Item

if TYPE_CHECKING:
    from miniconf.accounts.models import User

# What programs that read answers look for; it stands first, in whatever words the rest is.
LINE = "#### To answer, write above this line ####"


def _part(name: str, context: Mapping[str, Any]) -> Block:
    known = {**context, "site_url": settings.SITE_URL}
    return Block(
        render_to_string(f"mail/parts/{name}.txt", known).strip(),
        render_to_string(f"mail/parts/{name}.html", known),
    )


def _what(context: Mapping[str, Any]) -> str:
    title = Truncator(context["groups"][0].title).chars(80)
    if context["count"] == 1:
        return f"{context['first'].head}: {title}"
    if context["room_count"] == 1:
        return f"{context['count']} new messages: {title}"
    return f"{context['count']} new messages in {context['room_count']} conversations"


def _fill(context: Mapping[str, Any]) -> dict[str, str | Block]:
    return {
        "greeting": greeting(context["name"]),
        "what": _what(context),
        "messages": _part("messages", context),
        "choices": _part("choices", context),
    }


def _before(context: Mapping[str, Any]) -> Block | None:
    return Block(LINE, format_html("<p><small>{}</small></p>", LINE)) if context["may_reply"] else None


def _example(user: User) -> dict[str, Any]:
    room = f"{settings.SITE_URL}/chat/lounge:main/"
    mute, stop = f"{settings.SITE_URL}/mail/mute/example/", f"{settings.SITE_URL}/mail/unsubscribe/example/"
    items = [
        Item(
            "Ada Lovelace", "mentioned you", f"@{user.display_name}, where can I read *more* about this?", room, "", ""
        ),
        Item("Alan Turing", "answered you", "In the appendix.", room, "", mute),
    ]
    return {
        "name": user.name,
        "groups": [Group("Lounge", room, mute, items)],
        "first": items[0],
        "count": len(items),
        "room_count": 1,
        "more": 0,
        "may_reply": bool(settings.REPLY_DOMAIN),
        "unsubscribe": [("Mentions", stop), ("Answers", stop)],
    }


register(
    MailText(
        name="notifications",
        title="Digest of messages",
        sent="To members, about what others wrote to them, as often as they chose.",
        placeholders={
            **GREETING,
            "what": "how many messages where, or who wrote what",
            "messages": "the messages, room by room",
            "choices": "how to get no more of these mails",
        },
        required=frozenset({"messages", "choices"}),
        blocks=frozenset({"messages", "choices"}),
        fill=_fill,
        example=_example,
        html=True,
        before=_before,
    )
)
register(
    MailText(
        name="reply_refused",
        title="Answer by mail refused",
        sent="To members whose answer by mail could not be posted, once a day at most.",
        placeholders={
            **GREETING,
            "reason": "why, as a sentence",
            "notifications": "the address where they can answer instead",
        },
        required=frozenset({"reason"}),
        fill=lambda context: {
            "greeting": greeting(context["name"]),
            "reason": str(context["reason"]),
            "notifications": settings.SITE_URL + reverse("notifications"),
        },
        example=lambda user: {"name": user.name, "reason": "It is longer than a message may be."},
    )
)
