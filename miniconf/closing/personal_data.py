"""The mail of thanks as a part of somebody's data."""

from __future__ import annotations

from typing import Any

from miniconf.accounts.models import User
from miniconf.personal_data import Part, iso, register

from .models import Archive, Thanks


def data(user: User) -> dict[str, Any]:
    row = Thanks.objects.filter(user=user).first()
    return {"thanked": {"state": row.state, "at": iso(row.sent_at), "error": row.error} if row else None}


def forget(user: User) -> dict[str, int]:
    Archive.objects.filter(asked_by=user).update(asked_by=None)
    return {"mails of thanks noted": Thanks.objects.filter(user=user).delete()[0]}


register(Part("end of the conference", data, forget))
