"""Events: by kind, and each on its own page."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from miniconf.permissions import can_manage_seats, can_see_private, can_see_seats, can_take_seat, is_member
from papers import seats, zones
from papers.events import KINDS, kinds_present, listed, timetable
from papers.models import Event, Track
from papers.queries import visible_papers, with_cards, with_people
from papers.video import embed_of
from papers.words import LONGEST

from .site import conference_of

ON_A_PAGE = 60
MOST_PAPERS = 300


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Search, kind and track are in the address."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    search = request.GET.get("search", "").replace("\0", "").strip()[:LONGEST]
    tracks = list(Track.objects.filter(events__withdrawn_at=None, events__isnull=False).distinct()[:200])
    track = request.GET.get("track", "")
    track = track if any(track == known.slug for known in tracks) else ""
    found = with_people(listed(kind=kind, search=search, track=track))
    page = Paginator(found, ON_A_PAGE).get_page(request.GET.get("page"))
    shown = list(page)
    context = {
        "kinds": kinds_present(),
        "kind": kind,
        "search": search,
        "track": track,
        "tracks": tracks,
        "page": page,
        "groups": [(name, label, [e for e in shown if e.kind == name]) for name, label in KINDS.items()],
        # How full tables are changes by the minute and is for those who can sign up.
        "tables": seats.tables_of(shown) if is_member(request.user) else {},
        "now": now(),
    }
    return render(request, "papers/events.html", context)


@require_safe
def event(request: HttpRequest, uid: str) -> HttpResponse:
    shown = get_object_or_404(with_people(Event.objects.filter(uid=uid).select_related("track")))
    if shown.withdrawn_at:
        return render(request, "papers/withdrawn.html", {"what": "event", "thing": shown}, status=410)
    papers = visible_papers().filter(event=shown)
    days = timetable(shown, zones.viewer_zone(request, conference_of(request)))
    private = (shown, *shown.dates, *(item for day in days for item in day.items))  # type: ignore[attr-defined]
    context = {
        "event": shown,
        "timetable": days,
        "papers": with_cards(papers.order_by("title"))[:MOST_PAPERS],
        "paper_count": papers.count(),
        "embed": embed_of(shown.video_url) if shown.video_url else None,
        "room_key": f"event:{shown.uid}",
        "may_join": can_see_private(request.user),
        "has_meeting": any(place.join_url_private or place.join_note_private for place in private),
        "now": now(),
    }
    return render(request, "papers/event.html", context | _seats(request, shown))


def _seats(request: HttpRequest, shown: Event) -> dict[str, object]:
    """What the panel of a table shows; a visitor sees how many places there are, and the way in."""
    if shown.capacity is None:
        return {}
    user = request.user
    if not is_member(user):
        return {"has_seats": True}
    own = seats.seat_of(user, shown)
    return {
        "has_seats": True,
        "table": seats.table_of(shown),
        "seat": own,
        "may_take_seat": can_take_seat(user, shown),
        "may_see_seats": can_see_seats(user, shown),
        "may_manage_seats": can_manage_seats(user),
        "clashes": seats.clashes(user, shown),
        "longest_note": seats.LONGEST_NOTE,
    }
