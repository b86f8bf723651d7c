"""Places of the history, what is one's own, how far one has read, and whom one can mention."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from chat import changes
from chat.models import ReadMark, Room
from chat.services import send_message
from miniconf.accounts.models import User
from miniconf.live.registry import LiveError, run_command
from papers.models import Authorship, Paper, Person

from .test_services import fill

pytestmark = pytest.mark.django_db
ROOM = "paper:P1"
LOUNGE = "lounge:main"


@pytest.fixture
def people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name.split()[0].lower()}@example.org", name=name)
        for name in ("Ada Lovelace", "Grace Hopper", "Anne-Marie Lopez", "Nobody Active")
    }
    User.objects.filter(name="Nobody Active").update(is_active=False)
    User.objects.create_user("nameless@example.org")
    paper = Paper.objects.create(uid="P1", title="A paper")
    person = Person.objects.create(slug="grace", name="Grace", user=made["Grace Hopper"])
    Authorship.objects.create(paper=paper, person=person, position=1)
    return made


def say(user: User, text: str = "x", room: str = ROOM, **more: Any) -> dict[str, Any]:
    return send_message(user=user, room_key=room, client_id=uuid.uuid4(), text=text, **more)


def refused(user: Any, command: str, **payload: Any) -> str:
    with pytest.raises(LiveError) as error:
        run_command(user, command, payload)
    return error.value.code


def numbers(answer: dict[str, Any]) -> list[int]:
    return [event["n"] for event in answer["events"]]


# --- Places ----------------------------------------------------------------------------------------------------------


def test_the_history_is_read_forwards_and_around_a_message(people):
    ada = people["Ada Lovelace"]
    fill(ada, 30)
    after = run_command(ada, "chat.history", {"room": LOUNGE, "after": 20, "limit": 5})
    assert (numbers(after), after["more"]) == ([21, 22, 23, 24, 25], True)
    rest = run_command(ada, "chat.history", {"room": LOUNGE, "after": 25})
    assert (numbers(rest), rest["more"]) == ([26, 27, 28, 29, 30], False)
    around = run_command(ada, "chat.history", {"room": LOUNGE, "around": 10, "limit": 5})
    assert numbers(around) == [8, 9, 10, 11, 12]
    assert (around["at"], around["thread"], around["more"], around["later"]) == (10, None, True, True)


def test_around_a_reply_stands_the_message_it_belongs_to(people):
    ada = people["Ada Lovelace"]
    root = say(ada)
    say(ada)
    reply = say(ada, thread=root["id"])
    around = run_command(ada, "chat.history", {"room": ROOM, "around": reply["n"]})
    assert (around["at"], around["thread"], numbers(around)) == (1, root["id"], [1, 2])


@pytest.mark.parametrize("place", [{}, {"before": 3, "after": 1}, {"around": 1, "before": 2}, {"around": -1}])
def test_the_history_is_asked_for_one_place(people, place):
    assert refused(people["Ada Lovelace"], "chat.history", room=ROOM, **place) == "invalid"


# --- One's own -------------------------------------------------------------------------------------------------------


def test_votes_and_reactions_are_told_to_whom_they_belong(people):
    ada, grace = people["Ada Lovelace"], people["Grace Hopper"]
    question, plain = say(ada, asked=True)["id"], say(ada)["id"]
    changes.vote(user=grace, message_id=question, on=True)
    changes.react(user=grace, message_id=plain, emoji="👍", on=True)
    changes.react(user=grace, message_id=plain, emoji="🎉", on=True)
    asked = {"messages": [question, plain]}
    assert run_command(grace, "chat.mine", asked)["messages"] == [
        {"id": question, "voted": True, "reactions": []},
        {"id": plain, "voted": False, "reactions": ["👍", "🎉"]},
    ]
    assert run_command(ada, "chat.mine", asked) == {"messages": []}
    assert run_command(AnonymousUser(), "chat.mine", asked) == {"messages": []}
    assert refused(grace, "chat.mine", messages=list(range(101))) == "invalid"


def test_what_was_read_only_grows_and_never_beyond_what_there_is(people):
    ada = people["Ada Lovelace"]
    fill(ada, 10)

    def read(number: int) -> int:
        return run_command(ada, "chat.read", {"room": LOUNGE, "number": number})["number"]

    assert [read(4), read(7), read(5), read(10**9)] == [4, 7, 7, 10]
    assert ReadMark.objects.get().number == Room.objects.get().last_number
    assert run_command(ada, "chat.read", {"room": ROOM, "number": 3}) == {"number": 0}
    assert refused(AnonymousUser(), "chat.read", room=LOUNGE, number=1) == "sign_in"


# --- Questions and pins ----------------------------------------------------------------------------------------------


def test_questions_are_read_in_pieces_with_counts_of_all(people):
    ada = people["Ada Lovelace"]
    asked = [say(ada, f"{n}", asked=True)["id"] for n in range(5)]
    say(ada, "plain")
    changes.mark_answered(user=ada, message_id=asked[0])
    answer = run_command(ada, "chat.questions", {"room": ROOM, "limit": 3, "sort": "newest"})
    assert [event["text"] for event in answer["events"]] == ["4", "3", "2"]
    assert (answer["more"], answer["counts"]) == (True, {"open": 4, "answered": 1})
    rest = run_command(ada, "chat.questions", {"room": ROOM, "limit": 3, "sort": "newest", "offset": 3})
    assert ([event["text"] for event in rest["events"]], rest["more"]) == (["1"], False)
    for wrong in ({"show": "x"}, {"sort": "x"}, {"limit": 101}, {"offset": 5001}):
        assert refused(ada, "chat.questions", room=ROOM, **wrong) == "invalid"


def test_questions_that_were_taken_away_are_not_listed(people):
    ada = people["Ada Lovelace"]
    question = say(ada, asked=True)
    changes.delete_message(user=ada, message_id=question["id"])
    answer = run_command(ada, "chat.questions", {"room": ROOM, "show": "all"})
    assert (answer["events"], answer["counts"]) == ([], {"open": 0, "answered": 0})


def test_pinned_messages_are_read_the_latest_first(people):
    grace = people["Grace Hopper"]
    for text in ("one", "two", "three"):
        message = say(grace, text)
        if text != "two":
            changes.pin(user=grace, message_id=message["id"], on=True)
    events = run_command(AnonymousUser(), "chat.pinned", {"room": ROOM})["events"]
    assert [event["text"] for event in events] == ["three", "one"]


# --- People ----------------------------------------------------------------------------------------------------------


def found(user: User, text: str) -> list[str]:
    return [person["name"] for person in run_command(user, "chat.people", {"room": ROOM, "text": text})["people"]]


def test_people_are_found_by_the_beginning_of_any_part_of_their_name(people):
    ada = people["Ada Lovelace"]
    assert found(ada, "lo") == ["Ada Lovelace", "Anne-Marie Lopez"]
    assert found(ada, "MAR") == ["Anne-Marie Lopez"]
    assert found(ada, "ovelace") == []
    assert found(ada, "nobody") == []
    assert found(ada, "%%") == []


def test_no_address_is_told_with_a_name(people):
    ada = people["Ada Lovelace"]
    answer = run_command(ada, "chat.people", {"room": ROOM, "text": "grace"})
    assert answer["people"] == [{"id": str(people["Grace Hopper"].public_id), "name": "Grace Hopper", "role": "author"}]
    assert found(ada, "example") == []


def test_without_a_name_those_of_the_room_are_offered(people):
    for name in ("Anne-Marie Lopez", "Ada Lovelace", "Anne-Marie Lopez"):
        say(people[name])
    assert found(people["Ada Lovelace"], "") == ["Anne-Marie Lopez", "Ada Lovelace", "Grace Hopper"]


def test_one_letter_visitors_and_haste_are_refused(people, monkeypatch):
    ada = people["Ada Lovelace"]
    assert refused(ada, "chat.people", room=ROOM, text="a") == "invalid"
    assert refused(AnonymousUser(), "chat.people", room=ROOM, text="ad") == "sign_in"
    monkeypatch.setattr("chat.people.RATE", "2/minute")
    assert [found(ada, "ad"), found(ada, "gr")] == [["Ada Lovelace"], ["Grace Hopper"]]
    assert refused(ada, "chat.people", room=ROOM, text="ad") == "rate_limited"
