"""Lists of events, and an event's page with its dates, its own timetable and its papers."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils.timezone import now

from chat.rooms import find_room
from miniconf.accounts.models import User
from papers.models import Authorship, Event, Paper, Person, Presentation, Session, Sponsor, Track
from papers.words import all_words, fold

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
START = dt.datetime(2100, 5, 3, 22, 30, tzinfo=dt.UTC)


@pytest.fixture
def member() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("a@example.org"))
    return client


def text_of(client: Client, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, path
    return response.content.decode()


def listed(client: Client, query: str = "") -> list[str]:
    return re.findall(r'class="title-link" href="/events/([^/"]+)/"', text_of(client, f"/events/{query}"))


def session(uid: str, hours: float = 0, **fields: object) -> Session:
    start = START + hours * HOUR
    return Session.objects.create(
        **{"uid": uid, "title": uid.capitalize(), "starts_at": start, "ends_at": start + HOUR, **fields}
    )


# --- The list ----------------------------------------------------------------------------------------------------------


def test_events_stand_by_kind_then_by_their_first_date(client):
    for uid, kind, hours in (("w1", "workshop", 0), ("k2", "keynote", 5), ("k1", "keynote", 1), ("o1", "other", 0)):
        session(f"s-{uid}", hours, event=Event.objects.create(uid=uid, kind=kind, title=f"Title {uid}"))
    session("item", -9, event=Event.objects.get(uid="k2"), in_schedule=False)
    assert listed(client) == ["k1", "k2", "w1", "o1"]
    assert listed(client, "?kind=keynote") == ["k1", "k2"]
    assert listed(client, "?kind=nonsense") == ["k1", "k2", "w1", "o1"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("forget", ["k1"]),
        ("CHATELET", ["k1"]),
        ("emilie forget", ["k1"]),
        ("emilie rnn", []),
        ("lodz", ["t1"]),
        ("c++ (100%)", ["t1"]),
        ("[", []),
        ("\\d", []),
        ("  ", ["k1", "t1"]),
    ],
)
def test_events_are_found_by_words_of_title_abstract_and_people(client, words, found):
    keynote = Event.objects.create(uid="k1", kind="keynote", title="What to forget")
    keynote.people.add(Person.objects.create(slug="e", name="Émilie du Châtelet", affiliation="Cirey"))
    keynote.people.add(Person.objects.create(slug="f", name="Emilie Other"))
    tutorial = Event.objects.create(uid="t1", kind="tutorial", title="RNNs", abstract="In C++ (100%)")
    tutorial.people.add(Person.objects.create(slug="l", name="Ann", affiliation="Łódź"))
    response = client.get("/events/", {"search": words})
    assert re.findall(r'class="title-link" href="/events/(\w+)/"', response.content.decode()) == found


def test_events_are_narrowed_to_a_track(client):
    track = Track.objects.create(name="Theory", slug="theory")
    Event.objects.create(uid="a", kind="talk", title="A", track=track)
    Event.objects.create(uid="b", kind="talk", title="B")
    assert listed(client, "?track=theory") == ["a"]
    assert listed(client, "?track=none") == ["a", "b"]


def test_a_long_list_is_cut_into_pages(client):
    for n in range(61):
        Event.objects.create(uid=f"e{n:02}", kind="social", title=f"E {n:02}")
    assert len(listed(client)) == 60
    assert listed(client, "?page=2") == ["e60"]
    assert listed(client, "?page=99") == ["e60"]
    assert "?kind=social&amp;page=2" in text_of(client, "/events/?kind=social")


def test_the_list_asks_as_often_however_many_events_there_are(client, django_assert_max_num_queries):
    for n in range(30):
        event = Event.objects.create(uid=f"e{n}", kind="mentoring", title=f"E {n}", capacity=3)
        event.people.add(Person.objects.create(slug=f"p{n}", name=f"P {n}"))
        session(f"s{n}", event=event)
    client.force_login(User.objects.create_user("a@example.org"))
    client.get("/events/")
    with django_assert_max_num_queries(20):
        client.get("/events/")


def test_members_see_how_many_places_are_left(client, member):
    Event.objects.create(uid="t1", kind="mentoring", title="Table", capacity=3)
    assert "3 of 3 places free" in text_of(member, "/events/")
    assert "3 of 3 places free" not in text_of(client, "/events/")
    assert "3 places" in text_of(client, "/events/")


# --- An event's page -----------------------------------------------------------------------------------------------------


@pytest.fixture
def workshop() -> Event:
    workshop = Event.objects.create(
        uid="w1", kind="workshop", title="Workshop", abstract="*About*", video_url="https://vimeo.com/123456",
        links=[{"label": "Material", "url": "https://x.example/m"}], image_url="https://x.example/i.png",
        join_url_private="https://meet.example/main", join_note_private="Passcode 99",
    )  # fmt: skip
    session("whole", event=workshop, room="Hall")
    item = session("invited", 0, event=workshop, in_schedule=False, description="**Bold**",
                   join_url_private="https://meet.example/item", join_note_private="Knock")  # fmt: skip
    item.chairs.add(Person.objects.create(slug="ada", name="Ada Lovelace", affiliation="London"))
    lightning = session("lightning", 1.5, event=workshop, in_schedule=False)
    for position, uid in enumerate(("b", "a", "gone")):
        paper = Paper.objects.create(
            uid=uid, title=f"Paper {uid}", event=workshop, withdrawn_at=now() if uid == "gone" else None
        )
        Presentation.objects.create(paper=paper, session=lightning, position=position)
    session("cancelled", 3, event=workshop, in_schedule=False, withdrawn_at=now())
    return workshop


def test_a_workshop_has_its_own_timetable_in_days_of_the_viewer(client, workshop):
    client.cookies["timezone"] = "Europe/Berlin"
    text = text_of(client, "/events/w1/")
    dates = text.split('aria-label="Dates"')[1].split("</ul>")[0]
    assert re.findall(r'href="/sessions/(\w+)/"', dates) == ["whole"]
    timetable = text.split('id="timetable-title"')[1].split("</section>")[0]
    assert re.findall(r"<h3>([^<]+)</h3>", timetable) == ["Tuesday, 4 May 2100"]
    assert re.findall(r'href="/sessions/(\w+)/"', timetable) == ["invited", "lightning"]
    assert re.findall(r'href="/papers/(\w+)/"', timetable) == ["b", "a"]
    assert "Ada Lovelace" in timetable
    assert "<strong>Bold</strong>" in timetable
    client.cookies["timezone"] = "UTC"
    text = text_of(client, "/events/w1/")
    assert re.findall(r"<h3>([^<]+20\d\d|[^<]+2100)</h3>", text) == ["Monday, 3 May 2100", "Tuesday, 4 May 2100"]


def test_a_workshop_lists_its_papers(client, workshop):
    papers = text_of(client, "/events/w1/").split('id="event-papers"')[1]
    assert papers.startswith(">2 papers</h2>")
    assert re.findall(r'<h3[^>]*><a href="/papers/(\w+)/"', papers) == ["a", "b"]


def test_material_picture_and_video_are_on_the_page(client, workshop):
    text = text_of(client, "/events/w1/")
    assert '<a class="button button-small" href="https://x.example/m" rel="noopener">Material</a>' in text
    assert 'src="https://x.example/i.png"' in text
    assert 'data-frame="https://player.vimeo.com/video/123456?dnt=1"' in text
    Event.objects.update(image_url="http://x.example/i.png", video_url="https://elsewhere.example/v")
    text = text_of(client, "/events/w1/")
    assert "<img" not in text.split('id="about-title"')[1].split("</section>")[0]
    assert '<a href="https://elsewhere.example/v" rel="noopener">Watch the video</a>' in text


def test_meeting_links_and_notes_are_for_members(client, member, workshop):
    secrets = ("https://meet.example/main", "Passcode 99", "https://meet.example/item", "Knock")
    visitors, members = text_of(client, "/events/w1/"), text_of(member, "/events/w1/")
    assert [secret in visitors for secret in secrets] == [False] * 4
    assert [secret in members for secret in secrets] == [True] * 4
    assert "to see the meeting link" in visitors
    assert "to see the meeting link" not in members
    Event.objects.update(join_url_private="", join_note_private="")
    Session.objects.update(join_url_private="", join_note_private="")
    assert "to see the meeting link" not in text_of(client, "/events/w1/")


# --- Rooms ----------------------------------------------------------------------------------------------------------------


def test_sessions_and_sponsors_have_rooms_in_which_their_people_speak():
    users = {name: User.objects.create_user(f"{name}@example.org") for name in ("chair", "author", "speaker", "booth")}
    people = {name: Person.objects.create(slug=name, name=name, user=user) for name, user in users.items()}
    event = Event.objects.create(uid="e", kind="talk", title="E")
    event.people.add(people["speaker"])
    held = session("s1", event=event)
    held.chairs.add(people["chair"])
    paper = Paper.objects.create(uid="p", title="P")
    Authorship.objects.create(paper=paper, person=people["author"], position=1)
    Presentation.objects.create(paper=paper, session=held)
    sponsor = Sponsor.objects.create(uid="Acme", name="Acme & Co")
    sponsor.people.add(people["booth"])
    room = find_room("session:s1")
    assert room is not None
    assert (room.title, room.url) == ("S1", "/sessions/s1/")
    assert room.author_ids == {users[name].pk for name in ("chair", "author", "speaker")}
    booth = find_room("sponsor:Acme")
    assert booth is not None
    assert (booth.title, booth.url, booth.author_ids) == ("Acme & Co", "/sponsors/Acme/", {users["booth"].pk})
    Session.objects.update(withdrawn_at=now())
    assert [find_room(key) for key in ("session:s1", "session:none", "sponsor:none")] == [None] * 3


# --- Words -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Émilie", "emilie"), ("Łódź", "lodz"), ("Ørsted", "orsted"), ("Nguyễn", "nguyen"), ("李明", "李明"), ("İ", "i")],
)
def test_words_are_compared_without_case_and_accents(text, folded):
    assert fold(text) == folded
    person = Person.objects.create(slug="x", name=f"Somebody {text}")
    for spelling in (text, text.lower(), text.upper(), folded):
        assert list(Person.objects.filter(all_words(spelling, ["name"]))) == [person], spelling
