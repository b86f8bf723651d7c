"""Home, free pages, sponsors and their booths, and media files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from csp.decorators import csp_replace
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import parse_http_date_safe
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from miniconf.permissions import can_read_site, can_see_private, is_member
from miniconf.serving.page_notes import mark_page, notes_of
from papers import announcements, media, seats
from papers.events import listed
from papers.models import Conference, Event, Page, Paper, Session, Sponsor
from papers.queries import visible_events, visible_papers, visible_sessions, with_cards, with_people
from papers.video import embed_of

_CHUNK = 256 * 1024
MOST_SPONSORS = 300


def conference_of(request: HttpRequest) -> Conference:
    return getattr(request, "conference", None) or Conference.current()


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    time = now()
    sessions = visible_sessions().filter(in_schedule=True).select_related("event", "track")
    pinned = announcements.pinned_items(fresh=notes_of(request) is not None, viewer=request.user)
    running = sessions.filter(starts_at__lte=time, ends_at__gt=time).order_by("ends_at", "title")
    coming = sessions.filter(starts_at__gt=time).order_by("starts_at", "title")
    ongoing, next_ones = list(running[:8]), list(coming[:8])
    turns = [session.ends_at for session in ongoing[:1]] + [session.starts_at for session in next_ones[:1]]
    mark_page(request, seconds=min(((turn - time).total_seconds() for turn in turns), default=None))
    context = {
        "paper_count": visible_papers().count(),
        "event_count": visible_events().count(),
        "now": time,
        # static/papers/home.js goes on from these while the page is open.
        "running": ongoing,
        "coming": next_ones,
        "is_over": not ongoing and not next_ones and sessions.exists(),
        # Those pinned stand above this page as above every other.
        "announcements": announcements.shown(time, request.user).exclude(pk__in=[item["id"] for item in pinned])[:3],
        "pinned_count": len(pinned),
        "keynotes": with_people(listed(kind=Event.Kind.KEYNOTE))[:8],
        "papers": highlighted_papers(6),
        "sponsors": sponsor_levels(),
        "own_seats": seats.seats_of(request.user)[:3] if is_member(request.user) else [],
    }
    return render(request, "papers/home.html", context)


def highlighted_papers(count: int) -> list[Paper]:
    """Papers an organizer picked or whose talk is here, the same ones each time; any papers where there are none."""
    picked = visible_papers().filter(Q(highlighted=True) | ~Q(video_file="") | ~Q(video_url=""))
    rows = list(picked.values_list("pk", "video_file", "highlighted")) or [
        (pk, "", False) for pk in visible_papers().order_by("pk").values_list("pk", flat=True)[:500]
    ]
    rows.sort(key=lambda row: (not row[1], not row[2], hashlib.blake2b(str(row[0]).encode()).digest()))
    chosen = [row[0] for row in rows[:count]]
    by_id = {paper.pk: paper for paper in with_cards(Paper.objects.filter(pk__in=chosen))}
    return [by_id[pk] for pk in chosen]


def sponsor_levels() -> list[tuple[str, list[Sponsor]]]:
    """Sponsors by level, levels in the order of their first sponsor."""
    levels: dict[str, list[Sponsor]] = {}
    for sponsor in Sponsor.objects.order_by("position", "name")[:MOST_SPONSORS]:
        levels.setdefault(sponsor.level, []).append(sponsor)
    return list(levels.items())


@require_safe
def sponsors(request: HttpRequest) -> HttpResponse:
    return render(request, "papers/sponsors.html", {"levels": sponsor_levels()})


@require_safe
def sponsor(request: HttpRequest, uid: str) -> HttpResponse:
    """A sponsor's booth."""
    shown = get_object_or_404(Sponsor, uid=uid)
    dates = visible_sessions().filter(sponsor=shown).select_related("event").order_by("starts_at")[:100]
    places: list[Sponsor | Session] = [shown, *dates]
    context = {
        "sponsor": shown,
        "dates": dates,
        "people": shown.people.order_by("name")[:100],
        "embed": embed_of(shown.video_url) if shown.video_url else None,
        "room_key": f"sponsor:{shown.uid}",
        "may_join": can_see_private(request.user),
        "has_meeting": any(place.join_url_private or place.join_note_private for place in places),
        "now": now(),
    }
    return render(request, "papers/sponsor.html", context)


@require_safe
def page(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Page, slug=slug)
    return render(request, "papers/page.html", {"page": shown, "pages": _other_pages()})


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """The page "help" where there is one, and the way to all others."""
    return render(
        request, "papers/page.html", {"page": Page.objects.filter(slug="help").first(), "pages": _other_pages()}
    )


def _other_pages() -> list[Page]:
    return list(Page.objects.exclude(slug="help").defer("body")[:100])


# A paper's page shows its poster and slides. (The decorator's types know no views with arguments.)
@csp_replace({"frame-ancestors": ["'self'"]})  # type: ignore[arg-type]
@require_safe
def media_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """A file below MEDIA_ROOT, whole or the part a Range header asks for (RFC 9110), so that videos can be sought."""
    if not can_read_site(request.user, conference_of(request)):
        raise Http404("Sign in to see files of this conference.")
    file = media.find(path)
    if file is None:
        raise Http404(f"There is no file {path}.")
    headers = {
        "ETag": file.etag,
        "Last-Modified": file.last_modified,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
    }
    if _unmodified(request, file):
        return HttpResponse(status=304, headers=headers)
    try:
        wanted = _wanted_range(request, file)
    except ValueError:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{file.size}"})
    if wanted is None:
        return FileResponse(file.path.open("rb"), content_type=file.content_type, headers=headers)
    first, last = wanted
    response = StreamingHttpResponse(
        _part(file.path, first, last - first + 1), status=206, content_type=file.content_type, headers=headers
    )
    response["Content-Range"] = f"bytes {first}-{last}/{file.size}"
    response["Content-Length"] = str(last - first + 1)
    return response


def _unmodified(request: HttpRequest, file: media.MediaFile) -> bool:
    if tags := request.headers.get("If-None-Match"):
        return tags.strip() == "*" or file.etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and file.modified <= since


def _wanted_range(request: HttpRequest, file: media.MediaFile) -> tuple[int, int] | None:
    header = request.headers.get("Range", "")
    condition = request.headers.get("If-Range", "")
    if not header or (condition and condition not in (file.etag, file.last_modified)):
        return None
    return media.byte_range(header, file.size)


def _part(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as source:
        source.seek(first)
        while length > 0 and (chunk := source.read(min(_CHUNK, length))):
            length -= len(chunk)
            yield chunk
