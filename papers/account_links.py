"""Accounts and the authors they belong to: linked by a verified address that an import brought along."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import user_logged_in

from miniconf.serving.page_changes import forget_pages

from .models import Person


def link_account(user: Any) -> Person | None:
    """Give `user` the author with one of the account's verified addresses, if there is one nobody has."""
    if Person.objects.filter(user=user).exists():
        return None
    addresses = [
        address.lower()
        for address in EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    ]
    person = Person.objects.filter(email_private__in=addresses, user=None).order_by("pk").first() if addresses else None
    # In one statement: two sign-ins at once link once.
    if person is None or not Person.objects.filter(pk=person.pk, user=None).update(user=user):
        return None
    forget_pages()  # who speaks as an author is remembered with them
    return person


def _signed_in(user: Any, **_: Any) -> None:
    link_account(user)


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="link the account to its author")
