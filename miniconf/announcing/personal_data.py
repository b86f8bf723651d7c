"""Which announcements were mailed to somebody."""

from __future__ import annotations

from typing import Any

from miniconf.accounts.models import User
from miniconf.personal_data import Part, iso, register

from .models import AnnouncementMail

MOST_ROWS = 20_000


def data(user: User) -> dict[str, Any]:
    rows = AnnouncementMail.objects.filter(user=user).order_by("pk")
    return {
        "mailed": [
            {"announcement": title, "state": state, "at": iso(at)}
            for title, state, at in rows.values_list("announcement__title", "state", "tried_at")[:MOST_ROWS]
        ]
    }


def forget(user: User) -> dict[str, int]:
    return {"notes of announcements mailed": AnnouncementMail.objects.filter(user=user).delete()[0]}


register(Part("announcements", data, forget))
