"""What somebody keeps: the bookmarks page, its downloads, and the star."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_POST, require_safe

from miniconf.permissions import can_bookmark
from miniconf.problems import Problem, problem_response
from papers import citation
from papers.bookmarks import (
    KINDS,
    MOST_BOOKMARKS,
    bookmarked_papers,
    find,
    set_bookmark,
    take_over,
    take_over_visits,
)
from papers.models import Paper, Presentation
from papers.queries import visible_papers, with_cards, with_slots

MOST_NAMED = 500  # papers an address may name


def _asks_for_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _back(request: HttpRequest) -> str:
    """The page the form stood on, if it is one of this site."""
    referer = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if own else resolve_url("bookmarks")


@require_POST
def bookmark(request: HttpRequest) -> HttpResponseBase:
    """Bookmark what `paper`, `session` or `event` names, or take the bookmark away (`bookmarked=0`)."""
    try:
        if not can_bookmark(request.user):
            raise Problem(401, "Sign in first", "Bookmarks are kept in an account: sign in first.")
        kind = next((name for name in KINDS if request.POST.get(name)), "")
        thing = find(kind, request.POST.get(kind, ""))
        wanted = request.POST.get("bookmarked", "1") != "0"
        set_bookmark(user=request.user, thing=thing, wanted=wanted)
    except Problem as problem:
        if _asks_for_json(request):
            return problem_response(problem)
        if problem.status == 401:
            return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': _back(request)})}")
        raise
    return JsonResponse({"bookmarked": wanted}) if _asks_for_json(request) else redirect(_back(request))


@require_POST
def take_over_bookmarks(request: HttpRequest) -> HttpResponseBase:
    """Move into the account what the browser had kept: `bookmark` is "paper:<uid>" and so on, `visited` a paper's id."""
    if not can_bookmark(request.user):
        return problem_response(Problem(401, "Sign in first", "Bookmarks are kept in an account: sign in first."))
    new = take_over(user=request.user, keys=request.POST.getlist("bookmark"))
    take_over_visits(user=request.user, uids=request.POST.getlist("visited"))
    return JsonResponse({"new": new})


def _chosen(request: HttpRequest) -> tuple[QuerySet[Paper], list[str]]:
    """The papers an address names (`paper=`, as visitors' browsers do), else one's own bookmarks."""
    named = [uid for uid in request.GET.getlist("paper")[:MOST_NAMED] if uid and "\0" not in uid]
    papers = visible_papers().filter(uid__in=named) if named else bookmarked_papers(request.user)
    return papers.order_by("title", "uid"), named


@require_safe
def bookmarks(request: HttpRequest) -> HttpResponse:
    """Bookmarked papers by track or by time. For visitors the browser names them in the address."""
    papers, named = _chosen(request)
    by = "time" if request.GET.get("by") == "time" else "track"
    found = list(with_slots(with_cards(papers))[:MOST_BOOKMARKS])
    context = {
        "groups": _by_time(found) if by == "time" else _by_track(found),
        "count": len(found),
        "by": by,
        "named": named,
        "query": urlencode([("paper", uid) for uid in named]),
    }
    response = render(request, "papers/bookmarks.html", context)
    if named:
        patch_cache_control(response, private=True)
    return response


Group = tuple[str, Presentation | None, list[Paper]]


def _by_track(papers: list[Paper]) -> list[Group]:
    def name(paper: Paper) -> str:
        return paper.track.name if paper.track else ""

    papers = sorted(papers, key=lambda paper: (not name(paper), name(paper)))
    return [(track or "Without a track", None, list(group)) for track, group in groupby(papers, key=name)]


def _by_time(papers: list[Paper]) -> list[Group]:
    """A paper stands at each of its sessions; those that have none come last."""
    slots: list[tuple[Presentation, Paper]] = [(slot, paper) for paper in papers for slot in paper.slots]  # type: ignore[attr-defined]
    slots.sort(key=lambda pair: (pair[0].session.starts_at, pair[0].session.uid, pair[0].position))
    groups: list[Group] = []
    for _, group in groupby(slots, key=lambda pair: pair[0].session_id):
        pairs = list(group)
        groups.append((pairs[0][0].session.title, pairs[0][0], [paper for _, paper in pairs]))
    rest = [paper for paper in papers if not paper.slots]  # type: ignore[attr-defined]
    return [*groups, ("Without a session", None, rest)] if rest else groups


def _download(name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private"}
    return HttpResponse(content_type=f"{content_type}; charset=utf-8", headers=headers)


def _with_address(request: HttpRequest, papers: QuerySet[Paper]) -> Iterator[tuple[Paper, str]]:
    for paper in with_cards(papers)[:MOST_BOOKMARKS]:
        yield paper, request.build_absolute_uri(paper.get_absolute_url())


def _cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@require_safe
def bookmarks_csv(request: HttpRequest) -> HttpResponse:
    papers, _ = _chosen(request)
    response = _download("bookmarks.csv", "text/csv")
    writer: Any = csv.writer(response)
    writer.writerow(["uid", "title", "authors", "keywords", "track", "year", "url"])
    for paper, url in _with_address(request, papers):
        keywords = "|".join(keyword.name for keyword in paper.keywords.all())
        row = [paper.uid, paper.title, "|".join(citation.author_names(paper)), keywords]
        row += [paper.track.name if paper.track else "", str(paper.year or ""), url]
        writer.writerow([_cell(cell) for cell in row])
    return response


@require_safe
def bookmarks_bibtex(request: HttpRequest) -> HttpResponse:
    papers, _ = _chosen(request)
    response = _download("bookmarks.bib", "application/x-bibtex")
    response.write("\n\n".join(citation.bibtex(paper, url=url) for paper, url in _with_address(request, papers)) + "\n")
    return response
