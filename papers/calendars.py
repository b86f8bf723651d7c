"""A member's own calendar: which sessions are in it, and the secret address at which calendar programs fetch it.

The address is signed over the account and its `calendar_key`; a new key makes it void. Whoever has the address sees
the calendar, so nothing private is in it: for meeting links it leads to the session's page.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from .exporters.ical import with_speakers
from .models import Bookmark, Presentation, Seat, Session
from .queries import visible_sessions

if TYPE_CHECKING:
    from miniconf.accounts.models import User

MOST_SESSIONS = 2000
MOST_NAMED = 20  # papers in the description of a session

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


def sessions_of(user: User) -> tuple[list[Session], dict[int, str]]:
    """What somebody keeps, in the order of time: bookmarked sessions, dates of bookmarked events and of tables with a
    place for them, sessions of bookmarked papers; and for the latter, by primary key, which papers those are."""
    marks = Bookmark.objects.filter(user=user)
    papers: dict[int, list[str]] = {}
    rows = (
        Presentation.objects.filter(paper__bookmarks__user=user, paper__withdrawn_at=None)
        .order_by("session_id", "position", "pk")
        .values_list("session_id", "paper__title")
    )
    for session, title in rows[:MOST_SESSIONS]:
        papers.setdefault(session, []).append(title)
    wanted = set(papers)
    wanted.update(marks.exclude(session=None).values_list("session_id", flat=True))
    events = set(marks.exclude(event=None).values_list("event_id", flat=True))
    events.update(Seat.objects.filter(user=user, waiting=False).values_list("event_id", flat=True))
    wanted.update(visible_sessions().filter(event_id__in=events, event__withdrawn_at=None).values_list("pk", flat=True))
    sessions = with_speakers(visible_sessions().filter(pk__in=sorted(wanted)[:MOST_SESSIONS]))
    return list(sessions.order_by("starts_at", "ends_at", "uid")), {
        session: _named(titles) for session, titles in papers.items()
    }


def _named(titles: list[str]) -> str:
    more = [f"and {len(titles) - MOST_NAMED} more"] if len(titles) > MOST_NAMED else []
    return "\n".join(["Your papers here:", *(f"- {title}" for title in titles[:MOST_NAMED]), *more])
