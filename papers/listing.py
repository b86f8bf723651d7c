"""The paper list: what an address asks for, and one bounded page of it."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Literal, cast

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from .models import Keyword, Paper, Session, Track
from .queries import visible_papers, visible_sessions, with_cards
from .search import search

Size = Literal["mini", "compact", "detail"]
SIZES: dict[str, int] = {"mini": 48, "compact": 24, "detail": 24}  # papers on a page
SORTS = {"relevance": "Relevance", "title": "Title", "newest": "Newest first", "shuffle": "Shuffled"}
_LONGEST_QUERY = 200
_MOST_KEYWORDS = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is asked for. `query_string` is its one canonical spelling in an address."""

    search: str = ""
    track: str = ""
    keywords: tuple[str, ...] = ()
    session: str = ""
    video: bool = False
    sort: str = ""
    seed: int = 0
    size: str = "compact"
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryDict, *, remembered_size: str = "") -> Wanted:
        """Whatever an address says, in bounds; what makes no sense is left out."""
        sizes = (query.get("size", ""), remembered_size, "compact")
        search_text = query.get("search", "").replace("\0", " ").strip()[:_LONGEST_QUERY]
        sort = query.get("sort", "")
        if sort not in SORTS or (sort == "relevance" and not search_text):
            sort = ""
        seed = _number(query.get("seed", ""), high=999_999)
        keywords = (name.replace("\0", " ").strip() for name in query.getlist("keyword"))
        return cls(
            search=search_text,
            track=query.get("track", "").replace("\0", ""),
            keywords=tuple(dict.fromkeys(name for name in keywords if name))[:_MOST_KEYWORDS],
            session=query.get("session", "").replace("\0", ""),
            video=query.get("video", "") in ("1", "on"),
            sort=sort,
            seed=seed or (random.randrange(1, 1_000_000) if sort == "shuffle" else 0),
            size=next(size for size in sizes if size in SIZES),
            page=_number(query.get("page", ""), high=100_000) or 1,
        )

    def query_string(self) -> str:
        pairs: list[tuple[str, str | int]] = []
        pairs += [("search", self.search)] if self.search else []
        pairs += [("track", self.track)] if self.track else []
        pairs += [("keyword", name) for name in self.keywords]
        pairs += [("session", self.session)] if self.session else []
        pairs += [("video", 1)] if self.video else []
        pairs += [("sort", self.sort)] if self.sort else []
        pairs += [("seed", self.seed)] if self.sort == "shuffle" else []
        pairs += [("page", self.page)] if self.page > 1 else []
        return urlencode(pairs)

    def link(self, **changes: object) -> str:
        """Address of the list with some wishes changed; back on its first page unless `page` is one of them."""
        query = replace(self, **{"page": 1, **changes}).query_string()  # type: ignore[arg-type]
        return f"?{query}" if query else "?"

    @property
    def narrowed(self) -> bool:
        return bool(self.search or self.track or self.keywords or self.session or self.video)


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


def listing(wanted: Wanted) -> Listing:
    """One page of the papers asked for; a page beyond the last is the last."""
    papers = filtered(wanted)
    matches = search(wanted.search)
    size = SIZES[wanted.size]
    if matches is None and wanted.sort != "shuffle":
        count = papers.count()
        page, pages = _page(wanted.page, count, size)
        order = ("-year", "title", "uid") if wanted.sort == "newest" else ("title", "uid")
        shown = list(with_cards(papers.order_by(*order))[(page - 1) * size : page * size])
    else:
        ids = _ordered_ids(papers, matches, wanted)
        count = len(ids)
        page, pages = _page(wanted.page, count, size)
        wanted_ids = ids[(page - 1) * size : page * size]
        by_id = {paper.pk: paper for paper in with_cards(Paper.objects.filter(pk__in=wanted_ids))}
        shown = [by_id[pk] for pk in wanted_ids]
    return Listing(replace(wanted, page=page), shown, count, page, pages, chips(wanted))


def filtered(wanted: Wanted) -> QuerySet[Paper]:
    """The papers that pass all filters; the search is not among them."""
    papers = visible_papers()
    if wanted.track:
        papers = papers.filter(track__slug=wanted.track)
    for name in wanted.keywords:
        papers = papers.filter(keywords__name=name)
    if wanted.session:
        papers = papers.filter(presentations__session__uid=wanted.session)
    if wanted.video:
        papers = papers.filter(~Q(video_file="") | ~Q(video_url=""))
    return papers


def _ordered_ids(papers: QuerySet[Paper], matches: list[int] | None, wanted: Wanted) -> list[int]:
    order = ("-year", "title", "uid") if wanted.sort == "newest" else ("title", "uid")
    ids = list(papers.order_by(*order).values_list("pk", flat=True))
    if matches is not None:
        if wanted.sort in ("", "relevance"):
            allowed = set(ids)
            return [pk for pk in matches if pk in allowed]
        found = set(matches)
        ids = [pk for pk in ids if pk in found]
    if wanted.sort == "shuffle":
        ids.sort(key=_shuffle_key(wanted.seed))
    return ids


def _shuffle_key(seed: int) -> Callable[[int], bytes]:
    """An order that depends on the seed and the paper only, so that pages fit together while papers come and go."""
    return lambda pk: hashlib.blake2b(f"{seed}:{pk}".encode(), digest_size=8).digest()


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
    if wanted.video:
        found.append(Chip("With video", wanted.link(video=False)))
    return found


def choices() -> dict[str, list[object]]:
    """What the form offers: tracks, keywords and sessions that have papers. Bounded, so that the page stays small."""
    shown = Q(papers__withdrawn_at=None)
    keywords = Keyword.objects.filter(shown, papers__isnull=False).distinct().values_list("name", flat=True)
    return {
        "tracks": cast(list[object], list(Track.objects.filter(shown, papers__isnull=False).distinct()[:100])),
        "keywords": cast(list[object], list(keywords[:400])),
        "sessions": cast(list[object], list(visible_sessions().filter(shown, papers__isnull=False).distinct()[:150])),
    }


def _number(text: str, *, high: int) -> int:
    return min(int(text), high) if text.isdecimal() and len(text) < 12 else 0
