"""The map as pages and scripts get it: places on a grid, groups with colours, and what stands in a hover card.

Both documents are columns rather than one object for each paper, which halves them; the second, with titles, is asked for
when the points are drawn already. They are kept ready, compressed, for a while: web processes need no numpy for this.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Sum

from papers.models import Authorship, Keyword, Paper, PaperVector
from papers.queries import visible_papers

from .service import all_have_imported_places, method_label

SIDE = 16_383  # places are whole numbers from 0 to this in the longer direction
MOST_GROUPS = 32  # as many as map.css has marks
MOST_KEYWORDS = 4_000
_KEPT_FOR = 60.0  # seconds in which a renamed keyword or author may still stand as it was
GROUPINGS = {"track__name": "Track", "program": "Programme", "kind": "Type"}


@dataclass(frozen=True, slots=True)
class Document:
    """JSON, compressed, under its entity tag."""

    etag: str
    compressed: bytes


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page says of the map: papers on it and in all, and whose places they are."""

    placed: int
    count: int
    method: str  # "" for places that were imported


def overview() -> Overview:
    count = visible_papers().count()
    if count and all_have_imported_places():
        return Overview(count, count, "")
    placed = PaperVector.objects.filter(paper__in=visible_papers()).exclude(map_x=None)
    method = placed.values_list("method", flat=True).first()
    return Overview(placed.count(), count, method_label(method) if method else "")


def points_document() -> Document:
    return _kept("points", _points)


def titles_document() -> Document:
    return _kept("titles", _titles)


# --- Keeping -----------------------------------------------------------------------------------------------------------
_store: dict[str, tuple[object, float, Document]] = {}
_building = threading.Lock()


def _kept(name: str, build: Callable[[], dict[str, Any]]) -> Document:
    """The document as it was built last, unless papers or places have changed since or it is a minute old."""
    version = _version()
    kept = _store.get(name)
    if kept and kept[0] == version and time.monotonic() < kept[1]:
        return kept[2]
    with _building:
        kept = _store.get(name)  # another thread may have built it while this one waited
        if not kept or kept[0] != version or time.monotonic() >= kept[1]:
            text = json.dumps(build(), ensure_ascii=False, separators=(",", ":")).encode()
            etag = hashlib.blake2b(text, digest_size=12).hexdigest()
            document = Document(f'"{etag}"', gzip.compress(text, 9, mtime=0))
            kept = _store[name] = (version, time.monotonic() + _KEPT_FOR, document)
    return kept[2]


def _version() -> object:
    """Something that differs when papers come, go, are saved or move. One quick query each."""
    papers = visible_papers().aggregate(Count("pk"), Max("updated_at"), Sum("map_x"), Sum("map_y"))
    places = PaperVector.objects.aggregate(Count("pk"), Sum("map_x"), Sum("map_y"))
    return tuple(papers.values()), tuple(places.values())


# --- Building ----------------------------------------------------------------------------------------------------------
def _placed() -> list[tuple[int, str, float, float]]:
    """Key, id and place of every visible paper that has one, in the order of keys."""
    columns = ("map_x", "map_y") if all_have_imported_places() else ("vector__map_x", "vector__map_y")
    known = visible_papers().exclude(**{columns[0]: None}).exclude(**{columns[1]: None})
    return list(known.order_by("pk").values_list("pk", "uid", *columns))


def _points() -> dict[str, Any]:
    placed = _placed()
    xs, ys = _on_grid([row[2] for row in placed]), _on_grid([row[3] for row in placed])
    scale = SIDE / max(xs[1], ys[1], 1e-9)
    by, labels = _groups([row[0] for row in placed])
    counts = Counter(label for label in labels if label)
    names = [name for name, _ in counts.most_common(MOST_GROUPS)]
    number = {name: n for n, name in enumerate(sorted(names))}
    return {
        "version": _ids_version(placed),
        "side": SIDE,
        "uids": [row[1] for row in placed],
        "x": [round(x * scale) for x in xs[0]],
        "y": [SIDE - round(y * scale) for y in ys[0]],  # upwards on the map is downwards on a screen
        "grouped_by": by,
        "groups": sorted(names),
        "group": [number.get(label, -1) for label in labels],
    }


def _on_grid(values: list[float]) -> tuple[list[float], float]:
    """Values from their least on, and how far they reach."""
    least = min(values, default=0.0)
    return [value - least for value in values], max(values, default=0.0) - least


def _groups(ids: list[int]) -> tuple[str, list[str]]:
    """What papers are coloured by, and each paper's group: tracks, or the first other thing that tells them apart."""
    for field, label in GROUPINGS.items():
        found = {pk: name or "" for pk, name in visible_papers().order_by().values_list("pk", field)}
        groups = [found.get(pk, "") for pk in ids]
        if len({name for name in groups if name}) > 1:
            return label, groups
    return "", [""] * len(ids)


def _titles() -> dict[str, Any]:
    placed = _placed()
    ids = [row[0] for row in placed]
    titles = dict(visible_papers().order_by().values_list("pk", "title"))
    authors: dict[int, list[str]] = defaultdict(list)
    names = Authorship.objects.filter(paper__withdrawn_at=None).order_by("paper_id", "position")
    for pk, name in names.values_list("paper_id", "person__name").iterator(chunk_size=2000):
        authors[pk].append(name)
    keywords, of_paper = _keywords()
    return {
        "version": _ids_version(placed),
        "titles": [titles.get(pk, "") for pk in ids],
        "authors": [_short(authors.get(pk, [])) for pk in ids],
        "keywords": keywords,
        "paper_keywords": [of_paper.get(pk, []) for pk in ids],
    }


def _short(names: list[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} others"


def _keywords() -> tuple[list[str], dict[int, list[int]]]:
    """Keywords that several papers share, the most frequent first, and their numbers for each paper."""
    shared = (
        Keyword.objects.filter(papers__withdrawn_at=None)
        .annotate(papers_count=Count("papers"))
        .filter(papers_count__gt=1)
        .order_by("-papers_count", "name")
        .values_list("pk", "name")[:MOST_KEYWORDS]
    )
    rows = list(shared)
    number = {pk: n for n, (pk, _) in enumerate(rows)}
    of_paper: dict[int, list[int]] = defaultdict(list)
    pairs = Paper.keywords.through.objects.order_by("paper_id", "keyword_id").values_list("paper_id", "keyword_id")
    for paper, keyword in pairs.iterator(chunk_size=2000):
        if keyword in number:
            of_paper[paper].append(number[keyword])
    return [name for _, name in rows], of_paper


def _ids_version(placed: list[tuple[int, str, float, float]]) -> str:
    """The same in both documents when they speak of the same papers in the same order."""
    return hashlib.blake2b("\n".join(row[1] for row in placed).encode(), digest_size=8).hexdigest()
