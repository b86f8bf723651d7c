"""Keeping vectors, neighbours and the map in step with the papers. Runs in workers and commands, under `lock.only_one`."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from miniconf.serving.page_changes import forget_pages
from papers.models import Paper, PaperVector, SimilarPaper
from papers.queries import visible_papers

from .neighbours import nearest
from .text import current_texts, digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

TF_IDF = "tf-idf"
_WRITTEN_AT_ONCE = 400  # papers in one transaction: others want to write, too
Neighbours = list[tuple[int, float]]


def method_of(model: str) -> str:
    """What vectors by this model are named: a folder on this machine by its last part only."""
    return (Path(model).expanduser().resolve().name if Path(model).expanduser().is_dir() else model)[:200]


def method_label(method: str) -> str:
    return "TF-IDF" if method == TF_IDF else method


def changed_papers(method: str) -> list[int] | None:
    """Visible papers without a vector of their present text by this method; None when vectors and papers agree.

    An empty list says that there are only vectors too many. Reads all texts once, a fraction of a second.
    """
    kept = dict(PaperVector.objects.filter(method=method).values_list("paper_id", "text_digest"))
    texts = current_texts()
    changed = [pk for pk, text in texts.items() if kept.get(pk) != digest(text)]
    surplus = PaperVector.objects.exclude(paper__in=visible_papers()).exists()
    return changed if changed or surplus else None


def update_with_tfidf(*, everything: bool = False) -> int:
    """Vectors and neighbours by TF-IDF; returns how many papers were new or changed. Nothing is done when none were."""
    from .tfidf import tfidf_vectors

    changed = changed_papers(TF_IDF)
    if changed is None and not everything:
        return 0
    texts = current_texts()
    _store(TF_IDF, texts, tfidf_vectors(list(texts.values())))
    return len(texts) if everything else len(changed or ())


def update_with_model(model: str, *, everything: bool = False, device: str = "auto") -> int:
    """Vectors and neighbours by an embedding model, which reads only new and changed texts; returns how many.

    Raises embedding.ModelUnusable, and then nothing was changed.
    """
    import numpy as np

    method = method_of(model)
    changed = changed_papers(method)
    if changed is None and not everything:
        return 0
    texts = current_texts()
    kept = {} if everything else _kept_vectors(method, texts)
    missing = [pk for pk in texts if pk not in kept]
    if missing:
        from .embedding import Embedder

        embedded = Embedder(model, device=device).embed([texts[pk] for pk in missing])
        kept.update(zip(missing, embedded, strict=True))
    _store(method, texts, np.asarray([kept[pk] for pk in texts], np.float32))
    return len(missing)


def _kept_vectors(method: str, texts: dict[int, str]) -> dict[int, NDArray[np.float32]]:
    rows = PaperVector.objects.filter(method=method).values_list("paper_id", "text_digest", "vector")
    return {
        pk: _from_bytes(vector)
        for pk, known, vector in rows.iterator(chunk_size=1000)
        if pk in texts and known == digest(texts[pk])
    }


def _from_bytes(vector: bytes | memoryview) -> NDArray[np.float32]:
    import numpy as np

    return np.frombuffer(bytes(vector), "<f2").astype(np.float32)


def _store(method: str, texts: dict[int, str], vectors: NDArray[np.float32]) -> None:
    """Write what differs, some hundred papers at a time, each paper's vector together with its neighbours."""
    ids = list(texts)
    found: dict[int, Neighbours] = {}
    for pk, near in zip(ids, nearest(vectors), strict=True):
        found[pk] = [(ids[other], score) for other, score in near]
    packed = vectors.astype("<f2")
    for start in range(0, len(ids), _WRITTEN_AT_ONCE):
        part = range(start, min(start + _WRITTEN_AT_ONCE, len(ids)))
        rows = [
            PaperVector(paper_id=ids[i], method=method, text_digest=digest(texts[ids[i]]), vector=packed[i].tobytes())
            for i in part
        ]
        with transaction.atomic():
            _write(rows, {ids[i]: found[ids[i]] for i in part})
    _remove_surplus()
    forget_pages()  # nothing here is saved row by row, which would tell them


def _write(rows: Sequence[PaperVector], found: dict[int, Neighbours]) -> None:
    wanted = {row.paper_id for row in rows} | {other for near in found.values() for other, _ in near}
    alive = set(Paper.objects.filter(pk__in=wanted).values_list("pk", flat=True))  # an undone import deletes papers
    rows = [row for row in rows if row.paper_id in alive]
    known = {row.pk: row for row in PaperVector.objects.filter(pk__in=[row.paper_id for row in rows])}
    differing = []
    for row in rows:
        old = known.get(row.paper_id)
        if old is None or (old.method, old.text_digest, bytes(old.vector)) != (row.method, row.text_digest, row.vector):
            if old is not None and (old.method, old.text_digest) == (row.method, row.text_digest):
                row.map_x, row.map_y = old.map_x, old.map_y  # another text, another place
            differing.append(row)
    PaperVector.objects.bulk_create(
        differing,
        update_conflicts=True,
        unique_fields=["paper"],
        update_fields=["method", "text_digest", "vector", "map_x", "map_y"],
        batch_size=100,
    )
    before: dict[int, Neighbours] = defaultdict(list)
    pairs = SimilarPaper.objects.filter(paper_id__in=[row.paper_id for row in rows]).order_by("paper_id", "position")
    for pk, other, score in pairs.values_list("paper_id", "other_id", "score"):
        before[pk].append((other, score))
    now = {row.paper_id: [pair for pair in found[row.paper_id] if pair[0] in alive] for row in rows}
    moved = [pk for pk, near in now.items() if before[pk] != near]
    SimilarPaper.objects.filter(paper_id__in=moved).delete()
    SimilarPaper.objects.bulk_create(
        [
            SimilarPaper(paper_id=pk, other_id=other, position=position, score=score)
            for pk in moved
            for position, (other, score) in enumerate(now[pk])
        ],
        batch_size=150,
    )


def _remove_surplus() -> None:
    """What belongs to papers that are withdrawn."""
    gone = ~Q(paper__in=visible_papers())
    with transaction.atomic():
        SimilarPaper.objects.filter(gone).delete()
        PaperVector.objects.filter(gone).delete()


def all_have_imported_places() -> bool:
    """Whether there are papers and the source gave every visible one its place on the map."""
    return visible_papers().exists() and not visible_papers().filter(Q(map_x=None) | Q(map_y=None)).exists()


def update_map(*, everything: bool = False) -> int:
    """Places for the papers that have none, the others' shifted a little; returns how many are on the map then.

    0 when there was nothing to do: every paper has its place, or the source gave places to all.
    """
    import numpy as np

    from .projection import project

    missing = PaperVector.objects.filter(Q(map_x=None) | Q(map_y=None)).exists()
    if all_have_imported_places() or not (missing or everything):
        return 0
    rows = PaperVector.objects.order_by("pk").values_list("pk", "method", "vector", "map_x", "map_y")
    found = list(rows.iterator(chunk_size=1000))
    if len({(method, len(vector)) for _, method, vector, _, _ in found}) > 1:
        return 0  # a computation broke off; it is taken up again and comes back here
    if not found:
        return 0
    previous = np.array([(x, y) for *_, x, y in found], float)
    vectors = np.asarray([_from_bytes(vector) for _, _, vector, _, _ in found])
    places = project(vectors, None if everything else previous)
    if not np.isfinite(places).all():
        raise ValueError("the projection gave places that are no numbers")
    for start in range(0, len(found), _WRITTEN_AT_ONCE):
        part = range(start, min(start + _WRITTEN_AT_ONCE, len(found)))
        PaperVector.objects.bulk_update(
            [PaperVector(pk=found[i][0], map_x=float(places[i, 0]), map_y=float(places[i, 1])) for i in part],
            ["map_x", "map_y"],
            batch_size=100,
        )
    forget_pages()
    return len(found)


def wanted_model() -> str:
    return str(settings.SIMILARITY_MODEL).strip()
