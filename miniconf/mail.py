"""Mails of the site: plain text from templates/mail, whose first line is the subject."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string

from papers.models import Conference


def send_mail(*, template: str, to: str, connection: BaseEmailBackend | None = None, **context: object) -> None:
    """Send templates/mail/<template>.txt to one address. Templates know `conference` and `site_url`, without a slash
    at its end; they switch HTML escaping off themselves. Raises what the mail server raises.

    `connection` is one already open, for many mails at once."""
    known = {"conference": Conference.current(), "site_url": settings.SITE_URL}
    subject, _, body = render_to_string(f"mail/{template}.txt", {**known, **context}).strip().partition("\n")
    EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[to], connection=connection).send()
