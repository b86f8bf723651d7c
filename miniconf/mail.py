"""Mails of the site: plain text from templates/mail, whose first line is the subject."""

from __future__ import annotations

from collections.abc import Mapping
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

from miniconf.observing.metrics import MAILS
from papers.models import Conference


def send_mail(
    *,
    template: str,
    to: str,
    connection: BaseEmailBackend | None = None,
    html: bool = False,
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> None:
    """Send templates/mail/<template>.txt to one address. Templates know `conference` and `site_url`, without a slash
    at its end; they switch HTML escaping off themselves. Raises what the mail server raises.

    `html` adds templates/mail/<template>.html as the other form of the same mail. `connection` is one already open, for
    many mails at once."""
    known = {"conference": Conference.current(), "site_url": settings.SITE_URL, **context}
    subject, _, body = render_to_string(f"mail/{template}.txt", known).strip().partition("\n")
    mail = EmailMultiAlternatives(
        " ".join(subject.split()),
        body.strip() + "\n",
        to=[to],
        reply_to=[reply_to] if reply_to else None,
        headers=dict(headers or {}),
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
