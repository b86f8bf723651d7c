"""The account's own part of somebody's data."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount

from miniconf.personal_data import Part, iso, register

from .models import User
from .services import sign_out_everywhere


def data(user: User) -> dict[str, Any]:
    return {
        "id": str(user.public_id),
        "email": user.email,
        "other_addresses": sorted(
            set(EmailAddress.objects.filter(user=user).values_list("email", flat=True)) - {user.email}
        ),
        "name": user.name,
        "affiliation": user.affiliation,
        "timezone": user.timezone,
        "joined": iso(user.date_joined),
        "last_seen": iso(user.last_seen_at),
        "reminder_minutes": user.reminder_minutes,
        "identities": [
            {"provider": row.provider, "id": row.uid, **row.extra_data, "connected": iso(row.date_joined)}
            for row in SocialAccount.objects.filter(user=user).order_by("pk")
        ],
        "tokens": [
            {"name": token.name, "made": iso(token.created_at), "last_used": iso(token.last_used_at)}
            for token in user.api_tokens.order_by("pk")
        ],
    }


def forget(user: User) -> dict[str, int]:
    """Nobody signs in or speaks for the account any more. The address stays, so that it gets no second account."""
    tokens = user.api_tokens.all().delete()[0]
    identities = SocialAccount.objects.filter(user=user).delete()[0]
    user.name = user.affiliation = user.timezone = user.calendar_key = ""
    user.last_seen_at = user.previous_visit_at = None
    user.reminder_minutes = 0
    user.is_active = user.is_staff = user.is_superuser = False
    user.save()
    sign_out_everywhere(user=user)
    return {"tokens": tokens, "identities": identities}


register(Part("account", data, forget))
