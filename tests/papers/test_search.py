"""Search over title, authors, keywords and abstract."""

from __future__ import annotations

import pytest
from django.utils.timezone import now

from papers.models import Authorship, Keyword, Paper, Person
from papers.search import search, words
from papers.spelling import distance, nearest_spelling
from papers.suggest import suggest

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


def test_the_title_itself_comes_first_then_titles_that_hold_little_else():
    text = "A transformer with dropout, in a few words that say little about it."
    add("long", title="Transformer dropout for very long documents in many languages", abstract=text)
    add("exact", title="Dropout transformer")
    add("abstract-only", title="Else", abstract=text)
    add("begun", title="Dropouts of transformers and more")
    assert found("dropout transformer") == ["exact", "long", "begun", "abstract-only"]
    assert found("transformer dropout")[0] == "exact"


def test_a_whole_word_counts_more_than_the_beginning_of_one():
    add("gang", title="Gang", keywords=["ganache"])
    add("gan", title="Training a GAN with care and much else", abstract="It is long. " * 50)
    assert found("gan") == ["gan", "gang"]


def test_plural_and_singular_find_each_other():
    add("one", title="A network study")
    add("many", title="Networks: studies")
    assert sorted(found("networks studies")) == sorted(found("network stud")) == ["many", "one"]
    assert found("networks")[0] == "many"
    assert found("bias") == []


def test_words_in_quotes_stand_together_and_are_whole():
    add("phrase", title="Neural machine translation")
    add("apart", title="Translation of neural data by machine")
    add("more", title="Neural machine translations")
    assert found('"neural machine translation"') == ["phrase"]
    assert found('"machine neural"') == []
    assert sorted(found("neural machine translation")) == ["apart", "more", "phrase"]
    assert found('"translation" data') == ["apart"]


def test_a_single_letter_is_a_word_until_it_is_what_one_types_next():
    add("k", title="Scaling k means")
    add("kernel", title="Scaling kernel methods")
    assert found("k") == ["k"]
    assert sorted(found("scaling k")) == ["k", "kernel"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("atention", "attention"),
        ("attentoin reading", "attention reading"),
        ("readingattention", "reading attention"),
        ("Atention READING", "attention reading"),
        ("attention", ""),
        ("qqqqqq", ""),
        ("atention qqqqqq", ""),
        ("ab", ""),
        ("", ""),
    ],
)
def test_the_nearest_spelling_that_finds_something(typed, meant):
    add("reading", title="Reading with attention")
    assert nearest_spelling(typed) == meant


def test_distance_of_words():
    assert [distance("paper", other) for other in ("paper", "papre", "pape", "papers", "dapper", "")] == [
        0,
        1,
        1,
        1,
        2,
        5,
    ]


def test_a_list_without_results_offers_the_nearest_spelling(client):
    text = client.get("/papers/?search=atention&sort=newest").content.decode()
    assert 'Did you mean <a class="did-you-mean" href="?search=attention&amp;sort=newest">attention</a>?' in text


def suggested(typed: str, **tracks: str) -> dict[str, list[str]]:
    return {group.name: [item.text for item in group.suggestions] for group in suggest(typed, tracks=tracks)}


def test_suggestions_are_grouped_and_begin_with_what_is_typed():
    assert suggested("att", theory="Attention & Theory", other="Other") == {
        "Keywords": ["attention"],
        "Authors": ["Søren Attention"],
        "Tracks": ["Attention & Theory"],
        "Papers": ["Attention for reading"],
    }
    assert suggested("soren att") == {"Authors": ["Søren Attention"]}
    assert suggested("tention") == suggested("a") == suggested("") == suggested('"') == {}


def test_suggestions_are_bounded_and_know_no_withdrawn_papers():
    for n in range(20):
        add(f"many{n}", title=f"Zebra {n}", authors=[f"Zebra Author{n}"], keywords=[f"zebra {n}"])
    assert {name: len(found) for name, found in suggested("zebra").items()} == {
        "Keywords": 4,
        "Authors": 4,
        "Papers": 6,
    }
    Paper.objects.filter(uid__startswith="many").update(withdrawn_at=now())
    assert suggested("zebra") == {}


def test_the_address_of_suggestions_answers_with_options(client):
    assert client.get("/papers/suggest?q=sor%00en").content.strip() == b""
    text = client.get("/papers/suggest?q=att").content.decode()
    assert text.count('role="option"') == 3
    assert 'href="/papers/?keyword=attention"' in text
    assert client.get("/papers/suggest").content.strip() == b""
