"""The programme in the API."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from papers.models import Authorship, Event, Keyword, Paper, Person, Presentation, Session, Track

pytestmark = pytest.mark.django_db

START = dt.datetime(2027, 5, 3, 7, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def programme() -> None:
    user = get_user_model().objects.create_user("ada@secret.example")
    ada = Person.objects.create(name="Ada Lovelace", slug="ada-lovelace", affiliation="London", user=user)
    track = Track.objects.create(name="Theory", slug="theory")
    for n in range(30):
        paper = Paper.objects.create(
            uid=f"P{n:02}", title=f"Title {n:02}", abstract="A\nB", track=track if n < 2 else None
        )
        Authorship.objects.create(paper=paper, person=ada, position=1, equal_contribution=True)
    Paper.objects.get(uid="P03").keywords.add(Keyword.objects.create(name="rnn"))
    Paper.objects.filter(uid="P29").update(withdrawn_at=now())
    event = Event.objects.create(uid="k1", kind="keynote", title="Keynote", abstract="*Hello*")
    event.people.add(ada)
    session = Session.objects.create(
        uid="s1", title="Posters", kind="poster", starts_at=START, ends_at=START + dt.timedelta(hours=2), room="Hall",
        join_url_private="https://meet.example/secret", event=event,
    )  # fmt: skip
    for position, uid in enumerate(("P03", "P01", "P29")):
        paper = Paper.objects.get(uid=uid)
        Presentation.objects.create(
            paper=paper, session=session, position=position, join_url_private="https://meet.example/secret"
        )


def uids(client, query: str = "") -> tuple[list[str], int]:
    body = client.get(f"/api/v1/papers{query}").json()
    assert body.keys() == {"items", "count"}
    return [item["uid"] for item in body["items"]], body["count"]


def test_papers_come_twenty_at_a_time(client):
    assert uids(client) == ([f"P{n:02}" for n in range(20)], 29)
    assert uids(client, "?limit=3&offset=27") == (["P27", "P28"], 29)
    assert uids(client, "?offset=100") == ([], 29)


def test_papers_are_searched_and_filtered(client):
    assert uids(client, "?search=title+07") == (["P07"], 1)
    assert uids(client, "?track=theory") == uids(client, "?track=Theory") == (["P00", "P01"], 2)
    assert uids(client, "?keyword=rnn") == (["P03"], 1)
    assert uids(client, "?keyword=rnn&track=theory") == ([], 0)


@pytest.mark.parametrize(
    "query", ["?limit=101", "?limit=0", "?limit=x", "?offset=-1", "?keyword=%00", f"?search={'x' * 201}"]
)
def test_bounds_are_kept_and_the_answer_is_a_problem(client, query):
    response = client.get(f"/api/v1/papers{query}")
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_paper_in_full(client):
    assert client.get("/api/v1/papers/P03").json() == {
        "uid": "P03",
        "title": "Title 03",
        "authors": [
            {"name": "Ada Lovelace", "slug": "ada-lovelace", "affiliation": "London", "equal_contribution": True}
        ],
        "abstract": "A\nB",
        "tldr": "",
        "keywords": ["rnn"],
        "track": None,
        "kind": "",
        "year": None,
        "venue": "",
        "url": "/papers/P03/",
        "links": [],
        "bibtex": "",
        "video": None,
        "presented": [
            {
                "session": "s1",
                "title": "Posters",
                "starts_at": "2027-05-03T07:00:00Z",
                "ends_at": "2027-05-03T09:00:00Z",
                "room": "Hall",
            }
        ],
    }


@pytest.mark.parametrize("uid", ["p03", "P29", "nope", "a%00b"])
def test_unknown_misspelt_and_withdrawn_papers_are_not_there(client, uid):
    response = client.get(f"/api/v1/papers/{uid}")
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["title"] == "No such paper"


def test_sessions_and_events(client):
    assert client.get("/api/v1/sessions").json() == {
        "items": [
            {
                "uid": "s1", "title": "Posters", "kind": "poster", "starts_at": "2027-05-03T07:00:00Z",
                "ends_at": "2027-05-03T09:00:00Z", "room": "Hall", "track": None, "event": "k1", "papers": ["P03", "P01"],
                "url": "/sessions/s1/",
            }
        ],
        "count": 1,
    }  # fmt: skip
    assert client.get("/api/v1/events").json() == {
        "items": [
            {
                "uid": "k1", "kind": "keynote", "title": "Keynote", "abstract": "*Hello*", "capacity": None,
                "people": [{"name": "Ada Lovelace", "slug": "ada-lovelace", "affiliation": "London"}],
                "sessions": ["s1"], "url": "/events/k1/",
            }
        ],
        "count": 1,
    }  # fmt: skip


def test_nothing_private_leaves_the_api_even_for_members(client):
    client.force_login(get_user_model().objects.get())
    for path in ("papers?limit=100", "papers/P03", "sessions", "events", "openapi.json"):
        body = client.get(f"/api/v1/{path}").content.decode()
        assert "secret" not in body, path


@pytest.mark.parametrize("path", ["papers?limit=5", "papers?limit=100", "sessions", "events", "papers/P03"])
def test_queries_are_few(client, path):
    client.get("/api/v1/events")
    with CaptureQueriesContext(connection) as captured:
        client.get(f"/api/v1/{path}")
    assert len(captured) <= 7
