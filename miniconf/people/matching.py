"""Authors and the accounts that may be theirs: by address, which is certain, and by name, which somebody has to look at."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from django.db import transaction

from miniconf.accounts.models import User
from miniconf.live.access import access_changed
from miniconf.serving.page_changes import forget_pages
from papers.models import Person

MOST_SHOWN = 200


@dataclass(frozen=True)
class Match:
    person: Person
    accounts: list[User]
    reason: str  # "same address" or "same name"

    @property
    def is_conflict(self) -> bool:
        """More than one account may be meant, or the only one is somebody else in the programme already."""
        return len(self.accounts) > 1 or any(getattr(user, "person", None) for user in self.accounts)


def folded(name: str) -> str:
    """A name without case, accents and punctuation, its words in order."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(sorted(kept.split()))


def possible_matches() -> list[Match]:
    """People of the programme without an account, each with the accounts that may be theirs; bounded."""
    users = User.objects.filter(is_active=True).exclude(name="").select_related("person")
    by_name: dict[str, list[User]] = defaultdict(list)
    by_email: dict[str, User] = {}
    for user in users.iterator(chunk_size=2000):
        by_name[folded(user.name)].append(user)
        by_email[user.email] = user
    matches = []
    people = Person.objects.filter(user=None).order_by("name")
    for person in people.iterator(chunk_size=2000):
        if person.email_private and (owner := by_email.get(person.email_private.lower())):
            matches.append(Match(person, [owner], "same address"))
        elif found := by_name.get(folded(person.name)):
            matches.append(Match(person, found[:5], "same name"))
        if len(matches) >= MOST_SHOWN:
            break
    return matches


@transaction.atomic
def link(*, person: Person, user: User) -> None:
    """Raises LookupError with a sentence when one of the two is somebody else's already."""
    other = Person.objects.filter(user=user).exclude(pk=person.pk).first()
    if other is not None:
        raise LookupError(f"This account is {other.name} in the programme already; unlink that first.")
    if not Person.objects.filter(pk=person.pk, user=None).update(user=user):
        raise LookupError(f"{person.name} has an account already.")
    access_changed([user.pk])
    forget_pages()


@transaction.atomic
def unlink(*, person: Person) -> None:
    user_id = person.user_id
    Person.objects.filter(pk=person.pk).update(user=None)
    access_changed([user_id])
    forget_pages()
