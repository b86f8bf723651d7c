"""Querysets used by pages and API alike. What is withdrawn stands in none of the lists."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from .filters import with_flags
from .models import Authorship, Event, Paper, Person, Presentation, Session


def visible_papers() -> QuerySet[Paper]:
    return Paper.objects.filter(withdrawn_at=None)


def visible_events() -> QuerySet[Event]:
    return Event.objects.filter(withdrawn_at=None)


def visible_sessions() -> QuerySet[Session]:
    return Session.objects.filter(withdrawn_at=None)


def with_cards(papers: QuerySet[Paper]) -> QuerySet[Paper]:
    """With what a card of a paper shows: authors in order, keywords, track, and what filters tell of it.

    Three queries, however many papers.
    """
    authorships = Authorship.objects.select_related("person").order_by("position")
    return with_flags(papers).select_related("track").prefetch_related(Prefetch("authorships", authorships), "keywords")


def with_slots(papers: QuerySet[Paper]) -> QuerySet[Paper]:
    """With when and where each paper is presented, as `paper.slots`."""
    return papers.prefetch_related(Prefetch("presentations", slots(), to_attr="slots"))


def slots() -> QuerySet[Presentation]:
    return (
        Presentation.objects.filter(session__withdrawn_at=None)
        .select_related("session")
        .order_by("session__starts_at", "session__title")
    )


def with_people(events: QuerySet[Event]) -> QuerySet[Event]:
    """With their people, and their dates as `event.dates`; items of their own timetables are none."""
    dates = visible_sessions().filter(in_schedule=True).order_by("starts_at")
    return events.prefetch_related(
        Prefetch("people", Person.objects.order_by("name")), Prefetch("sessions", dates, "dates")
    )
