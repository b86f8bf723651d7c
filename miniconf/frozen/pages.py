"""Which pages the frozen site has."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse

from chat.models import Room
from chat.rooms import find_room
from miniconf.console.popular import is_on
from papers.models import Page, Person, Sponsor
from papers.queries import visible_events, visible_papers, visible_sessions

from .runs import FrozenRuns

FRAMES = ("home", "papers", "map", "schedule", "events", "sponsors", "people", "announcements", "help")


def addresses(runs: FrozenRuns) -> Iterator[str]:
    """Every page, the ones that others lead to first."""
    for name in FRAMES:
        yield reverse(name)
    if is_on():
        yield reverse("popular")
    for rows in (visible_papers(), visible_events(), visible_sessions(), Sponsor.objects.all()):
        name = rows.model._meta.model_name or ""
        for uid in rows.order_by("uid").values_list("uid", flat=True).iterator():
            yield reverse(name, args=[uid])
    for slug in Person.objects.order_by("slug").values_list("slug", flat=True).iterator():
        yield reverse("person", args=[slug])
    for slug in Page.objects.values_list("slug", flat=True):
        yield reverse("page", args=[slug])
    for key in Room.objects.filter(last_number__gt=0).order_by("key").values_list("key", flat=True).iterator():
        if find_room(key) is not None:
            yield reverse("room", args=[key])
    for run in runs.all():
        yield run.get_absolute_url()
