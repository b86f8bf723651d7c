"""The paper map, and papers for whoever asks."""

from __future__ import annotations

import gzip

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe

from miniconf.permissions import is_member
from papers.bookmarks import marks_of
from papers.models import Paper
from papers.queries import visible_papers
from papers.search import search
from papers.similarity import paper_map
from papers.similarity.recommend import MOST_UIDS, left_out_for, recommend, seeds_named, seeds_of

_LONGEST_SEARCH = 200
_MOST_FOUND = 2_000
_MOST_MARKS = 5_000


@require_safe
def map_page(request: HttpRequest) -> HttpResponse:
    """The frame of the map; static/papers/map.js asks for the points and draws them."""
    marks: dict[str, list[str]] = {}
    if is_member(request.user):
        mine = marks_of(request)
        marks = {
            "bookmarked": _uids([pk for kind, pk in mine.bookmarked if kind == "paper"]),
            "visited": _uids(list(mine.visited)),
        }
    searched = request.GET.get("search", "").replace("\0", " ").strip()[:_LONGEST_SEARCH]
    context = {"map": paper_map.overview(), "search": searched, "marks": marks}
    return render(request, "papers/map.html", context)


def _uids(ids: list[int]) -> list[str]:
    return list(Paper.objects.filter(pk__in=ids[:_MOST_MARKS]).order_by("pk").values_list("uid", flat=True))


@require_safe
def map_points(request: HttpRequest) -> HttpResponse:
    return _document(request, paper_map.points_document())


@require_safe
def map_titles(request: HttpRequest) -> HttpResponse:
    return _document(request, paper_map.titles_document())


def _document(request: HttpRequest, document: paper_map.Document) -> HttpResponse:
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(document.compressed, content_type="application/json")
        response["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(gzip.decompress(document.compressed), content_type="application/json")
    response["ETag"] = document.etag
    patch_vary_headers(response, ["Accept-Encoding"])
    return get_conditional_response(request, etag=document.etag, response=response) or response


@require_safe
def map_found(request: HttpRequest) -> HttpResponse:
    """Ids of the papers that the list would find, the most relevant first, for the map to highlight."""
    found = search(request.GET.get("search", "").replace("\0", " ")[:_LONGEST_SEARCH]) or []
    uids = dict(visible_papers().order_by().values_list("pk", "uid")) if found else {}
    shown = [uids[pk] for pk in found if pk in uids]
    return JsonResponse({"count": len(shown), "uids": shown[:_MOST_FOUND]})


@require_safe
def for_you(request: HttpRequest) -> HttpResponse:
    """Members: from their bookmarks, papers and visits. Visitors: from the ids in the address, which their browser adds."""
    named: list[str] = []
    if is_member(request.user):
        seeds, left_out = seeds_of(request.user), left_out_for(request.user)
    else:
        named = request.GET.getlist("uids")[:MOST_UIDS]
        seeds, left_out = seeds_named(named), set()
    found = recommend(seeds=seeds, left_out=left_out)
    context = {"recommendations": found, "seeds": seeds, "named": named, "map": paper_map.overview()}
    response = render(request, "papers/for_you.html", context)
    if named:
        patch_cache_control(response, private=True)
    return response
