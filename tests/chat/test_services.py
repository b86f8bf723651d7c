"""Sending messages: stored once, numbered without gaps, told to everybody, and only by those who may."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest
from django.db import connection

from chat.models import Message, Room
from chat.queries import MOST_MISSED, latest, missed, thread_of
from chat.rooms import RoomInfo, find_room
from chat.services import LONGEST_TEXT, send_message
from miniconf.accounts.models import User
from miniconf.live.registry import LiveError
from papers.models import Authorship, Conference, Event, Paper, Person


@pytest.fixture
def ada(db: Any) -> User:
    return User.objects.create_user("ada@example.org", name="Ada Lovelace")


@pytest.fixture
def bob(db: Any) -> User:
    return User.objects.create_user("bob@example.org")


@pytest.fixture
def paper(db: Any) -> Paper:
    return Paper.objects.create(uid="SkxSha1", title="Single Headed Attention")


def say(
    user: Any, text: str = "hello", room: str = "lounge:main", client_id: uuid.UUID | None = None
) -> dict[str, Any]:
    return send_message(user=user, room_key=room, client_id=client_id or uuid.uuid4(), text=text)


def refusal(*args: Any, **kwargs: Any) -> dict[str, Any]:
    with pytest.raises(LiveError) as error:
        say(*args, **kwargs)
    return error.value.as_dict()


LOUNGE = RoomInfo("lounge:main", "Lounge", "")


# --- Numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_people_who_write_at_once_get_numbers_without_gaps(monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "1000/minute")
    people = [User.objects.create_user(f"p{n}@example.org") for n in range(8)]

    def write(user: User) -> list[int]:
        try:
            return [say(user)["n"] for _ in range(12)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(write, people))
    assert sorted(chain(*numbers)) == list(range(1, 97))
    assert all(own == sorted(own) for own in numbers)
    assert list(Message.objects.values_list("number", flat=True)) == list(range(1, 97))
    assert Room.objects.get().last_number == 96


@pytest.mark.django_db(transaction=True)
def test_a_message_sent_many_times_at_once_is_stored_once():
    user = User.objects.create_user("p@example.org")
    client_id = uuid.uuid4()

    def write(_: int) -> dict[str, Any]:
        try:
            return say(user, client_id=client_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        events = list(pool.map(write, range(8)))
    assert events == [events[0]] * 8
    assert Message.objects.count() == Room.objects.get().last_number == 1
    assert say(user)["n"] == 2


@pytest.mark.django_db
def test_rooms_count_for_themselves(ada: User, paper: Paper):
    assert [say(ada)["n"], say(ada, room="paper:SkxSha1")["n"], say(ada)["n"]] == [1, 1, 2]


# --- Sending again -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_message_sent_again_is_answered_with_what_was_stored(ada: User):
    client_id = uuid.uuid4()
    first = say(ada, "first", client_id=client_id)
    assert say(ada, "changed since", client_id=client_id) == first
    assert Message.objects.get().text == "first"


@pytest.mark.django_db
def test_sending_again_is_never_too_fast(ada: User, monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "1/hour")
    client_id = uuid.uuid4()
    first = say(ada, client_id=client_id)
    assert say(ada, client_id=client_id) == first
    assert refusal(ada)["code"] == "rate_limited"


@pytest.mark.django_db
def test_an_id_used_in_one_room_is_refused_in_another(ada: User, paper: Paper):
    client_id = uuid.uuid4()
    say(ada, client_id=client_id)
    assert refusal(ada, room="paper:SkxSha1", client_id=client_id)["code"] == "client_id_used"


@pytest.mark.django_db
def test_somebody_elses_id_neither_reveals_nor_replaces_their_message(ada: User, bob: User):
    client_id = uuid.uuid4()
    say(ada, "mine", client_id=client_id)
    forged = say(bob, "not hers", client_id=client_id)
    assert (forged["n"], forged["text"], forged["author"]["id"]) == (2, "not hers", str(bob.public_id))
    assert list(Message.objects.values_list("text", flat=True)) == ["mine", "not hers"]


# --- Who and where -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_visitors_and_switched_off_accounts_are_asked_to_sign_in(ada: User):
    from django.contrib.auth.models import AnonymousUser

    asked = {"code": "sign_in", "message": "Please sign in to write in this chat."}
    assert refusal(AnonymousUser()) == asked
    ada.is_active = False
    assert refusal(ada) == asked
    assert Message.objects.count() == 0


@pytest.mark.django_db
def test_a_members_only_site_hides_its_rooms_from_visitors(ada: User):
    from django.contrib.auth.models import AnonymousUser

    from chat.live import RoomTopic

    RoomTopic().authorize(AnonymousUser(), "lounge:main")
    conference = Conference.current()
    conference.members_only = True
    conference.save()
    RoomTopic().authorize(ada, "lounge:main")
    with pytest.raises(LiveError) as error:
        RoomTopic().authorize(AnonymousUser(), "lounge:main")
    assert error.value.code == "forbidden"


@pytest.mark.parametrize(
    "key",
    ["paper:nothing", "paper:skxsha1", "paper:", "lounge:other", "kitchen:main", "", "paper", "paper:\x00", "x" * 300],
)
@pytest.mark.django_db
def test_there_is_no_room_where_there_is_nothing(ada: User, paper: Paper, key: str):
    assert refusal(ada, room=key)["code"] == "no_room"
    assert Room.objects.count() == 0


@pytest.mark.django_db
def test_papers_and_events_have_rooms_while_they_stand(paper: Paper):
    from django.utils.timezone import now

    event = Event.objects.create(uid="keynote-1", kind="keynote", title="Keynote")
    paper_room, event_room = find_room("paper:SkxSha1"), find_room("event:keynote-1")
    assert paper_room is not None
    assert event_room is not None
    assert (paper_room.title, paper_room.url) == ("Single Headed Attention", "/papers/SkxSha1/")
    assert (event_room.title, event_room.url) == ("Keynote", "/events/keynote-1/")
    for thing in (paper, event):
        thing.withdrawn_at = now()
        thing.save()
    assert (find_room("paper:SkxSha1"), find_room("event:keynote-1")) == (None, None)


@pytest.mark.django_db
def test_messages_say_who_speaks_as_author_or_organizer(ada: User, bob: User, paper: Paper):
    person = Person.objects.create(slug="ada", name="Ada Lovelace", user=ada)
    Authorship.objects.create(paper=paper, person=person, position=0)
    bob.is_organizer = True
    bob.save()
    roles = [say(user, room=room)["author"]["role"] for user in (ada, bob) for room in ("paper:SkxSha1", "lounge:main")]
    assert roles == ["author", "", "organizer", "organizer"]


@pytest.mark.django_db
def test_an_event_shows_the_author_but_never_the_address(bob: User):
    event = say(bob, "hello *you*")
    message = Message.objects.get()
    assert event == {
        "n": 1,
        "type": "message",
        "id": message.pk,
        "client_id": str(message.client_id),
        "author": {"id": str(bob.public_id), "name": f"Guest {bob.public_id.hex[:6]}", "role": ""},
        "html": "<p>hello <em>you</em></p>\n",
        "text": "hello *you*",
        "at": event["at"],
        "thread": None,
        "replies": 0,
        "asked": "",
        "answer": None,
        "votes": 0,
        "reactions": {},
        "pinned": False,
        "edited": None,
        "gone": "",
    }
    assert latest(LOUNGE) == [event]
    assert "example.org" not in str(event)


# --- What can be said ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_message_has_text_but_not_too_much(ada: User):
    assert refusal(ada, " \n\t ") == {"code": "empty", "message": "A message needs some text."}
    assert refusal(ada, "x" * (LONGEST_TEXT + 1)) == {
        "code": "too_long",
        "message": "A message has at most 4000 characters; this one has 4001.",
    }
    assert say(ada, "𝕏" * LONGEST_TEXT)["n"] == 1


@pytest.mark.django_db
def test_who_writes_too_fast_is_told_how_long_to_wait(ada: User, bob: User, monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "3/minute")
    for _ in range(3):
        say(ada)
    error = refusal(ada)
    assert (error["code"], 1 <= error["retry_after"] <= 60) == ("rate_limited", True)
    assert error["message"] == f"That is very fast. Please wait {error['retry_after']} seconds."
    assert say(bob)["n"] == 4


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](data:text/html;base64,PHN2Zz4=)", "<p>[x](data:text/html;base64,PHN2Zz4=)</p>\n"),
        ("</li></ol><form action=//x>", "<p>&lt;/li&gt;&lt;/ol&gt;&lt;form action=//x&gt;</p>\n"),
        (
            '[x](https://x.example "a\\" onmouseover=alert(1) b")',
            '<p><a href="https://x.example" title="a&quot; onmouseover=alert(1) b" rel="noopener nofollow ugc">x</a></p>\n',
        ),
    ],
)
@pytest.mark.django_db
def test_nothing_in_a_message_becomes_markup_that_acts(ada: User, text: str, html: str):
    event = say(ada, text)
    assert (event["text"], event["html"]) == (text, html)


@pytest.mark.django_db
def test_line_ends_of_all_kinds_and_null_characters_do_no_harm(ada: User):
    assert say(ada, "a\r\nb\x00c\n")["text"] == "a\nbc"


# --- The broker ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_message_is_stored_and_answered_without_a_broker(settings, tmp_path, caplog):
    from miniconf.limits import _limiter

    user = User.objects.create_user("p@example.org")
    settings.REDIS_URL = f"unix://{tmp_path}/nothing.sock"
    _limiter.cache_clear()
    try:
        event = say(user)
    finally:
        _limiter.cache_clear()
    assert latest(LOUNGE) == [event]
    assert [record.getMessage() for record in caplog.records] == ["Event 1 in lounge:main waits for the broker"]


# --- History ---------------------------------------------------------------------------------------------------------------


def fill(user: User, count: int) -> None:
    room = Room.objects.create(key="lounge:main", last_number=count)
    Message.objects.bulk_create(
        Message(room=room, number=n, author=user, client_id=uuid.uuid4(), text=str(n), html=f"<p>{n}</p>")
        for n in range(1, count + 1)
    )


def numbers(events: list[dict[str, Any]]) -> list[Any]:
    return [event.get("n", event["type"]) for event in events]


@pytest.mark.django_db
def test_the_history_is_read_from_its_end_in_pieces(ada: User):
    fill(ada, 120)
    assert numbers(latest(LOUNGE)) == list(range(71, 121))
    assert numbers(latest(LOUNGE, before=71, limit=60)) == list(range(11, 71))
    assert numbers(latest(LOUNGE, before=11)) == list(range(1, 11))
    assert numbers(latest(LOUNGE, before=1)) == []


@pytest.mark.django_db
def test_one_who_comes_back_gets_what_was_missed_or_learns_of_the_gap(ada: User):
    fill(ada, MOST_MISSED + 20)
    last = MOST_MISSED + 20
    assert numbers(missed(LOUNGE, after=20)) == list(range(21, last + 1))
    assert numbers(missed(LOUNGE, after=last)) == numbers(missed(LOUNGE, after=10**12)) == []
    far_behind = missed(LOUNGE, after=19)
    assert far_behind[0] == {"type": "gap", "after": 19, "before": 21}
    assert numbers(far_behind[1:]) == list(range(21, last + 1))


@pytest.mark.django_db
def test_messages_of_a_deleted_account_stay_without_its_name(ada: User):
    say(ada)
    ada.delete()
    assert latest(LOUNGE)[0]["author"] == {"id": "", "name": "Somebody who left", "role": ""}


@pytest.mark.django_db
def test_a_piece_of_history_costs_few_queries(ada: User, bob: User, paper: Paper, django_assert_num_queries):
    fill(ada, 60)
    Message.objects.filter(number__gt=30).update(author=bob)
    with django_assert_num_queries(1):
        latest(LOUNGE)


# --- Texts that become large ---------------------------------------------------------------------------------------------


def formulas(count: int = 900) -> str:
    """A short message that is 80,000 characters of MathML."""
    return "$x$ " * count


def test_a_wide_table_is_not_filled_up_without_end(ada):
    event = say(ada, "|" * 300 + "\n" + "|-" * 299 + "|\n" + "|\n" * 1400)
    assert len(event["html"]) < 50_000


def test_a_message_that_becomes_too_large_when_it_is_shown_is_refused(ada, monkeypatch):
    monkeypatch.setattr("chat.services.LONGEST_HTML", 50_000)
    assert refusal(ada, formulas())["code"] == "too_long"
    assert Message.objects.count() == 0


def test_pieces_of_a_room_full_of_large_messages_are_small_enough_for_a_socket(ada, monkeypatch):
    """What a new viewer starts with, what is missed and the history are cut by size; nothing is lost between the pieces."""
    monkeypatch.setattr("chat.services.RATE", "1000/minute")
    root = say(ada, formulas())
    for _ in range(30):
        say(ada, formulas())
    for _ in range(15):
        send_message(user=ada, room_key="lounge:main", client_id=uuid.uuid4(), text=formulas(), thread=root["id"])
    room = find_room("lounge:main")
    assert room is not None
    read: list[int] = []
    while piece := latest(room, before=read[0] if read else None, limit=100):
        assert len(json.dumps(piece)) < 1_500_000
        read = [*(event["n"] for event in piece), *read]
    assert read == list(range(1, 32))
    replies: list[int] = []
    while piece := thread_of(Message.objects.get(pk=root["id"]), room, after=replies[-1] if replies else 0):
        assert len(json.dumps(piece)) < 1_500_000
        replies += [event["n"] for event in piece]
    assert replies == list(range(32, 62, 2))
    gap, *newest = missed(room, after=1)
    assert len(json.dumps(newest)) < 1_500_000
    assert (gap["type"], gap["before"], newest[-1]["n"]) == ("gap", newest[0]["n"], Room.objects.get().last_number)
