"""Mails about notifications: what is due when, in one mail, never twice, never a flood, and how they are ended."""

from __future__ import annotations

import datetime as dt
import re
import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor
from email import message_from_string, policy
from uuid import uuid4

import pytest
from django.conf import settings
from django.core import mail
from django.db import connections

from chat import changes, digest, notifications
from chat.follows import set_follow
from chat.mail_choices import choose
from chat.models import Message, Notification, Room, Sanction
from chat.reply_address import TokenInvalid, read_address, reply_address
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


# --- When ------------------------------------------------------------------------------------------------------------


def test_at_once_is_with_the_next_look_and_once(people, look):
    always(people["Author"])
    ask(people)
    assert subjects(look(NOON + MINUTE)) == ["Asker asked: Attention & <all> of it"]
    assert look(NOON + 20 * MINUTE) == []


def test_hourly_is_with_the_next_full_hour(people, look):
    ask(people)  # authors who have chosen nothing
    assert look(NOON + 59 * MINUTE) == []
    assert len(look(NOON + 60 * MINUTE)) == 1


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Asia/Tokyo", -1), ("America/New_York", 12), ("", 6)],  # of UTC, where the conference is in Berlin
)
def test_daily_is_at_eight_in_the_morning_of_one_s_zone(people, look, zone, hour):
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"timezone": "Europe/Berlin"})
    User.objects.filter(pk=people["Author"].pk).update(timezone=zone)
    always(people["Author"], "daily")
    ask(people)
    morning = dt.datetime(2027, 5, 4, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
    morning += dt.timedelta(days=0 if morning > NOON else 1)
    assert look(morning - MINUTE) == []
    assert len(look(morning)) == 1


def test_mails_that_are_daily_come_at_eight_when_the_clocks_change():
    zone = digest.zones.named_zone("Europe/Berlin")
    for day, utc in ((27, 7), (28, 6)):  # the clocks go forward on 28 March 2027
        after = dt.datetime(2027, 3, day, 10, tzinfo=dt.UTC)
        assert digest.due_until("daily", after, zone) == dt.datetime(2027, 3, day, utc, tzinfo=dt.UTC)


def test_never_is_never_and_what_waited_meanwhile_is_not_sent_later(people, look):
    always(people["Author"], "never")
    ask(people, "Old")
    assert look(NOON + 24 * 60 * MINUTE) == []
    always(people["Author"])
    ask(people, "New")
    sent = look(NOON + 24 * 60 * MINUTE + 10 * MINUTE)
    assert ["New" in mail.body and "Old" not in mail.body for mail in sent] == [True]


def test_a_burst_makes_two_mails_not_ten(people, look, time_machine):
    always(people["Author"])
    sent = []
    for n in range(10):
        time_machine.move_to(NOON + n * dt.timedelta(seconds=20), tick=False)
        ask(people, f"Question {n}")
        sent += look(NOON + n * dt.timedelta(seconds=20) + dt.timedelta(seconds=1))
    sent += look(NOON + 5 * MINUTE + dt.timedelta(seconds=1))
    assert subjects(sent) == ["Asker asked: Attention & <all> of it", "9 new messages: Attention & <all> of it"]


def test_each_cause_comes_in_its_own_time_and_what_is_due_in_one_mail(people, look):
    choose(user=people["Author"], choices={"question": "hourly", "mention": "at once", "message": "daily"})
    set_follow(user=people["Author"], room_key="lounge:main", level="all")
    ask(people, "A question")
    say(people["Other"], f"@[Author](person:{people['Author'].public_id}) look", room="lounge:main")
    say(people["Other"], "Small talk", room="lounge:main")
    first = look(NOON + MINUTE)
    assert subjects(first) == ["Other mentioned you: Lounge"]
    assert "@Author look" in first[0].body
    assert subjects(look(NOON + 60 * MINUTE)) == ["Asker asked: Attention & <all> of it"]
    assert subjects(look(NOON + dt.timedelta(hours=20))) == ["Other wrote: Lounge"]


def test_news_older_than_a_week_is_not_mailed(people, look):
    ask(people)
    assert look(NOON + dt.timedelta(days=7, minutes=1)) == []


# --- What is left out ------------------------------------------------------------------------------------------------


def test_what_was_read_deleted_or_hidden_meanwhile_is_left_out(people, look):
    texts = ("Read", "Deleted", "Hidden", "Standing")
    events = {text: ask(people, text) for text in texts}
    notifications.read_in_room(user=people["Author"], room_key=ROOM, number=events["Read"]["n"])
    changes.delete_message(user=people["Asker"], message_id=events["Deleted"]["id"])
    Message.objects.filter(text="Hidden").update(hidden_at=NOON)
    (sent,) = look(NOON + 60 * MINUTE)
    assert [text for text in texts if text in sent.body] == ["Standing"]


def test_who_was_banned_or_switched_off_meanwhile_gets_no_mail(people, look):
    ask(people)
    Sanction.objects.create(user=people["Author"], room=Room.objects.get(key=ROOM), kind="ban")
    assert look(NOON + 60 * MINUTE) == []
    Sanction.objects.all().delete()
    User.objects.filter(pk=people["Author"].pk).update(is_active=False)
    assert look(NOON + 61 * MINUTE) == []


def test_a_room_that_is_no_more_is_left_out(people, look):
    ask(people)
    Paper.objects.update(withdrawn_at=NOON)
    assert look(NOON + 60 * MINUTE) == []


# --- What it says ----------------------------------------------------------------------------------------------------


def test_many_are_grouped_by_room_and_cut_at_twenty(people, look, monkeypatch):
    monkeypatch.setattr("chat.services.RATE", "1000/minute")
    Paper.objects.create(uid="P2", title="Second").representatives.add(people["Author"])
    for n in range(16):
        ask(people, f"Question {n:02}")
        ask(people, f"Question {n + 50:02}", room="paper:P2")
    (sent,) = look(NOON + 60 * MINUTE)
    assert sent.subject == "32 new messages in 2 conversations"
    told = [int(number) for number in re.findall(r"^> Question (\d+)", sent.body, re.MULTILINE)]
    assert told == [*range(10), *range(50, 60)]
    assert sent.body.count("\nSecond\n") == 1
    assert f"And 12 more: {settings.SITE_URL}/notifications/" in sent.body
    assert Notification.objects.filter(mailed_at=None).count() == 0


def test_it_names_nobody_s_address_and_its_html_is_clean(people, look):
    ask(people, "See [this](javascript:alert(1)) <script>alert(1)</script> *really* $x^2$")
    (sent,) = look(NOON + 60 * MINUTE)
    ((html, kind),) = sent.alternatives
    assert kind == "text/html"
    assert "<em>really</em>" in html
    assert "Attention &amp; &lt;all&gt; of it" in html
    assert "<script" not in html
    assert "javascript:alert" not in re.sub(r"\[this\].*?\)", "", html)
    whole = sent.message().as_string()
    assert {address for address in re.findall(r"[\w.+-]+@[\w.-]+", whole) if "example.org" in address} == {
        "author@example.org"
    }


def test_a_name_with_line_breaks_cannot_add_headers(people, look):
    User.objects.filter(pk=people["Asker"].pk).update(name="A\r\nBcc: evil@example.com\r\n\r\nHi")
    ask(people)
    (sent,) = look(NOON + 60 * MINUTE)
    parsed = message_from_string(sent.message().as_string(), policy=policy.default)
    assert parsed["Bcc"] is None
    assert parsed["Subject"].startswith("A Bcc: evil@example.com Hi asked")


def test_the_answer_is_told_to_who_asked(people, look):
    always(people["Asker"])
    question = ask(people)
    reply = say(people["Author"], "Because.", thread=question["id"])
    changes.mark_answered(user=people["Author"], message_id=question["id"], answer_id=reply["id"])
    (sent,) = look(NOON + MINUTE)
    assert sent.subject == "Author answered your question: Attention & <all> of it"
    assert "> Because." in sent.body


# --- Answering by mail -----------------------------------------------------------------------------------------------


def test_without_a_domain_for_replies_none_is_promised(people, look):
    ask(people)
    (sent,) = look(NOON + 60 * MINUTE)
    assert (sent.reply_to, "write above this line" in sent.body, "Answer by mail" in sent.body) == ([], False, False)


def test_a_mail_about_one_thread_is_answered_by_replying(people, look, settings):
    settings.REPLY_DOMAIN = "in.example.net"
    question = ask(people)
    (sent,) = look(NOON + 60 * MINUTE)
    (address,) = sent.reply_to
    found = read_address(address)
    assert (found.user_id, found.message_id, found.expired) == (people["Author"].pk, question["id"], False)
    assert sent.body.startswith("#### To answer, write above this line ####")


def test_a_mail_about_several_has_an_address_for_each(people, look, settings):
    settings.REPLY_DOMAIN = "in.example.net"
    ids = [ask(people, f"Question {n}")["id"] for n in range(2)]
    (sent,) = look(NOON + 60 * MINUTE)
    addresses = re.findall(r"Answer by mail: (\S+)", sent.body)
    assert sent.reply_to == []
    assert [read_address(address).message_id for address in addresses] == ids


def test_an_address_that_was_changed_anywhere_is_refused(settings):
    settings.REPLY_DOMAIN = "in.example.net"
    address = reply_address(user_id=2**40, message_id=2**62)
    assert len(address.partition("@")[0]) <= 64
    assert (read_address(address.upper()).user_id, read_address(address).message_id) == (2**40, 2**62)
    start = len("reply+")
    for place in range(start, address.index("@")):
        other = "a" if address[place] != "a" else "b"
        changed = address[:place] + other + address[place + 1 :]
        try:
            assert read_address(changed) == read_address(address)  # the last letter has bits that mean nothing
            assert place == address.index("@") - 1
        except TokenInvalid:
            pass
    for wrong in ("", "reply+@in.example.net", address.replace("in.", "out."), address.replace("reply+", "")):
        with pytest.raises(TokenInvalid):
            read_address(wrong)


def test_an_address_expires_after_thirty_days(settings, time_machine):
    settings.REPLY_DOMAIN = "in.example.net"
    time_machine.move_to(NOON, tick=False)
    address = reply_address(user_id=1, message_id=2)
    time_machine.move_to(NOON + dt.timedelta(days=30), tick=False)
    assert not read_address(address).expired
    time_machine.move_to(NOON + dt.timedelta(days=31), tick=False)
    assert read_address(address).expired


# --- Whatever dies ---------------------------------------------------------------------------------------------------


def test_what_the_server_did_not_take_is_tried_again(people, look, monkeypatch):
    ask(people)
    refuse = smtplib.SMTPResponseException(451, b"later")

    def fail(*_):
        raise refuse

    monkeypatch.setattr(digest, "send_digest", fail)
    assert look(NOON + 60 * MINUTE) == []
    monkeypatch.undo()
    assert len(look(NOON + 61 * MINUTE)) == 1


def test_a_worker_that_died_after_its_claim_leads_to_no_second_mail(people, look, time_machine):
    ask(people)
    time_machine.move_to(NOON + 60 * MINUTE, tick=False)
    claimed = digest.claim(people["Author"], NOON + 60 * MINUTE)
    assert [n.message.text for n in claimed.notifications] == ["Why?"]
    assert look(NOON + 120 * MINUTE) == []
    assert notifications.unread_count(people["Author"]) == 1  # it still stands in the page


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_the_same_time_send_one_mail(time_machine):
    time_machine.move_to(NOON, tick=False)
    made = make_people()
    for n in range(5):
        ask(made, f"Question {n}")
    time_machine.move_to(NOON + 60 * MINUTE, tick=False)
    mail.outbox.clear()
    start = threading.Barrier(4)

    def work(_: int) -> int:
        start.wait(20)
        try:
            return digest.send_due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [0, 0, 0, 1]
    assert subjects(mail.outbox) == ["5 new messages: Attention & <all> of it"]
