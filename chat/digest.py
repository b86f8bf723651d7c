"""Mails about what somebody has not seen in the page: everything that is due in one mail, at most one in five minutes.

When a notification is due depends on its cause and on what its owner chose (MailChoice): at once, with the next full
hour, with the next 8:00 of their zone, never. `Notification.mailed_at` is the claim to send: it is written before the
mail goes out, with the account's row locked, so that two workers never send the same, nor two mails within five minutes.
What the mail server surely did not take is given free and tried again; what may have been sent when a connection or a
worker died is not sent twice: it still stands in the page.
"""

from __future__ import annotations

import datetime as dt
import logging
import smtplib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet
from django.utils.timezone import now

from miniconf.accounts.models import User
from papers import zones
from papers.models import Conference

from .digest_mail import send_digest
from .mail_choices import CAUSES
from .models import MailChoice, Notification
from .order import EVERYWHERE, banned_rooms
from .titles import RoomTitle, titles_of

logger = logging.getLogger(__name__)

BETWEEN = dt.timedelta(minutes=5)  # two mails to one person
LONGEST_WAIT = dt.timedelta(days=7)  # older news is not mailed: a site that was down does not wake the past
MORNING = dt.time(8)
MAILS_PER_CONNECTION = 50
MOST_MAILS = 500  # in one look; the others go out with the next, a minute later
_PIECE = 5000

When = MailChoice.When


@dataclass(slots=True)
class Claim:
    """What one mail is to tell; nobody else sends it."""

    user: User
    notifications: list[Notification]
    rooms: dict[str, RoomTitle]


def waiting(time: dt.datetime) -> QuerySet[Notification]:
    """Neither read nor mailed, of messages that stand."""
    return Notification.objects.filter(
        mailed_at=None,
        read_at=None,
        created_at__gt=time - LONGEST_WAIT,
        message__deleted_at=None,
        message__hidden_at=None,
    )


def due_until(when: str, time: dt.datetime, zone: ZoneInfo) -> dt.datetime | None:
    """What came before this is to be mailed at `time`; None: nothing is."""
    if when == When.NEVER:
        return None
    if when == When.AT_ONCE:
        return time
    if when == When.HOURLY:
        return time.replace(minute=0, second=0, microsecond=0)
    today = time.astimezone(zone).date()
    morning = dt.datetime.combine(today, MORNING, zone)
    return morning if morning <= time else dt.datetime.combine(today - dt.timedelta(days=1), MORNING, zone)


def zone_of(user: User, conference: Conference) -> ZoneInfo:
    return zones.named_zone(user.timezone) or zones.named_zone(conference.timezone) or ZoneInfo("UTC")


def due(time: dt.datetime) -> list[User]:
    """Who is to get a mail at `time`, those who have waited longest first."""
    oldest: dict[int, dict[str, dt.datetime]] = defaultdict(dict)
    rows = waiting(time).order_by().values_list("user_id", "cause").annotate(Min("created_at"))
    for user_id, cause, since in rows:
        oldest[user_id][cause] = since
    people = User.objects.filter(pk__in=oldest, is_active=True).select_related("mail_choice")
    conference = Conference.current()
    found: list[tuple[dt.datetime, User]] = []
    for user in people:
        limits = _limits(user, time, zone_of(user, conference))
        since = [at for cause, at in oldest[user.pk].items() if cause in limits and at < limits[cause]]
        if since:
            found.append((min(since), user))
    found.sort(key=lambda pair: (pair[0], pair[1].pk))
    return [user for _, user in found]


def _limits(user: User, time: dt.datetime, zone: ZoneInfo) -> dict[str, dt.datetime]:
    """For each cause that is mailed, until when what came is due."""
    chosen = getattr(user, "mail_choice", None) or MailChoice(user=user)
    limits = {cause: due_until(getattr(chosen, cause), time, zone) for cause in CAUSES}
    return {cause: limit for cause, limit in limits.items() if limit is not None}


def send_due() -> int:
    """Send what is due; returns how many mails went out. Raises what the mail server raises when it cannot be reached."""
    people, sent = due(now())[:MOST_MAILS], 0
    for first in range(0, len(people), MAILS_PER_CONNECTION):
        connection = get_connection()
        connection.open()  # raises before anything is claimed
        try:
            sent += sum(_send(user, connection) for user in people[first : first + MAILS_PER_CONNECTION])
        finally:
            connection.close()
    return sent


def _send(user: User, connection: BaseEmailBackend) -> bool:
    claimed = claim(user, now())
    if claimed is None:
        return False
    try:
        send_digest(claimed.user, claimed.notifications, claimed.rooms, connection)
    except smtplib.SMTPRecipientsRefused as error:
        logger.warning("The mail server refuses the address of account %s", user.pk)
        if all(code < 500 for code, _ in error.recipients.values()):  # for now only
            _give_free(claimed)
        return False
    except smtplib.SMTPResponseException as error:
        # The server has answered that it did not take the mail.
        logger.warning("A mail of notifications was not taken (%s) and is tried again", error.smtp_code)
        _give_free(claimed)
        return False
    except OSError:
        logger.exception("The connection broke while notifications were sent; they are not sent again")
        connection.close()
        connection.open()
        return False
    except BaseException:
        _give_free(claimed)
        raise
    return True


def claim(user: User, time: dt.datetime) -> Claim | None:
    """Take what is due for `user`, unless they had a mail less than five minutes ago."""
    with transaction.atomic():
        # Locked: whoever else sends to the same person comes after us, and finds nothing left.
        locked = User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
        if locked is None:
            return None
        own = Notification.objects.filter(user=locked)
        last = own.aggregate(Max("mailed_at"))["mailed_at__max"]
        if last is not None and time - last < BETWEEN:
            return None
        limits = _limits(locked, time, zone_of(locked, Conference.current()))
        wanted = Q(pk__in=[])
        for cause, limit in limits.items():
            wanted |= Q(cause=cause, created_at__lt=limit)
        rows = waiting(time).filter(wanted, user=locked).exclude(_banned(locked))
        found = list(rows.order_by("created_at", "pk").select_related("message__room", "message__author"))
        rooms = titles_of(notification.message.room.key for notification in found)
        found = [notification for notification in found if notification.message.room.key in rooms]
        _mark(found, time)
    return Claim(locked, found, rooms) if found else None


def _banned(user: User) -> Q:
    """What is said in rooms that `user` may not read any more."""
    keys = banned_rooms(user)
    return Q(pk__isnull=False) if EVERYWHERE in keys else Q(message__room__key__in=keys)


def _give_free(claimed: Claim) -> None:
    _mark(claimed.notifications, None)


def _mark(notifications: Iterable[Notification], time: dt.datetime | None) -> None:
    keys = [notification.pk for notification in notifications]
    for first in range(0, len(keys), _PIECE):
        Notification.objects.filter(pk__in=keys[first : first + _PIECE]).update(mailed_at=time)
