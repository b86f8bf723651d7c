"""What organizers have handed over, asked by miniconf/permissions.py and nobody else."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from django.db import transaction

from miniconf.live.access import access_changed
from miniconf.serving.page_changes import forget_pages
from papers.models import Presentation, Session, Sponsor

from .models import Role

if TYPE_CHECKING:
    from miniconf.accounts.models import User

MOST_ROLES = 500  # of one person
REMEMBERED = 3.0  # seconds


def roles_of(user: User) -> frozenset[tuple[str, str]]:
    """(kind, key) of everything handed over to `user`, the sessions the programme names as theirs among it.

    Remembered for some seconds with the object, which lives for one request, or as long as a websocket.
    """
    until, found = getattr(user, "_roles", (0.0, frozenset()))
    if monotonic() > until:
        given = set(user.roles.values_list("kind", "key")[:MOST_ROLES])
        chaired = Session.objects.filter(chairs__user_id=user.pk).values_list("uid", flat=True)
        found = frozenset(given | {(Role.Kind.CHAIR, uid) for uid in chaired[:MOST_ROLES]})
        user._roles = (monotonic() + REMEMBERED, found)  # type: ignore[attr-defined]
    return found


def is_moderator(user: User) -> bool:
    return (Role.Kind.MODERATOR, "") in roles_of(user)


def moderates(user: User, room_key: str) -> bool:
    """Whether a role of `user` is about this room: all rooms, a chair's session and its papers, a sponsor's booth."""
    roles = roles_of(user)
    if not roles:
        return False
    kind, _, uid = room_key.partition(":")
    if (Role.Kind.MODERATOR, "") in roles:
        return True
    if kind == "session":
        return (Role.Kind.CHAIR, uid) in roles
    if kind == "sponsor":
        return (Role.Kind.STAFF, uid) in roles
    chaired = [key for role, key in roles if role == Role.Kind.CHAIR]
    return (
        kind == "paper"
        and bool(chaired)
        and Presentation.objects.filter(paper__uid=uid, session__uid__in=chaired).exists()
    )


def is_chair_of(user: User, session: Session) -> bool:
    return (Role.Kind.CHAIR, session.uid) in roles_of(user)


def is_staff_of(user: User, sponsor: Sponsor) -> bool:
    return (Role.Kind.STAFF, sponsor.uid) in roles_of(user)


def find_place(kind: str, key: str) -> str:
    """The title of what a role of this kind is about. Raises LookupError with a sentence."""
    if kind == Role.Kind.MODERATOR:
        return ""
    model, what = (Session, "session") if kind == Role.Kind.CHAIR else (Sponsor, "sponsor")
    row = model._default_manager.filter(uid=key).first()
    if row is None:
        raise LookupError(f"There is no {what} with the id “{key[:80]}”.")
    return str(row)


def grant(*, user: User, kind: str, key: str, by: User) -> Role:
    """Hand something over. Raises LookupError for a session or sponsor that is not there."""
    find_place(kind, key)
    role, _ = Role.objects.get_or_create(
        user=user, kind=kind, key="" if kind == Role.Kind.MODERATOR else key, defaults={"granted_by": by}
    )
    _tell(user)
    return role


def take_back(*, role: Role) -> None:
    role.delete()
    _tell(role.user)


def _tell(user: User) -> None:
    """Open pages and connections learn of it."""
    access_changed([user.pk])
    transaction.on_commit(forget_pages)
