"""What the site keeps about one person, in parts: each app tells of its own and forgets its own.

An app registers its part in a module `personal_data.py`, which is found by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from miniconf.accounts.models import User


@dataclass(frozen=True)
class Part:
    """`data`: everything about somebody as plain JSON values, without anything private of others.

    `forget`: delete or take the name off what belongs to somebody, in a transaction of the caller, while the account is
    still there; returns how many of what, in words for the report ("bookmarks": 3).
    """

    name: str
    data: Callable[[User], dict[str, Any]]
    forget: Callable[[User], dict[str, int]]


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    _parts[part.name] = part


def data_of(user: User) -> dict[str, Any]:
    """All that is kept about `user`, by part."""
    return {name: part.data(user) for name, part in sorted(_parts.items())}


def forget(user: User) -> dict[str, int]:
    """Have every part forget `user`; returns how many of what, over all parts."""
    done: dict[str, int] = {}
    for _, part in sorted(_parts.items()):
        for what, count in part.forget(user).items():
            done[what] = done.get(what, 0) + count
    return done


def iso(time: Any) -> str | None:
    return time.isoformat(timespec="seconds") if time else None
