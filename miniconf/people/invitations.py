"""Inviting people: from a preview of what a table would add to mails that went out, were refused, or led to a sign-in."""

from __future__ import annotations

import smtplib
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import Count, F, Q
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.mail import send_mail

from .bounces import bounce_address
from .models import Invitation
from .reading import Attendee

AT_ONCE = 100  # mails in one connection; progress is seen after each
REFUSED_FOR_GOOD = 500  # SMTP codes from here on: trying again is of no use


@dataclass(frozen=True)
class Preview:
    new: list[Attendee]
    changed: list[Attendee]  # name or affiliation of somebody invited and not yet here
    unchanged: int
    members: int  # have an account already


def preview(attendees: Iterable[Attendee]) -> Preview:
    """What `invite` would do."""
    wanted = {attendee.email: attendee for attendee in attendees}
    members = set(User.objects.filter(email__in=wanted, last_login__isnull=False).values_list("email", flat=True))
    known = {row.email: row for row in Invitation.objects.filter(email__in=wanted)}
    new, changed, unchanged = [], [], 0
    for email, attendee in wanted.items():
        row = known.get(email)
        if email in members:
            continue
        if row is None:
            new.append(attendee)
        elif (attendee.name and row.name != attendee.name) or (
            attendee.affiliation and row.affiliation != attendee.affiliation
        ):
            changed.append(attendee)
        else:
            unchanged += 1
    return Preview(new, changed, unchanged, len(members))


@transaction.atomic
def invite(attendees: Iterable[Attendee], *, by: User, source: str, send: bool) -> Preview:
    """Let these people sign in, and where `send` have mails go out to the new ones. The same table twice adds nobody."""
    planned = preview(attendees)
    Invitation.objects.bulk_create(
        [
            Invitation(
                email=one.email,
                name=one.name,
                affiliation=one.affiliation,
                source=source[:120],
                invited_by=by,
                due=send,
            )
            for one in planned.new
        ],
        ignore_conflicts=True,
        batch_size=500,
    )
    for one in planned.changed:
        Invitation.objects.filter(email=one.email).update(
            name=one.name or F("name"), affiliation=one.affiliation or F("affiliation")
        )
    return planned


def send_again(which: str) -> int:
    """Have mails go out to those that wait, were refused, or have not signed in since; returns to how many."""
    states = {
        "waiting": [Invitation.State.WAITING],
        "failed": [Invitation.State.FAILED],
        "sent": [Invitation.State.SENT],
    }[which]
    return Invitation.objects.filter(state__in=states, due=False).update(due=True)


def stop_sending() -> int:
    return Invitation.objects.filter(due=True).update(due=False)


def counts() -> dict[str, int]:
    """Invitations by state, and how many mails are due."""
    states = {state: Count("pk", filter=Q(state=state)) for state in Invitation.State.values}
    return Invitation.objects.aggregate(total=Count("pk"), due=Count("pk", filter=Q(due=True)), **states)


def send_due(most: int = AT_ONCE) -> int:
    """Send the next mails that are due; returns how many were tried. Of two processes each mail is sent by one.

    A mail is marked before it is sent: if the process dies in between, it counts as sent and may be asked for again.
    """
    ids = list(Invitation.objects.filter(due=True).order_by("pk").values_list("pk", flat=True)[:most])
    if not ids:
        return 0
    tried = 0
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        # The server is away: everything stays due, and the page says why nothing moves.
        Invitation.objects.filter(pk=ids[0]).update(error=f"The mail server cannot be reached: {error}"[:300])
        return 0
    try:
        for pk in ids:
            mine = Invitation.objects.filter(pk=pk, due=True).update(
                due=False, state=Invitation.State.SENT, sent_at=now(), attempts=F("attempts") + 1, error=""
            )
            if not mine:
                continue
            tried += 1
            if not _send(Invitation.objects.get(pk=pk), connection):
                break
    finally:
        connection.close()
    return tried


def _send(invitation: Invitation, connection: BaseEmailBackend) -> bool:
    """False when the server has gone away and the rest must wait."""
    try:
        send_mail(
            template="invitation", to=invitation.email, connection=connection, bounces_to=bounce_address(invitation.pk),
            invitation=invitation,
        )  # fmt: skip
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()), (REFUSED_FOR_GOOD, b""))
        _failed(invitation, f"{code} {_text(reason)}", again=code < REFUSED_FOR_GOOD)
    except smtplib.SMTPResponseException as error:
        _failed(invitation, f"{error.smtp_code} {_text(error.smtp_error)}", again=error.smtp_code < REFUSED_FOR_GOOD)
    except (OSError, smtplib.SMTPException) as error:
        _failed(invitation, str(error) or type(error).__name__, again=True)
        return False
    return True


def _text(reason: bytes | str) -> str:
    return reason.decode(errors="replace") if isinstance(reason, bytes) else reason


def _failed(invitation: Invitation, error: str, *, again: bool) -> None:
    """What may go through later is due again, three times at most."""
    again = again and invitation.attempts < 3
    Invitation.objects.filter(pk=invitation.pk).update(
        state=Invitation.State.WAITING if again else Invitation.State.FAILED,
        due=again,
        error=" ".join(error.split())[:300],
    )


def accept(user: User) -> None:
    """Somebody has signed in: their invitation is done, and what it said fills in what they have not."""
    invitation = Invitation.objects.filter(email=user.email).exclude(state=Invitation.State.ACCEPTED).first()
    if invitation is None:
        return
    Invitation.objects.filter(pk=invitation.pk).update(
        state=Invitation.State.ACCEPTED, accepted_at=now(), due=False, error=""
    )
    filled = [name for name in ("name", "affiliation") if getattr(invitation, name) and not getattr(user, name)]
    for name in filled:
        setattr(user, name, getattr(invitation, name))
    if filled:
        user.save(update_fields=filled)
