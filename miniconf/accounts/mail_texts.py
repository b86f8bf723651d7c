"""Mails of the way in."""

from __future__ import annotations

from django.conf import settings

from miniconf.mail_texts import MailText, register

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
