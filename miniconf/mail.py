"""Mails of the site: plain text from templates/mail, whose first line is the subject."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from email.message import EmailMessage
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

from miniconf.observing.metrics import MAILS
from papers.models import Conference

# Asked about each mail that comes in, before it is taken for somebody's answer: given the mail and the addresses it was
# brought to, whether it was for them.
incoming: list[Callable[[EmailMessage, Collection[str]], bool]] = []


def send_mail(
    *,
    template: str,
    to: str,
    connection: BaseEmailBackend | None = None,
    html: bool = False,
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
    bounces_to: str = "",
    **context: object,
) -> None:
    """Send templates/mail/<template>.txt to one address. Templates know `conference` and `site_url`, without a slash
    at its end; they switch HTML escaping off themselves. Raises what the mail server raises.

    `html` adds templates/mail/<template>.html as the other form of the same mail. `connection` is one already open, for
    many mails at once. `bounces_to` is told when the mail cannot be delivered; blank: its sender."""
    known = {"conference": Conference.current(), "site_url": settings.SITE_URL, **context}
    subject, _, body = render_to_string(f"mail/{template}.txt", known).strip().partition("\n")
    mail = EmailMultiAlternatives(
        " ".join(subject.split()),
        body.strip() + "\n",
        from_email=bounces_to or None,  # of the envelope; the reader sees the header
        to=[to],
        reply_to=[reply_to] if reply_to else None,
        headers={**(headers or {}), **({"From": settings.DEFAULT_FROM_EMAIL} if bounces_to else {})},
        connection=connection,
    )
    if html:
        mail.attach_alternative(render_to_string(f"mail/{template}.html", known).strip() + "\n", "text/html")
    try:
        mail.send()
    except (OSError, SMTPException):
        MAILS.labels("failed").inc()
        raise
    MAILS.labels("sent").inc()
