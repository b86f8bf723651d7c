"""Certificates: who has attended, what the PDF says in which letters, and how it is confirmed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pypdfium2
import pytest
import time_machine
from django.test import Client

from chat.services import send_message
from miniconf import personal_data
from miniconf.accounts.models import User
from miniconf.accounts.services import note_visit
from miniconf.certificates import attending, fonts, issuing
from miniconf.certificates.models import Attendance, Certificate, CertificateRules
from miniconf.people.models import Role
from papers.models import Authorship, Conference, Paper, Person, Session

pytestmark = pytest.mark.django_db
BEFORE = datetime(2027, 5, 1, 12, tzinfo=UTC)
DURING = datetime(2027, 5, 4, 12, tzinfo=UTC)
AFTER = datetime(2027, 5, 6, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def conference() -> Conference:
    conference = Conference.current()
    conference.name, conference.timezone = "Second Reading 2027", "UTC"
    conference.starts_on, conference.ends_on = date(2027, 5, 3), date(2027, 5, 5)
    conference.save()
    return conference


@pytest.fixture
def session() -> Session:
    return Session.objects.create(uid="S1", title="Opening", starts_at=DURING, ends_at=DURING + timedelta(hours=1))


def rules(who: str = "signed_in", **fields: object) -> CertificateRules:
    return CertificateRules.objects.create(**{"is_on": True, "who": who, **fields})


def member(name: str, **fields: object) -> User:
    return User.objects.create_user(f"{uuid4().hex}@example.org", name=name, **fields)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    return " ".join(document[0].get_textpage().get_text_range().split())


def downloaded(user: User) -> str:
    answer = signed_in(user).post("/certificate/download/")
    assert answer["Content-Type"] == "application/pdf", answer.get("Location")
    return text_of(answer.content)


# --- Who has attended ------------------------------------------------------------------------------------------------


def test_a_visit_counts_on_days_of_the_conference_and_stays_noted_whatever_comes_later(conference):
    early, there, late = member("early"), member("there"), member("late")
    for moment, who in ((BEFORE, early), (DURING, there), (AFTER, late), (AFTER + timedelta(days=9), there)):
        with time_machine.travel(moment, tick=False):
            note_visit(user=who)
    assert list(Attendance.objects.values_list("user__name", flat=True)) == ["there"]
    assert [user.name for user in attending.attended("signed_in", conference)] == ["there"]


def test_the_days_are_those_of_the_conferences_zone(conference):
    conference.timezone = "Pacific/Kiritimati"  # 14 hours ahead
    assert attending.is_running(conference, datetime(2027, 5, 2, 10, tzinfo=UTC))
    assert not attending.is_running(conference, datetime(2027, 5, 2, 9, 59, tzinfo=UTC))
    assert attending.is_running(conference, datetime(2027, 5, 5, 9, 59, tzinfo=UTC))
    assert not attending.is_running(conference, datetime(2027, 5, 5, 10, tzinfo=UTC))


def test_taking_part_is_opening_a_session_or_writing_on_such_a_day(conference, session):
    opened, wrote, looked, early = member("opened"), member("wrote"), member("looked"), member("early")
    Paper.objects.create(uid="P1", title="A paper")
    with time_machine.travel(BEFORE, tick=False):
        signed_in(early).get("/sessions/S1/")
    with time_machine.travel(DURING, tick=False):
        signed_in(opened).get("/sessions/S1/")
        signed_in(looked).get("/papers/")
        send_message(user=wrote, room_key="paper:P1", client_id=uuid4(), text="Hello")
    assert {user.name for user in attending.attended("took_part", conference)} == {"opened", "wrote"}
    assert {user.name for user in attending.attended("signed_in", conference)} == {"opened", "wrote", "looked"}
    assert {user.name for user in attending.attended("registered", conference)} == {"opened", "looked", "early"}


def test_accounts_that_were_switched_off_have_not_attended(conference):
    member("gone", is_active=False, last_login=DURING, last_seen_at=DURING)
    assert [attending.attended(who, conference).count() for who in ("signed_in", "took_part", "registered")] == [
        0,
        0,
        0,
    ]


# --- Who gets one, and when -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "moment", "why"),
    [
        ({"is_on": False}, AFTER, "give out no certificates"),
        ({}, DURING, "from 6 May 2027 on"),
        ({"available_from": date(2027, 5, 20)}, AFTER, "from 20 May 2027 on"),
        ({"who": "took_part"}, AFTER, "Nothing is known here"),
    ],
)
def test_who_gets_none_is_told_why(fields, moment, why):
    rules(**fields)
    someone = member("Ada", last_login=DURING, last_seen_at=DURING)
    with time_machine.travel(moment, tick=False):
        client = signed_in(someone)
        Attendance.objects.all().delete()
        assert why in client.get("/certificate/").content.decode()
        answer = client.post("/certificate/download/")
    assert answer.status_code == 302
    assert not Certificate.objects.exists()


@time_machine.travel(AFTER, tick=False)
def test_a_certificate_says_what_somebody_did_and_when_it_was(session):
    rules()
    ada = member("Ada Lovelace", is_organizer=True, last_seen_at=DURING)
    person = Person.objects.create(slug="ada", name="Ada", user=ada)
    for number, withdrawn in enumerate((None, AFTER)):
        paper = Paper.objects.create(uid=f"P{number}", title=f"Paper {number}", withdrawn_at=withdrawn)
        Authorship.objects.create(paper=paper, person=person, position=1)
    Role.objects.create(user=ada, kind=Role.Kind.CHAIR, key="S1")
    text = downloaded(ada)
    code = Certificate.objects.get().code
    for part in (
        "Second Reading 2027", "Online, 3 to 5 May 2027", "Certificate of attendance", "Ada Lovelace",
        "attended Second Reading 2027.", "was one of its organizers.", "chaired “Opening”.", "is an author of “Paper 0”.",
        f"/certificates/{code}/", issuing.shown_code(code), "Issued on 6 May 2027",
    ):  # fmt: skip
        assert part in text
    assert "Paper 1" not in text


@time_machine.travel(AFTER, tick=False)
def test_an_author_who_was_not_there_gets_one_that_does_not_say_attended():
    rules()
    ada = member("Ada")
    person = Person.objects.create(slug="ada", name="Ada", user=ada)
    for number in range(11):
        paper = Paper.objects.create(uid=f"P{number:02}", title=f"On {'very ' * 30}long titles {number:02}")
        Authorship.objects.create(paper=paper, person=person, position=1)
    text = downloaded(ada)
    assert "attended" not in text
    assert "Certificate of participation" in text
    assert "and 3 more papers." in text
    assert "long titles 07" in text
    assert "Confirm it at" in text


# --- Letters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Łukasz Dvořák-Nguyễn Thị Ñ", "Γιώργος Παπαδόπουλος", "Фёдор Достоевский", "王小明 張偉", "山田 太郎 さくら",
        "김민수", "محمد السيد", "דוד כהן", "Ada 王 Фёдор",
    ],
)  # fmt: skip
@time_machine.travel(AFTER, tick=False)
def test_names_come_out_in_their_own_letters(name):
    rules("registered")
    assert fonts.missing(name) == []
    assert name in downloaded(member(name))


@pytest.mark.parametrize(("name", "letters"), [("Ada 🫨", "🫨"), ("Kauṇḍinya \U00013000", "\U00013000")])
@time_machine.travel(AFTER, tick=False)
def test_a_name_with_letters_that_no_font_has_is_refused_with_these_letters(name, letters):
    rules("registered")
    client = signed_in(member(name))
    page = client.get("/certificate/").content.decode()
    assert f"cannot be printed here: {letters}." in page
    assert client.post("/certificate/download/").status_code == 302


@time_machine.travel(AFTER, tick=False)
def test_titles_with_letters_that_no_font_has_show_a_question_mark():
    rules("registered")
    ada = member("Ada")
    Authorship.objects.create(
        paper=Paper.objects.create(uid="P1", title="Party 🫨 models"),
        person=Person.objects.create(slug="ada", name="Ada", user=ada), position=1,
    )  # fmt: skip
    assert "“Party ? models”" in downloaded(ada)


# --- Confirming ------------------------------------------------------------------------------------------------------


@time_machine.travel(AFTER, tick=False)
def test_the_same_certificate_has_the_same_code_and_a_changed_name_another():
    rules("registered")
    ada = member("Ada Byron")
    downloaded(ada)
    downloaded(ada)
    ada.name = "Ada Lovelace"
    ada.save()
    downloaded(ada)
    new, old = Certificate.objects.all()
    assert (old.name, new.name) == ("Ada Byron", "Ada Lovelace")
    assert "Ada Byron" in Client().get(f"/certificates/{old.code}/").content.decode()


@time_machine.travel(AFTER, tick=False)
def test_anybody_with_the_code_sees_what_it_says_and_nothing_else(conference):
    conference.members_only = True
    conference.save()
    rules("registered")
    ada = member("Ada", affiliation="Secret Lab")
    downloaded(ada)
    code = Certificate.objects.get().code
    assert re.fullmatch("[2-9A-HJ-NP-Z]{20}", code)
    shown = Client().get("/certificates/", {"code": issuing.shown_code(code).lower()}, follow=True)
    assert shown.status_code == 200
    page = shown.content.decode()
    assert "attended Second Reading 2027." in page
    for secret in (ada.email, "Secret Lab", str(ada.public_id)):
        assert secret not in page
    assert shown["X-Robots-Tag"].startswith("noindex")
    assert "private" in shown["Cache-Control"] or "no-store" in shown["Cache-Control"]


@pytest.mark.parametrize("code", ["A" * 20, "A" * 19, "x", "%00", "Ａ" * 20, "A" * 3000])
def test_a_guess_finds_nothing(code):
    assert Client().get(f"/certificates/{code}/").status_code == 404


def test_guessing_is_slowed_down():
    client = Client()
    statuses = [client.get(f"/certificates/{'A' * 19}{number % 10}/").status_code for number in range(40)]
    assert statuses[:30] == [404] * 30
    assert 429 in statuses[30:]
    assert client.get("/certificates/").status_code == 200


@time_machine.travel(AFTER, tick=False)
def test_certificates_are_in_somebodys_data_and_gone_with_it():
    rules()
    ada = member("Ada")
    with time_machine.travel(DURING, tick=False):
        note_visit(user=ada)
    downloaded(ada)
    code = Certificate.objects.get().code
    mine = personal_data.data_of(ada)["certificates"]
    assert mine["seen_at_the_conference"] == "2027-05-04T12:00:00+00:00"
    assert [(row["code"], row["name"]) for row in mine["given_out"]] == [(code, "Ada")]
    assert personal_data.forget(ada)["certificates"] == 1
    assert not Attendance.objects.exists()
    assert Client().get(f"/certificates/{code}/").status_code == 404


# --- Organizers ------------------------------------------------------------------------------------------------------


def test_organizers_set_who_and_when_and_a_conference_without_days_needs_one(conference):
    client = signed_in(member("Olive", is_organizer=True))
    page = client.get("/organize/certificates/").content.decode()
    assert "Not given out." in page
    assert client.post("/organize/certificates/", {"is_on": "on", "who": "took_part"}).status_code == 302
    kept = CertificateRules.objects.get()
    assert (kept.is_on, kept.who, kept.available_from) == (True, "took_part", None)
    assert "Given out from 6 May 2027 on." in client.get("/organize/certificates/").content.decode()
    conference.starts_on = conference.ends_on = None
    conference.save()
    assert client.post("/organize/certificates/", {"is_on": "on", "who": "took_part"}).status_code == 422
