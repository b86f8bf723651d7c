"""Lists of people: who takes part as what, and in which order they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from .models import Authorship, Event, Person, Session, Sponsor
from .words import fold, words_of

ROLES = {
    "author": "Authors",
    "speaker": "Speakers",
    "host": "Hosts of tables",
    "chair": "Session chairs",
    "sponsor": "At booths",
}
OTHER = "#"  # names that begin with no Latin letter
LETTERS = (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", OTHER)
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv", "phd", "ph.d."})


def _takes_part(role: str) -> Exists:
    tables = Q(event__capacity__isnull=False) | Q(event__kind=Event.Kind.MENTORING)
    at_events = Event.people.through.objects.filter(person=OuterRef("pk"), event__withdrawn_at=None)
    match role:
        case "author":
            return Exists(Authorship.objects.filter(person=OuterRef("pk"), paper__withdrawn_at=None))
        case "speaker":
            return Exists(at_events.exclude(tables))
        case "host":
            return Exists(at_events.filter(tables))
        case "chair":
            chairs = Session.chairs.through.objects.filter(person=OuterRef("pk"), session__withdrawn_at=None)
            return Exists(chairs)
        case "sponsor":
            return Exists(Sponsor.people.through.objects.filter(person=OuterRef("pk")))
    raise ValueError(f"There is no role “{role}”.")


def people(role: str = "") -> QuerySet[Person]:
    """People with a part in the programme, whichever or that of `role`."""
    part = Q(_takes_part(role)) if role else Q()
    if not role:
        for name in ROLES:
            part |= Q(_takes_part(name))
    return Person.objects.filter(part)


# Folding a name costs more than everything else that is done with it in a list; a page of the list needs all of them.
_folded = lru_cache(maxsize=65536)(fold)


@lru_cache(maxsize=65536)
def sort_key(name: str) -> tuple[bool, str, str]:
    """By the last word of a name that is no "Jr.", then by the whole name; other scripts after the Latin one."""
    words = _folded(name).split()
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    last = words[-1] if words else ""
    return not "a" <= last[:1] <= "z", last, _folded(name)


def letter_of(key: tuple[bool, str, str]) -> str:
    other, last, _ = key
    return OTHER if other else last[0].upper()


@dataclass(slots=True)
class Index:
    """Primary keys in alphabetical order, and how many names there are under each letter."""

    keys: list[int] = field(default_factory=list)
    letters: Counter[str] = field(default_factory=Counter)


def index_of(*, role: str = "", search: str = "", letter: str = "") -> Index:
    """People whose name or affiliation has all the words of `search`, without regard to case and accents.

    Found and sorted here: no database folds letters in the same way, or sorts by the last word of a name. One query of
    three columns.
    """
    words = [fold(word) for word in words_of(search)]
    index, rows = Index(), []
    for pk, name, affiliation in people(role).order_by().values_list("pk", "name", "affiliation"):
        if words:
            text = f"{_folded(name)}\n{_folded(affiliation)}"
            if not all(word in text for word in words):
                continue
        key = sort_key(name)
        initial = letter_of(key)
        index.letters[initial] += 1
        if not letter or letter == initial:
            rows.append((key, pk))
    rows.sort()
    index.keys = [pk for _, pk in rows]
    return index


def parts_of(keys: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many papers, events and sessions each of these people has; three queries."""
    keys = list(keys)
    parts: dict[int, dict[str, int]] = {pk: {} for pk in keys}
    counted = {
        "papers": Authorship.objects.filter(person__in=keys, paper__withdrawn_at=None),
        "events": Event.people.through.objects.filter(person__in=keys, event__withdrawn_at=None),
        "chaired": Session.chairs.through.objects.filter(person__in=keys, session__withdrawn_at=None),
    }
    for name, rows in counted.items():
        for pk, number in rows.order_by().values_list("person").annotate(Count("pk")):
            parts[pk][name] = number
    return parts
