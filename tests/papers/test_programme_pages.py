"""Home, events, sessions, sponsors and free pages."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth import get_user_model
from django.utils.timezone import now

from papers.models import Conference, Event, Page, Paper, Person, Presentation, Session, Sponsor

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
LINK = "https://meet.example/secret"


@pytest.fixture
def event() -> Event:
    event = Event.objects.create(
        uid="k1", kind="keynote", title="A keynote", abstract="*Hello* <script>alert(1)</script>"
    )
    event.people.add(Person.objects.create(name="Barbara Liskov", slug="liskov", biography="A **life**."))
    Session.objects.create(
        uid="s1", title="Keynote", kind="keynote", starts_at=now() - HOUR, ends_at=now() + HOUR, event=event,
        room="Hall", join_url_private=LINK,
    )  # fmt: skip
    return event


def text_of(client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_an_empty_site_has_all_its_pages(client):
    for path in ("/", "/papers/", "/schedule/", "/events/", "/sponsors/", "/help/"):
        assert "<h1>" in text_of(client, path)


def test_home_says_who_when_and_what_is_on(client, event):
    Conference.objects.create(name="Own", tagline="Ours", about="*About*", starts_on=dt.date(2027, 5, 3))
    Session.objects.create(uid="s2", title="Next thing", starts_at=now() + HOUR, ends_at=now() + 2 * HOUR)
    Session.objects.create(uid="s0", title="Past thing", starts_at=now() - 2 * HOUR, ends_at=now() - HOUR)
    Sponsor.objects.create(uid="acme", name="Acme", level="Gold")
    text = text_of(client, "/")
    assert "<h1>Own</h1>" in text
    assert "<em>About</em>" in text
    agenda = text.split('id="home-now"')[1].split("</ul>")[0]
    assert re.findall(r'class="title-link" href="([^"]+)"', agenda) == ["/events/k1/", "/sessions/s2/"]
    assert agenda.count("is-now") == 1
    assert "Acme" in text


def test_home_shows_picked_papers_and_those_with_a_video_first(client):
    for n in range(20):
        Paper.objects.create(
            uid=f"p{n}", title=f"Paper {n}", highlighted=n in (3, 4), video_file="a.mp4" if n == 7 else ""
        )
    uids = re.findall(r'<h3><a href="/papers/([^/]+)/">', text_of(client, "/"))
    assert uids[0] == "p7"
    assert sorted(uids[1:]) == ["p3", "p4"]


def test_a_keynote_has_a_page_with_abstract_biography_and_time(client, event):
    text = text_of(client, "/events/k1/")
    assert "<em>Hello</em> &lt;script&gt;" in text
    assert "<strong>life</strong>" in text
    assert text.count('data-local="range"') == 1
    assert "Hall" in text


@pytest.mark.parametrize(
    ("path", "instead"), [("/events/k1/", "to see the meeting link"), ("/sessions/s1/", ">Sign in to join</a>")]
)
def test_the_meeting_link_is_for_members(client, event, path, instead):
    text = text_of(client, path)
    assert LINK not in text
    assert instead in text
    client.force_login(get_user_model().objects.create_user("a@example.org"))
    assert f'href="{LINK}"' in text_of(client, path)


def test_events_can_be_narrowed_to_a_kind(client, event):
    Event.objects.create(uid="t1", kind="tutorial", title="A tutorial")
    Event.objects.create(uid="t2", kind="tutorial", title="Gone", withdrawn_at=now())
    everything = re.findall(r'class="title-link" href="/events/(\w+)/"', text_of(client, "/events/"))
    assert everything == ["k1", "t1"]
    assert re.findall(r'class="title-link" href="/events/(\w+)/"', text_of(client, "/events/?kind=tutorial")) == ["t1"]


def test_a_session_lists_its_papers_in_order(client, event):
    for position, uid in enumerate(("b", "a", "gone")):
        paper = Paper.objects.create(uid=uid, title=uid, withdrawn_at=now() if uid == "gone" else None)
        Presentation.objects.create(paper=paper, session=Session.objects.get(uid="s1"), position=position)
    assert re.findall(r'<h3><a href="/papers/(\w+)/">', text_of(client, "/sessions/s1/")) == ["b", "a"]


def test_what_was_withdrawn_or_never_was(client, event):
    Session.objects.update(withdrawn_at=now())
    Event.objects.update(withdrawn_at=now())
    assert client.get("/events/k1/").status_code == 410
    assert client.get("/sessions/s1/").status_code == 410
    for path in ("/events/nope/", "/sessions/nope/", "/pages/nope/", "/sessions/a%00b/"):
        assert client.get(path).status_code == 404


def test_free_pages_are_found_from_the_help_page(client):
    Page.objects.create(slug="help", title="Getting help", body="Ask **us**.")
    Page.objects.create(slug="conduct", title="Code of conduct", body="Be kind.")
    text = text_of(client, "/help/")
    assert "<h1>Getting help</h1>" in text
    assert "<strong>us</strong>" in text
    assert '<a href="/pages/conduct/">Code of conduct</a>' in text
    assert "Be kind." in text_of(client, "/pages/conduct/")


@pytest.mark.parametrize(
    "path", ["/admin/papers/paper/add/", "/admin/papers/session/", "/admin/papers/event/add/", "/admin/papers/person/"]
)
def test_the_programme_can_be_administered(client, event, path):
    client.force_login(get_user_model().objects.create_superuser("root@example.org"))
    assert client.get(path).status_code == 200
