"""Schedule and sessions."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import now
from django.views.decorators.http import require_POST, require_safe

from miniconf.permissions import can_see_private, is_member
from papers import zones
from papers.models import Presentation, Session, Track
from papers.queries import visible_papers, visible_sessions, with_cards
from papers.schedule import pages, week
from papers.schedule.wanted import KINDS, VIEWS, Wanted, read_wanted, scheduled_sessions, wanted_sessions
from papers.signals import session_opened

from .site import conference_of

_YEAR = 365 * 24 * 3600
PAPERS_ON_A_PAGE = 200


@require_safe
def schedule(request: HttpRequest) -> HttpResponseBase:
    """A day, a week or a list of days in the viewer's zone. `?tz=` chooses a zone where scripts do not run."""
    wanted = read_wanted(request.GET)
    if "tz" in request.GET:
        return _remember_zone(request, wanted)
    zone = zones.viewer_zone(request, conference_of(request))
    everything = scheduled_sessions()
    sessions = wanted_sessions(wanted, request.user)
    dates = pages.dates_of(everything, zone)
    filled = pages.dates_of(sessions, zone) if wanted.filtered else dates
    time = now()
    today = time.astimezone(zone).date()
    # A day that was asked for is shown though the filters leave nothing of it.
    day = wanted.day if wanted.day in dates else pages.chosen_day(None, filled or dates, today)
    context = {
        "zone": zone.key,
        "zone_options": zones.zone_options(zone.key),
        "wanted": wanted,
        "view": wanted.shown_view,
        "views": [(name, label, wanted.address(view=name, page=1)) for name, label in VIEWS.items()],
        "day": day,
        "days": [(date, wanted.address(day=date), date in filled) for date in dates],
        "today": today,
        "unfiltered": Wanted(view=wanted.view, day=wanted.day).address(),
        "kinds": _kinds(everything),
        "tracks": Track.objects.filter(sessions__in=everything).distinct()[:300],
        "now": time,
    }
    if day is not None:
        context |= _shown(wanted, sessions, day, dates, zone)
    return render(request, "papers/schedule.html", context)


def _shown(
    wanted: Wanted, sessions: QuerySet[Session], day: dt.date, dates: list[dt.date], zone: ZoneInfo
) -> dict[str, Any]:
    """What the view chosen shows of `day`, and where it goes on."""

    def step(date: dt.date | None) -> tuple[dt.date, str] | None:
        return (date, wanted.address(day=date)) if date else None

    if wanted.shown_view == "week":
        columns = week.week_dates(day, dates)
        return {
            "week": week.week_of(sessions, columns, zone),
            "week_days": [(date, wanted.address(view="day", day=date)) for date in columns],
            "before": step(next((date for date in reversed(dates) if date < columns[0]), None)),
            "after": step(next((date for date in dates if date > columns[-1]), None)),
        }
    make = {"agenda": pages.agenda_page, "print": pages.print_page}.get(wanted.shown_view, pages.day_page)
    page = make(sessions, day, zone, number=wanted.page)
    following = page.next_day
    if wanted.shown_view == "day":
        following = next((date for date in dates if date > day), None)
    return {
        "page": page,
        "previous_page": wanted.address(day=day, page=page.number - 1) if page.number > 1 else "",
        "next_page": wanted.address(day=day, page=page.number + 1) if page.has_next else "",
        "before": step(next((date for date in reversed(dates) if date < day), None)),
        "after": None if page.has_next else step(following),
    }


def _kinds(sessions: QuerySet[Session]) -> list[tuple[str, str]]:
    there = set(sessions.order_by().values_list("kind", flat=True).distinct())
    return [(name, label) for name, label in KINDS.items() if name in there]


def _remember_zone(request: HttpRequest, wanted: Wanted) -> HttpResponseBase:
    query = wanted.address(page=wanted.page)
    response = redirect(request.path + (query if query != "?" else ""))
    if zone := zones.named_zone(request.GET["tz"]):
        response.set_cookie(zones.COOKIE, zone.key, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response


@require_POST
def set_zone(request: HttpRequest) -> HttpResponseBase:
    """Members' choice is kept in their profile, and so holds on all their devices. Blank: as the browser says."""
    name = request.POST.get("tz", "")
    address = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        address = reverse("schedule")
    if is_member(request.user) and (not name or zones.named_zone(name)):
        request.user.timezone = name
        request.user.save(update_fields=["timezone"])
    return redirect(address)


# --- Sessions ------------------------------------------------------------------------------------------------------


@require_safe
def session(request: HttpRequest, uid: str) -> HttpResponse:
    shown = get_object_or_404(
        Session.objects.select_related("event", "track", "sponsor").prefetch_related("chairs"), uid=uid
    )
    if shown.withdrawn_at:
        return render(request, "papers/withdrawn.html", {"what": "session", "thing": shown}, status=410)
    if is_member(request.user):
        session_opened.send(Session, user=request.user, session=shown)
    may_join = can_see_private(request.user)
    presentations = Presentation.objects.filter(session=shown, paper__withdrawn_at=None).order_by("position", "pk")
    page = Paginator(presentations, PAPERS_ON_A_PAGE).get_page(request.GET.get("page"))
    cards = {paper.pk: paper for paper in with_cards(visible_papers().filter(pk__in=[row.paper_id for row in page]))}
    earlier, later = _neighbours(shown)
    context = {
        "session": shown,
        "page": page,
        "presentations": [(row, cards[row.paper_id]) for row in page if row.paper_id in cards],
        "may_join": may_join,
        "has_meeting": bool(shown.join_url_private) or any(row.join_url_private for row in page),
        "earlier": earlier,
        "later": later,
        "schedule_day": shown.starts_at.astimezone(zones.viewer_zone(request, conference_of(request))).date(),
        "calendar_url": _calendar_url(shown),
        "now": now(),
    }
    return render(request, "papers/session.html", context)


def _neighbours(shown: Session) -> tuple[Session | None, Session | None]:
    """The sessions of the same kind before and after this one; of a workshop's own timetable, its other items."""
    like = visible_sessions().filter(in_schedule=shown.in_schedule)
    like = like.filter(kind=shown.kind) if shown.in_schedule else like.filter(event=shown.event_id)
    key = {"starts_at": shown.starts_at, "title": shown.title, "pk": shown.pk}
    same_start, same_title = Q(starts_at=key["starts_at"]), Q(title=key["title"])
    before = like.filter(
        Q(starts_at__lt=key["starts_at"])
        | (same_start & Q(title__lt=key["title"]))
        | (same_start & same_title & Q(pk__lt=key["pk"]))
    )
    after = like.filter(
        Q(starts_at__gt=key["starts_at"])
        | (same_start & Q(title__gt=key["title"]))
        | (same_start & same_title & Q(pk__gt=key["pk"]))
    )
    return (
        before.order_by("-starts_at", "-title", "-pk").first(),
        after.order_by("starts_at", "title", "pk").first(),
    )


def _calendar_url(shown: Session) -> str:
    try:
        return reverse("session_ics", args=[shown.uid])
    except NoReverseMatch:
        return ""
