"""The room on its own page and in the panel: the history, and writing, without a script."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from chat import changes
from chat.models import Message, Room, Sanction
from chat.services import LONGEST_TEXT, send_message
from miniconf.accounts.models import User
from papers.models import Authorship, Conference, Paper, Person, Session

from .test_services import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.org", name="Ada Lovelace")


@pytest.fixture
def signed_in(ada: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    return client


def shown(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'data-n="(\d+)"', html)]


def link(html: str, text: str) -> str | None:
    match = re.search(rf'href="([^"]+)">{text}</a>', html)
    return match[1] if match else None


def post(client: Client, page: str = "/chat/lounge:main/", **fields: str) -> Any:
    form = client.get(page).content.decode()
    token = re.search(r'<form class="chat-form".*?name="csrfmiddlewaretoken" value="([^"]+)"', form, re.DOTALL)
    assert token is not None
    return client.post("/chat/lounge:main/", {"csrfmiddlewaretoken": token[1], **fields})


def test_the_whole_history_can_be_paged_through(client: Client, ada: User):
    fill(ada, 250)
    newest = client.get("/chat/lounge:main/").content.decode()
    assert shown(newest) == list(range(151, 251))
    earlier = client.get(link(newest, "Earlier messages")).content.decode()
    assert shown(earlier) == list(range(51, 151))
    first = client.get(link(earlier, "Earlier messages")).content.decode()
    assert shown(first) == list(range(1, 51))
    assert '<p class="chat-earlier" hidden>' in first
    assert '<p class="chat-earlier" >' in earlier
    assert shown(client.get(link(first, "Newer messages")).content.decode()) == list(range(51, 151))
    assert link(first, "Newest messages") == "/chat/lounge:main/"


@pytest.mark.parametrize("before", ["x", "0", "-1", "1e3", "99999999999999999999", ""])
def test_a_place_that_cannot_be_is_refused_in_a_sentence(client: Client, before: str):
    response = client.get("/chat/lounge:main/", {"before": before})
    assert (response.status_code, response.content.decode()) == (400, "“before” is the number of a message.")


def test_there_is_no_page_for_a_room_that_is_not(client: Client):
    for key in ("paper:none", "kitchen:main", "lounge:", "paper:%00"):
        assert client.get(f"/chat/{key}/").status_code == 404


def test_a_message_is_posted_without_a_script_and_shown(signed_in: Client):
    response = post(signed_in, text="Hello <b>all</b>", next="/chat/lounge:main/")
    assert (response.status_code, response["Location"]) == (302, "/chat/lounge:main/#m1")
    page = signed_in.get("/chat/lounge:main/").content.decode()
    assert "Hello &lt;b&gt;all&lt;/b&gt;" in page
    assert "Ada Lovelace" in page
    assert "ada@example.org" not in page


def test_posting_the_same_form_twice_stores_one_message(signed_in: Client):
    client_id = str(uuid.uuid4())
    for _ in range(2):
        assert post(signed_in, text="once", client_id=client_id)["Location"] == "/chat/lounge:main/#m1"
    assert Message.objects.count() == 1


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_after_posting_nobody_is_sent_elsewhere(signed_in: Client, elsewhere: str):
    assert post(signed_in, text="x", next=elsewhere)["Location"] == "/chat/lounge:main/#m1"


def test_a_message_that_is_refused_is_given_back_with_the_reason(signed_in: Client):
    response = post(signed_in, text="x" * (LONGEST_TEXT + 1))
    assert response.status_code == 400
    page = response.content.decode()
    assert "A message has at most 4000 characters; this one has 4001." in page
    assert "x" * (LONGEST_TEXT + 1) in page


def test_a_post_from_another_site_is_refused(signed_in: Client):
    assert signed_in.post("/chat/lounge:main/", {"text": "x"}).status_code == 403
    assert Message.objects.count() == 0


def test_a_visitor_reads_and_is_led_to_the_sign_in(client: Client, ada: User):
    send_message(user=ada, room_key="lounge:main", client_id=uuid.uuid4(), text="welcome")
    page = client.get("/chat/lounge:main/").content.decode()
    assert "welcome" in page
    assert '<form class="chat-form"' not in page
    assert link(page, "Sign in to write") == "/accounts/login/?next=%2Fchat%2Flounge%3Amain%2F"
    response = client.post("/chat/lounge:main/", {"text": "x"})
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/chat/lounge%3Amain/")


def test_a_members_only_site_shows_visitors_no_messages(client: Client, ada: User):
    send_message(user=ada, room_key="lounge:main", client_id=uuid.uuid4(), text="among us")
    conference = Conference.current()
    conference.members_only = True
    conference.save()
    response = client.get("/chat/lounge:main/")
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


def test_the_history_is_readable_without_a_broker(client: Client, ada: User, settings, tmp_path):
    fill(ada, 3)
    settings.REDIS_URL = f"unix://{tmp_path}/nothing.sock"
    assert shown(client.get("/chat/lounge:main/").content.decode()) == [1, 2, 3]


def test_neighbouring_messages_of_one_person_are_grouped(client: Client, ada: User):
    bob = User.objects.create_user("bob@example.org", name="Bob")
    for user in (ada, ada, bob, ada):
        send_message(user=user, room_key="lounge:main", client_id=uuid.uuid4(), text="x")
    page = client.get("/chat/lounge:main/").content.decode()
    grouped = re.findall(r'class="chat-message( is-continued)?" tabindex="-1"\s+id=', page)
    assert grouped == ["", " is-continued", "", ""]
    assert page.count('class="chat-day"') == 1


def test_the_panel_stands_on_the_page_of_a_paper(client: Client, rf):
    from django.contrib.auth.models import AnonymousUser
    from django.template import Context, Template

    Paper.objects.create(uid="SkxSha1", title="Single Headed Attention")
    request = rf.get("/papers/SkxSha1/")
    request.user = AnonymousUser()
    template = Template("{% load chat_panel %}{% chat_panel key 'Discussion' %}")
    html = template.render(Context({"request": request, "key": "paper:SkxSha1"}))
    assert 'data-chat="paper:SkxSha1"' in html
    assert link(html, "Whole conversation") == "/chat/paper:SkxSha1/"
    assert template.render(Context({"request": request, "key": "paper:none"})).strip() == ""


def test_the_room_s_page_has_what_one_hears_of_it_and_the_way_to_keep_order(client, author, bob):
    client.force_login(bob)
    mine = client.get("/chat/paper:P1/").content.decode()
    assert 'action="/follow/"' in mine
    assert "/moderation/rooms/paper:P1/" not in mine
    client.force_login(author)
    assert 'href="/moderation/rooms/paper:P1/"' in client.get("/chat/paper:P1/").content.decode()
    assert 'action="/follow/"' not in Client().get("/chat/paper:P1/").content.decode()


def test_every_session_has_its_room_on_its_page_and_breaks_have_none(client):
    at = {"starts_at": now(), "ends_at": now() + timedelta(hours=1)}
    Session.objects.create(uid="qa", kind="qa", title="Questions", **at)
    Session.objects.create(uid="tea", kind="break", title="Tea", **at)
    assert b'data-chat="session:qa"' in client.get("/sessions/qa/").content
    assert b"data-chat" not in client.get("/sessions/tea/").content


def test_the_help_desk_is_one_click_away_from_every_page(client):
    assert b'href="/chat/helpdesk:main/"' in client.get("/").content


def test_names_cannot_break_out_of_the_page(client: Client):
    user = User.objects.create_user("x@example.org", name='"><script>alert(1)</script>')
    send_message(user=user, room_key="lounge:main", client_id=uuid.uuid4(), text="x")
    client.force_login(user)
    page = client.get("/chat/lounge:main/").content.decode()
    assert "<script>alert" not in page
    assert 'data-name="&quot;&gt;&lt;script&gt;' in page


# --- Threads, questions, places --------------------------------------------------------------------------------------

ROOM = "paper:P1"


@pytest.fixture
def author(ada: User) -> User:
    """Ada speaks for the paper."""
    paper = Paper.objects.create(uid="P1", title="A paper")
    person = Person.objects.create(slug="ada", name="Ada", user=ada)
    Authorship.objects.create(paper=paper, person=person, position=1)
    return ada


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob@example.org", name="Bob")


def say(user: User, text: str = "Why?", **more: Any) -> dict[str, Any]:
    return send_message(user=user, room_key=ROOM, client_id=uuid.uuid4(), text=text, **more)


def part(html: str, name: str) -> str:
    """What one pane of the panel shows."""
    start = html.index(f'class="{name}"')
    return html[start : html.find("</section>", start)]


def test_replies_stand_in_their_thread_and_not_in_the_list(client: Client, author: User, bob: User):
    root = say(bob)
    for text in ("One", "Two"):
        say(author, text, thread=root["id"])
    page = client.get(f"/chat/{ROOM}/").content.decode()
    assert shown(page) == [1]
    assert link(page, "2 replies") == f"/chat/{ROOM}/thread/{root['id']}/"
    thread = part(client.get(f"/chat/{ROOM}/thread/{root['id']}/").content.decode(), "chat-thread")
    assert shown(thread) == [1, 2, 4]  # each reply changed its root, too


def test_a_reply_and_a_question_are_written_without_a_script(signed_in: Client, author: User):
    client = Client()
    client.force_login(author)
    client.post(f"/chat/{ROOM}/", {"text": "Why?", "asked": "1"})
    question = Message.objects.get()
    assert question.asked == "open"
    address = f"/chat/{ROOM}/thread/{question.pk}/"
    response = client.post(address, {"text": "So.", "next": address})
    assert (response.status_code, response["Location"]) == (302, f"{address}#m2")
    assert Message.objects.get(number=2).thread == question


def test_there_is_no_thread_of_a_reply_nor_of_another_room_s_message(client: Client, author: User):
    root = say(author)
    reply = say(author, thread=root["id"])
    elsewhere = send_message(user=author, room_key="lounge:main", client_id=uuid.uuid4(), text="x")
    for pk in (reply["id"], elsewhere["id"], 10**18, 2**70):
        assert client.get(f"/chat/{ROOM}/thread/{pk}/").status_code == 404


def test_a_linked_message_is_found_at_any_length_of_the_history(client: Client, ada: User):
    fill(ada, 400)
    page = client.get("/chat/lounge:main/?around=123").content.decode()
    assert shown(page) == list(range(74, 174))
    assert 'id="m123"' in page
    assert shown(client.get("/chat/lounge:main/?around=9000").content.decode()) == list(range(351, 401))
    assert client.get("/chat/lounge:main/?around=x").status_code == 400


def test_a_linked_reply_is_shown_in_its_open_thread(client: Client, author: User):
    root = say(author)
    reply = say(author, "Here.", thread=root["id"])
    page = client.get(f"/chat/{ROOM}/?around={reply['n']}").content.decode()
    assert f'data-thread="{root["id"]}"' in page
    assert f'id="m{reply["n"]}"' in part(page, "chat-thread")


def test_questions_are_listed_by_votes_by_age_and_by_what_is_still_open(client: Client, author: User, bob: User):
    names = ["First", "Second", "Third"]
    asked = {text: say(bob, text, asked=True)["id"] for text in names}
    changes.vote(user=author, message_id=asked["Second"], on=True)
    changes.mark_answered(user=author, message_id=asked["First"])

    def listed(**query: str) -> list[str]:
        pane = part(client.get(f"/chat/{ROOM}/questions/", query).content.decode(), "chat-questions")
        return re.findall(r'chat-text"><p>(\w+)</p>', pane)

    assert listed() == ["Second", "Third"]
    assert listed(show="all") == ["Second", "First", "Third"]
    assert listed(show="all", sort="newest") == ["Third", "Second", "First"]
    assert listed(show="all", sort="unanswered") == ["Second", "Third", "First"]
    assert listed(show="answered") == ["First"]
    for wrong in ({"show": "x"}, {"sort": "x"}, {"offset": "-1"}, {"offset": "99999"}):
        assert client.get(f"/chat/{ROOM}/questions/", wrong).status_code == 400


def test_votes_and_reactions_are_given_and_taken_back_without_a_script(author: User, bob: User):
    question = say(bob, asked=True)
    client = Client()
    client.force_login(author)
    address = f"/chat/{ROOM}/act/"
    for fields, votes, reactions in (
        ({"vote": f"{question['id']} on"}, 1, {}),
        ({"react": f"{question['id']} on 🎉"}, 1, {"🎉": 1}),
        ({"vote": f"{question['id']} off"}, 0, {"🎉": 1}),
        ({"react": f"{question['id']} off 🎉"}, 0, {}),
    ):
        assert client.post(address, fields)["Location"] == f"/chat/{ROOM}/#m1"
        message = Message.objects.get()
        assert (message.votes, message.reactions) == (votes, reactions)
    page = client.get(f"/chat/{ROOM}/").content.decode()
    assert f'value="{question["id"]} on" aria-pressed="false"' in page


@pytest.mark.parametrize(
    "fields", [{}, {"vote": ""}, {"vote": "x on"}, {"vote": "1"}, {"vote": "99999999999999999999 on"}]
)
def test_a_button_that_names_no_message_is_refused(author: User, fields: dict[str, str]):
    client = Client()
    client.force_login(author)
    assert client.post(f"/chat/{ROOM}/act/", fields).status_code == 400


def test_a_button_of_another_room_s_message_is_refused(author: User):
    elsewhere = send_message(user=author, room_key="lounge:main", client_id=uuid.uuid4(), text="x")
    client = Client()
    client.force_login(author)
    assert client.post(f"/chat/{ROOM}/act/", {"react": f"{elsewhere['id']} on 👍"}).status_code == 404
    assert Message.objects.get().reactions == {}


def test_the_page_marks_what_the_viewer_voted_for_and_nobody_else_s(author: User, bob: User):
    question = say(bob, asked=True)
    changes.vote(user=author, message_id=question["id"], on=True)
    pressed = []
    for user in (author, bob, None):
        client = Client()
        if user:
            client.force_login(user)
        page = client.get(f"/chat/{ROOM}/").content.decode()
        pressed.append(f'value="{question["id"]} off" aria-pressed="true"' in page)
    assert pressed == [True, False, False]


def test_edited_deleted_and_hidden_messages_say_so(client: Client, author: User, bob: User):
    edited, deleted, hidden = (say(bob, text) for text in ("a secret", "another secret", "a third secret"))
    changes.edit_message(user=bob, message_id=edited["id"], text="better")
    changes.delete_message(user=bob, message_id=deleted["id"])
    Message.objects.filter(pk=hidden["id"]).update(hidden_at=now())
    page = client.get(f"/chat/{ROOM}/").content.decode()
    assert page.count("secret") == 0
    assert '<span class="chat-mark chat-edited" >edited</span>' in page
    assert "This message was deleted." in page
    assert "This message was hidden by a moderator." in page


def test_pinned_messages_stand_above_the_room(client: Client, author: User, bob: User):
    first = say(bob, "Read *this* first")
    assert '<details class="chat-pins" hidden' in client.get(f"/chat/{ROOM}/").content.decode()
    changes.pin(user=author, message_id=first["id"], on=True)
    page = client.get(f"/chat/{ROOM}/").content.decode()
    assert '<details class="chat-pins"  open' in page
    assert "<b>Bob</b> <span>Read this first</span>" in page


def test_the_screen_of_a_session_is_for_those_who_lead_it(author: User, bob: User):
    for text in ("One?", "Two?"):
        question = say(bob, text, asked=True)
    organizer = User.objects.create_user("o@example.org", name="O", is_organizer=True)
    changes.vote(user=organizer, message_id=question["id"], on=True)
    address = f"/chat/{ROOM}/screen/"
    assert Client().get(address)["Location"] == f"/accounts/login/?next={address.replace(':', '%3A')}"
    for user, status in ((bob, 404), (author, 200), (organizer, 200)):
        client = Client()
        client.force_login(user)
        assert client.get(address).status_code == status
    page = client.get(address).content.decode()
    assert re.findall(r"<p>(\w+\?)</p>", page) == ["Two?", "One?"]
    client.post(f"/chat/{ROOM}/act/", {"live": f"{question['id']} on", "next": address})
    assert Message.objects.get(pk=question["id"]).asked == "live"
    assert re.findall(r"<p>(\w+\?)</p>", client.get(address).content.decode()) == ["One?"]


def test_somebody_who_is_banned_is_told_so(author: User, bob: User):
    say(author)
    Sanction.objects.create(user=bob, room=Room.objects.get(), kind="ban")
    client = Client()
    client.force_login(bob)
    response = client.get(f"/chat/{ROOM}/")
    assert response.status_code == 403
    assert "You have been banned from this room." in response.content.decode()


def test_opening_a_room_takes_as_many_queries_at_any_length(author: User, django_assert_num_queries):
    client = Client()
    client.force_login(author)
    fill(author, 60)
    client.get("/chat/lounge:main/")
    with CaptureQueriesContext(connection) as few:
        client.get("/chat/lounge:main/")
    count = len(few)  # read now: the next request begins the log anew
    fill_more(author, 300)
    client.get("/chat/lounge:main/")  # what processes remember for some seconds may have to be asked for anew
    with django_assert_num_queries(count):
        client.get("/chat/lounge:main/")


def fill_more(user: User, count: int) -> None:
    room = Room.objects.get(key="lounge:main")
    Message.objects.bulk_create(
        Message(
            room=room, number=room.last_number + n + 1, author=user, client_id=uuid.uuid4(), text="x", html="<p>x</p>"
        )
        for n in range(count)
    )
    Room.objects.update(last_number=room.last_number + count)
