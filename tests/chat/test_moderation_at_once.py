"""Moderators, reporters and writers at the same moment: each thing happens once, and no number is left out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from chat import changes, moderation, privacy
from chat.models import Message, ModerationAct, Room
from chat.services import send_message
from miniconf.accounts.models import User
from miniconf.live.registry import LiveError

pytestmark = pytest.mark.django_db(transaction=True)
ROOM = "lounge:main"


def member(name: str, **fields: Any) -> User:
    return User.objects.create_user(f"{name.lower()}@example.org", name=name, **fields)


def say(user: User, text: str = "Hello", **more: Any) -> int:
    return send_message(user=user, room_key=ROOM, client_id=uuid4(), text=text, **more)["id"]


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """What each of the jobs returns, or the code of its LiveError."""

    def run(job: Callable[[], object]) -> object:
        try:
            return job()
        except LiveError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def check_numbers() -> None:
    room = Room.objects.get(key=ROOM)
    stored = [*room.messages.values_list("number", flat=True), *room.changes.values_list("number", flat=True)]
    assert sorted(stored) == list(range(1, room.last_number + 1))


def test_reports_at_the_same_moment_hide_a_message_once(settings):
    settings.CHAT_REPORTS_TO_HIDE = 3
    message = say(member("Asker"))
    people = [member(f"Person{n}") for n in range(6)]
    answers = at_once(*(lambda user=user: moderation.report_message(user=user, message_id=message) for user in people))
    assert sorted(map(bool, answers)) == [False, False, True, True, True, True]
    assert ModerationAct.objects.count() == 1
    assert Room.objects.get(key=ROOM).last_number == 2
    check_numbers()


def test_two_moderators_hide_a_message_once():
    message = say(member("Asker"))
    moderators = [member(name, is_organizer=True) for name in ("Olga", "Otto")]
    answers = at_once(
        *(lambda user=user: moderation.hide_message(user=user, message_id=message) for user in moderators)
    )
    assert answers.count("no_change") == 1
    assert ModerationAct.objects.count() == 1
    check_numbers()


def test_somebody_is_forgotten_while_all_others_talk():
    ada, olga = member("Ada"), member("Olga", is_organizer=True)
    others = [member(f"Person{n}") for n in range(4)]
    for _ in range(5):
        say(ada)
    root = say(others[0], f"Ask @[Ada](person:{ada.public_id})")

    def talk(user: User) -> None:
        for n in range(6):
            changes.react(user=user, message_id=say(user, f"{n}", thread=root), emoji="👍", on=True)
            changes.react(user=user, message_id=root, emoji="👍", on=True)

    at_once(
        lambda: privacy.forget_person(actor=olga, about=ada, account="delete"),
        *(lambda user=user: talk(user) for user in others),
    )
    assert Message.objects.filter(author=None).count() == 5
    assert Message.objects.get(pk=root).text == "Ask somebody"
    assert Message.objects.get(pk=root).reply_count == 24
    check_numbers()
