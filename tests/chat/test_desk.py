"""The author's desk: questions and numbers of all one's papers on one page, answered in place."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils.timezone import now

from chat import changes
from chat.models import Message
from chat.services import send_message
from demos.models import Demo, Run
from miniconf.accounts.models import User
from papers.models import Authorship, Bookmark, Paper, Person, Visit

pytestmark = pytest.mark.django_db


def person(name: str, **more) -> User:
    return User.objects.create_user(f"{name.lower()}@example.org", name=name, **more)


@pytest.fixture
def author() -> User:
    author = person("Author")
    row = Person.objects.create(slug="author", name="Author", user=author)
    for n in (1, 2):
        paper = Paper.objects.create(uid=f"P{n}", title=f"Paper {n}")
        Authorship.objects.create(paper=paper, person=row, position=1)
    Paper.objects.create(uid="P3", title="Paper 3").representatives.add(author)
    Paper.objects.create(uid="X", title="Not mine")
    return author


@pytest.fixture
def asker() -> User:
    return person("Asker")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def ask(user: User, text: str, uid: str = "P1") -> int:
    return send_message(user=user, room_key=f"paper:{uid}", client_id=uuid4(), text=text, asked=True)["id"]


def desk_of(client: Client, query: str = "") -> list[tuple[str, list[str], list[str]]]:
    return [
        (
            entry.paper.uid,
            [question.message.text for question in entry.open],
            [question.message.text for question in entry.answered],
        )
        for entry in client.get(f"/desk/{query}").context["entries"]
    ]


def test_it_shows_open_questions_by_votes_on_all_papers_of_one_s_own(author, asker):
    ask(asker, "First")
    second = ask(asker, "Second")
    changes.vote(user=author, message_id=second, on=True)
    ask(asker, "Third", "P3")
    ask(asker, "Elsewhere", "X")
    gone = ask(asker, "Gone")
    changes.delete_message(user=asker, message_id=gone)
    done = ask(asker, "Done", "P2")
    changes.mark_answered(user=author, message_id=done)
    assert desk_of(client_of(author)) == [
        ("P1", ["Second", "First"], []),
        ("P3", ["Third"], []),
        ("P2", [], ["Done"]),
    ]


def test_a_question_is_answered_in_place_once(author, asker):
    question = ask(asker, "Why?")
    client = client_of(author)
    sent = {"text": "Because *it* is.", "client_id": str(uuid4())}
    assert client.post(f"/desk/{question}/", sent)["Location"] == "/desk/"
    client.post(f"/desk/{question}/", sent)  # the button was pressed twice
    message = Message.objects.get(pk=question)
    reply = Message.objects.get(thread=message)
    assert (message.asked, message.answer, reply.text, reply.author) == ("answered", reply, "Because *it* is.", author)
    page = client.get("/desk/").content.decode()
    assert "<em>it</em>" in page
    assert "<textarea" not in page


def test_a_question_that_was_answered_elsewhere_is_only_marked(author, asker):
    question = ask(asker, "Why?")
    client_of(author).post(f"/desk/{question}/", {"how": "marked", "text": ""})
    message = Message.objects.get(pk=question)
    assert (message.asked, message.answer, message.reply_count) == ("answered", None, 0)


@pytest.mark.parametrize(("text", "why"), [("", "needs some text"), ("x" * 4001, "at most 4000")])
def test_an_answer_that_is_not_taken_keeps_its_text_and_says_why(author, asker, text, why):
    question = ask(asker, "Why?")
    page = client_of(author).post(f"/desk/{question}/", {"text": text, "client_id": str(uuid4())})
    assert page.status_code == 400
    assert why in page.content.decode()
    assert f"autofocus>{text}</textarea>" in page.content.decode()
    assert Message.objects.get(pk=question).asked == "open"


def test_only_who_may_answer_does(author, asker):
    question = ask(asker, "Why?")
    other = client_of(person("Other"))
    assert other.post(f"/desk/{question}/", {"text": "Me!"}).status_code == 403
    assert Client().post(f"/desk/{question}/", {"text": "Me!"})["Location"].startswith("/accounts/login/")
    assert client_of(author).post("/desk/999999/", {"text": "Me!"}).status_code == 404
    assert Message.objects.count() == 1


def test_organizers_look_at_any_paper_others_at_their_own(author, asker):
    ask(asker, "Elsewhere", "X")
    organizer = client_of(person("Olga", is_organizer=True))
    assert desk_of(organizer) == []
    assert desk_of(organizer, "?paper=X") == [("X", ["Elsewhere"], [])]
    assert desk_of(client_of(author), "?paper=P2") == [("P2", [], [])]
    assert client_of(author).get("/desk/?paper=X").status_code == 404
    assert organizer.get("/desk/?paper=none").status_code == 404
    assert Client().get("/desk/")["Location"] == "/accounts/login/?next=/desk/"


def test_it_counts_readers_bookmarks_messages_and_runs(author, asker):
    paper = Paper.objects.get(uid="P1")
    ask(asker, "Why?")
    send_message(user=asker, room_key="paper:P1", client_id=uuid4(), text="By the way")
    for user in (author, asker):
        Visit.objects.create(user=user, paper=paper, last_at=now())
    Bookmark.objects.create(user=asker, paper=paper)
    demo = Demo.objects.create(slug="d", paper=paper, kind="generate", title="D", model="tiny")
    for _ in range(3):
        Run.objects.create(demo=demo, inputs={})
    entries = client_of(author).get("/desk/").context["entries"]
    told = {e.paper.uid: (e.messages, e.open_count, e.views, e.bookmarks, e.more["demo runs"]) for e in entries}
    assert told == {"P1": (2, 1, 2, 1, 3), "P2": (0, 0, 0, 0, 0), "P3": (0, 0, 0, 0, 0)}


def test_many_papers_take_as_many_queries_as_one(author, asker, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "1000/minute")
    from chat.desk import desk, papers_for

    for n in range(20):
        paper = Paper.objects.create(uid=f"Q{n}", title=f"Many {n}")
        paper.representatives.add(author)
        answered = ask(asker, "Old", f"Q{n}")
        changes.mark_answered(user=author, message_id=answered)
        ask(asker, "New", f"Q{n}")
    with django_assert_num_queries(7):  # papers, counts, open, answered, readers, bookmarks, runs
        assert len(desk(papers_for(author))) == 23
