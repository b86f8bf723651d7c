"""The mail that thanks those who attended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from chat.mail_choices import CAUSES, unsubscribe_address
from miniconf.mail_texts import GREETING, MailText, greeting, register


def _fill(context: Mapping[str, Any]) -> dict[str, str]:
    user = context["user"]
    return {
        "greeting": greeting(user.name),
        "certificate": settings.SITE_URL + reverse("my_certificate"),
        "feedback": settings.SITE_URL + reverse("feedback"),
        "unsubscribe": unsubscribe_address(user, list(CAUSES)),
    }


register(
    MailText(
        name="thanks",
        title="Thanks at the end",
        sent="Once to everybody who attended, when organizers ask for it under End of the conference.",
        placeholders={
            **GREETING,
            "certificate": "the address of the reader's certificate of attendance",
            "feedback": "the address where the reader says what they think of the conference",
            "unsubscribe": "the address that ends all mails of this site",
        },
        required=frozenset({"unsubscribe"}),
        fill=_fill,
        example=lambda user: {"user": user},
    )
)
