"""Who has attended, by the organizers' rule, and on which days that counts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import now

from chat.models import Message
from miniconf.accounts.models import User
from papers.models import Conference
from papers.zones import named_zone

from .models import Attendance, CertificateRules

Who = CertificateRules.Who


def period(conference: Conference) -> tuple[datetime, datetime] | None:
    """First moment of the conference and the first one after it, by the days of its own zone; None without days."""
    if conference.starts_on is None:
        return None
    zone = named_zone(conference.timezone) or named_zone("UTC")
    last = conference.ends_on or conference.starts_on
    return (
        datetime.combine(conference.starts_on, time(), zone),
        datetime.combine(last + timedelta(days=1), time(), zone),
    )


def is_running(conference: Conference, moment: datetime) -> bool:
    """A conference without days runs always."""
    days = period(conference)
    return days is None or days[0] <= moment < days[1]


def available_from(rules: CertificateRules, conference: Conference) -> date | None:
    """The day in the conference's zone; None where nobody has set one and the conference has no days."""
    if rules.available_from:
        return rules.available_from
    last = conference.ends_on or conference.starts_on
    return last + timedelta(days=1) if last else None


def are_available(rules: CertificateRules, conference: Conference) -> bool:
    first = available_from(rules, conference)
    zone = named_zone(conference.timezone) or named_zone("UTC")
    return rules.is_on and first is not None and now().astimezone(zone).date() >= first


def attended(who: str, conference: Conference) -> QuerySet[User]:
    """Accounts in use that have attended in this sense."""
    people = User.objects.filter(is_active=True)
    if who == Who.REGISTERED:
        return people.filter(last_login__isnull=False)
    days = period(conference)
    noted = Attendance.objects.filter(user=OuterRef("pk"))
    wrote = Message.objects.filter(author=OuterRef("pk"))
    if days:
        wrote = wrote.filter(created_at__gte=days[0], created_at__lt=days[1])
        inside = {"gte": days[0], "lt": days[1]}
        noted_seen = noted.filter(**{f"seen_at__{end}": value for end, value in inside.items()})
        noted_session = noted.filter(**{f"session_at__{end}": value for end, value in inside.items()})
    else:
        noted_seen, noted_session = noted.filter(seen_at__isnull=False), noted.filter(session_at__isnull=False)
    if who == Who.TOOK_PART:
        return people.filter(Exists(noted_session) | Exists(wrote))
    # The times that accounts keep anyway speak for those who were here before anything was noted.
    seen = Q(Exists(noted_seen)) | Q(Exists(wrote))
    for name in ("last_seen_at", "previous_visit_at", "last_login"):
        seen |= Q(**{f"{name}__gte": days[0], f"{name}__lt": days[1]}) if days else Q(**{f"{name}__isnull": False})
    return people.filter(seen)


def has_attended(user: User, rules: CertificateRules, conference: Conference) -> bool:
    return attended(rules.who, conference).filter(pk=user.pk).exists()
