"""Bookmarks and visits: the star, the page, the downloads, and what moves from a browser into an account."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.problems import Problem
from papers import bookmarks
from papers.models import Bookmark, Event, Paper, Presentation, Session, Track, Visit

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}
START = dt.datetime(2027, 5, 3, 9, tzinfo=dt.UTC)


@pytest.fixture
def member() -> User:
    return User.objects.create_user("ada@example.org", name="Ada")


@pytest.fixture
def signed_in(client: Client, member: User) -> Client:
    client.force_login(member)
    return client


@pytest.fixture(autouse=True)
def programme() -> None:
    theory = Track.objects.create(name="Theory", slug="theory")
    late = Session.objects.create(
        uid="s2", title="Late", starts_at=START.replace(hour=18), ends_at=START.replace(hour=19)
    )
    early = Session.objects.create(uid="s1", title="Early", starts_at=START, ends_at=START)
    Event.objects.create(uid="e1", kind="keynote", title="Keynote")
    for uid, track in (("p1", theory), ("p2", None), ("p3", theory)):
        paper = Paper.objects.create(uid=uid, title=f"Paper {uid}", track=track, year=2027)
        if uid != "p3":
            Presentation.objects.create(paper=paper, session=late if uid == "p1" else early)
    Paper.objects.create(uid="gone", title="Withdrawn", withdrawn_at=now())


def starred(user: User) -> list[str]:
    rows = Bookmark.objects.filter(user=user)
    return sorted(str((row.paper or row.session or row.event).uid) for row in rows)


def button(thing: object, user: object) -> str:
    request = RequestFactory().get("/papers/")
    request.user = user
    return Template("{% load marks %}{% bookmark_button thing %}").render(Context({"thing": thing, "request": request}))


@pytest.mark.parametrize(("kind", "uid"), [("paper", "p1"), ("session", "s1"), ("event", "e1")])
def test_the_star_bookmarks_and_takes_back_papers_sessions_and_events(signed_in, member, kind, uid):
    answer = signed_in.post("/bookmarks/set/", {kind: uid, "bookmarked": "1"}, headers=JSON)
    assert (answer.status_code, answer.json(), starred(member)) == (200, {"bookmarked": True}, [uid])
    signed_in.post("/bookmarks/set/", {kind: uid, "bookmarked": "1"}, headers=JSON)
    assert starred(member) == [uid]
    answer = signed_in.post("/bookmarks/set/", {kind: uid, "bookmarked": "0"}, headers=JSON)
    assert (answer.json(), starred(member)) == ({"bookmarked": False}, [])


def test_without_scripts_the_star_leads_back_to_the_page_it_stands_on(signed_in, member):
    referer = "http://testserver/papers/?search=x"
    answer = signed_in.post("/bookmarks/set/", {"paper": "p1", "bookmarked": "1"}, headers={"Referer": referer})
    assert (answer.status_code, answer.headers["Location"]) == (302, referer)
    elsewhere = {"Referer": "https://evil.example/"}
    answer = signed_in.post("/bookmarks/set/", {"paper": "p2", "bookmarked": "1"}, headers=elsewhere)
    assert answer.headers["Location"] == "/bookmarks/"
    assert starred(member) == ["p1", "p2"]


@pytest.mark.parametrize("named", [{"paper": "gone"}, {"paper": "nope"}, {"event": "a\0"}, {"user": "1"}, {}])
def test_what_is_not_there_cannot_be_bookmarked(signed_in, member, named):
    answer = signed_in.post("/bookmarks/set/", named, headers=JSON)
    assert answer.status_code == 404
    assert "There is no " in answer.json()["detail"]
    assert starred(member) == []


def test_visitors_are_told_to_sign_in(client):
    assert client.post("/bookmarks/set/", {"paper": "p1"}, headers=JSON).status_code == 401
    answer = client.post("/bookmarks/set/", {"paper": "p1"}, headers={"Referer": "http://testserver/papers/"})
    assert answer.headers["Location"].endswith("?next=http%3A%2F%2Ftestserver%2Fpapers%2F")
    assert Bookmark.objects.count() == 0


def test_a_bookmark_needs_the_token_of_the_page(member):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert strict.post("/bookmarks/set/", {"paper": "p1"}).status_code == 403
    page = strict.get("/papers/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    form = {"paper": "p1", "bookmarked": "1", "csrfmiddlewaretoken": token}
    assert strict.post("/bookmarks/set/", form, headers=JSON).json() == {"bookmarked": True}


def test_nobody_has_more_than_a_bounded_number_of_bookmarks(member, monkeypatch):
    monkeypatch.setattr(bookmarks, "MOST_BOOKMARKS", 2)
    for uid in ("p1", "p2"):
        bookmarks.set_bookmark(user=member, thing=Paper.objects.get(uid=uid), wanted=True)
    with pytest.raises(Problem, match="as many as one may have"):
        bookmarks.set_bookmark(user=member, thing=Paper.objects.get(uid="p3"), wanted=True)
    bookmarks.set_bookmark(user=member, thing=Paper.objects.get(uid="p1"), wanted=True)
    assert bookmarks.take_over(user=member, keys=["paper:p3"]) == 0
    assert starred(member) == ["p1", "p2"]


def test_a_members_star_is_a_form_and_knows_what_is_bookmarked(member):
    Bookmark.objects.create(user=member, paper=Paper.objects.get(uid="p1"))
    on, off = (button(Paper.objects.get(uid=uid), member) for uid in ("p1", "p2"))
    assert 'name="bookmarked" value="0" data-bookmark="paper:p1" aria-pressed="true"' in on
    assert 'name="bookmarked" value="1" data-bookmark="paper:p2" aria-pressed="false"' in off
    assert '<input type="hidden" name="session" value="s1">' in button(Session.objects.get(uid="s1"), member)


def test_a_visitors_star_is_the_same_for_all_and_needs_scripts(client):
    page = client.get("/bookmarks/?paper=p1").content.decode()
    assert re.findall(r'data-bookmark="([^"]+)" aria-pressed="false" aria-label="[^"]+" hidden', page) == ["paper:p1"]
    assert "csrfmiddlewaretoken" not in page


def test_all_marks_of_a_page_are_one_query(signed_in, member):
    for paper in Paper.objects.all():
        Bookmark.objects.create(user=member, paper=paper)
        Visit.objects.create(user=member, paper=paper, last_at=now())
    with CaptureQueriesContext(connection) as captured:
        page = signed_in.get("/papers/").content.decode()
    assert len([q for q in captured if "papers_bookmark" in q["sql"] or "papers_visit" in q["sql"]]) == 1
    assert page.count('aria-pressed="true"') == 3


def test_the_page_lists_bookmarked_papers_by_track(signed_in, member):
    bookmarks.take_over(user=member, keys=["paper:p1", "paper:p2", "paper:p3"])
    page = signed_in.get("/bookmarks/").content.decode()
    assert re.findall(r'<h2 class="ruled">([\w ]+)|<h3><a href="/papers/(\w+)/', page) == [
        ("Theory", ""), ("", "p1"), ("", "p3"), ("Without a track", ""), ("", "p2")
    ]  # fmt: skip


def test_the_page_lists_bookmarked_papers_by_time(signed_in, member):
    bookmarks.take_over(user=member, keys=["paper:p1", "paper:p2", "paper:p3"])
    page = signed_in.get("/bookmarks/?by=time").content.decode()
    assert re.findall(r'<h2 class="ruled">([\w ]+?)\s*<|<h3><a href="/papers/(\w+)/', page) == [
        ("Early", ""), ("", "p2"), ("Late", ""), ("", "p1"), ("Without a session", ""), ("", "p3")
    ]  # fmt: skip


def test_visitors_see_the_papers_their_browser_names(client):
    page = client.get("/bookmarks/?paper=p2&paper=gone&paper=nope&paper=%00")
    assert re.findall(r'<h3><a href="/papers/(\w+)/', page.content.decode()) == ["p2"]
    assert page.headers["Cache-Control"] == "private"
    assert "Nothing is bookmarked" not in client.get("/bookmarks/").content.decode()


def test_bookmarks_are_downloaded_as_csv_that_is_safe_in_a_spreadsheet(signed_in, member):
    Paper.objects.filter(uid="p3").update(title="=HYPERLINK(1)")
    bookmarks.take_over(user=member, keys=["paper:p1", "paper:p3"])
    answer = signed_in.get("/bookmarks/papers.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["uid"], row["title"], row["track"]) for row in rows] == [
        ("p3", "'=HYPERLINK(1)", "Theory"), ("p1", "Paper p1", "Theory")
    ]  # fmt: skip
    assert rows[1]["url"] == "http://testserver/papers/p1/"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="bookmarks.csv"'


def test_bookmarks_are_downloaded_as_bibtex(client):
    answer = client.get("/bookmarks/papers.bib?paper=p2&paper=p1").content.decode()
    assert re.findall(r"title\s+= \{\{(.+)\}\}", answer) == ["Paper p1", "Paper p2"]


def test_what_a_browser_kept_moves_into_the_account(signed_in, member):
    Bookmark.objects.create(user=member, paper=Paper.objects.get(uid="p1"))
    kept = ["paper:p1", "paper:p2", "session:s1", "event:e1", "paper:gone", "paper:nope", "user:1", "x", "paper:\0"]
    answer = signed_in.post("/bookmarks/take-over/", {"bookmark": kept, "visited": ["p3", "nope", "\0"]})
    assert answer.json() == {"new": 3}
    assert starred(member) == ["e1", "p1", "p2", "s1"]
    assert list(Visit.objects.values_list("user", "paper__uid")) == [(member.pk, "p3")]
    assert signed_in.post("/bookmarks/take-over/", {"bookmark": kept}).json() == {"new": 0}


def test_opening_a_paper_is_remembered_once_and_for_members_only(client, member):
    client.get("/papers/p1/")
    assert Visit.objects.count() == 0
    client.force_login(member)
    client.get("/papers/p1/")
    first = Visit.objects.get().last_at
    client.get("/papers/p1/")
    assert Visit.objects.get().last_at > first
