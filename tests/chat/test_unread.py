"""What is unread in all rooms, on all devices, and where most is going on now."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils.timezone import now

from chat import changes, reading
from chat.follows import set_follow
from chat.models import Message, Room, Sanction
from chat.services import send_message
from chat.unread import overview
from miniconf.accounts.models import User
from papers.models import Paper

pytestmark = pytest.mark.django_db


@pytest.fixture
def me() -> User:
    me = User.objects.create_user("me@example.org", name="Me")
    for n in range(1, 5):
        Paper.objects.create(uid=f"P{n}", title=f"Paper {n}")
    Paper.objects.get(uid="P1").representatives.add(me)
    return me


@pytest.fixture
def other() -> User:
    return User.objects.create_user("other@example.org", name="Other")


def say(user: User, uid: str, text: str = "Hi") -> dict:
    return send_message(user=user, room_key=f"paper:{uid}", client_id=uuid4(), text=text)


def lines(shown) -> list[tuple[str, int]]:
    return [(line.room.title, line.unread) for line in shown]


def test_own_papers_come_first_then_rooms_one_was_in_or_follows(me, other):
    say(me, "P2")
    set_follow(user=me, room_key="paper:P3", level="all")
    for uid in ("P1", "P2", "P3", "P4"):
        say(other, uid)
    found = overview(me)
    assert lines(found.own) == [("Paper 1", 1)]
    assert lines(found.others) == [("Paper 3", 1), ("Paper 2", 1)]
    assert found.unread == 3
    assert [line.followed for line in found.others] == [True, False]


def test_only_messages_of_others_behind_one_s_mark_count(me, other):
    first = say(other, "P1")
    say(other, "P1")
    gone = say(other, "P1")
    changes.react(user=other, message_id=first["id"], emoji="🎉", on=True)
    say(me, "P1")
    changes.delete_message(user=other, message_id=gone["id"])
    assert lines(overview(me).own) == [("Paper 1", 2)]
    reading.mark_read(user=me, room_key="paper:P1", number=first["n"])
    assert lines(overview(me).own) == [("Paper 1", 1)]
    reading.mark_read(user=me, room_key="paper:P1", number=Room.objects.get(key="paper:P1").last_number)
    assert lines(overview(me).own) == [("Paper 1", 0)]


def test_rooms_one_wants_nothing_of_or_is_banned_from_are_left_out(me, other):
    for uid in ("P1", "P2", "P3"):
        say(me, uid)
        say(other, uid)
    set_follow(user=me, room_key="paper:P1", level="none")
    ban = Sanction.objects.create(user=me, room=Room.objects.get(key="paper:P2"), kind="ban")
    found = overview(me)
    assert (lines(found.own), lines(found.others)) == ([], [("Paper 3", 1)])
    assert [line.room.title for line in found.active] == ["Paper 3", "Paper 1"]
    ban.room = None
    ban.save()
    found = overview(me)
    assert (found.own, found.others, found.active) == ([], [], [])


def test_the_liveliest_rooms_of_the_last_hour(me, other):
    for uid, count in (("P2", 3), ("P3", 1), ("P4", 2)):
        for _ in range(count):
            say(other, uid)
    Message.objects.filter(room__key="paper:P3").update(created_at=now() - dt.timedelta(minutes=61))
    assert [(line.room.title, line.recent) for line in overview(me).active] == [("Paper 2", 3), ("Paper 4", 2)]


def test_many_rooms_take_as_many_queries_as_few(me, other, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "1000/minute")
    for n in range(30):
        Paper.objects.create(uid=f"Q{n}", title=f"Many {n}").representatives.add(me)
        say(other, f"Q{n}")
    with django_assert_num_queries(8):
        assert overview(me).unread == 30


def test_the_page_names_the_rooms(me, other):
    say(other, "P1")
    client = Client()
    client.force_login(me, backend=settings.AUTHENTICATION_BACKENDS[0])
    page = client.get("/inbox/").content.decode()
    assert '<a href="/chat/paper:P1/">Paper 1</a>' in page
    assert "1 unread message in your rooms" in page
