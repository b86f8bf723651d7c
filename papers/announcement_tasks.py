"""Announcements that begin or end at a planned time: open pages are told then."""

from __future__ import annotations

import datetime as dt

from celery import shared_task
from django.utils.timezone import now

from . import announcements

# The scheduler asks every 30 seconds; looking back further makes up for a late one. Hearing it twice does no harm.
LOOK_BACK = dt.timedelta(seconds=75)


@shared_task
def tell_what_changed() -> None:
    moment = now()
    if announcements.changes_between(moment - LOOK_BACK, moment):
        announcements.tell()
