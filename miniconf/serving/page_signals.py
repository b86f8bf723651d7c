"""Rows saved one by one make pages out of date. Bulk writes send no signals and call `forget_pages` themselves."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save

from demos.models import Demo
from miniconf.console.models import Appearance
from papers.models import (
    Announcement,
    Authorship,
    Conference,
    Event,
    Keyword,
    Page,
    Paper,
    Person,
    Presentation,
    Seat,
    Session,
    Sponsor,
    Track,
)

from .page_changes import forget_pages

# What many pages show. What is about one member (bookmarks, visits) stands on no page that visitors see.
EVERYWHERE: frozenset[type[Model]] = frozenset(
    {
        Announcement,
        Appearance,
        Authorship,
        Conference,
        Demo,
        Event,
        Keyword,
        Page,
        Paper,
        Person,
        Presentation,
        Session,
        Sponsor,
        Track,
    }
)
_BETWEEN = frozenset(field.remote_field.through for model in EVERYWHERE for field in model._meta.many_to_many)


def _changed(sender: type[Model], **_: Any) -> None:
    if sender in EVERYWHERE:
        forget_pages()


def _linked(sender: type[Model], action: str, **_: Any) -> None:
    if sender in _BETWEEN and action.startswith("post_"):
        forget_pages()


def _seat_changed(instance: Seat, **_: Any) -> None:
    # Its event may be going with it, and is asked for by number.
    forget_pages(
        f"room:event:{uid}" for uid in Event.objects.filter(pk=instance.event_id).values_list("uid", flat=True)
    )


def connect() -> None:
    for signal in (post_save, post_delete):
        signal.connect(_changed, dispatch_uid="forget pages")
        signal.connect(_seat_changed, sender=Seat, dispatch_uid="forget the pages of an event")
    m2m_changed.connect(_linked, dispatch_uid="forget pages")
