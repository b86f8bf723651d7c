"""Mail out and mail in."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

from django.conf import settings
from django.core.mail import get_connection

from .findings import Finding, advice, fault, ok


def sending() -> Iterator[Finding]:
    if not settings.EMAIL_URL:
        yield advice(
            "mail", f"nothing is sent: mails become files in {settings.EMAIL_FILE_PATH}", "EMAIL_URL=smtp+tls://…"
        )
        return
    try:
        connection = get_connection(fail_silently=False)
        connection.open()
        connection.close()
    except (OSError, smtplib.SMTPException) as error:
        yield fault("mail", f"the mail server does not let us in: {error}", "EMAIL_URL: host, port, user, password")
        return
    yield ok("mail", f"{settings.EMAIL_HOST} takes mail")
    if settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"):
        yield advice("mail", f"its sender is {settings.DEFAULT_FROM_EMAIL}", "DEFAULT_FROM_EMAIL, of a domain you own")


def receiving() -> Iterator[Finding]:
    ways = [
        name for name, value in (("IMAP_URL", settings.IMAP_URL), ("INBOUND_SECRET", settings.INBOUND_SECRET)) if value
    ]
    if not settings.REPLY_DOMAIN:
        yield ok("mail in", "off: nobody is told to answer by mail (REPLY_DOMAIN)")
    elif not ways:
        yield fault("mail in", "people may answer by mail, but nothing fetches it", "IMAP_URL or INBOUND_SECRET")
    else:
        yield ok("mail in", f"reply+…@{settings.REPLY_DOMAIN}, by {' and '.join(ways)}")
    if settings.REPLY_DOMAIN and not settings.MAIL_AUTHSERV_ID:
        yield advice("mail in", "a mail needs no word of your server that its sender is real", "MAIL_AUTHSERV_ID")
