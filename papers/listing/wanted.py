"""What an address asks the paper list for."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from typing import Literal

from django.http import QueryDict
from django.utils.http import urlencode

from papers.filters import FILTERS

Size = Literal["mini", "compact", "detail"]
SIZES: dict[str, int] = {"mini": 48, "compact": 24, "detail": 24}  # papers on a page
# Besides the order that comes of itself: by relevance in a search, else by title.
SORTS = {
    "newest": "Newest first",
    "time": "Time of presentation",
    "shuffle": "Shuffled",
}
_LONGEST_QUERY = 200
_LONGEST_NAME = 200
_MOST_KEYWORDS = 8
_MOST_NAMED = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is asked for. `query_string` is its one canonical spelling in an address.

    `among` and `without` are what a visitor's browser remembers (ids of bookmarked and of visited papers). It sends them
    along with `bookmarked` and `unvisited`; they stand in no address that is shown. None: nothing was sent.
    """

    search: str = ""
    track: str = ""
    keywords: tuple[str, ...] = ()
    match: str = "all"
    session: str = ""
    day: str = ""
    kind: str = ""
    program: str = ""
    flags: tuple[str, ...] = ()
    bookmarked: bool = False
    unvisited: bool = False
    among: frozenset[str] | None = None
    without: frozenset[str] | None = None
    sort: str = ""
    seed: int = 0
    size: str = "compact"
    page: int = 1

    @classmethod
    def from_query(cls, query: QueryDict, *, remembered_size: str = "") -> Wanted:
        """Whatever an address says, in bounds; what makes no sense is left out."""
        sizes = (query.get("size", ""), remembered_size, "compact")
        search = _text(query, "search").strip()[:_LONGEST_QUERY]
        sort = query.get("sort", "")
        if sort not in SORTS and not (sort == "title" and search):
            sort = ""
        seed = _number(query.get("seed", ""), high=999_999)
        names = (name.replace("\0", " ").strip()[:_LONGEST_NAME] for name in query.getlist("keyword"))
        keywords = tuple(dict.fromkeys(name for name in names if name))[:_MOST_KEYWORDS]
        return cls(
            search=search,
            track=_text(query, "track"),
            keywords=keywords,
            match="any" if query.get("match") == "any" else "all",
            session=_text(query, "session"),
            day=_day(query.get("day", "")),
            kind=_text(query, "kind"),
            program=_text(query, "program"),
            flags=tuple(name for name in FILTERS if _is_on(query, name)),
            bookmarked=_is_on(query, "bookmarked"),
            unvisited=_is_on(query, "unvisited"),
            among=_uids(query, "among"),
            without=_uids(query, "without"),
            sort=sort,
            seed=seed or (random.randrange(1, 1_000_000) if sort == "shuffle" else 0),
            size=next(size for size in sizes if size in SIZES),
            page=_number(query.get("page", ""), high=100_000) or 1,
        )

    def query_string(self) -> str:
        pairs: list[tuple[str, str | int]] = [("search", self.search), ("track", self.track)]
        pairs += [("keyword", name) for name in self.keywords]
        pairs += [("match", "any")] if self.match == "any" and len(self.keywords) > 1 else []
        pairs += [(name, getattr(self, name)) for name in ("session", "day", "kind", "program")]
        pairs += [(name, 1) for name in self.flags]
        pairs += [(name, int(getattr(self, name))) for name in ("bookmarked", "unvisited")]
        pairs += [("sort", self.sort), ("seed", self.seed if self.sort == "shuffle" else 0)]
        pairs += [("page", self.page if self.page > 1 else 0)]
        return urlencode([(name, value) for name, value in pairs if value])

    def link(self, **changes: object) -> str:
        """Address of the list with some wishes changed; back on its first page unless `page` is one of them."""
        query = replace(self, **{"page": 1, **changes}).query_string()  # type: ignore[arg-type]
        return f"?{query}" if query else "?"

    @property
    def narrowed(self) -> bool:
        """Whether anything but the search leaves papers out."""
        return bool(
            self.track or self.keywords or self.session or self.day or self.kind or self.program or self.flags
            or self.bookmarked or self.unvisited
        )  # fmt: skip

    @property
    def is_personal(self) -> bool:
        """Whether the answer depends on what its viewer has kept."""
        return self.bookmarked or self.unvisited


def _text(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\0", "")[:_LONGEST_NAME]


def _is_on(query: QueryDict, name: str) -> bool:
    return query.get(name, "") in ("1", "on")


def _day(text: str) -> str:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return ""
    return day.isoformat() if 1900 < day.year < 2200 else ""


def _uids(query: QueryDict, name: str) -> frozenset[str] | None:
    if name not in query:
        return None
    return frozenset(uid for uid in query.getlist(name)[:_MOST_NAMED] if uid and "\0" not in uid)


def _number(text: str, *, high: int) -> int:
    return min(int(text), high) if text.isdecimal() and len(text) < 12 else 0
