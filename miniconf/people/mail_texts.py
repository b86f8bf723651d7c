"""The mail that invites somebody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from miniconf.mail_texts import GREETING, MailText, greeting, register
from papers.models import Conference

from .models import Invitation


def _fill(context: Mapping[str, Any]) -> dict[str, str]:
    invitation: Invitation = context["invitation"]
    return {
        "greeting": greeting(invitation.name),
        "email": invitation.email,
        "when": _when(Conference.current()),
        "sign_in": settings.SITE_URL + reverse("account_login"),
    }


def _when(conference: Conference) -> str:
    if conference.starts_on is None:
        return "online"
    first, last = conference.starts_on, conference.ends_on
    if last is None or last == first:
        return f"online, on {first:%-d %B %Y}"
    return f"online, from {first:%-d %B %Y} to {last:%-d %B %Y}"


register(
    MailText(
        name="invitation",
        title="Invitation",
        sent="To people whom organizers invite.",
        placeholders={
            **GREETING,
            "email": "the address with which they may sign in",
            "sign_in": "the address of the page where one signs in",
            "when": "“online”, with the days of the conference once they are set",
        },
        required=frozenset({"email", "sign_in"}),
        fill=_fill,
        example=lambda user: {"invitation": Invitation(email="ada@example.org", name="Ada Lovelace")},
    )
)
