"""The room on its own page and in the panel: the history, and writing, without a script."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from chat.models import Message
from chat.services import LONGEST_TEXT, send_message
from miniconf.accounts.models import User
from papers.models import Conference, Paper

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


def test_names_cannot_break_out_of_the_page(client: Client):
    user = User.objects.create_user("x@example.org", name='"><script>alert(1)</script>')
    send_message(user=user, room_key="lounge:main", client_id=uuid.uuid4(), text="x")
    client.force_login(user)
    page = client.get("/chat/lounge:main/").content.decode()
    assert "<script>alert" not in page
    assert 'data-name="&quot;&gt;&lt;script&gt;' in page
