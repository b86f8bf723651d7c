"""Moderators' pages: what they show, to whom, and that everything on them works without scripts."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from chat import moderation, oversight
from chat.models import BlockedWord, Message, ModerationAct, Report, Room, Sanction
from chat.services import send_message
from miniconf.accounts.models import User
from papers.models import Authorship, Paper, Person

pytestmark = pytest.mark.django_db
ROOM = "paper:P1"
PAGES = [
    "moderation",
    "moderation_reports",
    "moderation_people",
    "moderation_sanctions",
    "moderation_words",
    "moderation_record",
]


@pytest.fixture
def people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name.lower()}@example.org", name=name)
        for name in ("Asker", "Author", "Other")
    }
    made["Olga"] = User.objects.create_user("olga@example.org", name="Olga", is_organizer=True)
    paper = Paper.objects.create(uid="P1", title="A paper on <b>heads</b>")
    person = Person.objects.create(slug="author", name="Author", user=made["Author"])
    Authorship.objects.create(paper=paper, person=person, position=1)
    return made


def say(user: User, text: str = "Why?", room: str = ROOM, **more: Any) -> int:
    return send_message(user=user, room_key=room, client_id=uuid4(), text=text, **more)["id"]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(html: str) -> list[int]:
    """The messages of a page, in its order."""
    return [int(pk) for pk in re.findall(r'id="message-(\d+)"', html)]


def get(client: Client, name: str, *args: object, **query: Any) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200, response
    return response.content.decode()


# --- Who may look ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_for_organizers(people, name):
    assert Client().get(reverse(name)).status_code == 302  # to sign in
    assert client_of(people["Author"]).get(reverse(name)).status_code == 403
    assert client_of(people["Olga"]).get(reverse(name)).status_code == 200


def test_pages_about_a_person_are_for_organizers(people):
    about = people["Asker"].public_id
    for name in ("moderation_person", "personal_data"):
        assert client_of(people["Author"]).get(reverse(name, args=[about])).status_code == 403
        assert client_of(people["Olga"]).get(reverse(name, args=[about])).status_code == 200
    for name in ("moderation_sanction", "moderation_forget"):
        assert client_of(people["Author"]).post(reverse(name, args=[about]), {"act": "ban"}).status_code == 403
    assert Sanction.objects.count() == 0


def test_authors_have_the_page_of_their_own_room_only(people):
    Paper.objects.create(uid="P2", title="Another")
    author = client_of(people["Author"])
    assert author.get(reverse("moderation_room", args=[ROOM])).status_code == 200
    assert author.get(reverse("moderation_room", args=["paper:P2"])).status_code == 403
    assert author.get(reverse("moderation_room", args=["paper:nothing"])).status_code == 404
    page = get(author, "moderation_room", ROOM)
    assert "Close it" not in page
    response = author.post(reverse("moderation_room", args=[ROOM]), {"act": "lock"}, follow=True)
    assert "Only organizers close and slow rooms." in response.content.decode()
    assert not Room.objects.filter(locked=True).exists()


def test_no_page_names_an_address(people):
    message = say(people["Asker"])
    moderation.report_message(user=people["Other"], message_id=message)
    moderation.sanction(user=people["Olga"], about=people["Asker"], kind="mute")
    olga = client_of(people["Olga"])
    pages = [get(olga, name) for name in PAGES]
    pages += [get(olga, "moderation_person", people["Asker"].public_id), get(olga, "moderation_room", ROOM)]
    assert [address for page in pages for address in re.findall(r"\w+@example\.org", page)] == []


# --- The stream ------------------------------------------------------------------------------------------------------


def test_the_stream_has_all_rooms_and_is_filtered(people):
    question = say(people["Asker"], asked=True)
    plain = say(people["Other"], "Hello", room="lounge:main")
    reply = say(people["Author"], "Because", thread=question)
    hidden = say(people["Other"], "Rude")
    moderation.hide_message(user=people["Olga"], message_id=hidden)
    moderation.report_message(user=people["Other"], message_id=question)
    olga = client_of(people["Olga"])
    assert shown(get(olga, "moderation")) == [hidden, reply, plain, question]
    assert shown(get(olga, "moderation", show="reported")) == [question]
    assert shown(get(olga, "moderation", show="questions")) == [question]
    assert shown(get(olga, "moderation", show="hidden")) == [hidden]
    assert shown(get(olga, "moderation", room="lounge:main")) == [plain]
    assert shown(get(olga, "moderation", person=str(people["Other"].public_id))) == [hidden, plain]
    assert shown(get(olga, "moderation", show="nonsense", person="nobody", before="x")) == [
        hidden,
        reply,
        plain,
        question,
    ]
    assert "Rude" in get(olga, "moderation", show="hidden")  # moderators see what is hidden


def test_an_open_page_asks_for_what_is_new(people):
    first = say(people["Asker"])
    second, third = say(people["Asker"]), say(people["Other"])
    olga = client_of(people["Olga"])
    part = get(olga, "moderation", after=first)
    assert shown(part) == [third, second]
    assert "<html" not in part
    assert shown(get(olga, "moderation", after=first, person=str(people["Other"].public_id))) == [third]
    assert f'name="next" value="{reverse("moderation")}"' in part


def test_the_stream_goes_back_in_pieces(people, monkeypatch):
    monkeypatch.setattr(oversight, "LINES", 2)
    sent = [say(people["Asker"], f"{n}") for n in range(5)]
    olga = client_of(people["Olga"])
    page, seen = get(olga, "moderation"), []
    while True:
        seen += shown(page)
        earlier = re.search(r'href="(\?[^"]*before=\d+[^"]*)"', page)
        if earlier is None:
            break
        page = olga.get(reverse("moderation") + earlier[1].replace("&amp;", "&")).content.decode()
    assert seen == sent[::-1]


def test_active_rooms_count_people_questions_and_reports(people, django_assert_max_num_queries):
    question = say(people["Asker"], asked=True)
    say(people["Other"])
    say(people["Other"], room="lounge:main")
    moderation.report_message(user=people["Other"], message_id=question)
    with django_assert_max_num_queries(6):
        rooms = oversight.active_rooms()
    assert [(room.room.key, room.messages, len(room.people), room.open_questions, room.reports) for room in rooms] == [
        (ROOM, 2, 2, 1, 1),
        ("lounge:main", 1, 1, 0, 0),
    ]


def test_what_people_write_is_data(people):
    say(people["Asker"], "<script>alert(1)</script>")
    page = get(client_of(people["Olga"]), "moderation")
    assert "<script>alert" not in page
    assert "A paper on &lt;b&gt;heads&lt;/b&gt;" in page


# --- Reports and acts ------------------------------------------------------------------------------------------------


def test_a_report_stands_between_the_lines_around_it(people):
    texts = [f"Line {n}" for n in range(9)]
    sent = [say(people["Asker"], text) for text in texts]
    say(people["Other"], "Elsewhere", thread=sent[4])
    moderation.report_message(user=people["Other"], message_id=sent[4], reason="Off topic")
    page = get(client_of(people["Olga"]), "moderation_reports")
    assert shown(page) == [sent[4]]
    assert re.findall(r"Line \d", page) == texts[1:8]
    assert "Off topic" in page


def test_what_most_people_reported_comes_first(people):
    once, twice = say(people["Asker"]), say(people["Asker"])
    moderation.report_message(user=people["Other"], message_id=once)
    for who in ("Other", "Author"):
        moderation.report_message(user=people[who], message_id=twice)
    olga = client_of(people["Olga"])
    assert shown(get(olga, "moderation_reports")) == [twice, once]
    moderation.dismiss_reports(user=people["Olga"], message_id=twice)
    assert shown(get(olga, "moderation_reports")) == [once]
    assert shown(get(olga, "moderation_reports", state="settled")) == [twice]


@pytest.mark.parametrize(
    ("act", "after"),
    [
        ("hide", ("", True, False, False)),
        ("dismiss", ("", False, False, False)),
        ("delete", ("", False, True, False)),
        ("pin", ("", False, False, True)),
    ],
)
def test_a_form_does_it_and_leads_back(people, act, after):
    message = say(people["Asker"])
    moderation.report_message(user=people["Other"], message_id=message)
    back = reverse("moderation_reports")
    response = client_of(people["Olga"]).post(reverse("moderation_act"), {"message": message, "act": act, "next": back})
    assert (response.status_code, response["Location"]) == (302, f"{back}#message-{message}")
    row = Message.objects.get()
    assert ("", row.hidden_at is not None, row.deleted_at is not None, row.pinned_at is not None) == after
    assert (Report.objects.get().state == "open") is (act == "pin")


def test_a_script_gets_the_new_line_or_why_not(people):
    message = say(people["Asker"])
    olga = client_of(people["Olga"])
    payload = {"message": message, "act": "hide", "part": "line", "reason": "Rude"}
    part = olga.post(reverse("moderation_act"), payload, headers={"HX-Request": "true"}).content.decode()
    assert shown(part) == [message]
    assert "The message is hidden." in part
    assert "Show again" in part
    part = olga.post(reverse("moderation_act"), payload, headers={"HX-Request": "true"}).content.decode()
    assert "This message is hidden already." in part
    assert [(act.action, act.note) for act in ModerationAct.objects.all()] == [("hide", "Rude")]


def test_acts_ask_for_permission_and_lead_nowhere_else(people):
    message = say(people["Asker"])
    response = client_of(people["Other"]).post(
        reverse("moderation_act"), {"message": message, "act": "hide", "next": "https://elsewhere.example/"}
    )
    assert response["Location"] == f"{reverse('moderation')}#message-{message}"
    assert Message.objects.get().hidden_at is None
    scripted = client_of(people["Other"]).post(
        reverse("moderation_act"), {"message": message, "act": "hide"}, headers={"HX-Request": "true"}
    )
    assert scripted.status_code == 403
    assert Client().post(reverse("moderation_act"), {"message": message, "act": "hide"}).status_code == 302
    for payload in ({"message": "x", "act": "hide"}, {"message": message, "act": "explode"}, {}):
        assert client_of(people["Olga"]).post(reverse("moderation_act"), payload).status_code == 404


# --- People, sanctions, words, rooms, the record ---------------------------------------------------------------------


def test_somebody_is_muted_from_their_page_and_released_from_the_list(people):
    say(people["Asker"])
    olga, about = client_of(people["Olga"]), people["Asker"].public_id
    form = {"act": "mute", "room": ROOM, "minutes": "60", "reason": "Calm down"}
    olga.post(reverse("moderation_sanction", args=[about]), form)
    made = Sanction.objects.get()
    assert (made.kind, made.room and made.room.key, made.reason, made.made_by) == (
        "mute",
        ROOM,
        "Calm down",
        people["Olga"],
    )
    assert "Calm down" in get(olga, "moderation_sanctions")
    assert "Calm down" in get(olga, "moderation_room", ROOM)
    olga.post(reverse("moderation_sanctions"), {"sanction": made.pk})
    made.refresh_from_db()
    assert made.lifted_at is not None
    assert "Nobody is muted or banned." in get(olga, "moderation_sanctions")
    assert "Calm down" in get(olga, "moderation_sanctions", state="past")
    page = get(olga, "moderation_person", about)
    assert "Calm down" in page


@pytest.mark.parametrize(
    "form", [{"act": "mute", "minutes": "7"}, {"act": "exile", "minutes": "60"}, {"act": "ban", "room": "x:y"}]
)
def test_what_no_form_offers_is_refused(people, form):
    client_of(people["Olga"]).post(reverse("moderation_sanction", args=[people["Asker"].public_id]), form)
    assert Sanction.objects.count() == 0


def test_people_are_found_by_a_part_of_the_name_or_the_whole_address(people):
    olga = client_of(people["Olga"])
    for text, found in (("skE", ["Asker"]), ("asker@example.org", ["Asker"]), ("example.org", []), ("\x00", [])):
        page = get(olga, "moderation_people", q=text)
        names = [name for name in ("Asker", "Author", "Other") if f">{name}</a>" in page]
        assert names == found


def test_words_are_kept_and_tried(people):
    olga = client_of(people["Olga"])
    olga.post(reverse("moderation_words"), {"act": "set", "word": "Spam", "effect": "refuse"})
    olga.post(reverse("moderation_words"), {"act": "set", "word": "buy", "effect": "report"})
    assert "It would be refused." in get(olga, "moderation_words", text="Buy SPAM")
    assert "It would be taken, and reported." in get(olga, "moderation_words", text="Buy")
    assert "It would be taken." in get(olga, "moderation_words", text="Hello")
    olga.post(reverse("moderation_words"), {"act": "remove", "word": BlockedWord.objects.get(word="spam").pk})
    assert [row.word for row in BlockedWord.objects.all()] == ["buy"]


def test_a_room_is_closed_and_slowed_from_its_page(people):
    olga = client_of(people["Olga"])
    for form in ({"act": "lock"}, {"act": "slow", "slow_seconds": "30"}):
        olga.post(reverse("moderation_room", args=[ROOM]), form)
    row = Room.objects.get(key=ROOM)
    assert (row.locked, row.slow_seconds) == (True, 30)
    olga.post(reverse("moderation_room", args=[ROOM]), {"act": "unlock"})
    assert Room.objects.get(key=ROOM).locked is False


def test_the_record_is_filtered(people):
    message = say(people["Asker"])
    moderation.hide_message(user=people["Olga"], message_id=message, reason="The first")
    moderation.set_room(user=people["Olga"], room_key="lounge:main", slow_seconds=7)
    olga = client_of(people["Olga"])

    def notes(**query: object) -> list[str]:
        return re.findall(r"The first|each 7 s", get(olga, "moderation_record", **query))

    assert notes() == ["each 7 s", "The first"]
    assert notes(action="hide") == ["The first"]
    assert notes(room="lounge:main") == ["each 7 s"]
    assert notes(person=str(people["Asker"].public_id)) == ["The first"]
    assert notes(action="nonsense") == ["each 7 s", "The first"]


def test_a_room_is_taken_home_by_its_moderators(people):
    say(people["Asker"])
    for name, kind in (("md", "text/markdown"), ("json", "application/json")):
        address = reverse("export_room", args=[ROOM, name])
        assert client_of(people["Other"]).get(address).status_code == 403
        response = client_of(people["Author"]).get(address)
        assert response["Content-Type"].partition(";")[0] == kind
        assert response["Content-Disposition"] == f'attachment; filename="paper-p1.{name}"'
        assert b"Why?" in b"".join(response)
    assert client_of(people["Olga"]).get(reverse("export_room", args=[ROOM, "exe"])).status_code == 404


def test_everybody_takes_their_own_data_home(people):
    say(people["Asker"], "Mine")
    assert Client().get(reverse("my_data")).status_code == 302
    found = json.loads(client_of(people["Asker"]).get(reverse("my_data")).content)
    assert found["account"]["email"] == "asker@example.org"
    assert [message["text"] for message in found["conversation"]["messages"]] == ["Mine"]


def test_somebody_is_taken_off_after_a_confirmation(people):
    say(people["Asker"])
    olga, address = client_of(people["Olga"]), reverse("moderation_forget", args=[people["Asker"].public_id])
    olga.post(address, {"account": "delete"})
    olga.post(address, {"account": "nonsense", "certain": "yes"})
    assert Message.objects.get().author == people["Asker"]
    page = olga.post(address, {"account": "delete", "certain": "yes"}).content.decode()
    assert "Messages, now without a name: 1" in page
    assert Message.objects.get().author is None
    assert not User.objects.filter(name="Asker").exists()


def test_who_is_banned_sees_why_where_the_conversation_was(people):
    say(people["Other"], "Not for everybody")
    moderation.sanction(user=people["Olga"], about=people["Asker"], kind="ban", room_key=ROOM, reason="Rude")
    asker, paper = client_of(people["Asker"]), Paper.objects.get().get_absolute_url()
    page = asker.get(paper).content.decode()
    assert "You have been banned from this room: Rude." in page
    assert "Not for everybody" not in page
    assert "Not for everybody" in client_of(people["Author"]).get(paper).content.decode()
    room = asker.get(reverse("room", args=[ROOM]))
    assert room.status_code == 403
    assert "Not for everybody" not in room.content.decode()
