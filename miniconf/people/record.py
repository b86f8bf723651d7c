"""The record of what organizers did on their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .models import Act

if TYPE_CHECKING:
    from miniconf.accounts.models import User


def record(actor: User, what: str, about: str = "") -> None:
    """Note it in the transaction of the act itself. `about` names a person by name, never by address."""
    Act.objects.create(actor=actor, what=what[:200], about=about[:200])
