"""Yes-or-no filters of the paper list. Apps that attach something to papers register theirs: "Has a live demo"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from .models import Paper

Narrow = Callable[[QuerySet[Paper]], QuerySet[Paper]]


@dataclass(frozen=True, slots=True)
class Filter:
    """`name` is its parameter in an address, `label` its name in the form, `mark` what cards say of such papers."""

    name: str
    label: str
    narrow: Narrow
    mark: str = ""

    @property
    def flag(self) -> str:
        """The attribute of papers from `with_flags`."""
        return f"flag_{self.name}"


FILTERS: dict[str, Filter] = {}
_TAKEN = frozenset(
    {"search", "track", "keyword", "match", "session", "day", "kind", "program", "bookmarked", "unvisited", "among",
     "without", "sort", "seed", "size", "page"}
)  # fmt: skip


def register_filter(name: str, label: str, narrow: Narrow, *, mark: str = "") -> None:
    """Offer a filter in the list; `narrow` keeps those of the papers it is given that pass. Call it in `ready()`.

    Registering a name again takes the place of what it stood for. Raises ValueError for a name that is no identifier
    or that the list uses itself.
    """
    if not name.isidentifier() or name in _TAKEN:
        raise ValueError(
            f"{name!r} cannot name a filter: an identifier other than the list's own parameters is expected"
        )
    FILTERS[name] = Filter(name, label, narrow, mark)


def with_flags(papers: QuerySet[Paper]) -> QuerySet[Paper]:
    """With `paper.flag_<name>` for each filter that cards tell of."""
    flags = {
        known.flag: Exists(known.narrow(Paper.objects.filter(pk=OuterRef("pk"))))
        for known in FILTERS.values()
        if known.mark
    }
    return papers.annotate(**flags) if flags else papers


def marks_on(paper: Paper) -> list[Filter]:
    """The filters a card tells of, in the order they were registered; `paper` is one from `with_flags`."""
    return [known for known in FILTERS.values() if known.mark and getattr(paper, known.flag, False)]


def with_video(papers: QuerySet[Paper]) -> QuerySet[Paper]:
    return papers.filter(~Q(video_file="") | ~Q(video_url=""))


register_filter("video", "Has a video", with_video, mark="Video")
