"""What a sign-in means for an invitation."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import user_logged_in

from .invitations import accept


def _signed_in(user: Any, **_: Any) -> None:
    accept(user)


def connect() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="an invitation is accepted")
