"""Whose account an identity at a provider opens, and how the two come together.

An identity is known once it is connected to an account; from then on it signs in. Until then what counts is the e-mail
address. One that a trusted provider calls verified is as good as our own code. With any other, or none, the identity waits
in the browser's session until somebody signs in there with a code from their mail: then it is connected to their account.
So nobody gets into an account by what a provider merely claims.
"""

from __future__ import annotations

import logging
import smtplib
import time
from typing import Any, TypedDict

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from miniconf.mail import send_mail
from miniconf.people.admission import may_make_account

from ..models import User
from ..services import account_for_code
from .configured import SignInProvider

log = logging.getLogger(__name__)

PENDING = "sign_in_pending"
PENDING_SECONDS = 15 * 60  # as long as a code works


class Pending(TypedDict):
    provider: str
    uid: str
    name: str  # by which they know the identity again
    full_name: str
    until: float


def providers() -> dict[str, SignInProvider]:
    return {provider.name: provider for provider in settings.SIGN_IN_PROVIDERS}


def label_of(name: str) -> str:
    """What a provider is called, also one that is no longer set up."""
    provider = providers().get(name)
    return provider.label if provider else name


def vouched_address(login: SocialLogin) -> str | None:
    """The address that the provider answers for."""
    return next((row.email.lower() for row in login.email_addresses if row.verified), None)


def account_for(login: SocialLogin) -> User | None:
    """The account that a new identity opens by the address its provider answers for; connected, and made if need be.

    None where there is no such address, or where it has no account here and is not admitted.
    """
    email = vouched_address(login)
    if email is None:
        return None
    account = User.objects.filter(email=email).first()
    if account is not None and not account.is_active:
        return account  # allauth says that it is switched off; nothing is connected
    known = account is not None
    account = account_for_code(email=email, may_create=known or may_make_account(email))
    if account is None:
        return None
    EmailAddress.objects.filter(user=account, email=email).update(verified=True)
    if not account.name and login.user.name:
        account.name = login.user.name
        account.save(update_fields=["name"])
    connect(account, login.account.provider, login.account.uid, login.account.extra_data, tell=known)
    return account


def connect(user: User, provider: str, uid: str, extra: dict[str, Any], *, tell: bool) -> bool:
    """Let an identity sign in to `user`; False where it opens another account already. `tell` sends them a mail."""
    try:
        with transaction.atomic():
            row, made = SocialAccount.objects.get_or_create(
                provider=provider, uid=uid, defaults={"user": user, "extra_data": extra}
            )
    except IntegrityError:  # a double click
        row, made = SocialAccount.objects.get(provider=provider, uid=uid), False
    if made and tell:
        try:
            send_mail(template="identity_connected", to=user.email, user=user, label=label_of(provider))
        except (smtplib.SMTPException, OSError):
            log.exception("a mail about a connected identity could not be sent")
    return row.user_id == user.pk


def disconnect(user: User, pk: int) -> str | None:
    """Take an identity off; returns what its provider is called, None where `user` has no such identity."""
    row = SocialAccount.objects.filter(user=user, pk=pk).first()
    if row is None:
        return None
    row.delete()
    return label_of(row.provider)


def identities_of(user: User) -> list[dict[str, Any]]:
    """For the profile page."""
    rows = SocialAccount.objects.filter(user=user).order_by("pk")
    return [
        {"pk": row.pk, "label": label_of(row.provider), "name": name_of(row), "joined": row.date_joined} for row in rows
    ]


def name_of(row: SocialAccount) -> str:
    """How somebody knows an identity again: its name there, an ORCID iD itself."""
    name = str(row.extra_data.get("name") or "")
    return f"{name} ({row.uid})" if row.provider == "orcid" and name else name or row.uid


# --- Identities that wait for a code ----------------------------------------------------------------------------------


def keep_pending(request: HttpRequest, login: SocialLogin) -> None:
    request.session[PENDING] = Pending(
        provider=login.account.provider,
        uid=login.account.uid,
        name=str(login.account.extra_data.get("name") or ""),
        full_name=login.user.name,
        until=time.time() + PENDING_SECONDS,
    )


def pending(request: HttpRequest) -> Pending | None:
    found: Pending | None = request.session.get(PENDING)
    return found if found and found["until"] > time.time() else None


def forget_pending(request: HttpRequest) -> None:
    request.session.pop(PENDING, None)


def take_pending(request: HttpRequest, user: User) -> str | None:
    """Somebody typed in their code: connect what waits in this browser. Returns a sentence about it."""
    found = pending(request)
    forget_pending(request)
    if found is None:
        return None
    label = label_of(found["provider"])
    if not connect(user, found["provider"], found["uid"], {"name": found["name"]}, tell=True):
        return f"That {label} account signs in to another account here; it was not connected to yours."
    if not user.name and found["full_name"]:
        user.name = found["full_name"]
        user.save(update_fields=["name"])
    return f"From now on you can sign in with {label}."
