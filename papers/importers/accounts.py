"""Accounts that a source brings along (the sample's), and the link between an account and its author."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model

from papers.models import Paper, Person

from .programme import Programme
from .report import Report


def create(programme: Programme, report: Report) -> None:
    """Make the accounts of people.yml that do not exist; those that do are left as they are.

    Their addresses count as verified: whoever may import may also make accounts by hand.
    """
    User = get_user_model()
    added = 0
    for entry in programme.accounts:
        if User.objects.filter(email=entry.email).exists():
            continue
        user = User.objects.create_user(
            entry.email,
            name=entry.name,
            affiliation=entry.affiliation,
            timezone=entry.timezone,
            is_organizer=entry.role == "organizer",
            is_staff=entry.role == "organizer",
        )
        user.represented_papers.set(Paper.objects.filter(uid__in=entry.papers))
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        added += 1
    report.count("accounts", added=added, unchanged=len(programme.accounts) - added)


def link(programme: Programme, report: Report) -> None:
    """Give people of this source their accounts: by a verified address in a paper, or as people.yml says.

    An account belongs to one person at most, and a link that stands is kept.
    """
    emails = {person.email: person.name for person in programme.people.values() if person.email}
    emails |= {account.email: account.name for account in programme.accounts if account.role == "author"}
    verified = EmailAddress.objects.filter(email__in=emails, verified=True, user__person=None).select_related("user")
    for address in verified:
        person = Person.objects.filter(source=programme.source, name=emails[address.email], user=None).first()
        if person is not None:
            person.user = address.user
            person.save(update_fields=["user"])
            report.note(f"{person.name} is linked to the account of that address.")
