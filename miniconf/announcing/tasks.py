"""Announcements go out by mail a hundred at a time, so that a stop loses nothing and other work comes in between."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache

from . import mailing

LOCK, LOCKED_FOR = "announcement-mails", 120  # seconds; a worker that died holds others up no longer


@shared_task(name="miniconf.announcing.tasks.send_announcements", ignore_result=True)
def send_announcements() -> None:
    """One batch after the other, not several side by side: mail servers take offence at more."""
    mailing.note_cut_off()
    mailing.list_due()
    if not cache.add(LOCK, True, LOCKED_FOR):
        return
    try:
        more = mailing.send_due()
    finally:
        cache.delete(LOCK)
    if more:
        send_announcements.delay()
