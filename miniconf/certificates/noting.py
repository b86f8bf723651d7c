"""That members were here on a day of the conference, noted once each."""

from __future__ import annotations

from typing import Any

from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.accounts.services import visited
from papers.models import Conference
from papers.signals import session_opened

from .attending import is_running
from .models import Attendance


def note(user: User, field: str) -> None:
    """`field`: seen_at or session_at. What was noted on an earlier day that is none of the conference's is replaced."""
    conference, moment = Conference.current(), now()
    if not is_running(conference, moment):
        return
    there = Attendance.objects.filter(user=user).first()
    if there is None:
        there, _ = Attendance.objects.get_or_create(user=user)
    noted = getattr(there, field)
    if noted is None or not is_running(conference, noted):
        Attendance.objects.filter(pk=there.pk).update(**{field: moment})


def _visited(user: User, **_: Any) -> None:
    note(user, "seen_at")


def _opened(user: User, **_: Any) -> None:
    note(user, "session_at")


def connect() -> None:
    visited.connect(_visited, dispatch_uid="somebody was at the conference")
    session_opened.connect(_opened, dispatch_uid="somebody was in a session")
