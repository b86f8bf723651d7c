"""Sponsors by level, and their booths."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils.timezone import now

from miniconf.accounts.models import User
from papers.models import Person, Session, Sponsor

pytestmark = pytest.mark.django_db


@pytest.fixture
def sponsor() -> Sponsor:
    sponsor = Sponsor.objects.create(
        uid="Acme.Co", name="Acme & Co", level="Gold", position=2, description="*Good* <script>x</script>",
        url="https://acme.example", logo_url="https://acme.example/logo.png", video_url="https://vimeo.com/123456",
        links=[{"label": "Brochure", "url": "https://acme.example/b.pdf"}],
        join_url_private="https://meet.example/acme", join_note_private="Knock twice",
    )  # fmt: skip
    sponsor.people.add(Person.objects.create(slug="ada", name="Ada Lovelace", affiliation="London"))
    Session.objects.create(uid="s1", title="On show", sponsor=sponsor, starts_at=now(), ends_at=now(), room="Booth 1")
    Session.objects.create(uid="s2", title="Off", sponsor=sponsor, starts_at=now(), ends_at=now(), withdrawn_at=now())
    return sponsor


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode().split('id="main"')[1]


def test_sponsors_stand_under_their_levels_in_the_order_of_their_first(client, sponsor):
    Sponsor.objects.create(uid="b", name="Bcme", level="Silver", position=1)
    Sponsor.objects.create(uid="c", name="Ccme", level="Gold", position=3)
    text = text_of(client, "/sponsors/")
    assert re.findall(r"<h2[^>]*>(\w+)</h2>", text) == ["Silver", "Gold"]
    assert re.findall(r'class="sponsor-name" href="([^"]+)"', text) == [
        "/sponsors/b/", "/sponsors/Acme.Co/", "/sponsors/c/"
    ]  # fmt: skip
    assert '<img src="https://acme.example/logo.png" alt="Acme &amp; Co"' in text


def test_a_booth_shows_text_video_links_dates_and_people(client, sponsor):
    text = text_of(client, "/sponsors/Acme.Co/")
    assert "<em>Good</em> &lt;script&gt;" in text
    assert 'href="https://acme.example" rel="noopener sponsored">Website</a>' in text
    assert 'href="https://acme.example/b.pdf" rel="noopener sponsored">Brochure</a>' in text
    assert 'data-frame="https://player.vimeo.com/video/123456?dnt=1"' in text
    assert re.findall(r'href="/sessions/(\w+)/"', text) == ["s1"]
    assert re.findall(r'href="/people/(\w+)/"', text) == ["ada"]
    assert 'data-chat="sponsor:Acme.Co"' in text


def test_the_way_into_a_booth_is_for_members(client, sponsor):
    text = text_of(client, "/sponsors/Acme.Co/")
    assert ["https://meet.example" in text, "Knock twice" in text] == [False, False]
    assert "to see the meeting link" in text
    client.force_login(User.objects.create_user("a@example.org"))
    text = text_of(client, "/sponsors/Acme.Co/")
    assert ['href="https://meet.example/acme"' in text, "Knock twice" in text] == [True, True]


def test_what_is_said_at_a_booth_stays_there(client, sponsor):
    client.force_login(User.objects.create_user("a@example.org", name="Ada"))
    client.post("/chat/sponsor:Acme.Co/", {"text": "Do you hire?"})
    assert "Do you hire?" in text_of(client, "/sponsors/Acme.Co/")


def test_a_sponsor_nobody_knows_has_no_page(client):
    assert client.get("/sponsors/none/").status_code == 404
