"""What is deleted when, counted from the conference's last day, and told before it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session as SignIn
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from chat.models import Message
from chat.privacy import forget_person, remove_old_texts
from demos.models import Run
from miniconf.accounts.models import ApiToken, User
from miniconf.certificates.attending import period
from miniconf.people.models import Invitation
from papers.models import Conference

from .models import Closing

GRACE = timedelta(days=1)  # after a change of these rules
AT_ONCE = 200  # rows in one statement; people in one round
LONGEST = 3650  # days


def _texts(before: datetime) -> QuerySet[Any]:
    return Message.objects.filter(created_at__lt=before).exclude(text="")


def _runs(before: datetime) -> QuerySet[Any]:
    """Finished ones but those that demos show as examples."""
    return Run.objects.filter(created_at__lt=before, state__in=Run.FINISHED, is_stored=False, example_key="")


def _tokens(before: datetime) -> QuerySet[Any]:
    return ApiToken.objects.annotate(used=Coalesce("last_used_at", "created_at")).filter(used__lt=before)


def _members(before: datetime) -> QuerySet[Any]:
    """Who was not here since then; never organizers and staff."""
    unseen = Q(last_seen_at__lt=before) | Q(last_seen_at=None)
    return User.objects.filter(
        unseen, date_joined__lt=before, is_organizer=False, is_staff=False, is_superuser=False
    ).exclude(last_login__gte=before)


def _remove_members(before: datetime) -> int:
    """Their names, addresses and what was only theirs; messages and runs stay without a name."""
    count = 0
    for user in _members(before).order_by("pk")[:AT_ONCE]:
        forget_person(actor=None, about=user, account="delete", note="after the conference, as organizers have set it")
        count += 1
    Invitation.objects.filter(created_at__lt=before).exclude(email__in=User.objects.values("email")).delete()
    return count


def _remove_runs(before: datetime) -> int:
    return _in_pieces(lambda: _runs(before))


def _in_pieces(rows: Callable[[], QuerySet[Any]]) -> int:
    count = 0
    while ids := list(rows().order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        rows().model._default_manager.filter(pk__in=ids).delete()
        count += len(ids)
    return count


@dataclass(frozen=True)
class Rule:
    field: str
    title: str
    what: str
    rows: Callable[[datetime], QuerySet[Any]]
    remove: Callable[[datetime], int]


RULES = [
    Rule("texts_days", "Texts of messages", "The texts go, their places in the rooms stay.", _texts,
         lambda before: remove_old_texts(before=before)),
    Rule("runs_days", "Runs of demos", "With their pages and results; the demos' examples stay.", _runs, _remove_runs),
    Rule("tokens_days", "API tokens nobody used", "Programs that have them are told to sign in again.", _tokens,
         lambda before: _in_pieces(lambda: _tokens(before))),
    Rule("members_days", "Members who were not here since",
         "Accounts with addresses, certificates, bookmarks and choices, and invitations. Messages stay without a name. "
         "Organizers are never deleted.", _members, _remove_members),
]  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A rule as it stands: `starts_at` None where it is off or the conference has no days."""

    rule: Rule
    days: int | None
    starts_at: datetime | None
    count: int  # of rows that it would meet now, were it time

    @property
    def has_begun(self) -> bool:
        return self.starts_at is not None and self.starts_at <= now()


def starts_at(closing: Closing, days: int | None, conference: Conference) -> datetime | None:
    """When a rule deletes for the first time."""
    ends = period(conference)
    if days is None or ends is None:
        return None
    first = ends[1] + timedelta(days=days)
    return max(first, closing.retention_changed_at + GRACE) if closing.retention_changed_at else first


def plans() -> list[Plan]:
    closing, conference = Closing.current(), Conference.current()
    found = []
    for rule in RULES:
        days = getattr(closing, rule.field)
        start = starts_at(closing, days, conference)
        # What it will meet on its first day, as far as that is known today.
        before = max(start or now(), now()) - timedelta(days=days or 0)
        found.append(Plan(rule, days, start, rule.rows(before).count() if days is not None else 0))
    return found


def apply() -> dict[str, int]:
    """Delete what is due now; returns how many of what."""
    SignIn.objects.filter(expire_date__lt=now()).delete()
    closing, conference, done = Closing.current(), Conference.current(), {}
    for rule in RULES:
        days = getattr(closing, rule.field)
        start = starts_at(closing, days, conference)
        if start is not None and start <= now():
            done[rule.field] = rule.remove(now() - timedelta(days=days))
    return done


def of_the_server() -> int:
    """Days after which whoever runs the server has texts removed, whatever is set here; 0: never."""
    return int(settings.CHAT_RETENTION_DAYS)
