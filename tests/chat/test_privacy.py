"""What a file of a room holds, what becomes of somebody who asks to be forgotten, and of texts that are old."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user
from django.core.management import CommandError, call_command
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from chat import changes, moderation, privacy, queries, reading, room_export
from chat.models import (
    Change,
    Follow,
    Message,
    ModerationAct,
    Notification,
    Reaction,
    ReadMark,
    Report,
    Revision,
    Room,
    Sanction,
    Vote,
)
from chat.moderation_tasks import apply_retention
from chat.rooms import find_room
from chat.services import send_message
from miniconf import personal_data
from miniconf.accounts.models import ApiToken, User
from miniconf.live.registry import LiveError
from papers.models import Authorship, Bookmark, Paper, Person

pytestmark = pytest.mark.django_db
ROOM = "paper:P1"
EARLY = dt.datetime(2020, 4, 27, 8, tzinfo=dt.UTC)


@pytest.fixture
def people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name.lower()}@example.org", name=name) for name in ("Ada", "Author", "Other")
    }
    for name in ("Olga", "Otto"):
        made[name] = User.objects.create_user(f"{name.lower()}@example.org", name=name, is_organizer=True)
    paper = Paper.objects.create(uid="P1", title="A paper")
    person = Person.objects.create(slug="author", name="Author", user=made["Author"])
    Authorship.objects.create(paper=paper, person=person, position=1)
    return made


def say(user: User, text: str = "Why?", room: str = ROOM, **more: Any) -> int:
    return send_message(user=user, room_key=room, client_id=uuid4(), text=text, **more)["id"]


def exported(name: str, room: str = ROOM) -> str:
    found = find_room(room)
    assert found is not None
    return "".join(room_export.FORMATS[name].pieces(found))


def numbers(room: str = ROOM) -> list[int]:
    row = Room.objects.get(key=room)
    stored = [*row.messages.values_list("number", flat=True), *row.changes.values_list("number", flat=True)]
    assert max(stored) == row.last_number
    return sorted(stored)


# --- Files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def conversation(people) -> dict[str, int]:
    with time_machine.travel(EARLY, tick=False):
        ada = f"@[Ada](person:{people['Ada'].public_id})"
        said = {"question": say(people["Ada"], "*Why*\n# heads?", asked=True)}
        said["reply"] = say(people["Other"], "I wonder, too.", thread=said["question"])
        said["answer"] = say(people["Author"], f"{ada}: write to me@mail.example.org.", thread=said["question"])
        said["rude"] = say(people["Other"], "A rude word")
        said["taken back"] = say(people["Other"], "A secret")
        changes.mark_answered(user=people["Ada"], message_id=said["question"], answer_id=said["answer"])
        changes.vote(user=people["Other"], message_id=said["question"], on=True)
        changes.react(user=people["Other"], message_id=said["answer"], emoji="👍", on=True)
        moderation.hide_message(user=people["Olga"], message_id=said["rude"])
        changes.delete_message(user=people["Other"], message_id=said["taken back"])
    return said


def test_a_room_as_markdown(people, conversation):
    with time_machine.travel(EARLY, tick=False):
        text = exported("md")
    assert text.split("\n\n", 1)[1] == (
        "5 messages of the room paper:P1, 27 Apr 2020, 08:00 UTC.\n"
        "http://localhost:8000/papers/P1/\n"
        "\n## 1 · Ada · 27 Apr 2020, 08:00 UTC · question, answered in 4 · 1 vote\n\n"
        "> *Why*\n> # heads?\n"
        "\n> **2 · Other · 27 Apr 2020, 08:00 UTC**\n>\n> > I wonder, too.\n"
        "\n> **4 · Author (author) · 27 Apr 2020, 08:00 UTC · 👍 1, the answer**\n>\n> > @Ada: write to [address].\n"
        "\n## 6 · Other · 27 Apr 2020, 08:00 UTC\n\n> *Hidden by a moderator.*\n"
        "\n## 7 · Other · 27 Apr 2020, 08:00 UTC\n\n> *Deleted.*\n"
    )


def test_a_room_as_json(people, conversation):
    found = json.loads(exported("json"))
    assert (found["format"], found["room"], found["title"], found["count"]) == ("miniconf room 1", ROOM, "A paper", 5)
    question, rude, secret = found["messages"]
    assert (question["n"], question["asked"], question["answer"], question["votes"]) == (1, "answered", 4, 1)
    assert question["author"] == {"id": str(people["Ada"].public_id), "name": "Ada", "role": ""}
    assert [(reply["n"], reply["author"]["role"]) for reply in question["replies"]] == [(2, ""), (4, "author")]
    assert question["replies"][1]["reactions"] == {"👍": 1}
    assert [(message["n"], message["text"], message["gone"]) for message in (rude, secret)] == [
        (6, "", "hidden"),
        (7, "", "deleted"),
    ]


@pytest.mark.parametrize("name", ["md", "json"])
def test_no_file_has_what_is_hidden_deleted_or_an_address(people, conversation, name):
    User.objects.filter(name="Other").update(name="other@example.org")
    text = exported(name)
    assert [word for word in ("rude", "secret", "@example.org", "@mail") if word in text] == []


def test_a_long_room_is_read_in_pieces_and_complete(people, monkeypatch):
    monkeypatch.setattr(room_export, "AT_A_TIME", 2)
    with time_machine.travel(EARLY, tick=False) as clock:
        for _ in range(5):
            say(people["Other"], "Reply", thread=say(people["Ada"]))
            clock.shift(60)
    found = json.loads(exported("json"))["messages"]
    assert [len(message["replies"]) for message in found] == [1] * 5
    assert [message["n"] for message in found] == sorted(message["n"] for message in found)
    assert len(exported("md").split("\n## ")) == 6


def test_a_room_nobody_has_written_in_is_an_empty_file(people):
    assert json.loads(exported("json", "lounge:main"))["messages"] == []
    assert "0 messages" in exported("md", "lounge:main")


def test_the_command_writes_a_file_as_it_is_called(people, conversation, tmp_path):
    out = io.StringIO()
    call_command("export_room", ROOM, str(tmp_path / "room.json"), stdout=out)
    assert len(json.loads((tmp_path / "room.json").read_text())["messages"]) == 3
    call_command("export_room", ROOM, str(tmp_path / "room.txt"), stdout=out)
    assert (tmp_path / "room.txt").read_text().startswith("# A paper\n")
    out = io.StringIO()
    call_command("export_room", ROOM, stdout=out)
    assert out.getvalue().startswith("# A paper\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["room.json", "room.txt"]
    with pytest.raises(CommandError, match="There is no room"):
        call_command("export_room", "paper:nothing")
    with pytest.raises(CommandError, match="No such file"):
        call_command("export_room", ROOM, str(Path(tmp_path, "nowhere", "room.md")))


# --- Forgetting ------------------------------------------------------------------------------------------------------


@pytest.fixture
def left(people) -> dict[str, int]:
    """Ada has done a bit of everything."""
    ada = people["Ada"]
    mention = f"@[Ada Lovelace](person:{ada.public_id})"
    said = {"hers": say(ada, "My question", asked=True), "other": say(people["Other"], f"I agree with {mention}.")}
    said["reply"] = say(ada, "Thank you", thread=said["other"])
    said["lounge"] = say(ada, "Hello", room="lounge:main")
    said["question"] = say(people["Other"], "Another?", asked=True)
    changes.edit_message(user=ada, message_id=said["hers"], text="My better question")
    changes.edit_message(user=people["Other"], message_id=said["other"], text=f"I agree with {mention}!")
    changes.vote(user=ada, message_id=said["question"], on=True)
    changes.react(user=ada, message_id=said["question"], emoji="👍", on=True)
    reading.mark_read(user=ada, room_key=ROOM, number=3)
    Follow.objects.create(user=ada, room=Room.objects.get(key=ROOM), level="all")
    moderation.report_message(user=ada, message_id=said["question"], reason="Rude")
    EmailAddress.objects.create(user=ada, email=ada.email, primary=True, verified=True)
    ApiToken.issue(ada, "laptop")
    Bookmark.objects.create(user=ada, paper=Paper.objects.get())
    Person.objects.create(slug="ada", name="Ada Lovelace", user=ada)
    return said


def forget(people, **more) -> list[str]:
    choices = {"account": "deactivate", **more}
    return privacy.forget_person(actor=people["Olga"], about=people["Ada"], **choices).as_lines()


@pytest.mark.parametrize("account", ["deactivate", "delete"])
def test_somebody_forgotten_leaves_texts_counts_and_no_name(people, left, account):
    public_id = str(people["Ada"].public_id)
    report = forget(people, account=account)
    assert report == [
        "Tokens: 1",
        "Messages, now without a name: 3",
        "Messages that mentioned them: 1",
        "Votes, still counted: 1",
        "Reactions, still counted: 1",
        "Notifications: 1",
        "Marks of what they had read: 1",
        "Rooms and threads they followed: 1",
        "Bookmarks: 1",
        f"The account is {'deleted' if account == 'delete' else 'switched off'}.",
    ]
    assert sorted(Message.objects.filter(author=None).values_list("text", flat=True)) == [
        "Hello",
        "My better question",
        "Thank you",
    ]
    other = Message.objects.get(pk=left["other"])
    assert (other.text, other.html) == ("I agree with somebody!", "<p>I agree with somebody!</p>\n")
    assert list(Revision.objects.values_list("text", flat=True)) == ["I agree with somebody."]
    question = Message.objects.get(pk=left["question"])
    assert (question.votes, question.reactions) == (1, {"👍": 1})
    assert [
        Notification.objects.filter(user__name="Ada").count(),
        ReadMark.objects.count(),
        Follow.objects.count(),
    ] == [0, 0, 0]
    assert Report.objects.get().reporter is None
    assert (Bookmark.objects.count(), ApiToken.objects.count()) == (0, 0)
    assert Person.objects.get(slug="ada").user is None  # the programme is what it was
    room = find_room(ROOM)
    assert room is not None
    assert public_id not in json.dumps([queries.missed(room, after=0), exported("json"), exported("md")])


def test_votes_and_reactions_of_who_left_count_on(people, left):
    forget(people, account="delete")
    changes.vote(user=people["Olga"], message_id=left["question"], on=True)
    told = changes.react(user=people["Olga"], message_id=left["question"], emoji="👍", on=True)
    assert (told["message"]["votes"], told["message"]["reactions"]) == (2, {"👍": 2})
    assert (Vote.objects.filter(user=None).count(), Reaction.objects.filter(user=None).count()) == (1, 1)


def test_everybody_who_follows_a_room_hears_of_it(people, left):
    last = Room.objects.get(key=ROOM).last_number
    forget(people)
    room = find_room(ROOM)
    assert room is not None
    told = {event["message"]["id"]: event["message"] for event in queries.missed(room, after=last)}
    assert {pk: message["author"]["name"] for pk, message in told.items()} == {
        left["hers"]: "Somebody who left",
        left["reply"]: "Somebody who left",
        left["other"]: "Other",
    }
    assert told[left["other"]]["text"] == "I agree with somebody!"
    assert numbers() == list(range(1, len(numbers()) + 1))
    assert numbers("lounge:main") == [1, 2]


def test_who_is_switched_off_can_neither_sign_in_nor_come_back_as_somebody_new(people, left, client: Client):
    client.force_login(people["Ada"])
    forget(people)
    assert client.get(reverse("my_data")).status_code == 302
    ada = User.objects.get(email="ada@example.org")
    assert (ada.is_active, ada.name, ada.display_name[:5]) == (False, "", "Guest")
    request = HttpRequest()
    request.session = client.session
    assert not get_user(request).is_authenticated


def test_their_texts_go_where_that_is_asked(people, left):
    report = forget(people, remove_texts=True)
    assert "Texts removed: 3" in report
    assert set(Message.objects.filter(author=None).values_list("text", "html")) == {("", "")}
    assert Message.objects.filter(deleted_at__isnull=False).count() == 3
    assert Message.objects.get(pk=left["question"]).text == "Another?"
    assert numbers() == list(range(1, len(numbers()) + 1))


def test_the_record_says_who_did_it_and_how_much_it_was(people, left):
    forget(people, account="delete", note="Asked by mail")
    act = ModerationAct.objects.get(action="forget")
    assert (act.actor, act.about, act.note.partition(" (")[0]) == (people["Olga"], None, "Asked by mail")
    assert "Messages, now without a name: 3" in act.note


@pytest.mark.parametrize(("actor", "about"), [("Other", "Ada"), ("Ada", "Ada"), ("Olga", "Otto"), ("Olga", "Olga")])
def test_only_organizers_do_that_and_not_to_one_another(people, actor, about):
    with pytest.raises(LiveError) as refused:
        privacy.forget_person(actor=people[actor], about=people[about], account="delete")
    assert refused.value.code == "forbidden"


def test_all_of_it_or_nothing(people, left, monkeypatch):
    """A part that fails at the end takes back what the others did."""
    before = (exported("json")[-200:], Vote.objects.filter(user=None).count(), Change.objects.count())

    def fails(user: User) -> dict[str, int]:
        raise RuntimeError("no")

    monkeypatch.setitem(personal_data._parts, "zzz", personal_data.Part("zzz", lambda user: {}, fails))
    with pytest.raises(RuntimeError):
        forget(people)
    assert (exported("json")[-200:], Vote.objects.filter(user=None).count(), Change.objects.count()) == before
    assert User.objects.get(name="Ada").is_active


def test_sanctions_outlast_an_account_that_is_switched_off(people, left):
    Sanction.objects.create(user=people["Ada"], kind="ban")
    forget(people)
    assert Sanction.objects.count() == 1


def test_the_command_forgets(people, left):
    out = io.StringIO()
    call_command("forget_person", "ADA@example.org", "--account", "delete", "--yes", stdout=out)
    assert "Messages, now without a name: 3" in out.getvalue()
    assert not User.objects.filter(email="ada@example.org").exists()
    with pytest.raises(CommandError, match="No account"):
        call_command("forget_person", "ada@example.org", "--account", "delete", "--yes")


# --- Data to take home -----------------------------------------------------------------------------------------------


def test_everything_about_somebody_and_nothing_of_others(people, left):
    found = personal_data.data_of(people["Ada"])
    parts = ["account", "announcements", "certificates", "conversation", "demos", "end of the conference", "feedback"]
    assert sorted(found) == [*parts, "programme", "taking part"]
    talk = found["conversation"]
    assert [(message["room"], message["text"], message["earlier_texts"]) for message in talk["messages"]] == [
        (ROOM, "My better question", ["My question"]),
        (ROOM, "Thank you", []),
        ("lounge:main", "Hello", []),
    ]
    question = Message.objects.get(pk=left["question"]).number
    assert talk["votes"] == [{"room": ROOM, "n": question}]
    assert talk["reactions"] == [{"room": ROOM, "n": question, "emoji": "👍"}]
    assert talk["read"] == {ROOM: 3}
    assert [report["reason"] for report in talk["reports_made"]] == ["Rude"]
    assert [bookmark["id"] for bookmark in found["programme"]["bookmarks"]] == ["P1"]
    assert [token["name"] for token in found["account"]["tokens"]] == ["laptop"]
    text = json.dumps(found)
    assert [word for word in ("other@example.org", "I agree", "Another?") if word in text] == []


# --- Retention -------------------------------------------------------------------------------------------------------


def test_old_texts_go_and_their_places_stay(people, settings):
    with time_machine.travel(EARLY, tick=False):
        old = say(people["Ada"], "Old", asked=True)
        changes.edit_message(user=people["Ada"], message_id=old, text="Old still")
    with time_machine.travel(EARLY + dt.timedelta(days=20), tick=False):
        new = say(people["Other"], "New", thread=old)
    settings.CHAT_RETENTION_DAYS = 30
    with time_machine.travel(EARLY + dt.timedelta(days=31), tick=False):
        apply_retention()
        apply_retention()  # again: nothing is left to do
    row = Message.objects.get(pk=old)
    assert (row.text, row.html, row.deleted_at, row.reply_count) == ("", "", EARLY + dt.timedelta(days=31), 1)
    assert Revision.objects.count() == 0
    assert Message.objects.get(pk=new).text == "New"
    assert [(act.actor, act.action, act.note) for act in ModerationAct.objects.all()] == [
        (None, "retention", "1 texts from before 28 Apr 2020, 08:00 UTC")
    ]
    assert numbers() == [1, 2, 3, 4, 5]


def test_texts_are_kept_for_ever_where_nothing_else_is_said(people, settings):
    with time_machine.travel(EARLY, tick=False):
        say(people["Ada"])
    settings.CHAT_RETENTION_DAYS = 0
    assert privacy.apply_retention() == 0
    out = io.StringIO()
    call_command("apply_retention", stdout=out)
    assert "kept for ever" in out.getvalue()
    assert Message.objects.get().text == "Why?"
    call_command("apply_retention", "--days", "30", stdout=out)
    assert Message.objects.get().text == ""
    with pytest.raises(CommandError, match="At least 1 day"):
        call_command("apply_retention", "--days", "0")


def test_many_old_texts_go_in_pieces(people, monkeypatch):
    monkeypatch.setattr(privacy, "PIECE", 2)
    with time_machine.travel(EARLY, tick=False) as clock:
        for n in range(5):
            say(people["Ada"], f"{n}", room=ROOM if n % 2 else "lounge:main")
            clock.shift(60)
    assert privacy.remove_old_texts(before=EARLY + dt.timedelta(days=1)) == 5
    assert set(Message.objects.values_list("text", flat=True)) == {""}
    assert (numbers(), numbers("lounge:main")) == ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6])
