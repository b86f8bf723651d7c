"""What the scheduler asks for: mails about notifications, answers that came by mail."""

from __future__ import annotations

from celery import shared_task

from . import digest


@shared_task
def mail_notifications() -> None:
    digest.send_due()
