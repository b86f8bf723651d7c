"""The programme for other programs: downloads of whole exports, calendar files and feeds."""

from __future__ import annotations

import hashlib
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_cache_control
from django.utils.http import http_date
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from miniconf.accounts.models import User
from papers import calendars
from papers.exporters import FORMATS, ical
from papers.exporters.files import current_file
from papers.models import Conference, Track
from papers.queries import visible_sessions
from papers.schedule.wanted import KINDS as SESSION_KINDS

from .site import conference_of

MOST_TRACKS = 200


@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    sessions = ical.sessions_for_calendars().order_by()
    kinds = set(sessions.values_list("kind", flat=True).distinct())
    context = {
        "formats": FORMATS.values(),
        "feed": settings.SITE_URL.partition("://")[2],
        "tracks": Track.objects.filter(pk__in=sessions.exclude(track=None).values("track_id"))[:MOST_TRACKS],
        "kinds": {kind: label for kind, label in SESSION_KINDS.items() if kind in kinds},
    }
    return render(request, "papers/export.html", context)


@require_safe
def export_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """One export as a file to keep."""
    exporter = FORMATS.get(name)
    if exporter is None:
        raise Http404(f"There is no export {name}; there are {', '.join(FORMATS)}.")
    file = current_file(exporter)
    if _has(request, file.etag):
        return HttpResponseNotModified(headers={"ETag": file.etag})
    response = FileResponse(
        file.path.open("rb"),
        as_attachment=True,
        filename=f"{_prefix(conference_of(request))}{exporter.FILE_NAME}",
        content_type=exporter.CONTENT_TYPE,
        headers={"ETag": file.etag, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"},
    )
    return response


@require_safe
def schedule_ics(request: HttpRequest) -> HttpResponseBase:
    """The schedule as a calendar to subscribe to: all of it, or `?track=` (a slug) and `?kind=`."""
    slug, kind = request.GET.get("track", ""), request.GET.get("kind", "")
    track = get_object_or_404(Track, slug=slug) if slug and "\0" not in slug else None
    if (slug and track is None) or (kind and kind not in SESSION_KINDS):
        raise Http404("There is no such track or kind of session.")
    parts = [conference_of(request).name, *([track.name] if track else []), *([SESSION_KINDS[kind]] if kind else [])]
    entries = [ical.entry_of(session) for session in ical.sessions_for_calendars(track=slug, kind=kind)]
    return _calendar(request, entries, title=" · ".join(parts))


@require_safe
def session_ics(request: HttpRequest, uid: str) -> HttpResponseBase:
    session = get_object_or_404(ical.with_events(visible_sessions()), uid=uid)
    file_name = f"{slugify(session.uid) or 'session'}.ics"
    return _calendar(request, [ical.entry_of(session)], title=conference_of(request).name, file_name=file_name)


@require_safe
def calendar_feed(request: HttpRequest, token: str = "") -> HttpResponseBase:
    """Somebody's own calendar. Its address is the secret, so it works without signing in, on members-only sites too.

    Whatever else stands below this address gets one bare answer, which tells nothing about the site.
    """
    user = calendars.owner_of(token)
    if user is None:
        return HttpResponse(
            "There is no calendar at this address; its owner may have made a new one.\n",
            status=404,
            content_type="text/plain; charset=utf-8",
            headers={"Cache-Control": "no-store"},
        )
    title = f"{conference_of(request).name}: my schedule"
    response = _calendar(request, calendars.entries_of(user), title=title, file_name="my-schedule.ics")
    patch_cache_control(response, private=True, no_cache=True)
    response["X-Robots-Tag"] = "noindex"
    return response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_calendar(request: HttpRequest) -> HttpResponse:
    """The address of one's own calendar: made, replaced and switched off here."""
    user = cast(User, request.user)
    if request.method == "POST":
        had = bool(user.calendar_key)
        if request.POST.get("action") == "off":
            calendars.switch_off(user=user)
            messages.success(request, "Your calendar has no address any more: programs that had it get nothing.")
        else:
            calendars.renew(user=user)
            messages.success(
                request,
                "Your calendar has a new address; the old one no longer works."
                if had
                else "Your calendar has an address now.",
            )
        return redirect("my_calendar")
    address = calendars.address_of(user)
    context = {
        "address": address,
        "webcal": "webcal://" + address.partition("://")[2] if address else "",
        "entries": calendars.entries_of(user),
    }
    return render(request, "papers/my_calendar.html", context)


def _calendar(
    request: HttpRequest, entries: list[ical.Entry], *, title: str, file_name: str = "schedule.ics"
) -> HttpResponseBase:
    body = ical.calendar_of(entries, title=title)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if _has(request, etag):
        return HttpResponseNotModified(headers={"ETag": etag})
    response = HttpResponse(body, content_type=ical.CONTENT_TYPE)
    response["ETag"] = etag
    response["Content-Disposition"] = f'inline; filename="{file_name}"'
    if entries:
        response["Last-Modified"] = http_date(max(entry.session.updated_at for entry in entries).timestamp())
    return response


def _has(request: HttpRequest, etag: str) -> bool:
    """Whether the asker has this version; a proxy may have marked the tag as weak."""
    tags = request.headers.get("If-None-Match", "")
    return tags.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))


def _prefix(conference: Conference) -> str:
    slug = slugify(conference.name)[:60]
    return f"{slug}-" if slug else ""
