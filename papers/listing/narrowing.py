"""The papers that pass the list's filters, and in which order."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from miniconf.permissions import Viewer, can_bookmark
from papers.filters import FILTERS
from papers.models import Bookmark, Paper, Presentation, Visit
from papers.queries import visible_papers

from .wanted import Wanted

UTC = ZoneInfo("UTC")


def filtered(wanted: Wanted, *, viewer: Viewer | None = None, zone: ZoneInfo = UTC) -> QuerySet[Paper]:
    """The papers that pass all filters; the search is not among them. Days are those of `zone`."""
    papers = visible_papers()
    if wanted.track:
        papers = papers.filter(track__slug=wanted.track)
    papers = _with_keywords(papers, wanted)
    if wanted.session:
        papers = papers.filter(presentations__session__uid=wanted.session)
    if wanted.day:
        papers = papers.filter(pk__in=_presented(wanted, zone).order_by().values("paper_id"))
    if wanted.kind:
        papers = papers.filter(kind=wanted.kind)
    if wanted.program:
        papers = papers.filter(program=wanted.program)
    for name in wanted.flags:
        papers = FILTERS[name].narrow(papers)
    return _kept_by(papers, wanted, viewer or AnonymousUser())


def _with_keywords(papers: QuerySet[Paper], wanted: Wanted) -> QuerySet[Paper]:
    if wanted.match == "any" and wanted.keywords:
        named = Paper.keywords.through.objects.filter(keyword__name__in=wanted.keywords)
        return papers.filter(pk__in=named.values("paper_id"))
    for name in wanted.keywords:
        papers = papers.filter(keywords__name=name)
    return papers


def _kept_by(papers: QuerySet[Paper], wanted: Wanted, viewer: Viewer) -> QuerySet[Paper]:
    """By a member's own bookmarks and visits, or by those that a visitor's browser has told of."""
    if can_bookmark(viewer):
        if wanted.bookmarked:
            own = Bookmark.objects.filter(user=viewer, paper__isnull=False)
            papers = papers.filter(pk__in=own.order_by().values("paper_id"))
        if wanted.unvisited:
            papers = papers.exclude(pk__in=Visit.objects.filter(user=viewer).values("paper_id"))
        return papers
    if wanted.bookmarked:
        papers = papers.filter(uid__in=wanted.among or ())
    if wanted.unvisited and wanted.without:
        papers = papers.exclude(uid__in=wanted.without)
    return papers


def _presented(wanted: Wanted, zone: ZoneInfo) -> QuerySet[Presentation]:
    """Presentations in the session and on the day asked for, in the order of time, with `at`."""
    shown = Presentation.objects.filter(session__withdrawn_at=None)
    shown = shown.annotate(at=Coalesce("starts_at", "session__starts_at"))
    if wanted.session:
        shown = shown.filter(session__uid=wanted.session)
    if wanted.day:
        day = dt.date.fromisoformat(wanted.day)
        begins = dt.datetime.combine(day, dt.time(), zone)
        # Of the next date rather than 24 hours later: days on which clocks change have 23 or 25.
        ends = dt.datetime.combine(day + dt.timedelta(1), dt.time(), zone)
        shown = shown.filter(at__gte=begins.astimezone(dt.UTC), at__lt=ends.astimezone(dt.UTC))
    return shown.order_by("at", "session_id", "position", "pk")


def ordered_ids(papers: QuerySet[Paper], wanted: Wanted, *, zone: ZoneInfo = UTC) -> list[int]:
    """Primary keys of all of them in the order asked for, which is that of titles unless another was named."""
    if wanted.sort == "newest":
        return list(papers.order_by("-year", "title", "uid").values_list("pk", flat=True))
    ids = list(papers.order_by("title", "uid").values_list("pk", flat=True))
    if wanted.sort == "shuffle":
        ids.sort(key=_shuffle_key(wanted.seed))
    elif wanted.sort == "time":
        place: dict[int, int] = {}
        for n, pk in enumerate(_presented(wanted, zone).values_list("paper_id", flat=True)):
            place.setdefault(pk, n)
        ids.sort(key=lambda pk: place.get(pk, len(place) + len(ids)))  # what is not presented comes last, by title
    return ids


def _shuffle_key(seed: int) -> Callable[[int], bytes]:
    """An order that depends on the seed and the paper only, so that pages fit together while papers come and go."""
    return lambda pk: hashlib.blake2b(f"{seed}:{pk}".encode(), digest_size=8).digest()
