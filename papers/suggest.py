"""Typeahead: titles, authors, keywords and tracks that begin with what is being typed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import connection
from django.urls import reverse
from django.utils.http import urlencode

from .models import Authorship, Paper
from .queries import visible_papers
from .search_terms import Term, for_postgresql, for_sqlite, terms, words

SHORTEST, LONGEST = 2, 100
MOST_TITLES, MOST_NAMES = 6, 4
_LOOKED_AT = 200  # papers; what fewer letters fit is cut rather than searched through
_WEIGHTS = {"title": "A", "authors": "B", "keywords": "C"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    text: str
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    suggestions: list[Suggestion]


def suggest(typed: str, *, tracks: dict[str, str]) -> list[Group]:
    """Groups that are not empty; `tracks` are names by slug. Four queries and a bounded number of rows at most."""
    wanted = terms(typed[:LONGEST].replace('"', " "))
    if sum(len(term.words[0]) for term in wanted) < SHORTEST:
        return []
    groups = [
        Group("Keywords", _keywords(wanted)),
        Group("Authors", _authors(wanted)),
        Group("Tracks", _tracks(wanted, tracks)),
        Group("Papers", _titles(wanted)),
    ]
    return [group for group in groups if group.suggestions]


def _fits(wanted: list[Term], text: str) -> bool:
    """Whether each term begins a word of the text."""
    present = words(text)
    return all(any(term.begins(word) for word in present) for term in wanted)


def _with(wanted: list[Term], column: str) -> list[tuple[int, int]]:
    """Papers with all terms in one column, and how long that column is; the shortest first where they are titles."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            weight = _WEIGHTS[column]
            length = f"length(ts_filter(head, '{{{weight}}}'))" if column == "title" else "0"
            cursor.execute(
                f"SELECT paper_id, {length} FROM papers_search"  # noqa: S608  only names from above
                " WHERE head @@ to_tsquery('simple', %s) LIMIT %s",
                [for_postgresql(wanted, weight=weight), _LOOKED_AT],
            )
        else:
            length = "length(title)" if column == "title" else "0"
            cursor.execute(
                f"SELECT rowid, {length} FROM papers_search WHERE papers_search MATCH %s LIMIT %s",  # noqa: S608
                [f"{column} : ({for_sqlite(wanted)})", _LOOKED_AT],
            )
        return sorted(cursor.fetchall(), key=lambda row: (row[1], row[0]))


def _titles(wanted: list[Term]) -> list[Suggestion]:
    ids = [row[0] for row in _with(wanted, "title")[: 2 * MOST_TITLES]]
    found = visible_papers().filter(pk__in=ids).only("uid", "title")
    by_id = {paper.pk: paper for paper in found}
    shown = [by_id[pk] for pk in ids if pk in by_id][:MOST_TITLES]
    return [Suggestion(paper.title, paper.get_absolute_url()) for paper in shown]


def _authors(wanted: list[Term]) -> list[Suggestion]:
    ids = [row[0] for row in _with(wanted, "authors")]
    rows = Authorship.objects.filter(paper_id__in=ids, paper__withdrawn_at=None)
    counted = Counter(rows.order_by().values_list("person__name", "person__slug"))
    fitting = [(name, slug, count) for (name, slug), count in counted.most_common() if _fits(wanted, name)]
    return [
        Suggestion(name, reverse("person", args=[slug]), _papers(count)) for name, slug, count in fitting[:MOST_NAMES]
    ]


def _keywords(wanted: list[Term]) -> list[Suggestion]:
    ids = [row[0] for row in _with(wanted, "keywords")]
    link = Paper.keywords.through
    rows = link.objects.filter(paper_id__in=ids, paper__withdrawn_at=None)
    counted = Counter(rows.order_by().values_list("keyword__name", flat=True))
    fitting = [name for name, _ in counted.most_common() if _fits(wanted, name)]
    return [Suggestion(name, f"{reverse('papers')}?{urlencode({'keyword': name})}") for name in fitting[:MOST_NAMES]]


def _tracks(wanted: list[Term], tracks: dict[str, str]) -> list[Suggestion]:
    fitting = [(slug, name) for slug, name in tracks.items() if _fits(wanted, name)]
    return [
        Suggestion(name, f"{reverse('papers')}?{urlencode({'track': slug})}") for slug, name in fitting[:MOST_NAMES]
    ]


def _papers(count: int) -> str:
    return f"{count} paper{'s' if count != 1 else ''}"
