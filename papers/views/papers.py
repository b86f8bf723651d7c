"""The paper list, a paper, a person."""

from __future__ import annotations

import random

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.timezone import now
from django.views.decorators.http import require_safe

from papers import citation
from papers.bookmarks import record_visit
from papers.listing import SIZES, Wanted, choices, listing
from papers.models import Paper
from papers.queries import slots, visible_papers, with_cards
from papers.video import embed_of

SIZE_COOKIE = "card_size"
_YEAR = 365 * 24 * 3600


@require_safe
def paper_list(request: HttpRequest) -> HttpResponse:
    """Search and filters are in the address; the size of the cards is remembered in a cookie."""
    wanted = Wanted.from_query(request.GET, remembered_size=request.COOKIES.get(SIZE_COOKIE, ""))
    result = listing(wanted)
    context = {
        "listing": result,
        "wanted": wanted,
        "sizes": SIZES,
        "shuffle_link": wanted.link(sort="shuffle", seed=random.randrange(1, 1_000_000)),
    }
    partial = bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    if partial:
        response = render(request, "papers/results.html", context | {"out_of_band": True})
        query = result.wanted.query_string()
        response["HX-Push-Url"] = f"{request.path}?{query}" if query else request.path
    else:
        response = render(request, "papers/list.html", context | choices())
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    if request.GET.get("size") in SIZES:
        response.set_cookie(SIZE_COOKIE, wanted.size, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response


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
