"""Mails about the programme: reminders, and places at tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import linebreaks, urlize
from django.utils.safestring import mark_safe
from django.utils.text import Truncator

from miniconf.mail_texts import GREETING, Block, MailText, greeting, register

from .models import Event, Session
from .schedule.personal import Entry

if TYPE_CHECKING:
    from miniconf.accounts.models import User


def _block(text: str) -> Block:
    return Block(text, mark_safe(linebreaks(urlize(text, autoescape=True))))  # noqa: S308  escaped


def _fill_reminder(context: Mapping[str, Any]) -> dict[str, str | Block]:
    items, minutes = context["items"], context["minutes"]
    first, others = items[0][0].title, len(items) + context["more"] - 1
    sessions = render_to_string("mail/parts/sessions.txt", {**context, "site_url": settings.SITE_URL})
    return {
        "greeting": greeting(context["name"]),
        "start": f"In {minutes} minute{'' if minutes == 1 else 's'}",
        "title": f"{Truncator(first).chars(60)} and {others} more" if others else first,
        "sessions": _block(sessions.strip()),
        "zone": context["zone"],
        "lead": str(context["lead"]),
        "settings": f"{settings.SITE_URL}{reverse('my_schedule')}#reminders",
    }


def _example_reminder(user: User) -> dict[str, Any]:
    start = dt.datetime(2027, 5, 3, 9, 30, tzinfo=dt.UTC)
    items = [
        (
            Entry(
                Session(uid=f"example-{n}", title=title, room=room, starts_at=start, ends_at=start),
                starts_at=start,
                ends_at=start,
            ),
            "Mon 3 May 2027, 09:30–10:30",
        )
        for n, (title, room) in enumerate((("Opening", "Main hall"), ("Poster session 1", "")))
    ]
    return {"name": user.name, "minutes": 15, "items": items, "more": 0, "zone": "UTC", "lead": 15}


def _fill_seat(context: Mapping[str, Any]) -> dict[str, str | Block]:
    event: Event = context["event"]
    return {
        "greeting": greeting(context["name"]),
        "event": event.title,
        "dates": _block("\n".join(context["dates"])),
        "address": settings.SITE_URL + event.get_absolute_url(),
    }


register(
    MailText(
        name="reminder",
        title="Reminder",
        sent="To members who asked for it, before what is on their own schedule begins.",
        placeholders={
            **GREETING,
            "start": "“In 15 minutes”",
            "title": "what begins: its title, and how many more",
            "sessions": "what begins, with times, rooms and addresses",
            "zone": "the time zone of these times",
            "lead": "how many minutes before they wanted to be told",
            "settings": "the address where they turn reminders off",
        },
        required=frozenset({"sessions", "settings"}),
        blocks=frozenset({"sessions"}),
        fill=_fill_reminder,
        example=_example_reminder,
    )
)
register(
    MailText(
        name="seat",
        title="A place has become free",
        sent="To who moved up from the waiting list of a table.",
        placeholders={
            **GREETING,
            "event": "what the place is at",
            "dates": "when it takes place",
            "address": "the address of its page, where the place can be given up",
        },
        required=frozenset({"event", "address"}),
        blocks=frozenset({"dates"}),
        fill=_fill_seat,
        example=lambda user: {
            "name": user.name,
            "event": Event(uid="example", title="Lunch with a mentor"),
            "dates": ["Monday, 3 May 2027, 12:00 (UTC), Table 4"],
        },
    )
)
