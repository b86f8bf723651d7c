"""Attendance and certificates as a part of somebody's data."""

from __future__ import annotations

from typing import Any

from miniconf.accounts.models import User
from miniconf.personal_data import Part, iso, register

from .models import Attendance


def data(user: User) -> dict[str, Any]:
    noted = Attendance.objects.filter(user=user).first()
    return {
        "seen_at_the_conference": iso(noted.seen_at) if noted else None,
        "first_session": iso(noted.session_at) if noted else None,
        "given_out": [
            {"code": row.code, "name": row.name, "says": row.facts, "at": iso(row.issued_at)}
            for row in user.certificates.all()
        ],
    }


def forget(user: User) -> dict[str, int]:
    """Codes of theirs are confirmed no longer."""
    Attendance.objects.filter(user=user).delete()
    return {"certificates": user.certificates.all().delete()[0]}


register(Part("certificates", data, forget))
