"""Search over title, authors, keywords and abstract."""

from __future__ import annotations

import pytest

from papers.models import Authorship, Keyword, Paper, Person
from papers.search import search, words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def papers() -> None:
    add("title", title="Attention for reading", abstract="Nothing else.")
    add("keyword", title="Second", keywords=["attention"])
    add("abstract", title="Third", abstract="We pay attention to $\\ell_1$ and Poincaré maps. Łukasiewicz, ﬁne.")
    add("author", title="Fourth", authors=["Søren Attention"])


def add(
    uid: str, *, title: str, abstract: str = "", authors: tuple[str, ...] = (), keywords: tuple[str, ...] = ()
) -> Paper:
    paper = Paper.objects.create(uid=uid, title=title, abstract=abstract)
    for position, name in enumerate(authors, 1):
        person = Person.objects.create(name=name, slug=name.lower().replace(" ", "-"))
        Authorship.objects.create(paper=paper, person=person, position=position)
    paper.keywords.set([Keyword.objects.get_or_create(name=name)[0] for name in keywords])
    return paper


def found(query: str) -> list[str]:
    by_pk = dict(Paper.objects.values_list("pk", "uid"))
    return [by_pk[pk] for pk in search(query)]


def test_a_word_in_the_title_counts_most_then_authors_keywords_and_abstract():
    assert found("attention") == ["title", "author", "keyword", "abstract"]


def test_the_beginning_of_a_word_is_enough_and_its_end_is_not():
    assert found("attentio") == ["title", "author", "keyword", "abstract"]
    assert found("tention") == []


def test_all_words_must_be_there_in_whatever_order_and_field():
    assert found("poincare attention") == ["abstract"]
    assert found("attention reading else") == ["title"]
    assert found("attention missing") == []


@pytest.mark.parametrize(
    "query", ["POINCARÉ", "poincare", "Poincare\u0301", "lukasiewicz", "Łukas", "fine", "ﬁne", "ell_1"]
)
def test_case_accents_and_ligatures_make_no_difference(query):
    assert found(query) == ["abstract"]


def test_letters_that_unicode_does_not_take_apart():
    assert found("soren") == found("Søren") == ["author"]
    assert words("Poincaré's SHA-RNN, Straße") == ["poincare", "s", "sha", "rnn", "strasse"]


@pytest.mark.parametrize(
    "query", ['"', "attention AND", "title:x*", "NEAR(", "a' OR 1", "-", "^", "(((", "\\", "%", "foo & !bar | (", "':*"]
)
def test_no_query_is_an_error(query):
    assert isinstance(search(query), list)


def test_signs_alone_find_nothing_and_blanks_are_no_query():
    assert search("?!") == []
    assert search("  ") is None


def test_a_paper_is_found_by_its_id():
    assert found("keyword")[0] == "keyword"


def test_the_index_follows_what_is_saved_changed_and_deleted():
    paper = Paper.objects.get(uid="title")
    paper.title = "Convolutions"
    paper.save()
    assert found("reading") == []
    assert found("convolutions") == ["title"]
    Keyword.objects.get(name="attention").delete()
    assert "keyword" not in found("attention")
    Person.objects.get(name="Søren Attention").delete()
    assert found("soren") == []
    paper.delete()
    assert search("convolutions") == []


def test_a_new_name_or_keyword_is_found_at_once():
    person = Person.objects.get(name="Søren Attention")
    person.name = "Ada Lovelace"
    person.save()
    assert found("lovelace") == ["author"]
    Paper.objects.get(uid="title").keywords.add(Keyword.objects.create(name="memory"))
    assert found("memory") == ["title"]
