"""The paper list: filters, pages, orders, sizes, and what it costs."""

from __future__ import annotations

import datetime as dt
import gzip
import re
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from demos.models import Demo
from miniconf.accounts.models import User
from papers.filters import FILTERS, register_filter
from papers.listing import facets
from papers.models import Authorship, Bookmark, Keyword, Paper, Person, Presentation, Session, Track, Visit

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
    Paper.objects.filter(uid="p07").update(kind="Oral")
    Paper.objects.filter(uid="p08").update(program="Findings")
    for uid, enabled in (("p06", True), ("p10", False)):
        Demo.objects.create(slug=uid, paper=Paper.objects.get(uid=uid), kind="generate", model="m", enabled=enabled)
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
        (
            "?keyword=even+%26+more&keyword=third&match=any&search=paper+0&sort=title",
            ["p00", "p02", "p03", "p04", "p06", "p08", "p09"],
        ),
        ("?kind=Oral", ["p07"]),
        ("?program=Findings", ["p08"]),
        ("?demo=1", ["p06"]),
        ("?demo=1&video=1", []),
        ("?kind=oral", []),
        ("?track=nope", []),
        (
            "?search=%00&track=%00&keyword=%00&session=%00&page=x&seed=-1&size=huge&sort=none&day=0001-01-01&match=no",
            [f"p{n:02}" for n in range(24)],
        ),
    ],
)
def test_filters_narrow_the_list_together(client, query, uids):
    assert shown(client, query) == uids


@pytest.fixture
def at_night() -> None:
    """p01 half an hour before midnight in UTC, p00 in the same session at its own time, the morning after."""
    late = dt.datetime(2027, 5, 3, 23, 30, tzinfo=dt.UTC)
    session = Session.objects.create(uid="night", title="Night", starts_at=late, ends_at=late)
    for uid, own in (("p01", None), ("p00", late.replace(day=4, hour=8))):
        Presentation.objects.create(paper=Paper.objects.get(uid=uid), session=session, starts_at=own)


def test_days_are_the_viewers(client, at_night):
    assert shown(client, "?day=2027-05-03") == ["p01"]
    assert shown(client, "?day=2027-05-04") == ["p00"]
    client.cookies["timezone"] = "Asia/Tokyo"
    assert shown(client, "?day=2027-05-03") == []
    assert shown(client, "?day=2027-05-04") == ["p00", "p01"]
    options = re.findall(r'<option value="(2027[^"]*)"', client.get("/papers/").content.decode())
    assert options == ["2027-05-04"]


def test_a_day_in_which_clocks_change_is_whole(client):
    for uid, hour in (("p00", 22), ("p01", 23)):
        time = dt.datetime(2027, 10, 31, hour, 30, tzinfo=dt.UTC)  # in Berlin a day of 25 hours, until 23:00 UTC
        session = Session.objects.create(uid=uid, title="Late", starts_at=time, ends_at=time)
        Presentation.objects.create(paper=Paper.objects.get(uid=uid), session=session)
    client.cookies["timezone"] = "Europe/Berlin"
    assert shown(client, "?day=2027-10-31") == ["p00"]


def test_in_the_order_of_presentation_what_is_not_presented_comes_last(client, at_night):
    morning = dt.datetime(2027, 5, 3, 8, tzinfo=dt.UTC)
    Session.objects.filter(uid="s:1").update(starts_at=morning, ends_at=morning)
    assert shown(client, "?sort=time")[:6] == ["p09", "p04", "p01", "p00", "p02", "p03"]
    assert shown(client, "?sort=time&session=s:1") == ["p09", "p04"]
    assert shown(client, "?sort=time&search=paper+0")[:3] == ["p09", "p04", "p01"]


def test_other_apps_can_add_filters_that_cards_tell_of(client):
    register_filter("odd_year", "Odd", lambda papers: papers.filter(year__in=[2003, 2005]), mark="Odd year")
    try:
        assert shown(client, "?odd_year=1") == ["p03", "p05"]
        text = client.get("/papers/?odd_year=1&video=1").content.decode()
        assert re.findall(r'class="card-mark card-mark-\w+">([^<]+)', text) == ["Video", "Odd year"]
        assert re.findall(r'name="odd_year" value="1" checked> Odd<', text) == [
            'name="odd_year" value="1" checked> Odd<'
        ]
    finally:
        del FILTERS["odd_year"]
    for name in ("search", "two words"):
        with pytest.raises(ValueError, match="cannot name a filter"):
            register_filter(name, "x", lambda papers: papers)


def test_cards_tell_of_demos_and_videos_in_one_query_for_all(client):
    text = client.get("/papers/").content.decode()
    cards = dict(re.findall(r'data-paper="(\w+)">(.*?)</li>', text, re.DOTALL))
    told = {uid: re.findall(r'card-mark-(\w+)"', card) for uid, card in cards.items()}
    assert {uid: marks for uid, marks in told.items() if marks} == {"p05": ["video"], "p06": ["demo"]}


def test_members_filter_by_what_they_bookmarked_and_have_not_visited(client):
    user = User.objects.create_user("ada@example.org")
    client.force_login(user)
    for uid in ("p01", "p02"):
        Bookmark.objects.create(user=user, paper=Paper.objects.get(uid=uid))
    Bookmark.objects.create(user=user, session=Session.objects.get(uid="s:1"))
    Visit.objects.create(user=user, paper=Paper.objects.get(uid="p02"), last_at=now())
    assert shown(client, "?bookmarked=1") == ["p01", "p02"]
    assert shown(client, "?bookmarked=1&unvisited=1") == ["p01"]
    assert shown(client, "?bookmarked=1&among=p09") == ["p01", "p02"]
    text = client.get("/papers/?bookmarked=1").content.decode()
    assert re.findall(r'class="paper-card is-visited" data-paper="(\w+)"', text) == ["p02"]


def test_visitors_browsers_tell_what_they_keep_and_no_address_or_cache_holds_it(client):
    assert shown(client, "?bookmarked=1&among=&among=p05&among=p03&among=nope&among=%00") == ["p03", "p05"]
    assert shown(client, "?bookmarked=1") == []
    assert shown(client, "?unvisited=1&without=p00&without=p02")[:2] == ["p01", "p03"]
    answer = client.get("/papers/?bookmarked=1&among=p03", headers={"HX-Request": "true"})
    assert answer.headers["HX-Push-Url"] == "/papers/?bookmarked=1"
    assert "private" in answer.headers["Cache-Control"]
    assert "Cache-Control" not in client.get("/papers/?bookmarked=1").headers


def test_a_visitors_page_holds_nothing_about_the_visitor(client):
    answer = client.get("/papers/")
    assert "csrfmiddlewaretoken" not in answer.content.decode()
    assert not answer.cookies


def test_pictures_are_loaded_when_they_come_into_view(client):
    Paper.objects.filter(uid="p00").update(thumbnail_file="a b.png")
    Paper.objects.filter(uid="p01").update(thumbnail_url="https://x.example/1.png")
    text = client.get("/papers/").content.decode()
    pictures = re.findall(r'<img src="([^"]+)" alt="" [^>]*loading="lazy"', text)
    assert pictures == ["/media/a%20b.png", "https://x.example/1.png"]
    assert "<img" not in client.get("/papers/?size=mini").content.decode()


def test_the_form_offers_what_has_papers_and_counts_it(client):
    Track.objects.create(name="Empty", slug="empty")
    text = client.get("/papers/").content.decode()
    select = re.search(r'<select id="track".*?</select>', text, re.DOTALL)
    assert select is None  # one track is no choice
    Paper.objects.filter(uid="p59").update(track=Track.objects.create(name="Other", slug="other"))
    select = re.search(
        r'<select id="track".*?</select>', client.get("/papers/?track=other").content.decode(), re.DOTALL
    )
    assert re.findall(r"<option([^>]*)>([^<]*)", select[0]) == [
        (' value=""', "All tracks"),
        (' value="other" selected', "Other (1)"),
        (' value="theory"', "Theory &amp; proofs (3)"),
    ]


def test_a_choice_that_nothing_has_stays_in_force(client):
    text = client.get("/papers/?track=gone").content.decode()
    assert '<option value="gone" selected>gone</option>' in text


def test_further_words_of_a_search_take_the_place_of_its_address(client):
    def asked(query: str, before: str) -> set[str]:
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/papers/{before}"}
        return {name for name in client.get(f"/papers/{query}", headers=headers).headers if name.startswith("HX-")}

    assert asked("?search=paper+0", "?search=paper") == {"HX-Replace-Url"}
    assert asked("?search=paper", "") == {"HX-Push-Url"}
    assert asked("?search=paper&video=1", "?search=paper") == {"HX-Push-Url"}
    assert asked("", "?search=paper") == {"HX-Push-Url"}


def test_a_paper_is_read_without_leaving_the_list(client):
    Paper.objects.filter(uid="p00").update(abstract="About $x^2$ & <b>.", withdrawn_at=None)
    text = client.get("/papers/p00/quick/").content.decode()
    assert "<html" not in text
    assert "&amp; &lt;b&gt;." in text
    Paper.objects.filter(uid="p00").update(withdrawn_at=now())
    assert client.get("/papers/p00/quick/").status_code == 404


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
    assert many <= 10  # three of them (conference, appearance, menu) are remembered where changes are heard of


def test_the_first_screen_of_a_long_list_is_small(client):
    for n in range(600):
        Paper.objects.create(
            uid=f"q{n}", title=f"On the {n}th of many rather long titles about learning", abstract="word " * 250
        )
    for size in ("mini", "compact", "detail"):
        assert len(gzip.compress(client.get(f"/papers/?size={size}").content)) < 20_000


def test_nobody_waits_while_the_choices_are_counted_anew(monkeypatch):
    """Counting takes a tenth of a second with ten thousand papers: what was counted a minute ago does meanwhile."""
    before = facets.choices()
    counting, go_on = threading.Event(), threading.Event()
    after = facets.Choices([], [], [], [], [], [])

    def slowly() -> facets.Choices:
        counting.set()
        assert go_on.wait(10)
        return after

    monkeypatch.setattr(facets, "_read", slowly)
    monkeypatch.setattr(facets, "SECONDS", 0.0)  # what is kept is old at once
    first = threading.Thread(target=facets.choices)
    first.start()
    assert counting.wait(10)
    assert facets.choices() is before
    go_on.set()
    first.join(10)
    monkeypatch.setattr(facets, "SECONDS", 60.0)
    assert facets.choices() is after
    facets.forget()
