"""Reminders by mail: one for each person and start, in time, in the person's zone, and never twice."""

from __future__ import annotations

import datetime as dt
import smtplib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.db import connections
from django.utils.timezone import now

from miniconf.accounts.models import User
from papers import reminders
from papers.models import Bookmark, Conference, Event, Paper, Presentation, Seat, SentReminder, Session
from papers.reminder_tasks import send_reminders
from tests.mail_server import MailServer
from tests.running import free_port

pytestmark = pytest.mark.django_db
START = dt.datetime(2027, 5, 3, 7, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def person(email: str = "a@example.org", minutes: int = 15, **fields: object) -> User:
    return get_user_model().objects.create_user(email, reminder_minutes=minutes, **fields)


def session(uid: str = "s", start: dt.datetime = START, **fields: object) -> Session:
    return Session.objects.create(uid=uid, title=uid, starts_at=start, ends_at=start + 90 * MINUTE, **fields)


def bookmark(user: User, *sessions: Session) -> None:
    for shown in sessions:
        Bookmark.objects.create(user=user, session=shown)


@pytest.fixture
def look(time_machine):
    """Looks for what is due so many minutes before START; returns the subjects of the mails sent then."""

    def look(minutes_before: float) -> list[str]:
        time_machine.move_to(START - minutes_before * MINUTE, tick=False)
        mail.outbox.clear()
        send_reminders()
        return [message.subject for message in mail.outbox]

    return look


def test_one_mail_goes_out_in_time_and_no_second_one(look):
    bookmark(person(), session("A talk"))
    assert look(20) == []
    assert look(15) == ["In 15 minutes: A talk"]
    assert look(14) == []
    assert look(1) == []


def test_everybody_chooses_how_long_before_and_whether_at_all(look):
    shown = session("A talk")
    for minutes in (0, 5, 60):
        bookmark(person(f"{minutes}@example.org", minutes), shown)
    inactive = person("off@example.org")
    bookmark(inactive, shown)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    assert look(60) == ["In 60 minutes: A talk"]
    assert mail.outbox[0].to == ["60@example.org"]
    assert look(5) == ["In 5 minutes: A talk"]
    assert mail.outbox[0].to == ["5@example.org"]


def test_what_begins_at_the_same_time_stands_in_one_mail(look):
    bookmark(person(), session("A"), session("B"), session("C"), session("D", START + MINUTE))
    assert look(14) == ["In 14 minutes: A and 2 more", "In 15 minutes: D"]


def test_the_mail_says_when_in_the_persons_zone_where_and_how_to_turn_mails_off(look, settings):
    settings.SITE_URL = "https://conf.example"
    Conference.objects.create(name="Conf", timezone="America/New_York")
    shown = session("Talk <b> & $x$", room="Hall 2")
    bookmark(person("berlin@example.org", timezone="Europe/Berlin", name="Bea"), shown)
    bookmark(person("anywhere@example.org"), shown)
    assert look(15) == ["In 15 minutes: Talk <b> & $x$"] * 2
    berlin, anywhere = (message.body for message in mail.outbox)
    assert "Hello Bea," in berlin
    assert "Mon 3 May 2027, 09:00–10:30, Hall 2" in berlin
    assert "times in Europe/Berlin" in berlin
    assert "https://conf.example/sessions/s" not in berlin  # its id is its title here
    assert "/sessions/Talk%20%3Cb%3E%20&%20$x$/" in berlin
    assert "https://conf.example/my-schedule/#reminders" in berlin
    assert "Mon 3 May 2027, 03:00–04:30, Hall 2" in anywhere
    assert "times in America/New_York" in anywhere


def test_seats_events_and_papers_own_times_are_reminded_of_and_waiting_lists_are_not(look):
    user = person()
    for n, waiting in enumerate((False, True)):
        table = Event.objects.create(uid=f"t{n}", kind="mentoring", title=f"Table {n}")
        session(f"table {n}", event=table)
        Seat.objects.create(user=user, event=table, waiting=waiting)
    poster = session("posters", START - 60 * MINUTE)
    paper = Paper.objects.create(uid="P", title="A paper")
    at = START + 5 * MINUTE
    Presentation.objects.create(paper=paper, session=poster, starts_at=at, ends_at=at + 10 * MINUTE)
    Bookmark.objects.create(user=user, paper=paper)
    assert look(15) == ["In 15 minutes: table 0"]
    assert look(10) == ["In 15 minutes: A paper"]
    assert "in posters" in mail.outbox[0].body


def test_withdrawn_sessions_are_not_announced_and_moved_ones_are_announced_anew(look):
    user = person()
    moved, gone = session("moved"), session("gone")
    bookmark(user, moved, gone)
    Session.objects.filter(pk=gone.pk).update(withdrawn_at=now())
    assert look(10) == ["In 10 minutes: moved"]
    later = START + 20 * MINUTE
    Session.objects.filter(pk=moved.pk).update(starts_at=later, ends_at=later + 60 * MINUTE)
    assert look(9) == []  # twenty-nine minutes from now
    assert look(-5) == ["In 15 minutes: moved"]
    Session.objects.filter(pk=moved.pk).update(starts_at=START + 10 * MINUTE)
    assert look(-6) == ["In 4 minutes: moved"]


def test_after_a_break_nothing_past_is_announced(look):
    bookmark(person(), session("over"), session("next", START + 60 * MINUTE))
    assert look(-1) == []
    assert look(-50) == ["In 10 minutes: next"]


def test_who_bookmarks_late_is_still_told_and_others_are_not_told_again(look):
    user, shown = person(), session("A")
    bookmark(user, shown)
    assert look(15) == ["In 15 minutes: A"]
    bookmark(user, session("B"))
    bookmark(person("late@example.org"), shown)
    assert look(3) == ["In 3 minutes: B", "In 3 minutes: A"]


# --- When things go wrong ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_mail_once(time_machine):
    shown = session("A")
    for n in range(20):
        bookmark(person(f"{n:02}@example.org"), shown)
    time_machine.move_to(START - 10 * MINUTE, tick=False)
    mail.outbox.clear()
    both_are_here = threading.Barrier(2)

    def work(_: int) -> int:
        both_are_here.wait(10)
        try:
            return reminders.send_due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, range(2))) == 20
    assert sorted(message.to[0] for message in mail.outbox) == [f"{n:02}@example.org" for n in range(20)]
    assert SentReminder.objects.count() == 20


@pytest.fixture
def two_people() -> None:
    shown = session("A")
    for name in ("a", "b"):
        bookmark(person(f"{name}@example.org"), shown)


def look_again(time_machine, server: MailServer, minutes_before: float) -> list[str]:
    time_machine.move_to(START - minutes_before * MINUTE, tick=False)
    server.taken.clear()
    reminders.send_due()
    return list(server.taken)


def test_a_mail_the_server_did_not_take_is_tried_again(time_machine, mail_server, two_people):
    mail_server.answers = ["451 come back later"]
    assert look_again(time_machine, mail_server, 10) == ["b@example.org"]
    assert look_again(time_machine, mail_server, 9) == ["a@example.org"]
    assert look_again(time_machine, mail_server, 8) == []


def test_a_mail_that_may_have_gone_out_before_the_line_broke_is_not_sent_twice(time_machine, mail_server, two_people):
    mail_server.answers = [""]
    assert look_again(time_machine, mail_server, 10) == ["a@example.org", "b@example.org"]
    assert look_again(time_machine, mail_server, 9) == []


def test_an_address_that_is_refused_holds_up_nobody_and_is_left_alone(time_machine, mail_server, two_people):
    mail_server.refused = {"a@example.org": "550 nobody of that name"}
    assert look_again(time_machine, mail_server, 10) == ["b@example.org"]
    mail_server.refused = {}
    assert look_again(time_machine, mail_server, 9) == []


def test_an_address_that_is_refused_for_now_is_tried_again(time_machine, mail_server, two_people):
    mail_server.refused = {"a@example.org": "450 too busy"}
    assert look_again(time_machine, mail_server, 10) == ["b@example.org"]
    mail_server.refused = {}
    assert look_again(time_machine, mail_server, 9) == ["a@example.org"]


def test_without_a_mail_server_nothing_counts_as_sent(time_machine, settings, mail_server, two_people):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
    time_machine.move_to(START - 10 * MINUTE, tick=False)
    with pytest.raises((OSError, smtplib.SMTPException)):
        reminders.send_due()
    assert SentReminder.objects.count() == 0
    settings.EMAIL_PORT = port
    assert look_again(time_machine, mail_server, 9) == ["a@example.org", "b@example.org"]
