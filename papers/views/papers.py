"""The paper list, a paper, a person."""

from __future__ import annotations

import random
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from miniconf.permissions import can_bookmark
from miniconf.serving.page_notes import mark_page
from papers import citation
from papers.bookmarks import record_visit
from papers.filters import FILTERS
from papers.listing import SIZES, SORTS, Wanted, choices, listing
from papers.models import Paper
from papers.queries import slots, visible_papers, with_cards, with_slots
from papers.suggest import suggest
from papers.video import embed_of
from papers.zones import viewer_zone

from .site import conference_of

SIZE_COOKIE = "card_size"
UTC = ZoneInfo("UTC")
_YEAR = 365 * 24 * 3600
_SECONDS_KEPT = 60.0  # what the form offers is counted once a minute in each process


@require_safe
def paper_list(request: HttpRequest) -> HttpResponse:
    """Search and filters are in the address; the size of the cards is remembered in a cookie."""
    wanted = Wanted.from_query(request.GET, remembered_size=request.COOKIES.get(SIZE_COOKIE, ""))
    partial = bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    # Asked for only where it counts: visitors' pages are rendered once for each zone that was.
    zone = UTC if partial and not wanted.day else viewer_zone(request, conference_of(request))
    result = listing(wanted, viewer=request.user, zone=zone)
    context = {
        "listing": result,
        "wanted": wanted,
        "sizes": SIZES,
        "sorts": SORTS,
        "shuffle_link": wanted.link(sort="shuffle", seed=random.randrange(1, 1_000_000)),
        "member": can_bookmark(request.user),
    }
    if partial:
        response = render(request, "papers/results.html", context | {"out_of_band": True})
        query = result.wanted.query_string()
        address = f"{request.path}?{query}" if query else request.path
        response["HX-Replace-Url" if _goes_on_typing(request, wanted) else "HX-Push-Url"] = address
    else:
        offered = choices()
        context |= {"choices": offered, "days": offered.days(zone), "filters": FILTERS.values()}
        response = render(request, "papers/list.html", context)
        mark_page(request, seconds=_SECONDS_KEPT)
    if wanted.among is not None or wanted.without is not None:
        patch_cache_control(response, private=True, no_store=True)
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    if request.GET.get("size") in SIZES:
        response.set_cookie(SIZE_COOKIE, wanted.size, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response


def _goes_on_typing(request: HttpRequest, wanted: Wanted) -> bool:
    """Whether only the words of a search change: then the way back leads to what was before the search."""
    query = QueryDict(urlsplit(request.htmx.current_url or "").query)  # type: ignore[attr-defined]
    before = Wanted.from_query(query)
    return bool(before.search and wanted.search) and before.link(search="") == wanted.link(search="")


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """What the words typed so far may become, as options of the search field's list."""
    typed = request.GET.get("q", "").replace("\0", " ")
    groups = suggest(typed, tracks=choices().track_names)
    return render(request, "papers/suggestions.html", {"groups": groups})


@require_safe
def quick_view(request: HttpRequest, uid: str) -> HttpResponse:
    """A paper's abstract, to be read without leaving the list."""
    shown = with_slots(with_cards(visible_papers().filter(uid=uid))).first()
    if shown is None:
        raise Http404(f"There is no paper {uid}.")
    return render(request, "papers/quick_view.html", {"paper": shown})


@require_safe
def paper(request: HttpRequest, uid: str) -> HttpResponse:
    shown = with_cards(Paper.objects.filter(uid=uid)).first()
    if shown is None:
        return _missing(request, uid)
    if shown.withdrawn_at:
        return render(request, "papers/withdrawn.html", {"what": "paper", "thing": shown}, status=410)
    record_visit(user=request.user, paper=shown)
    url = request.build_absolute_uri(shown.get_absolute_url())
    context = {
        "paper": shown,
        "room_key": f"paper:{shown.uid}",
        "slots": slots().filter(paper=shown),
        "now": now(),
        "embed": embed_of(shown.video_url) if shown.video_url and not shown.video_file else None,
        "bibtex": citation.bibtex(shown, url=url),
        "meta_tags": citation.meta_tags(shown, page_url=url),
    }
    return render(request, "papers/paper.html", context)


def _missing(request: HttpRequest, uid: str) -> HttpResponse:
    """404 that helps: ids are told apart by case, which is lost when an address is typed."""
    similar = list(visible_papers().filter(uid__iexact=uid)[:5])
    return render(request, "papers/missing.html", {"uid": uid[:120], "similar": similar}, status=404)
