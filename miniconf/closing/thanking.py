"""The mail that thanks those who attended: once for each person, a hundred at a time, marked before it is sent."""

from __future__ import annotations

import smtplib

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Count, F, Q, QuerySet
from django.utils.timezone import now

from chat.mail_choices import ANNOUNCEMENT, CAUSES, unsubscribe_address, wanting_no
from miniconf.accounts.models import User
from miniconf.certificates.attending import attended
from miniconf.certificates.models import CertificateRules
from miniconf.mail import send_mail
from papers.models import Conference

from .models import Thanks

AT_ONCE = 100
MOST_ATTEMPTS = 3
REFUSED_FOR_GOOD = 500  # SMTP codes from here on


def recipients() -> QuerySet[User]:
    """Who attended, by the rule of the certificates, has not been thanked, and wants the organizers' mails."""
    people = attended(CertificateRules.current().who, Conference.current())
    return people.filter(thanks=None).exclude(pk__in=wanting_no(ANNOUNCEMENT))


def ask() -> int:
    """Have it sent to everybody who is to get it and has not; returns to how many."""
    rows = [Thanks(user_id=pk) for pk in recipients().values_list("pk", flat=True)]
    before = Thanks.objects.count()
    Thanks.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return Thanks.objects.count() - before


def stop() -> int:
    """Who has not got it yet gets none, unless it is asked for again."""
    return Thanks.objects.filter(due=True).delete()[0]


def counts() -> dict[str, int]:
    states = {state: Count("pk", filter=Q(state=state)) for state in Thanks.State.values}
    return Thanks.objects.aggregate(total=Count("pk"), due=Count("pk", filter=Q(due=True)), **states)


def send_due(most: int = AT_ONCE) -> int:
    """Send the next; returns how many were tried. Of two processes each mail is sent by one."""
    ids = list(Thanks.objects.filter(due=True).order_by("pk").values_list("pk", flat=True)[:most])
    if not ids:
        return 0
    tried = 0
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        Thanks.objects.filter(pk=ids[0]).update(error=f"The mail server cannot be reached: {error}"[:300])
        return 0
    try:
        for pk in ids:
            mine = Thanks.objects.filter(pk=pk, due=True).update(
                due=False, state=Thanks.State.SENT, sent_at=now(), attempts=F("attempts") + 1, error=""
            )
            row = Thanks.objects.select_related("user").filter(pk=pk).first() if mine else None
            if row is None:
                continue
            tried += 1
            if not _send(row, connection):
                break
    finally:
        connection.close()
    return tried


def _send(row: Thanks, connection: BaseEmailBackend) -> bool:
    """False when the server has gone away and the rest must wait."""
    address = unsubscribe_address(row.user, list(CAUSES))
    headers = {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    try:
        send_mail(template="thanks", to=row.user.email, connection=connection, headers=headers, user=row.user)
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()), (REFUSED_FOR_GOOD, b""))
        _failed(row, f"{code} {reason!r}", again=code < REFUSED_FOR_GOOD)
    except smtplib.SMTPResponseException as error:
        _failed(row, f"{error.smtp_code} {error.smtp_error!r}", again=error.smtp_code < REFUSED_FOR_GOOD)
    except (OSError, smtplib.SMTPException) as error:
        _failed(row, str(error) or type(error).__name__, again=True)
        return False
    return True


def _failed(row: Thanks, error: str, *, again: bool) -> None:
    again = again and row.attempts < MOST_ATTEMPTS
    Thanks.objects.filter(pk=row.pk).update(
        state=Thanks.State.WAITING if again else Thanks.State.FAILED, due=again, error=" ".join(error.split())[:300]
    )
