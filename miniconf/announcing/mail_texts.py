"""The mail that brings an announcement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html

from chat.mail_choices import ANNOUNCEMENT, unsubscribe_address
from miniconf.mail_texts import GREETING, Block, MailText, greeting, register
from miniconf.rendering import render_mail
from papers.audiences import name_of
from papers.models import Announcement

if TYPE_CHECKING:
    from miniconf.accounts.models import User


def _fill(context: Mapping[str, Any]) -> dict[str, str | Block]:
    announcement: Announcement = context["announcement"]
    stop = context["unsubscribe"]
    choices = settings.SITE_URL + reverse("mail_choices")
    address = f"{settings.SITE_URL}{reverse('announcements')}"
    return {
        "greeting": greeting(context["name"]),
        "title": announcement.title,
        "text": Block(announcement.body, render_mail(announcement.body)),
        "audience": name_of(announcement),
        "address": f"{address}#announcement-{announcement.pk}" if announcement.pk else address,
        "choices": Block(
            f"To get no more announcements by mail: {stop}\nWhat is mailed to you: {choices}",
            format_html(
                '<hr><p><small><a href="{}">Get no more announcements by mail</a> · '
                '<a href="{}">What is mailed to you</a></small></p>',
                stop,
                choices,
            ),
        ),
    }


def example(user: User) -> dict[str, Any]:
    return {
        "announcement": Announcement(title="Coffee in the garden", body="From **10:30** on, *whatever the weather*."),
        "name": user.name,
        "unsubscribe": unsubscribe_address(user, [ANNOUNCEMENT]),
    }


register(
    MailText(
        name="announcement",
        title="Announcement",
        sent="To the people an announcement is for, once it is shown, where organizers have it mailed as well.",
        placeholders={
            **GREETING,
            "title": "its title",
            "text": "its text",
            "audience": "“everybody”, or the track or session it is for",
            "address": "where it stands on the site",
            "choices": "how to get no more of these mails",
        },
        required=frozenset({"text", "choices"}),
        blocks=frozenset({"text", "choices"}),
        fill=_fill,
        example=example,
        html=True,
    )
)
