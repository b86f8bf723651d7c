"""Invitations and roles as parts of somebody's data."""

from __future__ import annotations

from typing import Any

from miniconf.accounts.models import User
from miniconf.personal_data import Part, iso, register

from .models import Invitation, Role


def data(user: User) -> dict[str, Any]:
    invitation = Invitation.objects.filter(email=user.email).first()
    return {
        "invited": invitation
        and {"name": invitation.name, "affiliation": invitation.affiliation, "at": iso(invitation.created_at)},
        "roles": [str(role) for role in user.roles.all()[:500]],
    }


def forget(user: User) -> dict[str, int]:
    Invitation.objects.filter(invited_by=user).update(invited_by=None)
    Role.objects.filter(granted_by=user).update(granted_by=None)
    return {
        "invitations": Invitation.objects.filter(email=user.email).delete()[0],
        "roles": user.roles.all().delete()[0],
    }


register(Part("taking part", data, forget))
