"""Typeahead: titles, authors, keywords and tracks that begin with what is being typed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import connection
from django.urls import reverse
from django.utils.http import urlencode

from .models import Authorship, Paper, Person
from .queries import visible_papers
from .search_terms import Term, for_postgresql, for_sqlite, terms, words

SHORTEST, LONGEST = 2, 100
MOST_TITLES, MOST_NAMES = 6, 4
_LOOKED_AT = 100  # papers; what few letters fit is cut rather than searched through
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
    """Groups that are not empty; `tracks` are names by slug. A dozen short queries and a bounded number of rows at most."""
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


def _visible(ids: list[int]) -> list[int]:
    shown = set(visible_papers().filter(pk__in=ids).order_by().values_list("pk", flat=True))
    return [pk for pk in ids if pk in shown]


def _titles(wanted: list[Term]) -> list[Suggestion]:
    ids = [row[0] for row in _with(wanted, "title")[: 2 * MOST_TITLES]]
    found = visible_papers().filter(pk__in=ids).only("uid", "title")
    by_id = {paper.pk: paper for paper in found}
    shown = [by_id[pk] for pk in ids if pk in by_id][:MOST_TITLES]
    return [Suggestion(paper.title, paper.get_absolute_url()) for paper in shown]


# Looked up step by step: in one query, PostgreSQL would read all people and all papers rather than these few.


def _authors(wanted: list[Term]) -> list[Suggestion]:
    ids = _visible([row[0] for row in _with(wanted, "authors")])
    counted = Counter(Authorship.objects.filter(paper_id__in=ids).order_by().values_list("person_id", flat=True))
    rows = Person.objects.filter(pk__in=list(counted)).order_by().values_list("pk", "name", "slug")
    fitting = [row for row in rows if _fits(wanted, row[1])]
    fitting.sort(key=lambda row: (-counted[row[0]], row[1], row[0]))
    chosen = fitting[:MOST_NAMES]
    theirs = Authorship.objects.filter(person_id__in=[row[0] for row in chosen], paper__withdrawn_at=None)
    papers = Counter(theirs.order_by().values_list("person_id", flat=True)[:5000])
    return [Suggestion(name, reverse("person", args=[slug]), _papers(papers[pk])) for pk, name, slug in chosen]


def _keywords(wanted: list[Term]) -> list[Suggestion]:
    ids = _visible([row[0] for row in _with(wanted, "keywords")])
    rows = Paper.keywords.through.objects.filter(paper_id__in=ids).order_by()
    counted = Counter(rows.values_list("keyword__name", flat=True))
    fitting = sorted((-count, name) for name, count in counted.items() if _fits(wanted, name))
    return [Suggestion(name, f"{reverse('papers')}?{urlencode({'keyword': name})}") for _, name in fitting[:MOST_NAMES]]


def _tracks(wanted: list[Term], tracks: dict[str, str]) -> list[Suggestion]:
    fitting = [(slug, name) for slug, name in tracks.items() if _fits(wanted, name)]
    return [
        Suggestion(name, f"{reverse('papers')}?{urlencode({'track': slug})}") for slug, name in fitting[:MOST_NAMES]
    ]


def _papers(count: int) -> str:
    return f"{count} paper{'s' if count != 1 else ''}"
