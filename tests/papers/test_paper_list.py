"""The paper list: filters, pages, orders, sizes, and what it costs."""

from __future__ import annotations

import gzip
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from papers.models import Authorship, Keyword, Paper, Person, Presentation, Session, Track

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sixty_papers() -> None:
    track = Track.objects.create(name="Theory & proofs", slug="theory")
    even, third = Keyword.objects.create(name="even & more"), Keyword.objects.create(name="third")
    session = Session.objects.create(uid="s:1", title="Posters", starts_at=now(), ends_at=now())
    person = Person.objects.create(name="Ada Lovelace", slug="ada-lovelace")
    for n in range(60):
        paper = Paper.objects.create(
            uid=f"p{n:02}",
            title=f"Paper {n:02}",
            year=2000 + n,
            track=track if n < 3 else None,
            video_file="a.mp4" if n == 5 else "",
        )
        Authorship.objects.create(paper=paper, person=person, position=1)
        paper.keywords.set([*([even] if n % 2 == 0 else []), *([third] if n % 3 == 0 else [])])
    for position, n in enumerate((9, 4)):
        Presentation.objects.create(paper=Paper.objects.get(uid=f"p{n:02}"), session=session, position=position)


def shown(client, query: str = "", **headers: str) -> list[str]:
    text = client.get(f"/papers/{query}", headers=headers).content.decode()
    return re.findall(r'<h3><a href="/papers/([^/]+)/">', text)


def test_the_first_page_holds_24_papers_in_the_order_of_titles(client):
    assert shown(client) == [f"p{n:02}" for n in range(24)]
    assert shown(client, "?page=3") == [f"p{n:02}" for n in range(48, 60)]


def test_a_page_beyond_the_last_is_the_last(client):
    assert shown(client, "?page=999") == shown(client, "?page=3")


@pytest.mark.parametrize(
    ("query", "uids"),
    [
        ("?search=paper+07", ["p07"]),
        ("?track=theory", ["p00", "p01", "p02"]),
        ("?keyword=even+%26+more&keyword=third", [f"p{n:02}" for n in range(0, 60, 6)]),
        ("?session=s:1", ["p04", "p09"]),
        ("?video=1", ["p05"]),
        ("?track=theory&keyword=third&search=ada", ["p00"]),
        ("?track=nope", []),
        (
            "?search=%00&track=%00&keyword=%00&session=%00&page=x&seed=-1&size=huge&sort=none",
            [f"p{n:02}" for n in range(24)],
        ),
    ],
)
def test_filters_narrow_the_list_together(client, query, uids):
    assert shown(client, query) == uids


def test_newest_first(client):
    assert shown(client, "?sort=newest")[:3] == ["p59", "p58", "p57"]


def test_a_seed_always_gives_the_same_order_and_its_pages_fit_together(client):
    pages = [shown(client, f"?sort=shuffle&seed=7&page={page}") for page in (1, 2, 3)]
    together = [uid for page in pages for uid in page]
    assert sorted(together) == [f"p{n:02}" for n in range(60)]
    assert together != sorted(together)
    assert pages[0] == shown(client, "?sort=shuffle&seed=7")
    assert pages[0] != shown(client, "?sort=shuffle&seed=8")


def test_a_paper_that_comes_later_does_not_change_the_order_of_the_others(client):
    before = [uid for page in (1, 2, 3) for uid in shown(client, f"?sort=shuffle&seed=7&page={page}")]
    Paper.objects.create(uid="late", title="Late")
    after = [uid for page in (1, 2, 3) for uid in shown(client, f"?sort=shuffle&seed=7&page={page}")]
    assert [uid for uid in after if uid != "late"] == before


def test_the_size_of_cards_is_remembered(client):
    assert len(shown(client, "?size=mini")) == 48
    assert len(shown(client)) == 48
    assert len(shown(client, "?size=detail")) == 24
    assert client.cookies["card_size"].value == "detail"


def test_withdrawn_papers_are_not_listed_and_not_found(client):
    Paper.objects.filter(uid="p00").update(withdrawn_at=now())
    assert shown(client)[0] == "p01"
    assert shown(client, "?search=paper+00") == []


def test_links_keep_the_filters_and_are_encoded(client):
    text = client.get("/papers/?keyword=even+%26+more&size=compact").content.decode()
    assert 'href="?keyword=even+%26+more&amp;page=2"' in text
    assert 'href="/papers/?keyword=even+%26+more"' in text


def test_htmx_gets_the_results_alone_and_the_address_they_have(client):
    response = client.get("/papers/?search=paper+07&track=&sort=&video=", headers={"HX-Request": "true"})
    assert b"<html" not in response.content
    assert response.headers["HX-Push-Url"] == "/papers/?search=paper+07"
    assert "HX-Request" in response.headers["Vary"]


def test_a_shuffled_list_asked_for_by_htmx_gets_a_seed_to_keep(client):
    response = client.get("/papers/?sort=shuffle", headers={"HX-Request": "true"})
    assert re.fullmatch(r"/papers/\?sort=shuffle&seed=\d+", response.headers["HX-Push-Url"])


def test_nothing_found_is_said_in_a_sentence(client):
    assert "No paper fits all of this." in client.get("/papers/?search=zzz").content.decode()


@pytest.mark.parametrize("query", ["", "?search=paper", "?size=detail", "?sort=shuffle&seed=1"])
def test_the_number_of_queries_does_not_grow_with_the_papers(client, query):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/papers/{query}")
        return len(captured)

    client.get("/papers/")  # makes the site's conference
    many = queries()
    Paper.objects.exclude(uid__in=["p00", "p06", "p09"]).delete()
    client.get("/papers/")  # counts anew what the form offers
    assert queries() == many
    assert many <= 8


def test_the_first_screen_of_a_long_list_is_small(client):
    for n in range(600):
        Paper.objects.create(
            uid=f"q{n}", title=f"On the {n}th of many rather long titles about learning", abstract="word " * 250
        )
    for size in ("mini", "compact", "detail"):
        assert len(gzip.compress(client.get(f"/papers/?size={size}").content)) < 20_000
