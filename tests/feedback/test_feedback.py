"""Questions about sessions and the conference: who is asked what and when, what is kept of answers, who sees them."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from miniconf import personal_data
from miniconf.accounts.models import User
from miniconf.feedback import answering, results, setting
from miniconf.feedback.answering import NotAsked, Target, keep
from miniconf.feedback.models import Answer, FeedbackForm, FeedbackResponse, Question
from miniconf.people.models import Role
from papers.models import Conference, Session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return Session.objects.create(
        uid="S1", title="Opening", starts_at=now() - timedelta(hours=1), ends_at=now() + timedelta(hours=1)
    )


def a_form(key: str = "sessions", *, anonymous: bool = True, is_on: bool = True) -> FeedbackForm:
    form = FeedbackForm.objects.create(key=key, is_on=is_on, anonymous=anonymous)
    form.questions.create(position=0, kind="rating", text="How good?", required=True)
    form.questions.create(position=1, kind="choice", text="How long?", options=["short", "long"])
    form.questions.create(position=2, kind="text", text="What else?")
    return form


def member(name: str, **fields: object) -> User:
    return User.objects.create_user(f"{name}@example.org", name=name, **fields)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def fields(form: FeedbackForm, *values: object) -> dict[str, object]:
    return {f"q{question.pk}": value for question, value in zip(form.questions.all(), values, strict=False)}


def answers(form: FeedbackForm, *values: object) -> dict[int, object]:
    return {question.pk: value for question, value in zip(form.questions.all(), values, strict=False)}


# --- Who is asked, and when ------------------------------------------------------------------------------------------


def test_a_session_asks_its_own_questions_or_those_of_all_sessions_and_a_break_none(session):
    everywhere = a_form()
    assert answering.form_of(Target(session)) == everywhere
    own = FeedbackForm.objects.create(key="session:S1")
    assert answering.form_of(Target(session)) == own
    with pytest.raises(NotAsked):  # its own are off, whatever the others say
        answering.open_form(Target(session))
    own.delete()
    session.kind = Session.Kind.BREAK
    assert answering.form_of(Target(session)) is None


def test_nothing_can_be_said_before_it_has_begun(session):
    form, conference = a_form(), a_form("conference")
    session.starts_at = now() + timedelta(minutes=5)
    session.save()
    someone = member("ada")
    with pytest.raises(NotAsked, match="Feedback opens when the session has begun"):
        keep(target=Target(session), user=someone, answers=answers(form, 5))
    current = Conference.current()
    current.starts_on, current.timezone = (now() + timedelta(days=2)).date(), "Pacific/Kiritimati"
    current.save()
    with pytest.raises(NotAsked, match="when the conference has begun"):
        keep(target=Target(), user=someone, answers=answers(conference, 5))
    page = signed_in(someone).get("/sessions/S1/")
    assert b'id="feedback"' not in page.content
    assert b"Feedback opens when" in signed_in(someone).post("/sessions/S1/feedback/", fields(form, 5)).content
    assert not FeedbackResponse.objects.exists()


def test_a_member_answers_on_the_sessions_page_once_and_changes_it(session):
    form = a_form()
    client = signed_in(member("ada"))
    page = client.get("/sessions/S1/").content.decode()
    assert 'action="/sessions/S1/feedback/"' in page
    assert "How good?" in page
    assert client.post("/sessions/S1/feedback/", fields(form, 4, "long", "More coffee")).status_code == 302
    assert client.post("/sessions/S1/feedback/", fields(form, 2, "", "Less")).status_code == 302
    kept = FeedbackResponse.objects.get()
    assert {(answer.question.text, answer.number, answer.text) for answer in kept.answers.all()} == {
        ("How good?", 2, ""), ("What else?", None, "Less"),
    }  # fmt: skip
    assert "You have answered" in client.get("/sessions/S1/").content.decode()
    client.post("/sessions/S1/feedback/", {"action": "take-back"})
    assert not Answer.objects.exists()


@pytest.mark.parametrize("values", [(), ("6",), ("0",), ("3", "for ever"), ("3", "", "x" * 4001)])
def test_what_is_no_answer_is_told_and_nothing_is_kept(session, values):
    form = a_form()
    answer = signed_in(member("ada")).post("/sessions/S1/feedback/", fields(form, *values))
    assert answer.status_code == 422
    assert b"errorlist" in answer.content
    assert not FeedbackResponse.objects.exists()


def test_visitors_are_asked_to_sign_in_and_cannot_answer(session):
    form = a_form()
    assert "/accounts/login/?next=/sessions/S1/feedback/" in Client().get("/sessions/S1/").content.decode()
    assert "/accounts/login/" in Client().post("/sessions/S1/feedback/", fields(form, 5))["Location"]
    assert not FeedbackResponse.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_form_sent_many_times_at_once_is_one_answer(session):
    form = a_form()
    someone = member("ada")

    def send(number: int) -> None:
        try:
            keep(target=Target(session), user=someone, answers=answers(form, number % 5 + 1, "", str(number)))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(12)))
    kept = FeedbackResponse.objects.get()
    assert kept.answers.count() == 2
    texts = {answer.question.kind: answer for answer in kept.answers.all()}
    assert texts["rating"].number == int(texts["text"].text) % 5 + 1  # both of the same sending


# --- Without a name ------------------------------------------------------------------------------------------------------


def test_nothing_that_is_kept_of_a_nameless_answer_leads_to_the_account(session):
    form = a_form()
    someone = member("ada")
    keep(target=Target(session), user=someone, answers=answers(form, 5, "", "Secret"))
    kept = FeedbackResponse.objects.get()
    assert kept.user is None
    columns = {field.name for field in FeedbackResponse._meta.concrete_fields}
    assert columns == {"id", "form", "target", "mark", "user"}  # no time, no number in order
    assert {field.name for field in Answer._meta.concrete_fields} == {"id", "response", "question", "number", "text"}
    assert str(someone.pk) != kept.mark
    assert str(someone.public_id) not in kept.mark


def test_the_mark_needs_the_servers_secret_and_differs_from_session_to_session(settings, session):
    someone = member("ada")
    here, there = answering.mark_of("session:S1", someone), answering.mark_of("conference", someone)
    assert here != there
    settings.SECRET_KEY = "another"
    assert answering.mark_of("session:S1", someone) != here


def test_nameless_answers_are_shown_from_three_on_and_named_ones_at_once(session):
    form = a_form()
    organizer = signed_in(member("olive", is_organizer=True))
    for number, name in enumerate(("a", "b", "c"), 1):
        keep(target=Target(session), user=member(name), answers=answers(form, number, "short", f"Text of {name}"))
        page = organizer.get("/sessions/S1/feedback/results/").content.decode()
        table = organizer.get("/sessions/S1/feedback/results.csv").content.decode()
        for text in (page, table):
            assert ("Text of a" in text) is (number == 3)
            assert "a@example.org" not in text
    assert results.by_session() == {"S1": {"responses": 3, "mean": 2}}
    a_form("conference", anonymous=False)
    named = FeedbackForm.objects.get(key="conference")
    keep(target=Target(), user=member("grace"), answers=answers(named, 5, "", "Fine"))
    page = organizer.get("/feedback/results/").content.decode()
    assert "Fine" in page
    assert "grace" in page


def test_a_promise_of_no_names_cannot_be_taken_back_once_somebody_relied_on_it(session):
    form = a_form()
    organizer = member("olive", is_organizer=True)
    keep(target=Target(session), user=member("ada"), answers=answers(form, 5))
    with pytest.raises(setting.FixedNow, match="without a name"):
        setting.save(
            key="sessions", switch={"is_on": True, "anonymous": False, "intro": ""}, questions=[], by=organizer
        )
    form.refresh_from_db()
    assert form.anonymous


# --- What it adds up to ----------------------------------------------------------------------------------------------


def test_results_count_each_answer_and_those_to_questions_of_before(session):
    form = a_form(anonymous=False)
    for name, rating, length in (("a", 5, "short"), ("b", 5, "long"), ("c", 2, "")):
        keep(target=Target(session), user=member(name), answers=answers(form, rating, length, name))
    choice = form.questions.get(kind="choice")
    choice.options = ["long", "very long"]
    choice.save()
    Question.objects.filter(kind="text").update(retired=True)
    found = results.results_of(Target(session))
    assert found.responses == 3
    rating, length, text = found.summaries
    assert (rating.answers, rating.mean) == (3, 4)
    assert [(line.label, line.count) for line in rating.lines] == [("5", 2), ("4", 0), ("3", 0), ("2", 1), ("1", 0)]
    assert [(line.label, line.count, line.percent) for line in length.lines] == [
        ("long", 1, 50), ("very long", 0, 0), ("short", 1, 50),
    ]  # fmt: skip
    assert sorted(text.texts) == [("a", "a"), ("b", "b"), ("c", "c")]


def test_the_table_holds_no_formula(session):
    form = a_form(anonymous=False)
    form.questions.filter(kind="text").update(text="=cmd()")
    keep(target=Target(session), user=member("@SUM(A1)"), answers=answers(form, 5, "", "=HYPERLINK(1)"))
    answer = signed_in(member("olive", is_organizer=True)).get("/sessions/S1/feedback/results.csv")
    head, row = csv.reader(io.StringIO(answer.content.decode()))
    assert head == ["name", "How good?", "How long?", "'=cmd()"]
    assert row == ["'@SUM(A1)", "5", "", "'=HYPERLINK(1)"]


def test_chairs_see_their_session_and_nothing_else(session):
    a_form()
    Session.objects.create(uid="S2", title="Other", starts_at=session.starts_at, ends_at=session.ends_at)
    chair = member("carl")
    Role.objects.create(user=chair, kind=Role.Kind.CHAIR, key="S1")
    client = signed_in(chair)
    statuses = {
        path: client.get(path).status_code
        for path in (
            "/sessions/S1/feedback/results/", "/sessions/S1/feedback/results.csv", "/sessions/S2/feedback/results/",
            "/feedback/results/", "/organize/feedback/",
        )
    }  # fmt: skip
    assert list(statuses.values()) == [200, 200, 403, 403, 403]
    assert "What people said" in client.get("/sessions/S1/").content.decode()
    assert "What people said" not in client.get("/sessions/S2/").content.decode()


# --- Organizers set the questions ------------------------------------------------------------------------------------


def posted(*lines: dict[str, object], **switch: object) -> dict[str, object]:
    data = {"anonymous": "yes", "intro": "", "q-TOTAL_FORMS": len(lines), "q-INITIAL_FORMS": 0, **switch}
    for number, line in enumerate(lines):
        data |= {f"q-{number}-{name}": value for name, value in line.items()}
    return data


def test_an_organizer_switches_feedback_on_with_the_questions_suggested(session):
    client = signed_in(member("olive", is_organizer=True))
    page = client.get("/organize/feedback/sessions/").content.decode()
    assert "How useful was this session to you?" in page
    answer = client.post(
        "/organize/feedback/sessions/",
        posted(
            {"text": "Useful?", "kind": "rating", "required": "on"},
            {"text": "Long?", "kind": "choice", "options": "yes\n\n no \nyes"},
            {"text": "", "kind": "rating"},
            is_on="on",
        ),
    )
    assert answer.status_code == 302
    form = FeedbackForm.objects.get()
    assert (form.is_on, form.anonymous) == (True, True)
    assert [(q.kind, q.text, q.options, q.required) for q in form.questions.all()] == [
        ("rating", "Useful?", [], True), ("choice", "Long?", ["yes", "no"], False),
    ]  # fmt: skip
    assert "Useful?" in signed_in(member("ada")).get("/sessions/S1/").content.decode()


def test_a_choice_of_one_and_too_many_questions_are_refused():
    client = signed_in(member("olive", is_organizer=True))
    one = posted({"text": "Long?", "kind": "choice", "options": "yes"}, is_on="on")
    many = posted(*[{"text": f"Q{n}", "kind": "rating"} for n in range(13)], is_on="on")
    assert [client.post("/organize/feedback/conference/", data).status_code for data in (one, many)] == [422, 422]
    assert not Question.objects.exists()


def test_a_question_that_was_answered_is_asked_no_more_but_keeps_its_answers(session):
    form = a_form(anonymous=False)
    keep(target=Target(session), user=member("ada"), answers=answers(form, 4))
    client = signed_in(member("olive", is_organizer=True))
    rating, choice, text = form.questions.all()
    lines = [
        {"pk": rating.pk, "text": "How good?", "kind": "rating", "remove": "on"},
        {"pk": choice.pk, "text": "How long?", "kind": "text", "remove": "on"},
        {"pk": text.pk, "text": "And?", "kind": "text"},
    ]
    assert client.post("/organize/feedback/sessions/", posted(*lines, is_on="on", anonymous="no")).status_code == 302
    assert {(q.text, q.retired) for q in Question.objects.all()} == {("How good?", True), ("And?", False)}
    assert results.results_of(Target(session)).summaries[0].mean == 4
    lines[0] |= {"kind": "text", "remove": ""}
    refused = client.post("/organize/feedback/sessions/", posted(lines[0], is_on="on", anonymous="no"))
    assert refused.status_code == 422
    assert b"its kind stays" in refused.content


def test_a_sessions_own_questions_begin_as_a_copy_and_can_be_given_up(session):
    everywhere = a_form()
    client = signed_in(member("olive", is_organizer=True))
    assert "How long?" in client.get("/organize/feedback/sessions/S1/").content.decode()
    client.post("/organize/feedback/sessions/S1/", posted({"text": "Only here", "kind": "rating"}, is_on="on"))
    assert answering.form_of(Target(session)).key == "session:S1"
    assert everywhere.questions.count() == 3
    client.post("/organize/feedback/sessions/S1/", {"action": "like-the-others"})
    assert answering.form_of(Target(session)) == everywhere


# --- One person's data -----------------------------------------------------------------------------------------------


def test_somebodys_answers_are_in_their_data_and_lose_their_name_with_them(session):
    form, conference = a_form(), a_form("conference", anonymous=False)
    ada, grace = member("ada"), member("grace")
    for person in (ada, grace):
        keep(target=Target(session), user=person, answers=answers(form, 5, "", f"By {person.name}"))
        keep(target=Target(), user=person, answers=answers(conference, 1))
    assert personal_data.data_of(ada)["feedback"] == {
        "answers": [
            {"about": "conference", "with_name": True, "answers": {"How good?": 1}},
            {"about": "session:S1", "with_name": False, "answers": {"How good?": 5, "What else?": "By ada"}},
        ]
    }
    assert personal_data.forget(ada)["feedback, now without a name"] == 2
    assert FeedbackResponse.objects.count() == 4
    assert personal_data.data_of(ada)["feedback"] == {"answers": []}
    assert set(FeedbackResponse.objects.values_list("user__name", flat=True)) == {None, "grace"}
