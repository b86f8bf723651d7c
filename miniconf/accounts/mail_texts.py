"""Mails of the way in."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from miniconf.mail_texts import GREETING, MailText, greeting, register

register(
    MailText(
        name="sign_in_code",
        title="Sign-in code",
        sent="To whoever asks for a code with an address that may sign in.",
        placeholders={"code": "the code", "minutes": "for how many minutes it works"},
        required=frozenset({"code"}),
        fill=lambda context: {
            "code": str(context["code"]),
            "minutes": str(settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT // 60),
        },
        example=lambda user: {"code": "X7KQ-4M2P"},
    )
)
register(
    MailText(
        name="unknown_account",
        title="Sign-in code refused",
        sent="To whoever asks for a code with an address that has no account and may make none.",
        placeholders={"email": "the address that was typed in"},
        fill=lambda context: {"email": str(context["email"])},
        example=lambda user: {"email": "somebody@example.org"},
    )
)
register(
    MailText(
        name="identity_connected",
        title="Another way in was connected",
        sent="To members, when an account elsewhere begins to sign in to theirs.",
        placeholders={
            **GREETING,
            "provider": "ORCID, GitHub, … where that account is",
            "profile": "the address where it is disconnected",
        },
        required=frozenset({"provider", "profile"}),
        fill=lambda context: {
            "greeting": greeting(context["user"].name),
            "provider": str(context["label"]),
            "profile": settings.SITE_URL + reverse("profile"),
        },
        example=lambda user: {"user": user, "label": "ORCID"},
    )
)
