"""Pages of the frozen site that differ from the live ones: everything is in them, and a script finds its way there."""

from __future__ import annotations

from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from papers.models import Conference, Person
from papers.queries import visible_papers, visible_sessions, with_cards
from papers.zones import named_zone


def papers(request: HttpRequest) -> HttpResponse:
    found = with_cards(visible_papers().order_by("title", "uid"))
    tracks = sorted({paper.track.name for paper in found if paper.track})
    return render(request, "frozen/papers.html", {"papers": found, "tracks": tracks})


def schedule(request: HttpRequest) -> HttpResponse:
    """All sessions by day of the conference's own zone; the script puts them under the viewer's days."""
    zone = named_zone(Conference.current().timezone) or named_zone("UTC")
    sessions = visible_sessions().filter(in_schedule=True).select_related("event", "track")
    days = [
        (day, list(group))
        for day, group in groupby(
            sessions.order_by("starts_at", "title"), key=lambda session: session.starts_at.astimezone(zone).date()
        )
    ]
    return render(request, "frozen/schedule.html", {"days": days, "zone": zone})


def people(request: HttpRequest) -> HttpResponse:
    names = Person.objects.order_by("name").only("name", "slug", "affiliation")
    return render(request, "frozen/people.html", {"people": names})
