"""Lists of people and a person's page."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils.timezone import now

from papers.models import Authorship, Event, Paper, Person, Session, Sponsor
from papers.people import letter_of, sort_key

pytestmark = pytest.mark.django_db


def person(name: str, **fields: object) -> Person:
    return Person.objects.create(slug=f"p{Person.objects.count()}", name=name, **fields)


@pytest.fixture
def programme() -> None:
    """One person for each part, and some without one."""
    paper = Paper.objects.create(uid="p1", title="P1")
    gone = Paper.objects.create(uid="p2", title="P2", withdrawn_at=now())
    Authorship.objects.create(paper=paper, person=person("Ada Lovelace", affiliation="London"), position=1)
    Authorship.objects.create(paper=gone, person=person("Gone Author"), position=1)
    Event.objects.create(uid="k", kind="keynote", title="K").people.add(person("Émilie du Châtelet"))
    Event.objects.create(uid="m", kind="mentoring", title="M", capacity=3).people.add(person("Barbara Liskov"))
    Event.objects.create(uid="x", kind="talk", title="X", withdrawn_at=now()).people.add(person("Gone Speaker"))
    held = Session.objects.create(uid="s", title="S", starts_at=now(), ends_at=now())
    held.chairs.add(person("李明"))
    Sponsor.objects.create(uid="a", name="Acme").people.add(person("Sam Booth Jr."))
    person("Nobody Atall")


def listed(client: Client, **query: object) -> list[str]:
    text = client.get("/people/", query).content.decode()
    return re.findall(r'<a class="plain-link" href="/people/[^"]+">([^<]+)</a>', text)


def test_everybody_with_a_part_is_listed_by_the_last_word_of_the_name(client, programme):
    assert listed(client) == ["Sam Booth Jr.", "Émilie du Châtelet", "Barbara Liskov", "Ada Lovelace", "李明"]


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("author", ["Ada Lovelace"]),
        ("speaker", ["Émilie du Châtelet"]),
        ("host", ["Barbara Liskov"]),
        ("chair", ["李明"]),
        ("sponsor", ["Sam Booth Jr."]),
    ],
)
def test_the_list_is_narrowed_to_a_part(client, programme, role, found):
    assert listed(client, role=role) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"letter": "L"}, ["Barbara Liskov", "Ada Lovelace"]),
        ({"letter": "C"}, ["Émilie du Châtelet"]),
        ({"letter": "#"}, ["李明"]),
        ({"letter": "Z"}, []),
        ({"letter": "nonsense", "search": "liskov"}, ["Barbara Liskov"]),
        ({"search": "london lovelace"}, ["Ada Lovelace"]),
        ({"search": "chatelet emilie"}, ["Émilie du Châtelet"]),
        ({"search": "明"}, ["李明"]),
        ({"search": ".*"}, []),
        ({"search": "a\0da"}, ["Ada Lovelace"]),
        ({"search": "ada", "role": "speaker"}, []),
        ({"page": "nonsense", "letter": "B"}, ["Sam Booth Jr."]),
    ],
)
def test_people_are_found_by_letter_and_by_words(client, programme, query, found):
    assert listed(client, **query) == found


def test_a_long_list_is_cut_into_pages_and_asks_as_often(client, django_assert_max_num_queries):
    paper = Paper.objects.create(uid="p1", title="P1")
    for n in range(130):
        Authorship.objects.create(paper=paper, person=person(f"A Name{n:03}"), position=n)
    with django_assert_max_num_queries(12):
        assert listed(client) == [f"A Name{n:03}" for n in range(60)]
    assert listed(client, page=3) == [f"A Name{n:03}" for n in range(120, 130)]
    assert listed(client, page=4000) == listed(client, page=3)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Ada Lovelace", "lovelace"),
        ("Martin Luther King Jr.", "king"),
        ("Jr.", "jr."),
        ("", ""),
        ("Åsa Öberg", "oberg"),
    ],
)
def test_names_sort_by_their_last_word(name, key):
    assert sort_key(name)[1] == key


def test_letters_are_latin_or_none():
    assert [letter_of(sort_key(name)) for name in ("Ada Öberg", "李明", "X 3M", "")] == ["O", "#", "#", "#"]


def test_a_persons_page_shows_all_their_parts(client, programme):
    ada = Person.objects.get(name="Ada Lovelace")
    ada.biography, ada.image_url, ada.url = "A **life**.", "https://x.example/a.jpg", "https://ada.example"
    ada.save()
    Event.objects.get(uid="k").people.add(ada)
    Event.objects.get(uid="x").people.add(ada)
    Session.objects.get().chairs.add(ada)
    Sponsor.objects.get().people.add(ada)
    Authorship.objects.create(paper=Paper.objects.get(uid="p2"), person=ada, position=2)
    text = client.get(ada.get_absolute_url()).content.decode().split('id="main"')[1]
    assert "<strong>life</strong>" in text
    assert 'src="https://x.example/a.jpg"' in text
    links = re.findall(r'href="/(papers|events|sessions|sponsors)/([^/"?]+)/"', text)
    assert links == [("events", "k"), ("sessions", "s"), ("sponsors", "a"), ("papers", "p1")]


def test_somebody_without_a_part_still_has_a_page(client):
    somebody = person("Nobody Atall")
    assert (
        "Nothing of Nobody Atall is in the programme now." in client.get(somebody.get_absolute_url()).content.decode()
    )
    assert client.get("/people/none/").status_code == 404
