"""One bounded page of the list, and what stands around it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from math import ceil
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from miniconf.permissions import Viewer
from papers.filters import FILTERS
from papers.models import Paper, Session, Track
from papers.queries import visible_papers, with_cards
from papers.search import search
from papers.spelling import nearest_spelling

from .narrowing import UTC, filtered, ordered_ids
from .wanted import SIZES, Wanted


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address of the list without it."""

    label: str
    link: str


@dataclass(slots=True)
class Listing:
    wanted: Wanted
    papers: list[Paper]
    count: int
    page: int
    pages: int
    chips: list[Chip] = field(default_factory=list)
    did_you_mean: str = ""

    @property
    def first(self) -> int:
        return (self.page - 1) * SIZES[self.wanted.size] + 1 if self.papers else 0

    @property
    def last(self) -> int:
        return self.first + len(self.papers) - 1 if self.papers else 0

    @property
    def previous_link(self) -> str:
        return self.wanted.link(page=self.page - 1) if self.page > 1 else ""

    @property
    def next_link(self) -> str:
        return self.wanted.link(page=self.page + 1) if self.page < self.pages else ""

    @property
    def did_you_mean_link(self) -> str:
        return self.wanted.link(search=self.did_you_mean)

    @property
    def match_link(self) -> str:
        """The same list with papers that have any of the keywords, or all of them again."""
        return self.wanted.link(match="all" if self.wanted.match == "any" else "any")


def listing(wanted: Wanted, *, viewer: Viewer | None = None, zone: ZoneInfo = UTC) -> Listing:
    """One page of the papers asked for; a page beyond the last is the last."""
    papers = filtered(wanted, viewer=viewer, zone=zone)
    matches = search(wanted.search)
    size = SIZES[wanted.size]
    if matches is None and wanted.sort in ("", "newest"):
        count = papers.count()
        page, pages = _page(wanted.page, count, size)
        order = ("-year", "title", "uid") if wanted.sort == "newest" else ("title", "uid")
        shown = list(papers.order_by(*order).values_list("pk", flat=True)[(page - 1) * size : page * size])
    else:
        ids = _found(papers, matches, wanted, zone)
        count = len(ids)
        page, pages = _page(wanted.page, count, size)
        shown = ids[(page - 1) * size : page * size]
    return Listing(
        replace(wanted, page=page),
        _cards(shown, wanted.size),
        count,
        page,
        pages,
        chips(wanted),
        did_you_mean="" if count or matches != [] else nearest_spelling(wanted.search),
    )


def _found(papers: QuerySet[Paper], matches: list[int] | None, wanted: Wanted, zone: ZoneInfo) -> list[int]:
    if matches is None:
        return ordered_ids(papers, wanted, zone=zone)
    if not wanted.sort:
        if not wanted.narrowed:  # few papers are withdrawn, so it is those that are looked up
            hidden = set(Paper.objects.exclude(withdrawn_at=None).values_list("pk", flat=True))
            return [pk for pk in matches if pk not in hidden] if hidden else matches
        allowed = set(papers.values_list("pk", flat=True))
        return [pk for pk in matches if pk in allowed]
    found = set(matches)
    return [pk for pk in ordered_ids(papers, wanted, zone=zone) if pk in found]


def _cards(ids: list[int], size: str) -> list[Paper]:
    """The papers in this order, with what cards of this size show."""
    papers = with_cards(visible_papers().filter(pk__in=ids)).defer("bibtex", "links", "edited")
    if size != "detail":
        papers = papers.defer("bibtex", "links", "edited", "abstract")
    by_id = {paper.pk: paper for paper in papers}
    return [by_id[pk] for pk in ids if pk in by_id]


def _page(asked: int, count: int, size: int) -> tuple[int, int]:
    pages = max(1, ceil(count / size))
    return min(asked, pages), pages


def chips(wanted: Wanted) -> list[Chip]:
    found = []
    if wanted.track:
        track = Track.objects.filter(slug=wanted.track).first()
        found.append(Chip(f"Track: {track.name if track else wanted.track}", wanted.link(track="")))
    for name in wanted.keywords:
        rest = tuple(other for other in wanted.keywords if other != name)
        found.append(Chip(f"Keyword: {name}", wanted.link(keywords=rest)))
    if wanted.session:
        session = Session.objects.filter(uid=wanted.session).first()
        found.append(Chip(f"Session: {session.title if session else wanted.session}", wanted.link(session="")))
    if wanted.day:
        day = dt.date.fromisoformat(wanted.day)
        found.append(Chip(f"Day: {day:%A}, {day.day} {day:%B %Y}", wanted.link(day="")))
    if wanted.kind:
        found.append(Chip(f"Type: {wanted.kind}", wanted.link(kind="")))
    if wanted.program:
        found.append(Chip(f"Program: {wanted.program}", wanted.link(program="")))
    for name in wanted.flags:
        rest = tuple(other for other in wanted.flags if other != name)
        found.append(Chip(FILTERS[name].label, wanted.link(flags=rest)))
    if wanted.bookmarked:
        found.append(Chip("Bookmarked", wanted.link(bookmarked=False)))
    if wanted.unvisited:
        found.append(Chip("Not yet visited", wanted.link(unvisited=False)))
    return found
