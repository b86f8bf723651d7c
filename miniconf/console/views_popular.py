"""The public page of the papers most discussed and most tried, where organizers have given it a place."""

from __future__ import annotations

import datetime as dt

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from papers.models import Conference

from . import popular


@require_safe
def popular_page(request: HttpRequest) -> HttpResponse:
    """Of the whole conference, or of one of its days: `?day=2027-05-03`."""
    if not popular.is_on():
        raise Http404("This site has no page of what is discussed most.")
    conference = getattr(request, "conference", None) or Conference.current()
    zone = popular.zone_of(conference)
    days = popular.days_of(conference, now().astimezone(zone).date())
    try:
        asked = dt.date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        asked = None
    day = asked if asked in days else None
    context = {"day": day, "days": days, "zone": zone.key, "popular": popular.popular(day, zone)}
    return render(request, "console/popular.html", context)
