"""Schedule and sessions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from miniconf.permissions import can_see_private
from papers import zones
from papers.models import Session
from papers.queries import visible_papers, visible_sessions, with_cards
from papers.schedule import chosen_day, day_of, slots_by_day

from .site import conference_of

_YEAR = 365 * 24 * 3600
SESSION_KINDS = {
    "poster": "Posters", "oral": "Orals", "qa": "Q&A", "keynote": "Keynotes", "tutorial": "Tutorials",
    "workshop": "Workshops", "social": "Socials", "mentoring": "Mentoring", "plenary": "Plenaries",
    "sponsor": "Sponsors", "break": "Breaks", "other": "Other",
}  # fmt: skip


@require_safe
def schedule(request: HttpRequest) -> HttpResponseBase:
    """One day of the viewer's zone, or all of them as a list. `?tz=` chooses a zone where scripts do not run."""
    if "tz" in request.GET:
        return _remember_zone(request)
    zone = zones.viewer_zone(request, conference_of(request))
    kind = request.GET.get("kind", "")
    kind = kind if kind in SESSION_KINDS else ""
    sessions = list(visible_sessions().select_related("event", "track"))
    kinds = {name: label for name, label in SESSION_KINDS.items() if any(s.kind == name for s in sessions)}
    slots = slots_by_day((s for s in sessions if not kind or s.kind == kind), zone)
    time = now()
    asked = request.GET.get("day", "")
    day = None if asked == "all" else chosen_day(asked, slots, time.astimezone(zone).date())
    context = {
        "zone": zone.key,
        "zone_choices": zones.zone_choices(),
        "day": day,
        "dates": sorted(slots),
        "days": [day_of(date, slots[date]) for date in sorted(slots) if day in (None, date)],
        "kind": kind,
        "kinds": kinds,
        "session_count": sum(map(len, slots.values())),
        "now": time,
    }
    return render(request, "papers/schedule.html", context)


def _remember_zone(request: HttpRequest) -> HttpResponseBase:
    rest = {name: request.GET[name] for name in ("day", "kind") if request.GET.get(name)}
    response = redirect(f"{request.path}?{urlencode(rest)}" if rest else request.path)
    if zone := zones.named_zone(request.GET["tz"]):
        response.set_cookie(zones.COOKIE, zone.key, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response


@require_safe
def session(request: HttpRequest, uid: str) -> HttpResponse:
    shown = get_object_or_404(Session.objects.select_related("event", "track"), uid=uid)
    if shown.withdrawn_at:
        return render(request, "papers/withdrawn.html", {"what": "session", "thing": shown}, status=410)
    papers = with_cards(visible_papers().filter(presentations__session=shown).order_by("presentations__position"))
    context = {
        "session": shown,
        "papers": papers[:200],
        "join_url": shown.join_url_private if can_see_private(request.user) else "",
        "now": now(),
    }
    return render(request, "papers/session.html", context)
