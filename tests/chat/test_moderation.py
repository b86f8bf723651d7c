"""Who keeps order in a room, how, and what is written down of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from chat import changes, moderation, order, queries
from chat.models import BlockedWord, Change, Message, ModerationAct, Report, Room, Sanction
from chat.rooms import find_room
from chat.services import open_room, send_message
from miniconf.accounts.models import User
from miniconf.live.registry import LiveError, run_command
from papers.models import Authorship, Paper, Person

pytestmark = pytest.mark.django_db
ROOM = "paper:P1"


@pytest.fixture
def people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name.lower()}@example.org", name=name)
        for name in ("Asker", "Author", "Other", "Third", "Fourth")
    }
    for name in ("Olga", "Otto"):
        made[name] = User.objects.create_user(f"{name.lower()}@example.org", name=name, is_organizer=True)
    paper = Paper.objects.create(uid="P1", title="A paper")
    person = Person.objects.create(slug="author", name="Author", user=made["Author"])
    Authorship.objects.create(paper=paper, person=person, position=1)
    return made


def say(user: User, text: str = "Why?", room: str = ROOM, **more: Any) -> int:
    return send_message(user=user, room_key=room, client_id=uuid4(), text=text, **more)["id"]


def acts() -> list[tuple[str | None, str, str | None, str]]:
    """Who did what about whom, and why; the first one first."""
    rows = ModerationAct.objects.order_by("pk").values_list("actor__name", "action", "about__name", "note")
    return list(rows)


def numbers() -> list[int]:
    """Every number of the room, as the room counts them."""
    room = Room.objects.get(key=ROOM)
    of_messages = room.messages.values_list("number", flat=True)
    of_changes = Change.objects.filter(room=room).values_list("number", flat=True)
    return sorted([*of_messages, *of_changes])


# --- Who may ---------------------------------------------------------------------------------------------------------

ACTS: dict[str, tuple[Callable[[User, dict[str, Any]], object], list[str]]] = {
    "report": (
        lambda user, on: moderation.report_message(user=user, message_id=on["message"]),
        ["Author", "Other", "Olga"],
    ),
    "hide": (lambda user, on: moderation.hide_message(user=user, message_id=on["message"]), ["Author", "Olga"]),
    "hide the author's": (lambda user, on: moderation.hide_message(user=user, message_id=on["author's"]), ["Olga"]),
    "show": (lambda user, on: moderation.show_message(user=user, message_id=on["hidden"]), ["Author", "Olga"]),
    "keep hidden": (lambda user, on: moderation.keep_hidden(user=user, message_id=on["hidden"]), ["Author", "Olga"]),
    "dismiss": (lambda user, on: moderation.dismiss_reports(user=user, message_id=on["message"]), ["Author", "Olga"]),
    "pin": (lambda user, on: changes.pin(user=user, message_id=on["message"], on=True), ["Author", "Olga"]),
    "delete": (lambda user, on: moderation.remove_message(user=user, message_id=on["message"]), ["Olga"]),
    "hide all": (
        lambda user, on: moderation.hide_all(
            user=user, about=on["Asker"], since=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        ),
        ["Olga"],
    ),
    "mute": (lambda user, on: moderation.sanction(user=user, about=on["Asker"], kind="mute"), ["Olga"]),
    "ban from the room": (
        lambda user, on: moderation.sanction(user=user, about=on["Asker"], kind="ban", room_key=ROOM),
        ["Olga"],
    ),
    "mute an organizer": (lambda user, on: moderation.sanction(user=user, about=on["Otto"], kind="mute"), []),
    "lift": (lambda user, on: moderation.lift(user=user, sanction_id=on["sanction"]), ["Olga"]),
    "close": (lambda user, on: moderation.set_room(user=user, room_key=ROOM, locked=True), ["Olga"]),
    "slow": (lambda user, on: moderation.set_room(user=user, room_key=ROOM, slow_seconds=10), ["Olga"]),
    "keep the word list": (lambda user, on: moderation.set_word(user=user, word="spam", effect="refuse"), ["Olga"]),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", ["Asker", "Author", "Other", "Olga"])
def test_who_may(people, act, who):
    """The message is the asker's."""
    hidden = say(people["Asker"], "Hidden")
    moderation.report_message(user=people["Third"], message_id=hidden)
    Message.objects.filter(pk=hidden).update(
        hidden_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    )  # by reports: nobody's act
    on: dict[str, Any] = {
        **people,
        "message": say(people["Asker"]),
        "author's": say(people["Author"]),
        "hidden": hidden,
        "sanction": Sanction.objects.create(user=people["Fourth"], kind="mute").pk,
    }
    do, may = ACTS[act]
    before = ModerationAct.objects.count()
    if who in may:
        do(people[who], on)
        assert act in ("report", "dismiss") or ModerationAct.objects.count() == before + 1
    else:
        with pytest.raises(LiveError) as refused:
            do(people[who], on)
        assert refused.value.code == "forbidden"
        assert ModerationAct.objects.count() == before


def test_nobody_sanctions_themselves(people):
    for kind in ("mute", "ban"):
        with pytest.raises(LiveError, match="nor themselves"):
            moderation.sanction(user=people["Olga"], about=people["Olga"], kind=kind)


# --- Reports ---------------------------------------------------------------------------------------------------------


def test_reports_count_once_for_each_person_and_enough_of_them_hide_a_message(people, settings):
    settings.CHAT_REPORTS_TO_HIDE = 3
    message = say(people["Asker"], "Buy this.")
    for _ in range(3):
        assert moderation.report_message(user=people["Other"], message_id=message, reason="An\nadvertisement") is False
    assert moderation.report_message(user=people["Third"], message_id=message) is False
    assert moderation.report_message(user=people["Fourth"], message_id=message) is True
    assert list(Report.objects.order_by("pk").values_list("reporter__name", "reason", "state")) == [
        ("Other", "An advertisement", "open"),
        ("Third", "", "open"),
        ("Fourth", "", "open"),
    ]
    assert acts() == [(None, "hide", "Asker", "Enough people have reported it")]
    assert numbers() == [1, 2]


def test_what_a_moderator_showed_again_is_hidden_by_new_reports_only(people, settings):
    settings.CHAT_REPORTS_TO_HIDE = 2
    message = say(people["Asker"])
    for who in ("Other", "Third"):
        moderation.report_message(user=people[who], message_id=message)
    moderation.dismiss_reports(user=people["Olga"], message_id=message)
    assert Message.objects.get(pk=message).hidden_at is None
    assert set(Report.objects.values_list("state", flat=True)) == {"dismissed"}
    assert moderation.report_message(user=people["Other"], message_id=message) is False  # again: nothing new
    assert moderation.report_message(user=people["Fourth"], message_id=message) is False
    assert moderation.report_message(user=people["Author"], message_id=message) is True


def test_organizers_messages_are_reported_and_stand(people, settings):
    settings.CHAT_REPORTS_TO_HIDE = 1
    message = say(people["Olga"], "The room has moved.")
    assert moderation.report_message(user=people["Other"], message_id=message) is False


def test_reports_may_hide_nothing(people, settings):
    settings.CHAT_REPORTS_TO_HIDE = 0
    message = say(people["Asker"])
    assert moderation.report_message(user=people["Other"], message_id=message) is False


def test_hiding_and_deleting_settle_the_reports(people):
    for act, state in ((moderation.hide_message, "acted"), (moderation.remove_message, "acted")):
        message = say(people["Asker"])
        moderation.report_message(user=people["Other"], message_id=message)
        act(user=people["Olga"], message_id=message)
        assert Report.objects.get(message=message).state == state


# --- Messages --------------------------------------------------------------------------------------------------------


def test_a_hidden_message_keeps_its_text_for_moderators_and_its_place_for_all(people):
    message = say(people["Asker"], "Rude.")
    told = moderation.hide_message(user=people["Author"], message_id=message, reason="Rude")
    assert (told["n"], told["message"]["gone"], told["message"]["text"]) == (2, "hidden", "")
    assert Message.objects.get(pk=message).text == "Rude."
    told = moderation.show_message(user=people["Author"], message_id=message)
    assert (told["n"], told["message"]["gone"], told["message"]["text"]) == (3, "", "Rude.")
    assert acts() == [("Author", "hide", "Asker", "Rude"), ("Author", "show", "Asker", "")]


def test_what_reports_hid_stays_hidden_by_a_moderator_s_word(people, settings):
    settings.CHAT_REPORTS_TO_HIDE = 1
    message = say(people["Asker"])
    moderation.report_message(user=people["Other"], message_id=message)
    moderation.keep_hidden(user=people["Olga"], message_id=message)
    assert Report.objects.get().state == "acted"
    assert [(actor, action) for actor, action, _, _ in acts()] == [(None, "hide"), ("Olga", "keep")]
    assert numbers() == [1, 2]  # nothing has changed for anybody else
    with pytest.raises(LiveError, match="An organizer has hidden"):
        moderation.show_message(user=people["Author"], message_id=message)


def test_what_an_organizer_hid_the_authors_cannot_show(people):
    message = say(people["Asker"])
    moderation.hide_message(user=people["Olga"], message_id=message)
    with pytest.raises(LiveError, match="An organizer has hidden"):
        moderation.show_message(user=people["Author"], message_id=message)
    moderation.show_message(user=people["Otto"], message_id=message)
    moderation.hide_message(user=people["Author"], message_id=message)
    moderation.show_message(user=people["Author"], message_id=message)


def test_hiding_twice_is_one_change(people):
    message = say(people["Asker"])
    moderation.hide_message(user=people["Olga"], message_id=message)
    with pytest.raises(LiveError, match="hidden already"):
        moderation.hide_message(user=people["Otto"], message_id=message)
    assert numbers() == [1, 2]
    assert len(acts()) == 1


def test_a_moderator_deletes_for_good(people):
    message = say(people["Asker"], "A phone number.")
    changes.edit_message(user=people["Asker"], message_id=message, text="Another phone number.")
    told = moderation.remove_message(user=people["Olga"], message_id=message, reason="Private")
    assert told["message"]["gone"] == "deleted"
    row = Message.objects.get(pk=message)
    assert (row.text, row.html, row.revisions.count()) == ("", "", 0)
    assert acts() == [("Olga", "delete", "Asker", "Private")]


def test_what_somebody_wrote_lately_is_hidden_at_once_and_numbered_one_by_one(people):
    with time_machine.travel(dt.datetime(2020, 4, 27, 8, tzinfo=dt.UTC), tick=False):
        old = say(people["Asker"], "Good morning.")
    with time_machine.travel(dt.datetime(2020, 4, 27, 10, tzinfo=dt.UTC), tick=False):
        new = [say(people["Asker"], f"Buy {n}") for n in range(3)]
        elsewhere = say(people["Asker"], "Buy", room="lounge:main")
        other = say(people["Other"], "Please stop.")
        hidden = moderation.hide_all(
            user=people["Olga"], about=people["Asker"], since=dt.datetime(2020, 4, 27, 9, tzinfo=dt.UTC), reason="Flood"
        )
    assert hidden == 4
    assert set(Message.objects.exclude(hidden_at=None).values_list("pk", flat=True)) == {*new, elsewhere}
    assert numbers() == [1, 2, 3, 4, 5, 6, 7, 8]
    room = find_room(ROOM)
    assert room is not None
    told = queries.missed(room, after=5)
    assert [(event["n"], event["message"]["id"], event["message"]["gone"]) for event in told] == [
        (6, new[0], "hidden"),
        (7, new[1], "hidden"),
        (8, new[2], "hidden"),
    ]
    assert Message.objects.filter(pk__in=[old, other], hidden_at=None).count() == 2
    assert acts() == [("Olga", "hide_all", "Asker", "Flood")] * 4


# --- Sanctions -------------------------------------------------------------------------------------------------------


def test_somebody_muted_is_told_why_and_until_when(people):
    with time_machine.travel(dt.datetime(2020, 4, 27, 8, tzinfo=dt.UTC), tick=False):
        moderation.sanction(
            user=people["Olga"],
            about=people["Asker"],
            kind="mute",
            lasts=dt.timedelta(hours=1),
            reason="Please calm down.",
        )
        with pytest.raises(LiveError) as refused:
            say(people["Asker"])
        assert refused.value.as_dict() == {
            "code": "muted",
            "message": "You cannot write in any room until 27 Apr, 09:00 UTC: Please calm down.",
            "until": "2020-04-27T09:00:00+00:00",
        }
        assert open_room(user=people["Asker"], room_key=ROOM).key == ROOM  # reads on
    with time_machine.travel(dt.datetime(2020, 4, 27, 9, 0, 1, tzinfo=dt.UTC), tick=False):
        say(people["Asker"], "I am calm.")
    assert acts() == [("Olga", "mute", "Asker", "everywhere until 27 Apr 2020, 09:00 UTC: Please calm down.")]


def test_the_sanction_that_ends_last_is_the_one_told(people):
    for lasts in (dt.timedelta(hours=1), None, dt.timedelta(hours=2)):
        kind = "ban" if lasts is None else "mute"
        room = ROOM if lasts else ""
        moderation.sanction(user=people["Olga"], about=people["Asker"], kind=kind, room_key=room, lasts=lasts)
    with pytest.raises(LiveError) as refused:
        open_room(user=people["Asker"], room_key=ROOM)
    assert refused.value.as_dict() == {
        "code": "banned",
        "message": "You have been banned from all rooms. The organizers can tell you why.",
        "until": None,
    }


def test_banned_rooms_are_those_that_cannot_be_read_now(people):
    assert order.banned_rooms(people["Asker"]) == frozenset()
    moderation.sanction(user=people["Olga"], about=people["Asker"], kind="mute")
    moderation.sanction(user=people["Olga"], about=people["Asker"], kind="ban", room_key=ROOM)
    assert order.banned_rooms(people["Asker"]) == {ROOM}
    with pytest.raises(LiveError, match="banned from this room"):
        open_room(user=people["Asker"], room_key=ROOM)
    everywhere = moderation.sanction(user=people["Olga"], about=people["Asker"], kind="ban")
    assert order.banned_rooms(people["Asker"]) == {ROOM, order.EVERYWHERE}
    moderation.lift(user=people["Otto"], sanction_id=everywhere.pk)
    assert order.banned_rooms(people["Asker"]) == {ROOM}
    assert open_room(user=people["Asker"], room_key="lounge:main").key == "lounge:main"


def test_a_new_sanction_takes_the_place_of_one_like_it(people):
    for lasts in (dt.timedelta(hours=1), dt.timedelta(minutes=5)):
        moderation.sanction(user=people["Olga"], about=people["Asker"], kind="mute", lasts=lasts)
    (left,) = order.in_force()
    assert left.until is not None
    assert left.until - left.created_at < dt.timedelta(minutes=6)


def test_a_sanction_is_lifted_once(people):
    made = moderation.sanction(user=people["Olga"], about=people["Asker"], kind="mute", room_key=ROOM)
    moderation.lift(user=people["Otto"], sanction_id=made.pk)
    say(people["Asker"])
    with pytest.raises(LiveError, match="not in force"):
        moderation.lift(user=people["Otto"], sanction_id=made.pk)
    assert acts() == [
        ("Olga", "mute", "Asker", f"in {ROOM} for good"),
        ("Otto", "lift", "Asker", f"mute in {ROOM} for good"),
    ]


# --- Rooms and words -------------------------------------------------------------------------------------------------


def test_a_room_is_closed_and_slowed_and_only_changes_are_written_down(people):
    say(people["Asker"])
    for _ in range(2):
        moderation.set_room(user=people["Olga"], room_key=ROOM, locked=True, slow_seconds=30)
    with pytest.raises(LiveError, match="This room is closed"):
        say(people["Author"])
    moderation.set_room(user=people["Olga"], room_key=ROOM, locked=False)
    with pytest.raises(LiveError, match="This room is slow"):
        say(people["Asker"])
    assert [(action, note) for _, action, _, note in acts()] == [
        ("lock", ""),
        ("slow", "one message each 30 s"),
        ("unlock", ""),
    ]
    assert numbers() == [1]  # nothing about a message


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("spam", "SPAM!", True),
        ("spam", "spamming", False),
        ("spam", "ｓｐａｍ", True),  # full width
        ("spam", "sp\u200bam", True),  # a space of no width
        ("buy now", "Buy now.", True),
        ("straße", "STRASSE", True),
        ("c++", "I like C++ most", True),
        ("a.b", "axb", False),
    ],
)
def test_words_are_found_whole_and_in_any_spelling(people, word, text, found):
    moderation.set_word(user=people["Olga"], word=word, effect="report")
    assert bool(order.check_words(text)) is found


def test_a_word_on_the_list_once_and_off_again(people):
    moderation.set_word(user=people["Olga"], word="  Buy\nNOW ", effect="report")
    moderation.set_word(user=people["Olga"], word="buy now", effect="refuse")
    row = BlockedWord.objects.get()
    assert (row.word, row.effect) == ("buy now", "refuse")
    moderation.remove_word(user=people["Olga"], word_id=row.pk)
    assert [note for _, _, _, note in acts()] == [
        "report “buy now”",
        "refuse “buy now”",
        "took “buy now” off the list",
    ]
    for word in ("x", "", "a" * 81):
        with pytest.raises(LiveError, match="2 to 80 characters"):
            moderation.set_word(user=people["Olga"], word=word, effect="refuse")


def test_a_word_written_in_by_an_edit_is_reported_once(people):
    moderation.set_word(user=people["Olga"], word="buy", effect="report")
    message = say(people["Asker"], "Hello.")
    for text in ("I buy.", "I still buy."):
        changes.edit_message(user=people["Asker"], message_id=message, text=text)
    assert [report.reason for report in Report.objects.all()] == ["Has the word “buy”"]


# --- Commands --------------------------------------------------------------------------------------------------------


def test_the_commands_do_what_the_protocol_says(people):
    message = say(people["Asker"])
    olga = people["Olga"]
    assert run_command(people["Other"], "chat.report", {"message": message, "reason": "Rude"}) == {"hidden": False}
    assert run_command(olga, "chat.dismiss", {"message": message}) == {"event": None}
    assert run_command(olga, "chat.hide", {"message": message})["event"]["message"]["gone"] == "hidden"
    assert run_command(olga, "chat.hide", {"message": message, "on": False})["event"]["message"]["gone"] == ""
    assert run_command(olga, "chat.remove", {"message": message})["event"]["message"]["gone"] == "deleted"
    made = run_command(
        olga, "chat.sanction", {"person": str(people["Asker"].public_id), "kind": "mute", "room": ROOM, "minutes": 10}
    )
    assert sorted(made) == ["sanction", "until"]
    assert run_command(olga, "chat.lift", {"sanction": made["sanction"]}) == {"sanction": made["sanction"]}
    told = run_command(olga, "chat.set_room", {"room": ROOM, "locked": True})
    assert told == {"room": ROOM, "locked": True, "slow_seconds": 0}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("chat.sanction", {"person": "x", "kind": "mute"}),
        ("chat.sanction", {"person": str(uuid4()), "kind": "exile"}),
        ("chat.sanction", {"person": str(uuid4()), "kind": "mute", "minutes": 0}),
        ("chat.set_room", {"room": ROOM, "slow_seconds": -1}),
        ("chat.report", {"message": 1, "reason": "x" * 301}),
        ("chat.hide", {"message": "1"}),
    ],
)
def test_commands_that_cannot_be_are_refused(people, name, payload):
    with pytest.raises(LiveError) as refused:
        run_command(people["Olga"], name, payload)
    assert refused.value.code == "invalid"
