"""Rules of accounts: who gets one, how a link or a token speaks for somebody, and how both are taken back."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.dispatch import Signal
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import now

from miniconf.problems import unauthorized

from .models import ApiToken, User

# Sent with `user` when a visit was noted: every five minutes at most.
visited = Signal()

LINK_LIFETIME = timedelta(days=7)
LINK_SALT = "miniconf.accounts.sign-in-link"
TOKENS_PER_PERSON = 20
# Rows of people who asked for a code and never typed it in are kept this long.
UNUSED_LIFETIME = timedelta(days=7)
VISIT_ENDS_AFTER = timedelta(hours=1)
VISIT_NOTED_EVERY = timedelta(minutes=5)


class LinkInvalid(Exception):
    """The sign-in link is broken, too old, or was taken back."""


# --- Accounts ------------------------------------------------------------------------------------------------------


def account_for_code(*, email: str, may_create: bool) -> User | None:
    """The account a one-time code for `email` signs in to; made now if there is none and `may_create`.

    None when there is no such account or it was switched off. The address counts as verified only once the code
    was typed in.
    """
    email = email.strip().lower()
    with transaction.atomic():
        user = User.objects.filter(email=email).first()
        if user is None and may_create:
            user = User.objects.create_user(email)
        if user is None or not user.is_active:
            return None
        EmailAddress.objects.get_or_create(user=user, email=email, defaults={"primary": True})
    return user


def forget_unused_accounts() -> int:
    """Delete accounts that came about by asking for a code which nobody ever typed in; returns how many."""
    unused = User.objects.filter(
        last_login=None,
        date_joined__lt=now() - UNUSED_LIFETIME,
        emailaddress__verified=False,
        name="",
        is_staff=False,
        is_organizer=False,
        person=None,
        api_tokens=None,
    )
    return unused.delete()[1].get(User._meta.label, 0)


def sign_out_everywhere(*, user: User) -> None:
    """End all of `user`'s sessions and take back all sign-in links: both are bound to the unusable password."""
    user.set_unusable_password()  # a new random value
    user.save(update_fields=["password"])


# --- Visits ----------------------------------------------------------------------------------------------------------


def note_visit(*, user: User) -> None:
    """Note that `user` is here. A new visit begins after an hour without a request: then the last one's end becomes
    `previous_visit_at`. Written every five minutes at most, and by one of the requests that come at the same time."""
    moment, seen = now(), user.last_seen_at
    if seen is not None and seen > moment - VISIT_NOTED_EVERY:
        return
    user.last_seen_at = moment
    changes = {"last_seen_at": moment}
    if seen is not None and seen < moment - VISIT_ENDS_AFTER:
        user.previous_visit_at = changes["previous_visit_at"] = seen
    if User.objects.filter(pk=user.pk, last_seen_at=seen).update(**changes):
        visited.send(User, user=user)


# --- Sign-in links ---------------------------------------------------------------------------------------------------


def _session_mark(user: User) -> str:
    return user.get_session_auth_hash()[:20]


def sign_in_link(*, user: User) -> str:
    """An address that signs in as `user` for seven days, or until `sign_out_everywhere`."""
    token = signing.dumps([user.pk, _session_mark(user)], salt=LINK_SALT)
    return settings.SITE_URL + reverse("sign_in_by_link", args=[token])


def user_of_link(token: str) -> User:
    """Raises LinkInvalid."""
    try:
        pk, mark = signing.loads(token, salt=LINK_SALT, max_age=LINK_LIFETIME)
    except signing.BadSignature as error:
        raise LinkInvalid from error
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or _session_mark(user) != mark:
        raise LinkInvalid
    return user


# --- API tokens ------------------------------------------------------------------------------------------------------


def bearer_text(request: HttpRequest) -> str | None:
    """The token in `Authorization: Bearer ...`; None where the request carries none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def user_of_bearer(request: HttpRequest) -> User | None:
    """Whom the request's bearer token speaks for; None where it carries none. Problem 401 when it is not valid.

    The database is asked once for each request. `last_used_at` is written once a minute at most.
    """
    text = bearer_text(request)
    if text is None:
        return None
    if not hasattr(request, "_bearer_user"):
        found = user_of_token(text)
        if found is None:
            raise unauthorized("This bearer token is not valid. Make a new one on your profile page.")
        request._bearer_user = found  # type: ignore[attr-defined]
    user: User = request._bearer_user  # type: ignore[attr-defined]
    return user


def user_of_token(text: str) -> User | None:
    """Whom a bearer token speaks for; None where it is not valid (any more)."""
    token = ApiToken.objects.select_related("user").filter(digest=ApiToken.digest_of(text)).first()
    if token is None or not token.user.is_active:
        return None
    moment = now()
    due = Q(last_used_at=None) | Q(last_used_at__lt=moment - timedelta(minutes=1))
    if token.last_used_at is None or token.last_used_at < moment - timedelta(minutes=1):
        ApiToken.objects.filter(due, pk=token.pk).update(last_used_at=moment)
    return token.user
