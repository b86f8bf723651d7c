"""Forgetting a person on request, and texts that are kept for a time only. docs/conversation.md says what stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from miniconf import personal_data
from miniconf.accounts.models import User
from miniconf.live.access import access_changed
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_forget

from .bulk import PIECE, change_many
from .models import Message
from .order import record_act
from .personal_data import remove_texts as remove_these_texts

# What becomes of the account.
ACCOUNTS = {
    "deactivate": "Switch the account off: nobody can sign in with its address again",
    "delete": "Delete the account: its address may be used for a new one",
}


@dataclass
class Forgotten:
    """What was done, in words and numbers."""

    account: str
    counts: dict[str, int] = field(default_factory=dict)

    def as_lines(self) -> list[str]:
        ended = "The account is deleted." if self.account == "delete" else "The account is switched off."
        return [*(f"{what[0].upper()}{what[1:]}: {count:,}" for what, count in self.counts.items() if count), ended]


def forget_person(
    *, actor: Viewer | None, about: User, account: str, remove_texts: bool = False, note: str = ""
) -> Forgotten:
    """Take somebody's name off everything they did here, in one transaction.

    `actor`: the organizer who does it; None for whoever has the machine. `remove_texts`: what they wrote goes, too, not
    only their name. Raises LiveError.
    """
    if actor is not None and not can_forget(actor, about):
        raise LiveError("forbidden", "Organizers do that, and neither to one another nor to themselves.")
    if account not in ACCOUNTS:
        raise LiveError("invalid", f"One of {', '.join(ACCOUNTS)} was expected for the account, not “{account[:40]}”.")
    report = Forgotten(account)
    with transaction.atomic():
        about = User.objects.select_for_update().get(pk=about.pk)
        key = about.pk
        if remove_texts:
            written = about.chat_messages.filter(deleted_at=None)
            report.counts["texts removed"] = change_many(written, remove_these_texts)
        report.counts |= personal_data.forget(about)
        # Written before the account goes; then it stands in the record without it.
        counted = "; ".join(report.as_lines())
        record_act(actor=actor, action="forget", about=about, note=f"{note.strip()[:150]} ({counted})".strip())
        if account == "delete":
            about.delete()
        access_changed([key])
    return report


def apply_retention() -> int:
    """Remove the texts that are older than the site keeps them; returns how many."""
    if settings.CHAT_RETENTION_DAYS <= 0:
        return 0
    return remove_old_texts(before=now() - timedelta(days=settings.CHAT_RETENTION_DAYS))


def remove_old_texts(*, before: datetime) -> int:
    """A piece in each transaction, so that nobody who writes waits for all of them."""
    removed, last = 0, 0
    while True:
        old = Message.objects.filter(pk__gt=last, created_at__lt=before).exclude(text="")
        ids = list(old.order_by("pk").values_list("pk", flat=True)[:PIECE])
        if not ids:
            break
        with transaction.atomic():
            removed += change_many(Message.objects.filter(pk__in=ids), remove_these_texts)
        last = ids[-1]
    if removed:
        record_act(actor=None, action="retention", note=f"{removed:,} texts from before {before:%-d %b %Y, %H:%M} UTC")
    return removed
