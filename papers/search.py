"""Search over title, authors, keywords and abstract, by relevance: FTS5 on SQLite, text search on PostgreSQL.

Both are fed the same words (case and accents folded here), so both find the same papers: those in which every
word of the query begins some word. Title counts most, then authors, keywords, abstract.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from .models import Authorship, Paper

_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORD = 40
_MOST_WORDS = 16
# Letters that Unicode does not take apart.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


def words(text: str) -> list[str]:
    """The words of a text as they are indexed: "Poincaré's SHA-RNN" is poincare, s, sha, rnn."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(c for c in folded if not unicodedata.combining(c)).translate(_LETTERS)
    return [word[:_LONGEST_WORD] for word in _WORD.findall(folded)]


def search(query: str) -> list[int] | None:
    """Primary keys of matching papers, the most relevant first; None when there is nothing to search for."""
    if not query.strip():
        return None
    terms = list(dict.fromkeys(words(query)))[:_MOST_WORDS]
    if not terms:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            match = " & ".join(f"'{term}':*" for term in terms)
            cursor.execute(
                "SELECT paper_id FROM papers_search, to_tsquery('simple', %s) query WHERE document @@ query"
                " ORDER BY ts_rank_cd('{0.1, 0.4, 0.6, 1.0}', document, query) DESC, paper_id",
                [match],
            )
        else:
            match = " AND ".join(f'"{term}"*' for term in terms)
            cursor.execute(
                "SELECT rowid FROM papers_search WHERE papers_search MATCH %s"
                " ORDER BY bm25(papers_search, 10.0, 6.0, 4.0, 1.0), rowid",
                [match],
            )
        return [row[0] for row in cursor.fetchall()]


def index_papers(ids: Iterable[int]) -> None:
    """Bring the index up to date for these papers, be they new, changed or gone. Call it in the same transaction."""
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
