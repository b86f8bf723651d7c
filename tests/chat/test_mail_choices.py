"""Mails are ended or changed by their reader: with one click, or in the profile."""

from __future__ import annotations

import datetime as dt
import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from chat.mail_choices import choice_of, choose
from chat.models import Follow, MailChoice
from chat.services import send_message
from chat.tasks import mail_notifications
from miniconf.accounts.models import User
from papers.models import Authorship, Conference, Paper, Person

pytestmark = pytest.mark.django_db
ROOM = "paper:P1"
NOON = dt.datetime(2027, 5, 3, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def make_people() -> dict[str, User]:
    made = {
        name: User.objects.create_user(f"{name.lower()}@example.org", name=name)
        for name in ("Asker", "Author", "Other")
    }
    person = Person.objects.create(slug="author", name="Author", user=made["Author"])
    paper = Paper.objects.create(uid="P1", title="Attention & <all> of it")
    Authorship.objects.create(paper=paper, person=person, position=1)
    return made


@pytest.fixture
def people() -> dict[str, User]:
    return make_people()


def say(user: User, text: str = "Why?", room: str = ROOM, **more) -> dict:
    return send_message(user=user, room_key=room, client_id=uuid4(), text=text, **more)


def ask(people, text: str = "Why?", room: str = ROOM) -> dict:
    return say(people["Asker"], text, room, asked=True)


@pytest.fixture
def look(time_machine):
    """Looks for what is due at a time; returns the mails sent then."""

    def look(time: dt.datetime) -> list[mail.EmailMultiAlternatives]:
        time_machine.move_to(time, tick=False)
        mail.outbox.clear()
        mail_notifications()
        return list(mail.outbox)

    time_machine.move_to(NOON, tick=False)
    return look


def always(user: User, when: str = "at once") -> None:
    choose(user=user, choices=dict.fromkeys(("question", "answer", "mention", "reply", "message"), when))


def subjects(mails) -> list[str]:
    return [sent.subject for sent in mails]


# --- Unsubscribing ---------------------------------------------------------------------------------------------------


def test_one_click_in_the_mail_program_unsubscribes_from_what_the_mail_was_about(people, look):
    ask(people)
    (sent,) = look(NOON + 60 * MINUTE)
    headers = sent.message()
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Auto-Submitted"] == "auto-generated"
    path = headers["List-Unsubscribe"].strip("<>").removeprefix(settings.SITE_URL)
    client = Client(enforce_csrf_checks=True)
    page = client.get(path)
    assert page.status_code == 200
    assert "private" in page["Cache-Control"]
    assert choice_of(people["Author"]).question == "hourly"  # looking at it changes nothing
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert (choice_of(people["Author"]).question, choice_of(people["Author"]).answer) == ("never", "at once")


def test_one_click_mutes_a_room_or_a_thread(people, look):
    question = ask(people)
    say(people["Author"], "Which?", thread=question["id"])
    always(people["Asker"])
    (sent,) = look(NOON + MINUTE)
    thread, room = re.findall(r"(?:thread|room): (\S+/mail/mute/\S+)", sent.body)
    client = Client(enforce_csrf_checks=True)
    for address in (thread, room):
        assert client.post(address.removeprefix(settings.SITE_URL)).status_code == 200
    assert list(Follow.objects.order_by("pk").values_list("user", "thread", "level")) == [
        (people["Asker"].pk, question["id"], "none"),
        (people["Asker"].pk, None, "none"),
    ]


def test_broken_addresses_change_nothing(people, look):
    ask(people)
    (sent,) = look(NOON + 60 * MINUTE)
    path = sent.message()["List-Unsubscribe"].strip("<>").removeprefix(settings.SITE_URL)
    mute = re.search(r"room: \S+(/mail/mute/\S+)", sent.body)[1]
    swapped = path.replace("unsubscribe", "mute"), mute.replace("mute", "unsubscribe")
    for wrong in (path[:-5] + "/", "/mail/unsubscribe/x/", *swapped):
        assert Client().post(wrong).status_code == 404
    assert (MailChoice.objects.count(), Follow.objects.count()) == (0, 0)


def test_unsubscribing_works_on_a_members_only_site(people, look):
    ask(people)
    (sent,) = look(NOON + 60 * MINUTE)
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"members_only": True})
    path = sent.message()["List-Unsubscribe"].strip("<>").removeprefix(settings.SITE_URL)
    assert Client().post(path).status_code == 200
    assert choice_of(people["Author"]).question == "never"


def test_what_is_mailed_is_chosen_in_the_profile(people):
    client = Client()
    client.force_login(people["Author"], backend=settings.AUTHENTICATION_BACKENDS[0])
    assert 'value="hourly" selected' in client.get("/profile/mail/").content.decode()
    sent = {"question": "daily", "answer": "never", "mention": "at once", "reply": "hourly", "message": "never"}
    sent["announcement"] = "never"
    assert client.post("/profile/mail/", sent).status_code == 302
    chosen = choice_of(people["Author"])
    assert {cause: getattr(chosen, cause) for cause in sent} == sent
    assert client.post("/profile/mail/", {**sent, "reply": "sometimes"}).status_code == 422
    assert client.post("/profile/mail/", {**sent, "announcement": "daily"}).status_code == 422
    assert choice_of(people["Author"]).reply == "hourly"
