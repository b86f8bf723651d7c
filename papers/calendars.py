"""A member's own calendar, and the secret address at which calendar programs fetch it.

The address is signed over the account and its `calendar_key`; a new key makes it void. Whoever has the address sees
the calendar, so nothing private is in it: for meeting links it leads to the session's page.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from .exporters.ical import Entry, event_people
from .schedule.personal import my_entries

if TYPE_CHECKING:
    from miniconf.accounts.models import User

MOST_REASONS = 20  # in one description

_signer = Signer(salt="papers.calendars", sep=".")


def address_of(user: User) -> str:
    """The secret address of the calendar; blank while there is none."""
    if not user.calendar_key:
        return ""
    token = _signer.sign(f"{user.pk}-{user.calendar_key}")
    return settings.SITE_URL + reverse("calendar_feed", args=[token])


def renew(*, user: User) -> None:
    """A new address; the old one leads nowhere from now on."""
    user.calendar_key = secrets.token_hex(8)
    user.save(update_fields=["calendar_key"])


def switch_off(*, user: User) -> None:
    user.calendar_key = ""
    user.save(update_fields=["calendar_key"])


def owner_of(token: str) -> User | None:
    """Whose calendar this is; None for an address that is made up or void."""
    from miniconf.accounts.models import User

    try:
        pk, _, key = _signer.unsign(token).partition("-")
    except BadSignature:
        return None
    user = User.objects.filter(pk=int(pk), is_active=True).first()
    known = user is not None and bool(key) and constant_time_compare(user.calendar_key, key)
    return user if known else None


def entries_of(user: User) -> list[Entry]:
    """What is on somebody's own schedule, each with the reasons why it is."""
    entries = my_entries(user)
    prefetch_related_objects([entry.session for entry in entries], event_people())
    return [
        Entry(
            session=entry.session,
            title=entry.title,
            starts_at=entry.starts_at,
            ends_at=entry.ends_at,
            note="\n".join(f"{reason.text}: {reason.thing.title}" for reason in entry.further_reasons[:MOST_REASONS]),
            own_time=entry.own_time,
        )
        for entry in entries
    ]
