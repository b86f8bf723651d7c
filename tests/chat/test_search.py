"""Searching what was said: the same on both databases, never what may not be read."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from chat import changes, moderation, privacy, search, search_index
from chat.models import Message, Sanction
from chat.services import send_message
from miniconf.accounts.models import User
from miniconf.live.registry import LiveError, run_command
from papers.models import Conference, Paper
from papers.search_terms import terms

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    for uid in ("P1", "P2"):
        Paper.objects.create(uid=uid, title=f"Paper {uid}")
    return User.objects.create_user("ada@example.org", name="Ada Lovelace")


def say(user: User, text: str, room: str = "paper:P1", **more: Any) -> int:
    return send_message(user=user, room_key=room, client_id=uuid.uuid4(), text=text, **more)["id"]


def found(text: str, user: Any = None, **more: Any) -> list[int]:
    results = search.find_messages(user=user or AnonymousUser(), text=text, **more)
    return [line.message.pk for line in results.lines]


def test_messages_are_found_by_the_beginnings_of_their_words_the_newest_first(ada):
    first = say(ada, "Is *one* head enough for Poincaré embeddings?", asked=True)
    second = say(ada, "One `attention` head embeds it all", room="paper:P2")
    say(ada, "Something else")
    assert found("one head") == [second, first]
    assert found("POINCARE embed") == [first]
    assert found('"head enough"') == [first]
    assert found('"enough head"') == []
    assert found("one", room_key="paper:P2") == [second]
    assert found("one", asked=True) == [first]
    assert found("one", before=second) == [first]
    assert found("nothing") == found("?!") == found("") == []


def test_a_room_without_messages_is_searched_and_one_that_is_not_is_refused(ada):
    assert found("one", room_key="lounge:main") == []
    with pytest.raises(LiveError) as error:
        found("one", room_key="paper:none")
    assert error.value.code == "no_room"


def test_replies_are_found_and_people_who_are_mentioned(ada):
    root = say(ada, "A question")
    reply = say(ada, f"@[Grace Hopper](person:{uuid.uuid4()}) knows", thread=root)
    assert found("grace") == [reply]
    assert found("person") == []


def test_what_is_edited_deleted_or_hidden_is_found_as_it_is_now(ada):
    organizer = User.objects.create_user("o@example.org", name="O", is_organizer=True)
    edited, deleted, hidden = (say(ada, f"walrus {n}") for n in range(3))
    changes.edit_message(user=ada, message_id=edited, text="seal")
    changes.delete_message(user=ada, message_id=deleted)
    moderation.hide_message(user=organizer, message_id=hidden)
    assert found("walrus") == []
    assert found("seal") == [edited]
    moderation.show_message(user=organizer, message_id=hidden)
    assert found("walrus") == [hidden]


def indexed() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM chat_search")
        return cursor.fetchone()[0]


def test_no_words_are_kept_of_texts_that_are_not(ada):
    say(ada, "old")
    Message.objects.update(created_at=now() - timedelta(days=9))
    say(ada, "new")
    privacy.remove_old_texts(before=now() - timedelta(days=5))
    assert indexed() == 1
    privacy.forget_person(actor=None, about=ada, account="delete", remove_texts=True)
    assert indexed() == 0


def test_a_name_that_is_forgotten_is_not_found_where_it_was_mentioned(ada):
    grace = User.objects.create_user("grace@example.org", name="Grace Hopper")
    said = say(ada, f"@[Grace Hopper](person:{grace.public_id}) knows")
    privacy.forget_person(actor=None, about=grace, account="deactivate")
    assert (found("hopper"), found("somebody knows")) == ([], [said])


def test_who_may_not_read_does_not_find(ada):
    grace = User.objects.create_user("grace@example.org", name="Grace")
    said = say(ada, "walrus")
    elsewhere = say(ada, "walrus", room="paper:P2")
    room = Message.objects.get(pk=said).room
    ban = Sanction.objects.create(user=grace, room=room, kind="ban")
    assert found("walrus", grace) == [elsewhere]
    with pytest.raises(LiveError, match="banned"):
        found("walrus", grace, room_key="paper:P1")
    ban.room = None
    ban.save()
    with pytest.raises(LiveError, match="banned"):
        found("walrus", grace)
    conference = Conference.current()
    conference.members_only = True
    conference.save()
    with pytest.raises(LiveError, match="sign in"):
        found("walrus")


def test_what_hangs_on_nothing_any_more_is_left_out(ada):
    say(ada, "walrus")
    Paper.objects.filter(uid="P1").update(withdrawn_at=now())
    assert found("walrus") == []


def test_what_was_stored_before_the_index_is_indexed_and_what_is_gone_forgotten(ada):
    kept, gone = say(ada, "walrus"), say(ada, "walrus")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM chat_search")
    assert found("walrus") == []
    assert search_index.index_missing() == 2
    Message.objects.filter(pk=gone).update(text="")
    assert (search_index.index_missing(), indexed()) == (0, 1)
    assert found("walrus") == [kept]


def test_the_words_that_were_found_are_marked_in_what_stands_around_them():
    around = search.excerpt_with(terms("needle"), f"{'hay ' * 100}needles, {'hay ' * 100}")
    assert [part for part, marked in around if marked] == ["needles"]
    assert around[0] == ("…", False)
    assert around[-1][0].endswith("…")
    assert 0 < sum(len(part) for part, _ in around) <= search.LONGEST_EXCERPT + 2
    assert search.excerpt_with(terms("one"), "Only one.") == [("Only ", False), ("one", True), (".", False)]


def test_the_socket_finds_in_pieces(ada):
    ids = [say(ada, f"walrus {n}") for n in range(3)]
    first = run_command(ada, "chat.search", {"text": "walrus", "limit": 2})
    assert [line["event"]["id"] for line in first["found"]] == [ids[2], ids[1]]
    assert (first["found"][0]["room"], first["found"][0]["title"]) == ("paper:P1", "Paper P1")
    rest = run_command(ada, "chat.search", {"text": "walrus", "room": "paper:P1", "before": first["before"]})
    assert ([line["event"]["id"] for line in rest["found"]], rest["before"]) == ([ids[0]], None)


def test_the_page_shows_what_was_found_as_text(ada, client: Client):
    say(ada, "A <b>walrus</b> & a seal", asked=True)
    shown = client.get("/chat/search/", {"q": "walrus seal", "room": "paper:P1"})
    text = shown.content.decode()
    assert "A &lt;b&gt;<mark>walrus</mark>&lt;/b&gt; &amp; a <mark>seal</mark>" in text
    assert "?around=1#m1" in text
    assert "no-store" in shown["Cache-Control"]
    assert "No message has" in client.get("/chat/search/", {"q": "needle"}).content.decode()
    assert client.get("/chat/search/", {"room": "paper:none"}).status_code == 404
    assert "is the number of a message" in client.get("/chat/search/", {"q": "x", "before": "y"}).content.decode()
