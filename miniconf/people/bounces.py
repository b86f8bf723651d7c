"""Invitations that come back: each goes out under an envelope address of its own, to which mail servers report.

bounce+<number>-<code>@REPLY_DOMAIN, signed, so that nobody can report the invitations of others as undeliverable.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from email.message import EmailMessage

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from miniconf.mail import incoming

from .models import Invitation

_ADDRESS = re.compile(r"bounce\+(\d{1,12})-([0-9a-f]{20})")


def bounce_address(invitation: int) -> str:
    """Where an invitation comes back to; "" where this site takes no mail."""
    return f"bounce+{invitation}-{_code(invitation)}@{settings.REPLY_DOMAIN}" if settings.REPLY_DOMAIN else ""


def _code(invitation: int) -> str:
    return salted_hmac("people.bounce", str(invitation), algorithm="sha256").hexdigest()[:20]


def _invitation_of(address: str) -> int | None:
    local, _, domain = address.strip().lower().rpartition("@")
    match = _ADDRESS.fullmatch(local)
    if match is None or domain != settings.REPLY_DOMAIN.lower():
        return None
    number = int(match[1])
    return number if constant_time_compare(match[2], _code(number)) else None


def take_report(mail: EmailMessage, brought_to: Collection[str]) -> bool:
    """Whether a mail is about an invitation; what could not be delivered is noted with the reason (RFC 3464)."""
    number = next((found for address in brought_to if (found := _invitation_of(address)) is not None), None)
    if number is None:
        return False
    reason = _failure(mail)
    if reason is not None:
        Invitation.objects.filter(pk=number).exclude(state=Invitation.State.ACCEPTED).update(
            state=Invitation.State.FAILED, due=False, error=" ".join(reason.split())[:300]
        )
    return True


def _failure(mail: EmailMessage) -> str | None:
    """Why delivery failed; None for delays, absence notes and whatever else comes to such an address."""
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            if str(block.get("Action", "")).strip().lower() == "failed":  # type: ignore[union-attr]
                code = str(block.get("Diagnostic-Code", "") or block.get("Status", ""))  # type: ignore[union-attr]
                return code.rpartition(";")[2].strip() or "It could not be delivered."
    return None


def connect() -> None:
    if take_report not in incoming:
        incoming.append(take_report)
