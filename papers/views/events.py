"""Events: by kind, and each on its own page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from miniconf.permissions import can_see_private
from papers.models import Event
from papers.queries import visible_events, with_people

EVENT_KINDS = {
    "keynote": "Keynotes",
    "tutorial": "Tutorials",
    "workshop": "Workshops",
    "social": "Socials",
    "mentoring": "Mentoring tables",
    "plenary": "Plenaries",
}


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Events by kind, all kinds or one of them."""
    asked = request.GET.get("kind", "")
    kind = asked if asked in EVENT_KINDS else ""
    found = list(with_people(visible_events().order_by("title")))
    groups = [(name, label, [e for e in found if e.kind == name]) for name, label in EVENT_KINDS.items()]
    groups = [group for group in groups if group[2]]
    shown = [group for group in groups if kind in ("", group[0])]
    return render(request, "papers/events.html", {"groups": groups, "shown": shown, "kind": kind})


@require_safe
def event(request: HttpRequest, uid: str) -> HttpResponse:
    shown = get_object_or_404(with_people(Event.objects.filter(uid=uid)))
    if shown.withdrawn_at:
        return render(request, "papers/withdrawn.html", {"what": "event", "thing": shown}, status=410)
    context = {
        "event": shown,
        "room_key": f"event:{shown.uid}",
        "may_join": can_see_private(request.user),
        "has_meeting": any(date.join_url_private for date in shown.dates),  # type: ignore[attr-defined]
        "now": now(),
    }
    return render(request, "papers/event.html", context)
