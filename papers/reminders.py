"""E-mails that remind members of what begins soon on their own schedule: one for each person and start.

A row of SentReminder is the claim to send; it is written before the mail is sent, and two workers cannot both write
it. What surely was not sent is given free again and tried with the next look, a minute later; what may have been sent
when the connection broke is not sent twice. Nothing that has begun is announced, so a site that was down sends no
mails about the past. A session that is moved gets a new start, and so a new mail.
"""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.mail import send_mail

from . import zones
from .models import Conference, SentReminder
from .schedule.personal import Cause, Entry, causes, entries_of

logger = logging.getLogger(__name__)

CHOICES = [(0, "No mails")] + [(minutes, f"{minutes} minutes before") for minutes in (5, 10, 15, 30, 60)]
LONGEST = dt.timedelta(minutes=max(minutes for minutes, _ in CHOICES))
MAILS_PER_CONNECTION = 50
MOST_NAMED = 20  # sessions in one mail


@dataclass(slots=True)
class Reminder:
    """What begins for one person at one time."""

    user: User
    starts_at: dt.datetime
    entries: list[Entry]


def set_reminder(*, user: User, minutes: int) -> None:
    """Remind `user` so long before each start; 0: not at all. ValueError for what is none of CHOICES."""
    if minutes not in dict(CHOICES):
        raise ValueError(f"{minutes} minutes is none of the choices")
    user.reminder_minutes = minutes
    user.save(update_fields=["reminder_minutes"])


def due(time: dt.datetime) -> Iterator[Reminder]:
    """The mails to be sent at `time`, those for the next start first."""
    by_user: dict[int, list[Cause]] = defaultdict(list)
    for cause in causes(within=(time, time + LONGEST)):
        if cause.user_id is not None and cause.reason != "waiting":
            by_user[cause.user_id].append(cause)
    people = User.objects.filter(pk__in=by_user, is_active=True, reminder_minutes__gt=0)
    sent = set(
        SentReminder.objects.filter(starts_at__gt=time, starts_at__lte=time + LONGEST).values_list(
            "user_id", "session_id", "starts_at"
        )
    )
    reminders = []
    for user in people.order_by("pk"):
        until = time + dt.timedelta(minutes=user.reminder_minutes)
        starts: dict[dt.datetime, list[Entry]] = defaultdict(list)
        for entry in entries_of(by_user[user.pk]):
            if time < entry.starts_at <= until and (user.pk, entry.session.pk, entry.starts_at) not in sent:
                starts[entry.starts_at].append(entry)
        reminders += [Reminder(user, start, entries) for start, entries in starts.items()]
    yield from sorted(reminders, key=lambda reminder: reminder.starts_at)


def send_due() -> int:
    """Send what is due; returns how many mails went out. Raises what the mail server raises when it cannot be reached."""
    waiting, sent = list(due(now())), 0
    for first in range(0, len(waiting), MAILS_PER_CONNECTION):
        connection = get_connection()
        connection.open()  # raises before anything is claimed
        try:
            sent += sum(_send(reminder, connection) for reminder in waiting[first : first + MAILS_PER_CONNECTION])
        finally:
            connection.close()
    return sent


def _send(reminder: Reminder, connection: BaseEmailBackend) -> bool:
    time = now()
    if reminder.starts_at <= time or not _claim(reminder):
        return False
    try:
        _mail(reminder, time, connection)
    except smtplib.SMTPRecipientsRefused as error:
        logger.warning("The mail server refuses the address of account %s", reminder.user.pk)
        if all(code < 500 for code, _ in error.recipients.values()):  # for now only
            _give_free(reminder)
        return False
    except smtplib.SMTPResponseException as error:
        # The server has answered that it did not take the mail.
        logger.warning("A reminder was not taken (%s %r) and is tried again", error.smtp_code, error.smtp_error)
        _give_free(reminder)
        return False
    except OSError:
        logger.exception("The connection broke while a reminder was sent; it is not sent again")
        connection.close()
        connection.open()
        return False
    except BaseException:
        _give_free(reminder)
        raise
    return True


def _claim(reminder: Reminder) -> bool:
    """Whether this process is the one to send it."""
    rows = [
        SentReminder(user=reminder.user, session_id=pk, starts_at=reminder.starts_at) for pk in _session_keys(reminder)
    ]
    try:
        with transaction.atomic():
            SentReminder.objects.bulk_create(rows)
    except IntegrityError:
        return False
    return True


def _give_free(reminder: Reminder) -> None:
    SentReminder.objects.filter(
        user=reminder.user, session__in=_session_keys(reminder), starts_at=reminder.starts_at
    ).delete()


def _session_keys(reminder: Reminder) -> list[int]:
    return sorted({entry.session.pk for entry in reminder.entries})


def _mail(reminder: Reminder, time: dt.datetime, connection: BaseEmailBackend) -> None:
    user = reminder.user
    zone = zones.named_zone(user.timezone) or zones.named_zone(Conference.current().timezone) or ZoneInfo("UTC")
    send_mail(
        template="reminder",
        to=user.email,
        connection=connection,
        name=user.name,
        minutes=-(-(reminder.starts_at - time) // dt.timedelta(minutes=1)),  # rounded up
        items=[
            (entry, zones.days_and_clocks(entry.starts_at.astimezone(zone), entry.ends_at.astimezone(zone)))
            for entry in reminder.entries[:MOST_NAMED]
        ],
        more=max(0, len(reminder.entries) - MOST_NAMED),
        zone=zone.key,
        lead=user.reminder_minutes,
    )
