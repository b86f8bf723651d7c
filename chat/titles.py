"""Titles of many rooms at once: one query for each kind of room, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from django.urls import reverse

from papers.models import Sponsor
from papers.queries import visible_events, visible_papers, visible_sessions

from .rooms import find_room


@dataclass(frozen=True, slots=True)
class RoomTitle:
    key: str
    title: str
    page: str  # address of what the room hangs on; "" where the room is all there is

    @property
    def url(self) -> str:
        return reverse("room", args=[self.key])


Named = Iterable[tuple[str, str]]
_MANY: dict[str, tuple[Callable[[Collection[str]], Named], str]] = {
    "paper": (lambda uids: visible_papers().filter(uid__in=uids).values_list("uid", "title"), "paper"),
    "event": (lambda uids: visible_events().filter(uid__in=uids).values_list("uid", "title"), "event"),
    "session": (lambda uids: visible_sessions().filter(uid__in=uids).values_list("uid", "title"), "session"),
    "sponsor": (lambda uids: Sponsor.objects.filter(uid__in=uids).values_list("uid", "name"), "sponsor"),
}


def titles_of(keys: Iterable[str]) -> dict[str, RoomTitle]:
    """Rooms by key; those that hang on nothing any more are left out."""
    names: dict[str, list[str]] = defaultdict(list)
    found: dict[str, RoomTitle] = {}
    for key in dict.fromkeys(keys):
        kind, _, name = key.partition(":")
        if kind in _MANY:
            names[kind].append(name)
        elif (room := find_room(key)) is not None:
            found[key] = RoomTitle(key, room.title, room.url)
    for kind, wanted in names.items():
        named, page = _MANY[kind]
        for name, title in named(wanted):
            key = f"{kind}:{name}"
            found[key] = RoomTitle(key, title, reverse(page, args=[name]))
    return found
