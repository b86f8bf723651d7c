"""What the scheduler asks for: mails about notifications, answers that came by mail."""

from __future__ import annotations

import imaplib
import logging

from celery import shared_task
from django.conf import settings

from . import digest, inbound, search_index
from .mailbox import fetch, mailbox_of

logger = logging.getLogger(__name__)


@shared_task
def mail_notifications() -> None:
    digest.send_due()


@shared_task
def read_mail() -> None:
    """Look into the mailbox, where the site has one."""
    if not settings.IMAP_URL:
        return
    mailbox = mailbox_of(settings.IMAP_URL)
    try:
        fetch(mailbox)
    except (OSError, imaplib.IMAP4.error) as error:
        logger.warning("The mailbox %r cannot be read now: %s", mailbox, error)


@shared_task
def forget_old_mail() -> None:
    inbound.forget_old_mail()


@shared_task
def index_messages() -> None:
    search_index.index_missing()
