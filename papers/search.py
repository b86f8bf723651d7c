"""Search over title, authors, keywords and abstract, by relevance: FTS5 on SQLite, text search on PostgreSQL.

Both are fed the same words (papers/search_terms.py), so both find the same papers: those in which every word of the
query begins some word. Papers that have all of it in their title come first, those before others whose title holds
little else; then title counts most, after it authors, keywords, abstract.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection

from .models import Authorship, Paper
from .search_terms import Term, for_postgresql, for_sqlite, terms, words

__all__ = ["index_papers", "indexed_together", "search", "words"]

# Ranking reads all of a paper's words, which takes long for many papers: then title, authors and keywords must do.
_RANKED_BY_ABSTRACT = 250
_WEIGHTS = "'{0.1, 0.4, 0.6, 1.0}'"  # of abstract, keywords, authors, title
# OFFSET 0 keeps the query from the planner, which would read all documents where it expects many to match: it does not
# know that they are stored apart, so that reading them takes five times as long as the index.
_MATCHING = (
    "SELECT paper_id FROM papers_search, (SELECT to_tsquery('simple', %s) query OFFSET 0) asked WHERE document @@ query"
)
_BY_HEAD = f"{_MATCHING} ORDER BY ts_rank({_WEIGHTS}, head, query) DESC, paper_id"
_BY_ALL = f"{_MATCHING} ORDER BY ts_rank_cd({_WEIGHTS}, document, query) DESC, paper_id"


def search(query: str) -> list[int] | None:
    """Primary keys of matching papers, the most relevant first; None when there is nothing to search for."""
    if not query.strip():
        return None
    wanted = terms(query)
    if not wanted:
        return []
    ids, titled = _on_postgresql(wanted) if connection.vendor == "postgresql" else _on_sqlite(wanted)
    if titled:
        ids.sort(key=lambda pk: -titled.get(pk, 0.0))  # stable: the rest stays by relevance
    return ids


def _on_postgresql(wanted: list[Term]) -> tuple[list[int], dict[int, float]]:
    with connection.cursor() as cursor:
        matching = for_postgresql(wanted)
        cursor.execute(_BY_HEAD, [matching])
        if 0 < cursor.rowcount <= _RANKED_BY_ABSTRACT:
            cursor.execute(_BY_ALL, [matching])
        ids = [row[0] for row in cursor.fetchall()]
        titled: dict[int, float] = {}
        if ids and _by_title(wanted):
            cursor.execute(
                "SELECT paper_id, length(ts_filter(head, '{a}')), head @@ whole FROM papers_search,"
                " to_tsquery('simple', %s) query, to_tsquery('simple', %s) whole WHERE head @@ query",
                [
                    for_postgresql(wanted, last_is_typed=True, whole=len(wanted) == 1, weight="A"),
                    for_postgresql([Term(term.words) for term in wanted], weight="A"),
                ],
            )
            titled = {pk: _title_score(wanted, length, whole) for pk, length, whole in cursor.fetchall()}
    return ids, titled


def _on_sqlite(wanted: list[Term]) -> tuple[list[int], dict[int, float]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rowid FROM papers_search WHERE papers_search MATCH %s"
            " ORDER BY bm25(papers_search, 10.0, 6.0, 4.0, 1.0), rowid",
            [for_sqlite(wanted)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        titled: dict[int, float] = {}
        if ids and _by_title(wanted):
            expression = for_sqlite(wanted, last_is_typed=True, whole=len(wanted) == 1)
            cursor.execute(
                "SELECT rowid, title FROM papers_search WHERE papers_search MATCH %s", [f"title : ({expression})"]
            )
            for pk, title in cursor.fetchall():
                present = set(title.split())
                whole = all(present.issuperset(term.words) for term in wanted)
                titled[pk] = _title_score(wanted, len(present), whole)
    return ids, titled


def _by_title(wanted: list[Term]) -> bool:
    return len(wanted) > 1 or len(wanted[0].words[0]) > 1


def _title_score(wanted: list[Term], length: int, whole: bool) -> float:
    """How much of a title of `length` different words the query is; one more where all its words are whole."""
    return min(1.0, sum(len(term.words) for term in wanted) / max(1, length)) + whole


_waiting: ContextVar[set[int] | None] = ContextVar("papers to index together", default=None)


@contextmanager
def indexed_together() -> Iterator[None]:
    """Papers changed inside are indexed once, at its end: deleting a paper tells of each of its authors, too.

    It belongs in the transaction of the changes; searches inside see the index as it was.
    """
    waiting: set[int] = set()
    before = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(before)
    index_papers(waiting)


def index_papers(ids: Iterable[int]) -> None:
    """Bring the index up to date for these papers, be they new, changed or gone. Call it in the same transaction."""
    if (waiting := _waiting.get()) is not None:
        waiting.update(ids)
        return
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), 500):
        _index(wanted[start : start + 500])


def _index(ids: list[int]) -> None:
    authors: dict[int, list[str]] = defaultdict(list)
    for pk, name in Authorship.objects.filter(paper_id__in=ids).values_list("paper_id", "person__name"):
        authors[pk].append(name)
    keywords: dict[int, list[str]] = defaultdict(list)
    pairs = Paper.keywords.through.objects.filter(paper_id__in=ids)
    for pk, name in pairs.values_list("paper_id", "keyword__name"):
        keywords[pk].append(name)
    papers = Paper.objects.filter(pk__in=ids).values_list("pk", "uid", "title", "tldr", "abstract")
    rows = [
        (pk, _joined(title, uid), _joined(*authors[pk]), _joined(*keywords[pk]), _joined(tldr, abstract))
        for pk, uid, title, tldr, abstract in papers
    ]
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DELETE FROM papers_search WHERE paper_id IN ({marks})", ids)  # noqa: S608  only marks
            cursor.executemany(
                "INSERT INTO papers_search (paper_id, document) VALUES (%s, setweight(to_tsvector('simple', %s), 'A')"
                " || setweight(to_tsvector('simple', %s), 'B') || setweight(to_tsvector('simple', %s), 'C')"
                " || setweight(to_tsvector('simple', %s), 'D'))",
                rows,
            )
        else:
            cursor.execute(f"DELETE FROM papers_search WHERE rowid IN ({marks})", ids)  # noqa: S608  only marks
            cursor.executemany(
                "INSERT INTO papers_search (rowid, title, authors, keywords, abstract) VALUES (%s, %s, %s, %s, %s)",
                rows,
            )


def _joined(*texts: str) -> str:
    return " ".join(word for text in texts for word in words(text))
