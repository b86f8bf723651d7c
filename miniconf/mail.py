"""Sending mails of the site, in the words of miniconf/mail_texts.py."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from email.message import EmailMessage
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from miniconf import mail_texts
from miniconf.observing.metrics import MAILS

# Asked about each mail that comes in, before it is taken for somebody's answer: given the mail and the addresses it was
# brought to, whether it was for them.
incoming: list[Callable[[EmailMessage, Collection[str]], bool]] = []


def send_mail(
    *,
    template: str,
    to: str,
    connection: BaseEmailBackend | None = None,
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
    bounces_to: str = "",
    words: mail_texts.Words | None = None,
    **context: object,
) -> None:
    """Send one mail to one address; raises what the mail server raises.

    `template` is its name in miniconf/mail_texts.py, `context` what its app makes its placeholders of. `connection` is
    one already open, for many mails at once. `bounces_to` is told when the mail cannot be delivered; blank: its sender.
    `words`: others than those that are kept, to try them.
    """
    text = mail_texts.find(template)
    if text is None:
        raise LookupError(f"no app describes a mail {template}")
    composed = mail_texts.compose(text, context, words)
    mail = EmailMultiAlternatives(
        composed.subject,
        composed.text,
        from_email=bounces_to or None,  # of the envelope; the reader sees the header
        to=[to],
        reply_to=[reply_to] if reply_to else None,
        headers={**(headers or {}), **({"From": settings.DEFAULT_FROM_EMAIL} if bounces_to else {})},
        connection=connection,
    )
    if composed.html is not None:
        mail.attach_alternative(composed.html, "text/html")
    try:
        mail.send()
    except (OSError, SMTPException):
        MAILS.labels("failed").inc()
        raise
    MAILS.labels("sent").inc()
