"""A paper's page and a person's page."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from papers.citation import bibtex
from papers.models import Authorship, Keyword, Paper, Person, Presentation, Session
from papers.video import embed_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def paper() -> Paper:
    paper = Paper.objects.create(
        uid="B1-x_y.(2):3,4",
        title="Norms $\\ell_1$ & <more>",
        abstract="One line\nand $x^2$ and <table,description>.\n\nA paragraph.",
        year=2020,
        venue="ICLR",
        links=[{"label": "PDF", "url": "https://x.example/1.pdf"}],
    )
    for position, name in enumerate(("Ada Lovelace", "李明"), 1):
        person = Person.objects.create(name=name, slug=f"person-{position}")
        Authorship.objects.create(paper=paper, person=person, position=position, equal_contribution=position == 1)
    paper.keywords.add(Keyword.objects.create(name="r&d"))
    return paper


def page_of(client, paper: Paper) -> str:
    response = client.get(paper.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def test_a_paper_whose_id_holds_signs_is_shown_at_its_address(client, paper):
    assert paper.get_absolute_url() == "/papers/B1-x_y.(2):3,4/"
    assert "<title>Norms $\\ell_1$ &amp; &lt;more&gt;" in page_of(client, paper)


def test_title_and_abstract_show_mathematics_line_breaks_and_angle_brackets(client, paper):
    text = page_of(client, paper)
    assert re.search(r"<h1>Norms <math.*</math> &amp; &lt;more&gt;</h1>", text)
    abstract = text.split('<div class="paper-abstract">')[1].split("</div>")[0]
    assert re.fullmatch(
        r"<p>One line<br>and <math.*</math> and &lt;table,description&gt;\.</p><p>A paragraph\.</p>", abstract
    )


def test_authors_keywords_and_links_lead_on(client, paper):
    text = page_of(client, paper)
    first = '<a href="/people/person-1/">Ada Lovelace</a><abbr title="Equal contribution">*</abbr>'
    assert f'{first}, <a href="/people/person-2/">李明</a>' in text
    assert 'href="/papers/?keyword=r%26d">r&amp;d</a>' in text
    assert 'href="https://x.example/1.pdf" rel="noopener">PDF</a>' in text


def test_search_engines_for_papers_find_the_tags_they_read(client, paper):
    tags = re.findall(r'<meta name="(citation_\w+)" content="([^"]*)">', page_of(client, paper))
    assert tags == [
        ("citation_title", "Norms $\\ell_1$ &amp; &lt;more&gt;"),
        ("citation_author", "Ada Lovelace"),
        ("citation_author", "李明"),
        ("citation_publication_date", "2020"),
        ("citation_conference_title", "ICLR"),
        ("citation_pdf_url", "https://x.example/1.pdf"),
        ("citation_abstract_html_url", "http://testserver/papers/B1-x_y.(2):3,4/"),
        ("citation_keywords", "r&amp;d"),
    ]


def test_bibtex_is_made_where_there_is_none(paper):
    assert bibtex(paper, url="https://c.example/papers/1/") == (
        "@inproceedings{lovelace2020norms,\n"
        "  title        = {{Norms $\\ell_1$ \\& <more>}},\n"
        "  author       = {Ada Lovelace and 李明},\n"
        "  booktitle    = {ICLR},\n"
        "  year         = {2020},\n"
        "  url          = {https://c.example/papers/1/}\n}"
    )
    paper.bibtex = "@misc{own}\n"
    assert bibtex(paper, url="") == "@misc{own}"


def test_braces_that_do_not_close_cannot_break_an_entry():
    entry = bibtex(Paper.objects.create(uid="x", title="A } title { with {braces"), url="")
    assert "title        = {{A  title  with braces}}" in entry


def test_every_slot_is_given_as_a_time_that_the_browser_turns_into_its_own(client, paper):
    start = dt.datetime(2027, 5, 3, 23, tzinfo=dt.UTC)
    for n in (0, 1):
        begin = start + dt.timedelta(days=n)
        session = Session.objects.create(
            uid=f"s{n}", title=f"S{n}", starts_at=begin, ends_at=begin + dt.timedelta(hours=2)
        )
        Presentation.objects.create(paper=paper, session=session)
    gone = Session.objects.create(uid="gone", title="Gone", starts_at=start, ends_at=start, withdrawn_at=now())
    Presentation.objects.create(paper=paper, session=gone)
    times = re.findall(
        r'<time datetime="(\S+)" data-local="range" data-end="(\S+)">([^<]+)</time>', page_of(client, paper)
    )
    assert times == [
        ("2027-05-03T23:00:00Z", "2027-05-04T01:00:00Z", "3 May 2027, 23:00–4 May, 01:00 UTC"),
        ("2027-05-04T23:00:00Z", "2027-05-05T01:00:00Z", "4 May 2027, 23:00–5 May, 01:00 UTC"),
    ]


def test_a_video_of_this_site_plays_with_captions(client, paper):
    Paper.objects.update(video_file="own/talk.mp4", captions_file="own/talk.vtt", video_poster="own/talk.jpg")
    text = page_of(client, paper)
    assert '<source src="/media/own/talk.mp4">' in text
    assert '<track kind="captions" srclang="en" label="English" src="/media/own/talk.vtt" default>' in text
    assert 'poster="/media/own/talk.jpg"' in text


def test_a_video_of_another_site_is_not_loaded_unasked(client, paper):
    Paper.objects.update(video_url="https://slideslive.com/38922815/a-talk")
    text = page_of(client, paper)
    assert "<iframe" not in text
    assert 'data-frame="https://slideslive.com/embed/presentation/38922815"' in text
    assert '<a href="https://slideslive.com/38922815/a-talk" rel="noopener">Watch it at SlidesLive</a>' in text


@pytest.mark.parametrize(
    ("url", "frame"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=3", "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"),
        ("https://youtu.be/dQw4w9WgXcQ", "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ"),
        ("https://vimeo.com/76979871", "https://player.vimeo.com/video/76979871?dnt=1"),
        ("https://vimeo.com/76979871/0123456789", "https://player.vimeo.com/video/76979871?dnt=1&h=0123456789"),
        ("https://slideslive.com/embed/presentation/38922815", "https://slideslive.com/embed/presentation/38922815"),
        (
            "https://www.bilibili.com/video/BV1xx411c7mD",
            "https://player.bilibili.com/player.html?bvid=BV1xx411c7mD&autoplay=0",
        ),
        ("https://www.youtube.com/@channel", ""),
        ("https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ", None),
        ("https://evil.example/https://youtu.be/dQw4w9WgXcQ", None),
        ("https://[", None),
    ],
)
def test_players_of_four_sites_are_known(url, frame):
    embed = embed_of(url)
    assert (embed.frame_url if embed else None) == frame


def test_an_unknown_id_is_not_found_and_another_spelling_is_offered(client, paper):
    response = client.get("/papers/b1-X_y.(2):3,4/")
    assert response.status_code == 404
    assert 'href="/papers/B1-x_y.(2):3,4/"' in response.content.decode()
    assert client.get("/papers/<script>/").status_code == 404
    assert client.get("/papers/a%00b/").status_code == 404


def test_a_withdrawn_paper_says_so(client, paper):
    Paper.objects.update(withdrawn_at=dt.datetime(2027, 5, 1, tzinfo=dt.UTC))
    response = client.get(paper.get_absolute_url())
    assert response.status_code == 410
    assert "This paper is no longer part of the programme, since 1 May 2027." in response.content.decode()
    assert "A paragraph" not in response.content.decode()


def test_a_paper_takes_few_queries_however_many_authors_it_has(client, paper):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page_of(client, paper)
        return len(captured)

    page_of(client, paper)  # makes the site's conference
    few = queries()
    for position in range(3, 40):
        person = Person.objects.create(name=f"Author {position}", slug=f"author-{position}")
        Authorship.objects.create(paper=paper, person=person, position=position)
    assert queries() == few
    assert few <= 17  # whether rooms are closed is one of them; web processes remember it


def test_a_person_has_a_page_with_papers_but_without_the_address(client, paper):
    user = get_user_model().objects.create_user("ada@secret.example", name="Ada")
    Person.objects.filter(slug="person-1").update(user=user, affiliation="London", biography="*Countess*")
    text = client.get("/people/person-1/").content.decode()
    assert "secret.example" not in text
    assert "<em>Countess</em>" in text
    assert 'href="/papers/B1-x_y.(2):3,4/"' in text
    assert client.get("/people/nobody/").status_code == 404
