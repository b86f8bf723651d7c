"""What people do in a room at the same moment: nothing waits for itself, nothing falls between two reads."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from chat import changes, queries
from chat.models import Message, Room
from chat.rooms import RoomInfo
from chat.services import send_message
from miniconf.accounts.models import User

LOUNGE = RoomInfo("lounge:main", "Lounge", "")


def say(user: User, text: str = "x", **more: Any) -> dict[str, Any]:
    return send_message(user=user, room_key=LOUNGE.key, client_id=uuid.uuid4(), text=text, **more)


@pytest.mark.django_db(transaction=True)
def test_replies_votes_and_edits_of_one_question_do_not_block_each_other(monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "1000/minute")
    monkeypatch.setattr("chat.changes.RATE", "1000/minute")
    people = [User.objects.create_user(f"p{n}@example.org") for n in range(6)]
    question = say(people[0], "Why?", asked=True)

    def take_part(n: int) -> None:
        try:
            for turn in range(8):
                if n == 0:
                    changes.edit_message(user=people[0], message_id=question["id"], text=f"Why, {turn}?")
                elif n % 2:
                    say(people[n], thread=question["id"])
                else:
                    changes.vote(user=people[n], message_id=question["id"], on=bool(turn % 2))
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(take_part, range(6)))
    message = Message.objects.get(pk=question["id"])
    assert (message.reply_count, message.votes, message.text) == (24, 2, "Why, 7?")
    # The question, eight edits and sixteen votes, and 24 replies that each changed the question, too.
    assert Room.objects.get().last_number == 1 + 8 + 16 + 48


@pytest.mark.django_db
def test_what_is_stored_while_a_backlog_is_read_comes_whole_or_not_at_all():
    """Between its reads of messages and of changes a message comes and is changed: both are told afterwards."""
    ada = User.objects.create_user("ada@example.org")
    first = say(ada)
    waiting = [lambda: changes.edit_message(user=ada, message_id=say(ada)["id"], text="y")]

    def meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("SELECT") and 'FROM "chat_change"' in sql and waiting:
            waiting.pop()()
        return execute(sql, *rest)

    with connection.execute_wrapper(meanwhile):
        events = queries.missed(LOUNGE, after=first["n"])
    assert waiting == []
    assert events == []
    assert [(event["n"], event["type"]) for event in queries.missed(LOUNGE, after=first["n"])] == [
        (2, "message"),
        (3, "change"),
    ]
