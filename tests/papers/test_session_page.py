"""A session's page: its papers with their own times, chairs, what is for members only, and the way to others like it."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth import get_user_model

from papers.models import Event, Paper, Person, Presentation, Session, Sponsor

pytestmark = pytest.mark.django_db
START = dt.datetime(2027, 5, 3, 7, tzinfo=dt.UTC)


def add(uid: str, hours: float = 0, **fields: object) -> Session:
    start = START + dt.timedelta(hours=hours)
    fields = {"kind": "oral", "title": uid, "ends_at": start + dt.timedelta(hours=1), **fields}
    return Session.objects.create(uid=uid, starts_at=start, **fields)


def text_of(client, path: str = "/sessions/s/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def member(client):
    client.force_login(get_user_model().objects.create_user("a@example.org"))
    return client


def test_it_says_who_chairs_where_and_about_what(client):
    event = Event.objects.create(uid="e", kind="workshop", title="A workshop")
    sponsor = Sponsor.objects.create(uid="acme", name="Acme")
    shown = add("s", room="Hall 2", description="**Bring** a pen.", event=event, sponsor=sponsor)
    shown.chairs.set([Person.objects.create(slug=name.lower(), name=name) for name in ("Ada", "Grace")])
    text = text_of(client)
    assert re.findall(r'Chairs: <a href="/people/ada/">Ada</a>, <a href="/people/grace/">Grace</a>', text)
    assert "<strong>Bring</strong> a pen." in text
    assert "Hall 2" in text
    assert '<a href="/events/e/">A workshop</a>' in text
    assert ">Acme</a>" in text


def test_meeting_links_of_the_session_and_its_papers_are_for_members(client, member):
    shown = add("s", join_url_private="https://meet.example/1", join_note_private="Passcode 7")
    paper = Paper.objects.create(uid="P", title="P")
    Presentation.objects.create(session=shown, paper=paper, join_url_private="https://meet.example/2")
    secrets = ["https://meet.example/1", "https://meet.example/2", "Passcode 7"]
    assert [secret in text_of(member) for secret in secrets] == [True, True, True]
    member.logout()
    text = text_of(client)
    assert [secret in text for secret in secrets] == [False, False, False]
    assert '<a href="/accounts/login/code/?next=/sessions/s/">Sign in to join</a>' in text or "Sign in to join" in text


def test_papers_show_their_own_times_in_their_order(client):
    shown = add("s")
    for n, minutes in ((1, 0), (0, 20), (2, None)):
        paper = Paper.objects.create(uid=f"P{n}", title=f"Paper {n}")
        times = {}
        if minutes is not None:
            start = START + dt.timedelta(minutes=minutes)
            times = {"starts_at": start, "ends_at": start + dt.timedelta(minutes=20)}
        Presentation.objects.create(session=shown, paper=paper, position=n, **times)
    text = text_of(client)
    section = text[text.index('id="session-papers"') :]
    found = re.findall(r'data-local="range"[^>]*>([^<]+)<|data-paper="(\w+)"', section)
    assert [a or b for a, b in found] == [
        "3 May 2027, 07:20–07:40 UTC", "P0", "3 May 2027, 07:00–07:20 UTC", "P1", "P2",
    ]  # fmt: skip


def test_a_session_of_very_many_papers_has_pages(client):
    shown = add("s")
    papers = Paper.objects.bulk_create(Paper(uid=f"P{n:03}", title=f"{n:03}") for n in range(430))
    Presentation.objects.bulk_create(Presentation(session=shown, paper=p, position=n) for n, p in enumerate(papers))
    found = []
    for page in ("", "?page=2", "?page=3"):
        found.append(re.findall(r'data-paper="P(\d+)"', text_of(client, f"/sessions/s/{page}")))
    assert [len(uids) for uids in found] == [200, 200, 30]
    assert [uid for uids in found for uid in uids] == [f"{n:03}" for n in range(430)]


def steps(client, path: str) -> list[tuple[str, str]]:
    return re.findall(r'<a href="([^"]+)" rel="(prev|next)"', text_of(client, path))


def test_it_leads_to_the_sessions_of_its_kind_before_and_after(client):
    add("first")
    add("s", 1)
    add("also", 1)
    add("other kind", 1.5, kind="poster")
    add("withdrawn", 2, withdrawn_at=START)
    add("last", 3)
    assert steps(client, "/sessions/also/") == [("/sessions/first/", "prev"), ("/sessions/s/", "next")]
    assert steps(client, "/sessions/s/") == [("/sessions/also/", "prev"), ("/sessions/last/", "next")]


def test_an_item_of_a_timetable_leads_to_the_other_items_of_it(client):
    event = Event.objects.create(uid="e", kind="workshop", title="W")
    for n, name in enumerate(("one", "two", "three")):
        add(name, n, event=event, in_schedule=False, kind=("oral", "break", "other")[n])
    add("elsewhere", 1.5)
    assert steps(client, "/sessions/two/") == [("/sessions/one/", "prev"), ("/sessions/three/", "next")]


def test_a_withdrawn_event_is_not_linked(client):
    from django.utils.timezone import now

    add("s", event=Event.objects.create(uid="e", kind="workshop", title="Gone", withdrawn_at=now()))
    assert "/events/e/" not in text_of(client)
