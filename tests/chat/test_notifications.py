"""Notifications: who gets which, how they are shown, read and told to open pages; how much somebody wants to hear."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import Client
from django.utils.timezone import now

from chat import changes, notifications, reading
from chat.follows import level_of, set_follow
from chat.models import Follow, Message, Notification, Room, Sanction
from chat.services import send_message
from miniconf.accounts.models import User
from miniconf.live.registry import LiveError, find_topic, run_command
from miniconf.serving.pool import run_in_pool
from papers.models import Authorship, Conference, Paper, Person
from tests.live.communicator import Socket

pytestmark = pytest.mark.django_db
ROOM = "paper:P1"


def make_people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name.lower()}@example.org", name=name)
        for name in ("Asker", "Author", "Other", "Fan")
    }
    paper = Paper.objects.create(uid="P1", title="On $x^2$ & more")
    person = Person.objects.create(slug="author", name="Author", user=made["Author"])
    Authorship.objects.create(paper=paper, person=person, position=1)
    return made


@pytest.fixture
def people() -> dict[str, User]:
    return make_people()


def say(user: User, text: str = "Why?", room: str = ROOM, **more) -> dict:
    return send_message(user=user, room_key=room, client_id=uuid4(), text=text, **more)


def follow(user: User, level: str, thread: int | None = None) -> None:
    set_follow(user=user, room_key=ROOM, level=level, thread=thread)


def causes(user: User) -> list[tuple[str, str]]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("cause", "message__text"))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


# --- Who hears of what -----------------------------------------------------------------------------------------------


def test_who_follows_a_room_whole_hears_of_everything_in_it(people):
    follow(people["Fan"], "all")
    question = say(people["Asker"], "Why?", asked=True)
    say(people["Other"], "So.", thread=question["id"])
    assert causes(people["Fan"]) == [("message", "Why?"), ("message", "So.")]


def test_who_wants_to_hear_nothing_of_a_room_hears_nothing(people):
    follow(people["Author"], "none")
    follow(people["Other"], "none")
    question = say(people["Asker"], "Why?", asked=True)
    say(people["Asker"], f"@[Other](person:{people['Other'].public_id}) ?", thread=question["id"])
    assert causes(people["Author"]) == causes(people["Other"]) == []


def test_what_is_said_for_a_thread_counts_there(people):
    first, second = say(people["Asker"], "One"), say(people["Asker"], "Two")
    follow(people["Fan"], "none")
    follow(people["Fan"], "all", thread=first["id"])
    say(people["Other"], "In one", thread=first["id"])
    say(people["Other"], "In two", thread=second["id"])
    assert causes(people["Fan"]) == [("reply", "In one")]
    follow(people["Asker"], "none", thread=second["id"])
    say(people["Other"], "In two again", thread=second["id"])
    assert causes(people["Asker"]) == [("reply", "In one"), ("reply", "In two")]


def test_who_wants_only_what_concerns_them_is_told_of_replies_to_them_not_of_the_rest_of_a_thread(people):
    root = say(people["Asker"], "One")
    say(people["Other"], "Two", thread=root["id"])
    follow(people["Other"], "mine", thread=root["id"])
    follow(people["Asker"], "mine", thread=root["id"])
    say(people["Fan"], "Three", thread=root["id"])
    assert causes(people["Other"]) == []
    assert causes(people["Asker"]) == [("reply", "Two"), ("reply", "Three")]


def test_who_may_not_read_a_room_hears_nothing_of_it(people):
    for name in ("Other", "Fan"):
        follow(people[name], "all")
    people["Fan"].is_active = False
    people["Fan"].save()
    ban = Sanction.objects.create(user=people["Other"], room=Room.objects.get(key=ROOM), kind="ban")
    say(people["Asker"], "While banned")
    assert causes(people["Fan"]) == causes(people["Other"]) == []
    Sanction.objects.filter(pk=ban.pk).update(until=now() - timedelta(minutes=1))
    say(people["Asker"], "Afterwards")
    assert causes(people["Other"]) == [("message", "Afterwards")]


def test_an_asker_who_wants_to_hear_nothing_is_not_told_of_the_answer(people):
    question = say(people["Asker"], "Why?", asked=True)
    follow(people["Asker"], "none", thread=question["id"])
    reply = say(people["Author"], "So.", thread=question["id"])
    changes.mark_answered(user=people["Author"], message_id=question["id"], answer_id=reply["id"])
    assert causes(people["Asker"]) == []


def test_authors_hear_of_what_becomes_a_question_once(people):
    first = say(people["Asker"], "By the way, why?")
    for on in (True, False, True):
        changes.ask(user=people["Asker"], message_id=first["id"], on=on)
    assert causes(people["Author"]) == [("question", "By the way, why?")]


# --- Reading ---------------------------------------------------------------------------------------------------------


def test_reading_a_room_reads_what_stands_in_it_and_not_what_is_folded_in_threads(people):
    root = say(people["Author"], "Welcome")
    follow(people["Author"], "all")
    say(people["Asker"], "Hello")
    reply = say(people["Other"], "Thanks", thread=root["id"])
    say(people["Other"], "Later")
    author = people["Author"]
    assert notifications.unread_count(author) == 3
    reading.mark_read(user=author, room_key=ROOM, number=reply["n"])
    assert notifications.unread_count(author) == 2
    run_command(author, "chat.thread", {"message": root["id"]})
    assert notifications.unread_count(author) == 1


def test_what_was_taken_away_is_neither_shown_nor_counted(people):
    first = say(people["Asker"], "Why?", asked=True)
    say(people["Asker"], "And why else?", asked=True)
    changes.delete_message(user=people["Asker"], message_id=first["id"])
    assert notifications.unread_count(people["Author"]) == 1
    page = client_of(people["Author"]).get("/notifications/").content.decode()
    assert page.count("is-unread") == 1


def test_the_page_groups_by_room_the_newest_first(people):
    Paper.objects.create(uid="P2", title="Another").representatives.add(people["Author"])
    for n, room in enumerate((ROOM, "paper:P2", ROOM)):
        say(people["Asker"], f"Question {n}", room=room, asked=True)
    groups = client_of(people["Author"]).get("/notifications/").context["groups"]
    assert [(group.room.title, [item.excerpt for item in group.items]) for group in groups] == [
        ("On $x^2$ & more", ["Question 2", "Question 0"]),
        ("Another", ["Question 1"]),
    ]


def test_a_long_list_has_pages_and_takes_the_same_few_queries(people, django_assert_max_num_queries):
    room = Room.objects.create(key=ROOM)
    said = Message.objects.bulk_create(
        [
            Message(room=room, number=n, author=people["Asker"], client_id=uuid4(), text="x", html="x" * 999)
            for n in range(1, 96)
        ]
    )
    Notification.objects.bulk_create(
        [Notification(user=people["Author"], message=message, cause="question") for message in said]
    )
    client = client_of(people["Author"])
    Conference.current()  # which a site has
    client.get("/announcements/")  # whoever comes is noted once
    with django_assert_max_num_queries(12):
        page = client.get("/notifications/")
    assert page.content.decode().count('class="news is-unread') == 40
    last = client.get("/notifications/?page=3")
    assert last.content.decode().count('class="news is-unread') == 15
    assert len(last.context["groups"][0].items[0].excerpt) == notifications.LONGEST_EXCERPT


def test_opening_one_reads_it_and_leads_to_its_message(people):
    say(people["Other"], "First")
    question = say(people["Asker"], "Why?", asked=True)
    reply = say(people["Author"], "So.", thread=question["id"])
    note = Notification.objects.get(user=people["Asker"])
    client = client_of(people["Asker"])
    answer = client.get(f"/notifications/{note.pk}/")
    assert answer["Location"] == f"/chat/{ROOM}/?around={reply['n']}#m{reply['n']}"
    assert reply["text"] in client.get(answer["Location"]).content.decode()
    assert notifications.unread_count(people["Asker"]) == 0
    assert client_of(people["Other"]).get(f"/notifications/{note.pk}/").status_code == 404


def test_mark_all_as_read_spares_what_came_since(people):
    say(people["Asker"], "Why?", asked=True)
    client = client_of(people["Author"])
    newest = client.get("/notifications/").context["newest"]
    say(people["Asker"], "And?", asked=True)
    client.post("/notifications/read/", {"newest": newest})
    assert [note.message.text for note in notifications.shown(people["Author"]).filter(read_at=None)] == ["And?"]
    assert client.post("/notifications/read/", {"newest": "all"}).status_code == 400


@pytest.mark.parametrize("path", ["/notifications/", "/notifications/1/", "/inbox/", "/profile/mail/"])
def test_visitors_are_asked_to_sign_in(path, db):
    answer = Client().get(path)
    assert answer["Location"] == f"/accounts/login/?next={path}"


def test_an_excerpt_is_read_as_text(people):
    say(people["Asker"], "Is **a < b** `x` & $c$?\n\n- <b>one</b>", asked=True)
    page = client_of(people["Author"]).get("/notifications/")
    assert page.context["groups"][0].items[0].excerpt == "Is a < b x & c? <b>one</b>"
    assert "Is a &lt; b x &amp; c? &lt;b&gt;one&lt;/b&gt;" in page.content.decode()


def rendered(template: str, user: object) -> str:
    return Template("{% load chat_news %}" + template).render(Context({"user": user}))


def test_the_bell_says_how_many_are_unread_to_members_only(people, django_assert_num_queries):
    for n in range(2):
        say(people["Asker"], f"Why {n}?", asked=True)
    with django_assert_num_queries(1):
        bell = rendered("{% notification_bell %}", people["Author"])
    assert f'data-bell="inbox:{people["Author"].public_id}"' in bell
    assert ">2 unread notifications</span>" in bell
    assert ">Notifications</span>" in rendered("{% notification_bell %}", people["Asker"])
    assert rendered("{% notification_bell %}{% follow_control 'paper:P1' %}", AnonymousUser()).strip() == ""
    assert '<option value="mine" selected>' in rendered("{% follow_control 'paper:P1' %}", people["Author"])


# --- Live ------------------------------------------------------------------------------------------------------------


def test_only_its_owner_follows_an_inbox(people):
    kind, key = find_topic(notifications.topic_of(people["Asker"]))
    kind.authorize(people["Asker"], key)
    with pytest.raises(LiveError, match="for whom they concern"):
        kind.authorize(people["Other"], key)


@pytest.mark.django_db(transaction=True)
async def test_an_open_page_hears_how_many_are_unread():
    def prepare() -> tuple[dict[str, User], str]:
        made = make_people()
        return made, client_of(made["Author"]).cookies[settings.SESSION_COOKIE_NAME].value

    made, session = await run_in_pool(prepare)
    topic = notifications.topic_of(made["Author"])
    socket = Socket([(b"host", b"localhost"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode())])
    assert await socket.connect()
    answer = await socket.ask(id=0, do="subscribe", topic=topic, after=None)
    assert answer["ok"]["events"] == [{"type": "unread", "count": 0}]
    await run_in_pool(lambda: say(made["Asker"], "Why?", asked=True))
    assert await socket.receive_json() == {"topic": topic, "events": [{"type": "unread", "count": 1}]}
    await run_in_pool(lambda: notifications.read(made["Author"]))
    assert await socket.receive_json() == {"topic": topic, "events": [{"type": "unread", "count": 0}]}
    await socket.disconnect()


# --- Following -------------------------------------------------------------------------------------------------------


def test_what_to_hear_is_chosen_with_a_form(people):
    thread = say(people["Asker"])["id"]
    client = client_of(people["Other"])
    back = client.post("/follow/", {"room": ROOM, "level": "all"}, headers={"Referer": "http://testserver/papers/P1/"})
    assert back["Location"] == "http://testserver/papers/P1/"
    client.post("/follow/", {"room": ROOM, "level": "none", "thread": thread})
    assert (
        level_of(user=people["Other"], room_key=ROOM),
        level_of(user=people["Other"], room_key=ROOM, thread=thread),
    ) == (
        "all",
        "none",
    )
    client.post("/follow/", {"room": ROOM, "level": "mine"})
    assert level_of(user=people["Other"], room_key=ROOM) == "mine"
    assert Follow.objects.count() == 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"room": ROOM, "level": "some"}, 400),
        ({"room": "paper:nowhere", "level": "all"}, 404),
        ({"room": ROOM, "level": "all", "thread": "999999"}, 404),
    ],
)
def test_what_cannot_be_followed_is_refused(people, sent, status):
    say(people["Asker"])
    assert client_of(people["Other"]).post("/follow/", sent).status_code == status
    assert Follow.objects.count() == 0


def test_htmx_gets_the_form_back_and_visitors_are_sent_to_sign_in(people):
    sent = {"room": ROOM, "level": "all"}
    page = client_of(people["Other"]).post("/follow/", sent, headers={"HX-Request": "true"}).content.decode()
    assert '<option value="all" selected>' in page
    assert Client().post("/follow/", sent)["Location"].startswith("/accounts/login/")
