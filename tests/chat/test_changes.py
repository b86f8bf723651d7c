"""What can be done with a message that stands, who may, and what everybody is told of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chat import changes, queries
from chat.models import BlockedWord, Message, Notification, Revision, Room, Sanction
from chat.rooms import find_room
from chat.services import send_message
from miniconf.accounts.models import User
from miniconf.live.registry import LiveError
from papers.models import Authorship, Paper, Person

pytestmark = pytest.mark.django_db
ROOM = "paper:P1"


@pytest.fixture
def people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name.lower()}@example.org", name=name)
        for name in ("Asker", "Author", "Other")
    }
    made["Olga"] = User.objects.create_user("olga@example.org", name="Olga", is_organizer=True)
    paper = Paper.objects.create(uid="P1", title="A paper")
    person = Person.objects.create(slug="author", name="Author", user=made["Author"])
    Authorship.objects.create(paper=paper, person=person, position=1)
    return made


def say(user: User, text: str = "Why?", **more) -> dict:
    return send_message(user=user, room_key=ROOM, client_id=uuid4(), text=text, **more)


def missed(after: int) -> list[dict]:
    room = find_room(ROOM)
    assert room is not None
    return queries.missed(room, after=after)


def causes(user: User) -> list[tuple[str, str]]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("cause", "message__text"))


def test_everything_that_happens_in_a_room_takes_the_next_number(people):
    first = say(people["Asker"])
    changed = changes.edit_message(user=people["Asker"], message_id=first["id"], text="How?")
    reply = say(people["Other"], "So.", thread=first["id"])
    numbers = [first["n"], changed["n"], reply["n"], Room.objects.get(key=ROOM).last_number]
    assert numbers == [1, 2, 3, 4]  # the reply changed its root, too
    assert [(event["n"], event["type"]) for event in missed(0)] == [(1, "message"), (3, "message"), (4, "change")]


def test_a_change_tells_the_whole_message_as_it_is_now(people):
    first = say(people["Asker"])
    told = changes.edit_message(user=people["Asker"], message_id=first["id"], text="*How*?")
    assert (told["type"], told["message"]["n"], told["message"]["text"]) == ("change", 1, "*How*?")
    assert "<em>How</em>" in told["message"]["html"]
    assert told["message"]["edited"] is not None
    assert Revision.objects.get().text == "Why?"


def test_a_change_missed_twice_is_told_once_under_its_newest_number(people):
    first = say(people["Asker"])
    for text in ("One", "Two", "Three"):
        changes.edit_message(user=people["Asker"], message_id=first["id"], text=text)
    assert [(event["n"], event["message"]["text"]) for event in missed(1)] == [(4, "Three")]


def test_a_new_viewer_starts_at_the_newest_number(people):
    first = say(people["Asker"])
    changes.react(user=people["Other"], message_id=first["id"], emoji="👍", on=True)
    room = find_room(ROOM)
    assert room is not None
    assert [(event["n"], event["type"]) for event in queries.opening(room)] == [(1, "message"), (2, "mark")]


def test_who_comes_back_after_very_much_is_told_of_a_gap(people, monkeypatch):
    monkeypatch.setattr(queries, "MOST_MISSED", 3)
    for n in range(6):
        say(people["Asker"], f"{n}")
    assert [event.get("n", event["type"]) for event in missed(1)] == ["gap", 4, 5, 6]


@pytest.mark.parametrize("who", ["Other", "Author", "Olga"])
def test_only_its_author_edits_and_deletes(people, who):
    first = say(people["Asker"])
    with pytest.raises(LiveError, match="Only its author"):
        changes.edit_message(user=people[who], message_id=first["id"], text="Mine")
    with pytest.raises(LiveError, match="Only its author"):
        changes.delete_message(user=people[who], message_id=first["id"])
    assert Message.objects.get().text == "Why?"


def test_a_deleted_message_keeps_its_place_and_loses_its_text(people):
    first = say(people["Asker"], "A secret.")
    changes.edit_message(user=people["Asker"], message_id=first["id"], text="Another secret.")
    told = changes.delete_message(user=people["Asker"], message_id=first["id"])
    assert (told["message"]["gone"], told["message"]["text"], told["message"]["html"]) == ("deleted", "", "")
    assert (Message.objects.get().text, Revision.objects.count()) == ("", 0)
    with pytest.raises(LiveError, match="taken away"):
        changes.react(user=people["Other"], message_id=first["id"], emoji="👍", on=True)


def test_reactions_are_counted_by_emoji_and_once_for_each_person(people):
    first = say(people["Asker"])
    for who in ("Other", "Other", "Author"):
        changes.react(user=people[who], message_id=first["id"], emoji="🎉", on=True)
    told = changes.react(user=people["Author"], message_id=first["id"], emoji="👍", on=True)
    assert told["message"]["reactions"] == {"👍": 1, "🎉": 2}
    told = changes.react(user=people["Other"], message_id=first["id"], emoji="🎉", on=False)
    assert told["message"]["reactions"] == {"👍": 1, "🎉": 1}
    with pytest.raises(LiveError, match="was expected"):
        changes.react(user=people["Other"], message_id=first["id"], emoji="<b>", on=True)


def test_questions_are_voted_for_once_and_not_by_who_asked(people):
    question = say(people["Asker"], asked=True)
    plain = say(people["Asker"], "By the way.")
    for who in ("Other", "Other", "Author"):
        told = changes.vote(user=people[who], message_id=question["id"], on=True)
    assert told["message"]["votes"] == 2
    with pytest.raises(LiveError, match="counts already"):
        changes.vote(user=people["Asker"], message_id=question["id"], on=True)
    with pytest.raises(LiveError, match="Only questions"):
        changes.vote(user=people["Other"], message_id=plain["id"], on=True)


def test_a_question_is_answered_by_a_reply_and_open_again(people):
    question = say(people["Asker"], asked=True)
    reply = say(people["Author"], "Because.", thread=question["id"])
    told = changes.mark_answered(user=people["Author"], message_id=question["id"], answer_id=reply["id"])
    assert (told["message"]["asked"], told["message"]["answer"]) == ("answered", reply["id"])
    told = changes.mark_answered(user=people["Asker"], message_id=question["id"], on=False)
    assert (told["message"]["asked"], told["message"]["answer"]) == ("open", None)
    told = changes.mark_answered(user=people["Olga"], message_id=question["id"], live=True)
    assert told["message"]["asked"] == "live"
    with pytest.raises(LiveError, match="mark answers"):
        changes.mark_answered(user=people["Other"], message_id=question["id"])
    with pytest.raises(LiveError, match="must be a reply"):
        changes.mark_answered(user=people["Author"], message_id=question["id"], answer_id=question["id"])


def test_a_reply_to_a_reply_stands_in_the_same_thread(people):
    root = say(people["Asker"])
    reply = say(people["Other"], "One", thread=root["id"])
    deeper = say(people["Author"], "Two", thread=reply["id"])
    assert (reply["thread"], deeper["thread"]) == (root["id"], root["id"])
    assert Message.objects.get(pk=root["id"]).reply_count == 2
    room = find_room(ROOM)
    assert room is not None
    assert [event["id"] for event in queries.latest(room)] == [root["id"]]
    assert [event["text"] for event in queries.thread_of(Message.objects.get(pk=root["id"]), room)] == ["One", "Two"]


def test_a_reply_across_rooms_is_refused(people):
    elsewhere = send_message(user=people["Asker"], room_key="lounge:main", client_id=uuid4(), text="Hi")
    with pytest.raises(LiveError, match="not in this room"):
        say(people["Other"], "Where?", thread=elsewhere["id"])


def test_moderators_and_the_paper_s_authors_pin(people):
    first = say(people["Asker"])
    for who in ("Author", "Olga"):
        assert changes.pin(user=people[who], message_id=first["id"], on=True)["message"]["pinned"] is True
    with pytest.raises(LiveError, match="pin messages"):
        changes.pin(user=people["Other"], message_id=first["id"], on=False)


# --- Who is told -----------------------------------------------------------------------------------------------------


def test_authors_hear_of_questions_askers_of_answers_and_talkers_of_replies(people):
    question = say(people["Asker"], "Why?", asked=True)
    say(people["Other"], "I wonder, too.", thread=question["id"])
    answer = say(people["Author"], "Because.", thread=question["id"])
    changes.mark_answered(user=people["Author"], message_id=question["id"], answer_id=answer["id"])
    assert causes(people["Author"]) == [("question", "Why?")]
    assert causes(people["Other"]) == [("reply", "Because.")]
    assert causes(people["Asker"]) == [("reply", "I wonder, too."), ("answer", "Because.")]


def test_who_is_mentioned_hears_of_it_once_and_nobody_hears_of_oneself(people):
    name = f"@[Other](person:{people['Other'].public_id})"
    me = f"@[Asker](person:{people['Asker'].public_id})"
    say(people["Asker"], f"{name} and {name}, says {me}")
    assert [cause for cause, _ in causes(people["Other"])] == ["mention"]
    assert causes(people["Asker"]) == []


# --- Order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "code"), [("mute", "muted"), ("ban", "banned")])
def test_a_sanction_holds_in_its_room_until_it_is_lifted(people, kind, code):
    say(people["Asker"])
    sanction = Sanction.objects.create(user=people["Other"], room=Room.objects.get(key=ROOM), kind=kind)
    with pytest.raises(LiveError) as refused:
        say(people["Other"], "Let me")
    assert refused.value.code == code
    send_message(user=people["Other"], room_key="lounge:main", client_id=uuid4(), text="Here I may")
    sanction.lifted_at = sanction.created_at
    sanction.save()
    say(people["Other"], "Again")


def test_a_closed_room_is_for_moderators(people):
    say(people["Asker"])
    Room.objects.update(locked=True)
    with pytest.raises(LiveError, match="This room is closed"):
        say(people["Author"], "One more")
    say(people["Olga"], "Thank you all.")


def test_a_slow_room_makes_people_wait(people):
    say(people["Asker"])
    Room.objects.update(slow_seconds=60)
    with pytest.raises(LiveError, match="please wait") as refused:
        say(people["Asker"], "And")
    assert 0 < refused.value.details["retry_after"] <= 60
    say(people["Other"], "I have not said anything yet")


def test_blocked_words_are_refused_or_reported_whole_words_only(people):
    BlockedWord.objects.create(word="spam", effect="refuse")
    BlockedWord.objects.create(word="buy", effect="report")
    with pytest.raises(LiveError, match="“spam”"):
        say(people["Asker"], "Some SPAM.")
    told = say(people["Asker"], "Spamming is not buying, but I buy.")
    assert Message.objects.get(pk=told["id"]).reports.get().reason == "Has the word “buy”"


def test_the_paper_list_finds_papers_with_open_questions(people, client):
    Paper.objects.create(uid="P2", title="Another paper")
    question = say(people["Asker"], asked=True)
    listed = client.get("/papers/?unanswered=1").content.decode()
    assert ("A paper" in listed, "Another paper" in listed) == (True, False)
    changes.mark_answered(user=people["Author"], message_id=question["id"])
    assert "A paper" not in client.get("/papers/?unanswered=1&sort=newest").content.decode()
