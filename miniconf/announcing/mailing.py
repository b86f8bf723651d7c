"""Announcements by mail: one to each person, whatever dies in between.

Who gets one is settled once, in one transaction, when the announcement is first shown (`list_due`). Then each mail is
claimed, sent, and noted as sent, one after the other (`send_due`). A mail whose sender died between the first and the
last, or whose connection broke while it was handed over, may have gone out or not: it is never sent again by itself, but
counted as unsure, where organizers see it and may ask for another.
"""

from __future__ import annotations

import datetime as dt
import smtplib
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils.timezone import now

from chat.mail_choices import ANNOUNCEMENT, unsubscribe_address, wanting_no
from miniconf.accounts.models import User
from miniconf.mail import send_mail
from papers.audiences import people_of
from papers.models import Announcement

from .models import AnnouncementMail

State = AnnouncementMail.State
AT_ONCE = 100  # mails in one connection; progress is seen after each
REFUSED_FOR_GOOD = 500  # SMTP codes from here on: trying again is of no use
MOST_ATTEMPTS = 3
CUT_OFF_AFTER = dt.timedelta(minutes=10)  # longer than any mail server takes for one mail
STATES_TO_REPEAT = {"waiting": State.WAITING, "failed": State.FAILED, "unsure": State.UNSURE}


def who_gets_mail(announcement: Announcement) -> QuerySet[User]:
    """Its audience but for those who want no such mails."""
    return people_of(announcement).exclude(email="").exclude(pk__in=wanting_no(ANNOUNCEMENT))


def list_due() -> int:
    """Settle who gets what is shown now and has not been mailed; returns to how many people."""
    at, listed = now(), 0
    waiting = Announcement.objects.filter(by_email=True, mails_listed_at=None, published_at__lte=at)
    for announcement in waiting.exclude(ends_at__lte=at).order_by("published_at", "pk"):
        with transaction.atomic():
            # One of two processes goes on; if it dies, none of it has happened.
            if not Announcement.objects.filter(pk=announcement.pk, by_email=True, mails_listed_at=None).update(
                mails_listed_at=at
            ):
                continue
            rows = [
                AnnouncementMail(announcement=announcement, user_id=pk)
                for pk in who_gets_mail(announcement).order_by("pk").values_list("pk", flat=True)
            ]
            AnnouncementMail.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
            listed += len(rows)
    return listed


def note_cut_off() -> int:
    """Mails whose sender has died are unsure from now on."""
    lost = AnnouncementMail.objects.filter(state=State.SENDING, tried_at__lt=now() - CUT_OFF_AFTER)
    return lost.update(state=State.UNSURE, error="The process that sent it was stopped.")


def send_due(most: int = AT_ONCE) -> int:
    """Send the next mails that are due; returns how many were tried. Of two processes each mail is sent by one."""
    ids = list(AnnouncementMail.objects.filter(due=True).order_by("pk").values_list("pk", flat=True)[:most])
    if not ids:
        return 0
    tried = 0
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        # The server is away: everything stays due, and the page says why nothing moves.
        AnnouncementMail.objects.filter(pk=ids[0]).update(error=f"The mail server cannot be reached: {error}"[:300])
        return 0
    try:
        for pk in ids:
            mine = AnnouncementMail.objects.filter(pk=pk, due=True).update(
                due=False, state=State.SENDING, tried_at=now(), attempts=F("attempts") + 1, error=""
            )
            if not mine:
                continue
            tried += 1
            mail = AnnouncementMail.objects.select_related("announcement", "user").filter(pk=pk).first()
            if mail is not None and not _send(mail, connection):
                break
    finally:
        connection.close()
    return tried


def _send(mail: AnnouncementMail, connection: BaseEmailBackend) -> bool:
    """False when the server has gone away and the rest must wait."""
    user = mail.user
    if not user.is_active or not user.email or wanting_no(ANNOUNCEMENT).filter(user_id=user.pk).exists():
        _note(mail, State.LEFT_OUT)
        return True
    try:
        send_mail(
            template="announcement",
            to=user.email,
            connection=connection,
            headers=headers_to(user),
            announcement=mail.announcement,
            name=user.name,
            unsubscribe=unsubscribe_address(user, [ANNOUNCEMENT]),
        )
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()), (REFUSED_FOR_GOOD, b""))
        _refused(mail, code, reason)
    except smtplib.SMTPResponseException as error:
        _refused(mail, error.smtp_code, error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        # Nobody knows whether the server had taken it.
        _note(mail, State.UNSURE, str(error) or type(error).__name__)
        return False
    else:
        _note(mail, State.SENT)
    return True


def headers_to(user: User) -> dict[str, str]:
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return {
        "List-Unsubscribe": f"<{unsubscribe_address(user, [ANNOUNCEMENT])}>",  # RFC 8058
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<announcements.{host}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Loop": host,
    }


def _refused(mail: AnnouncementMail, code: int, reason: bytes | str) -> None:
    """What may go through later is due again, three times at most."""
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
    again = code < REFUSED_FOR_GOOD and mail.attempts < MOST_ATTEMPTS
    _note(mail, State.WAITING if again else State.FAILED, f"{code} {text}", due=again)


def _note(mail: AnnouncementMail, state: State, error: str = "", *, due: bool = False) -> None:
    AnnouncementMail.objects.filter(pk=mail.pk).update(state=state, due=due, error=" ".join(error.split())[:300])


# --- What organizers see and ask for ---------------------------------------------------------------------------------


def counts(announcement: Announcement) -> dict[str, int]:
    """Its mails by state ("left_out" for those who did not want it), all together and how many are due."""
    states = {state.replace(" ", "_"): Count("pk", filter=Q(state=state)) for state in State.values}
    return AnnouncementMail.objects.filter(announcement=announcement).aggregate(
        total=Count("pk"), due=Count("pk", filter=Q(due=True)), **states
    )


def stop(announcement: Announcement) -> int:
    """Send no more of it; returns how many had not been sent."""
    return AnnouncementMail.objects.filter(announcement=announcement, due=True).update(due=False)


def send_again(announcement: Announcement, which: str) -> int:
    """Have those that were stopped, refused or unsure go out; returns how many. KeyError for another `which`."""
    rows = AnnouncementMail.objects.filter(announcement=announcement, state=STATES_TO_REPEAT[which], due=False)
    return rows.update(due=True, state=State.WAITING, attempts=0, error="")
