"""Lists of people: who takes part as what, and in which order they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from .models import Authorship, Event, Person, Session, Sponsor
from .words import all_words, fold

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


def people(*, role: str = "", search: str = "") -> QuerySet[Person]:
    """People with a part in the programme, whichever or that of `role`, whose name or affiliation has all the words."""
    part = Q(_takes_part(role)) if role else Q()
    if not role:
        for name in ROLES:
            part |= Q(_takes_part(name))
    return Person.objects.filter(part, all_words(search, ["name", "affiliation"]))


def sort_key(name: str) -> tuple[str, str]:
    """By the last word of a name that is no "Jr.", then by the whole name."""
    words = fold(name).split()
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    return (words[-1] if words else "", fold(name))


def letter_of(name: str) -> str:
    first = sort_key(name)[0][:1].upper()
    return first if "A" <= first <= "Z" and len(first) == 1 else OTHER


@dataclass(slots=True)
class Index:
    """Primary keys in alphabetical order, and how many names there are under each letter."""

    keys: list[int] = field(default_factory=list)
    letters: Counter[str] = field(default_factory=Counter)


def index_of(found: QuerySet[Person], letter: str = "") -> Index:
    """The order is made here, since no database sorts by the last word of a name. One query of two columns."""
    index = Index()
    rows = []
    for pk, name in found.order_by().values_list("pk", "name"):
        key = sort_key(name)
        first = key[0][:1].upper()
        initial = first if "A" <= first <= "Z" else OTHER
        index.letters[initial] += 1
        if not letter or letter == initial:
            # Other scripts after the Latin one.
            rows.append((initial == OTHER, key, pk))
    rows.sort()
    index.keys = [pk for *_, pk in rows]
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
