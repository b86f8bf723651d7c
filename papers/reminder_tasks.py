"""What the scheduler asks for every minute: mails about what begins soon."""

from __future__ import annotations

from celery import shared_task

from . import reminders


@shared_task
def send_reminders() -> None:
    reminders.send_due()
