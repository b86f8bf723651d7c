"""Places at tables: as many as there are, a waiting list in the order of arrival, and who may see and change it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils.timezone import now
from kombu import Connection
from kombu.pools import producers

from miniconf.accounts.models import User
from miniconf.celery import app
from papers import seats
from papers.models import Bookmark, Conference, Event, Person, Seat, Session
from papers.seat_tasks import fill_free_seats, tell_of_place

from .conftest import write

HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def tasks_at_once() -> Iterator[None]:
    """No worker runs beside these tests: what is queued is done at once."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def member(name: str, **fields: object) -> User:
    return User.objects.create_user(f"{name.lower()}@example.org", name=name, **fields)


def table(capacity: int | None = 2, **fields: object) -> Event:
    return Event.objects.create(uid="t1", kind="mentoring", title="A table", capacity=capacity, **fields)


def meets(event: Event, start: dt.datetime, uid: str = "s1") -> Session:
    return Session.objects.create(uid=uid, title="It meets", event=event, starts_at=start, ends_at=start + HOUR)


def names(waiting: bool) -> list[str]:
    return list(Seat.objects.filter(waiting=waiting).order_by("pk").values_list("user__name", flat=True))


def sit(*people: User, event: Event) -> None:
    for person in people:
        seats.take_seat(user=person, event=event)


# --- How many -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_many_who_sign_up_at_once_exactly_as_many_get_a_place_as_there_are():
    event = table(capacity=5)
    people = [member(f"P{n}") for n in range(16)]
    together = threading.Barrier(len(people))

    def sign_up(person: User) -> bool:
        try:
            together.wait(20)
            return seats.take_seat(user=person, event=event).waiting
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as threads:
        waiting = list(threads.map(sign_up, people))
    assert (waiting.count(False), waiting.count(True)) == (5, 11)
    assert (Seat.objects.filter(waiting=False).count(), Seat.objects.filter(waiting=True).count()) == (5, 11)


@pytest.mark.django_db(transaction=True)
def test_while_people_come_and_go_at_once_no_place_is_given_twice_and_none_stays_free():
    event = table(capacity=3)
    staying, leaving = [member(f"S{n}") for n in range(6)], [member(f"L{n}") for n in range(6)]
    sit(*leaving, event=event)
    together = threading.Barrier(12)

    def act(person: User) -> None:
        try:
            together.wait(20)
            if person in leaving:
                seats.leave_seat(user=person, event=event)
            else:
                seats.take_seat(user=person, event=event)
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(act, staying + leaving))
    assert Seat.objects.filter(waiting=False).count() == 3
    assert sorted(Seat.objects.values_list("user__name", flat=True)) == [f"S{n}" for n in range(6)]
    # Whoever sits came before whoever waits.
    order = list(Seat.objects.order_by("pk").values_list("waiting", flat=True))
    assert order == [False] * 3 + [True] * 3


@pytest.mark.django_db(transaction=True)
def test_one_person_who_signs_up_twice_at_once_gets_one_place():
    event, ada = table(), member("Ada")
    together = threading.Barrier(4)

    def sign_up(_: int) -> None:
        try:
            together.wait(20)
            seats.take_seat(user=ada, event=event)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(sign_up, range(4)))
    assert Seat.objects.count() == 1


# --- Waiting list -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_when_somebody_leaves_the_first_of_those_who_wait_moves_up_and_gets_one_mail(
    django_capture_on_commit_callbacks,
):
    event = table(capacity=1)
    meets(event, dt.datetime(2100, 5, 3, 14, tzinfo=dt.UTC))
    Conference.objects.create(name="Own", timezone="UTC")
    ada, bob, cleo = member("Ada"), member("Bob", timezone="Asia/Tokyo"), member("Cleo")
    sit(ada, bob, cleo, event=event)
    assert (names(waiting=False), names(waiting=True)) == (["Ada"], ["Bob", "Cleo"])
    with django_capture_on_commit_callbacks(execute=True):
        seats.leave_seat(user=ada, event=event)
    assert (names(waiting=False), names(waiting=True)) == (["Bob"], ["Cleo"])
    assert [(message.to, message.subject) for message in mail.outbox] == [
        (["bob@example.org"], "You have a place: A table")
    ]
    body = mail.outbox[0].body
    assert "Monday, 3 May 2100, 23:00 (Asia/Tokyo)" in body
    assert "/events/t1/" in body
    fill_free_seats()
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_leaving_the_waiting_list_moves_nobody_up(django_capture_on_commit_callbacks):
    event = table(capacity=1)
    ada, bob, cleo = member("Ada"), member("Bob"), member("Cleo")
    sit(ada, bob, cleo, event=event)
    with django_capture_on_commit_callbacks(execute=True):
        assert seats.leave_seat(user=bob, event=event) is True
        assert seats.leave_seat(user=bob, event=event) is False
    assert (names(waiting=False), names(waiting=True)) == (["Ada"], ["Cleo"])
    assert mail.outbox == []


@pytest.mark.django_db
def test_fewer_places_take_nobodys_place_and_give_nobody_new_one():
    event = table(capacity=3)
    people = [member(name) for name in ("Ada", "Bob", "Cleo", "Dora")]
    sit(*people[:3], event=event)
    Event.objects.update(capacity=1)
    sit(people[3], event=event)
    assert (names(waiting=False), names(waiting=True)) == (["Ada", "Bob", "Cleo"], ["Dora"])
    seats.leave_seat(user=people[0], event=event)
    seats.leave_seat(user=people[1], event=event)
    assert (names(waiting=False), names(waiting=True)) == (["Cleo"], ["Dora"])
    seats.leave_seat(user=people[2], event=event)
    assert (names(waiting=False), names(waiting=True)) == (["Dora"], [])


@pytest.mark.django_db
def test_places_added_by_an_import_go_to_those_who_wait(native: Path, load, django_capture_on_commit_callbacks):
    """The importer writes in bulk and knows nothing of seats: the scheduler's next look finds them."""
    entry = "- uid: t1\n  kind: mentoring\n  title: A table\n  capacity: {}\n"
    write(native / "events.yml", entry.format(1))
    write(native / "sessions.yml", "[]\n")
    load(native)
    event = Event.objects.get(uid="t1")
    people = [member(name) for name in ("Ada", "Bob", "Cleo", "Dora")]
    sit(*people, event=event)
    write(native / "events.yml", entry.format(3))
    load(native)
    with django_capture_on_commit_callbacks(execute=True):
        fill_free_seats()
        fill_free_seats()
    assert (names(waiting=False), names(waiting=True)) == (["Ada", "Bob", "Cleo"], ["Dora"])
    assert [message.to for message in mail.outbox] == [["bob@example.org"], ["cleo@example.org"]]


@pytest.mark.django_db
def test_who_waits_comes_before_whoever_signs_up_now_also_when_places_were_just_added():
    event = table(capacity=1)
    sit(member("Ada"), member("Bob"), event=event)
    Event.objects.update(capacity=2)
    sit(member("Cleo"), event=event)
    assert (names(waiting=False), names(waiting=True)) == (["Ada", "Bob"], ["Cleo"])


@pytest.mark.django_db
def test_who_has_left_before_the_mail_goes_out_gets_none():
    event, ada = table(), member("Ada")
    seat = seats.take_seat(user=ada, event=event)
    seats.leave_seat(user=ada, event=event)
    tell_of_place(seat.pk)
    assert mail.outbox == []


@pytest.mark.django_db
def test_the_mail_goes_out_also_when_the_queue_is_away(django_capture_on_commit_callbacks, monkeypatch):
    app.conf.task_always_eager = False
    nowhere = producers[Connection("redis://127.0.0.1:1")]
    monkeypatch.setattr(app.amqp, "_producer_pool", nowhere)
    event = table(capacity=1)
    ada, bob = member("Ada"), member("Bob")
    sit(ada, bob, event=event)
    with django_capture_on_commit_callbacks(execute=True):
        seats.leave_seat(user=ada, event=event)
    assert [message.to for message in mail.outbox] == [["bob@example.org"]]


# --- Refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"capacity": None}, "“A table” has no list of places: simply come."),
        ({"seats_closed": True}, "The sign-up for “A table” is closed."),
        ({"withdrawn_at": now()}, "“A table” is no longer part of the programme."),
    ],
)
def test_no_place_where_there_is_no_sign_up(fields, sentence):
    event = table(**fields)
    with pytest.raises(seats.SeatRefused, match=f"^{sentence}$"):
        seats.take_seat(user=member("Ada"), event=event)
    assert Seat.objects.count() == 0


@pytest.mark.django_db
def test_what_is_over_takes_nobody_and_moves_nobody_up(django_capture_on_commit_callbacks):
    event = table(capacity=1)
    ada, bob = member("Ada"), member("Bob")
    sit(ada, bob, event=event)
    meets(event, now() - 3 * HOUR)
    with pytest.raises(seats.SeatRefused, match="is over"):
        seats.take_seat(user=member("Cleo"), event=event)
    with django_capture_on_commit_callbacks(execute=True):
        seats.leave_seat(user=ada, event=event)
        fill_free_seats()
    assert (names(waiting=False), names(waiting=True), mail.outbox) == ([], ["Bob"], [])


@pytest.mark.django_db
def test_a_note_can_be_changed_and_is_not_too_long():
    event, ada = table(), member("Ada")
    seats.take_seat(user=ada, event=event, note="  How to\n begin ")
    assert Seat.objects.get().note == "How to begin"
    Event.objects.update(seats_closed=True)
    seats.take_seat(user=ada, event=event, note="How to end")
    assert Seat.objects.get().note == "How to end"
    with pytest.raises(seats.SeatRefused, match="at most 300 characters; yours has 301"):
        seats.take_seat(user=ada, event=event, note="x" * 301)


@pytest.mark.django_db
def test_the_waiting_list_ends_somewhere(monkeypatch):
    monkeypatch.setattr(seats, "LONGEST_WAITING_LIST", 1)
    event = table(capacity=1)
    sit(member("Ada"), member("Bob"), event=event)
    with pytest.raises(seats.SeatRefused, match="is full, and 1 people wait already"):
        sit(member("Cleo"), event=event)


# --- Pages --------------------------------------------------------------------------------------------------------------


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def said(client: Client, path: str, **data: object) -> str:
    """The page one lands on after sending a form."""
    response = client.post(path, data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.django_db
def test_a_visitor_sees_how_many_places_there_are_and_the_way_in(client):
    event = table()
    sit(member("Ada"), event=event)
    text = client.get("/events/t1/").content.decode()
    assert "2 places" in text
    assert "Ada" not in text
    assert "csrfmiddlewaretoken" not in text.split('id="main"')[1]
    assert client.post("/events/t1/seat/", {"act": "take"}).url == "/accounts/login/?next=/events/t1/"
    assert client.get("/seats/").status_code == 302
    assert client.get("/events/t1/seats/").status_code == 302


@pytest.mark.django_db
def test_a_member_signs_up_waits_and_leaves_on_the_page(client):
    table(capacity=1)
    ada, bob = client_of(member("Ada")), client_of(member("Bob"))
    assert "You have a place at “A table”." in said(ada, "/events/t1/seat/", act="take", note="Beginnings")
    assert "Your note is changed." in said(ada, "/events/t1/seat/", act="take", note="Endings")
    assert "You are number 1 of the waiting list." in said(bob, "/events/t1/seat/", act="take")
    own = bob.get("/seats/").content.decode()
    assert "Number 1 of the waiting list" in own
    assert "Beginnings" not in own
    assert "Endings" in ada.get("/seats/").content.decode()
    assert "You have given up your place" in said(ada, "/events/t1/seat/", act="leave")
    assert "You have a place." in bob.get("/events/t1/").content.decode()
    assert "Take a place" not in bob.get("/events/t1/").content.decode()


@pytest.mark.django_db
def test_hosts_and_organizers_see_who_comes_and_nobody_elses_address():
    event = table(capacity=1)
    host, ada, bob = member("Hostess"), member("Ada", affiliation="London"), member("Bob")
    event.people.add(Person.objects.create(slug="hostess", name="Hostess", user=host))
    seats.take_seat(user=ada, event=event, note="Beginnings")
    sit(bob, event=event)
    assert client_of(ada).get("/events/t1/seats/").status_code == 403
    for viewer in (host, member("Org", is_organizer=True)):
        text = client_of(viewer).get("/events/t1/seats/").content.decode().split('id="main"')[1]
        assert [name in text for name in ("Ada", "London", "Beginnings", "Bob")] == [True] * 4
        assert "@example.org" not in text
    assert "You host it" in client_of(host).get("/events/t1/").content.decode()
    assert "your place is certain" in said(client_of(host), "/events/t1/seat/", act="take")
    assert client_of(host).post("/events/t1/seats/", {"act": "clear"}).status_code == 403
    assert Seat.objects.count() == 2


@pytest.mark.django_db
def test_organizers_close_open_remove_and_clear(django_capture_on_commit_callbacks):
    event = table(capacity=1)
    ada, bob, cleo = member("Ada"), member("Bob"), member("Cleo")
    organizer = client_of(member("Org", is_organizer=True))
    sit(ada, bob, cleo, event=event)
    assert "The sign-up is closed." in said(organizer, "/events/t1/seats/", act="close")
    assert "Join the waiting list" not in client_of(member("Dora")).get("/events/t1/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        text = said(organizer, "/events/t1/seats/", act="remove", seat=Seat.objects.get(user=ada).pk)
    assert "Ada is off the list." in text
    assert (names(waiting=False), names(waiting=True)) == (["Bob"], ["Cleo"])
    assert [message.to for message in mail.outbox] == [["bob@example.org"]]
    for nonsense in ("", "x", "²", "9" * 30, str(Seat.objects.get(user=cleo).pk + 1000)):
        said(organizer, "/events/t1/seats/", act="remove", seat=nonsense)
    assert Seat.objects.count() == 2
    assert "2 people were on it" in said(organizer, "/events/t1/seats/", act="clear")
    assert Seat.objects.count() == 0
    assert len(mail.outbox) == 1
    said(organizer, "/events/t1/seats/", act="open")
    sit(ada, event=event)
    assert names(waiting=False) == ["Ada"]


@pytest.mark.django_db
def test_what_one_already_has_at_the_time_is_said_before_signing_up():
    event, ada = table(), member("Ada")
    start = now() + HOUR
    meets(event, start)
    other = Event.objects.create(uid="t2", kind="mentoring", title="Other table", capacity=2)
    during = meets(other, start + HOUR / 2, uid="s2")
    after = Session.objects.create(uid="s3", title="Later", starts_at=start + HOUR, ends_at=start + 2 * HOUR)
    gone = Session.objects.create(uid="s4", title="Gone", starts_at=start, ends_at=start + HOUR, withdrawn_at=now())
    for session in (after, gone):
        Bookmark.objects.create(user=ada, session=session)
    assert seats.clashes(ada, event) == []
    sit(ada, event=other)
    assert seats.clashes(ada, event) == [during]
    assert "At the same time you have" in client_of(ada).get("/events/t1/").content.decode()


@pytest.mark.django_db
def test_the_state_of_many_tables_is_read_at_once(django_assert_num_queries):
    event = table(capacity=1)
    sit(member("Ada"), member("Bob"), event=event)
    others = [Event.objects.create(uid=f"x{n}", kind="social", title="X", capacity=n) for n in range(20)]
    with django_assert_num_queries(3):
        tables = seats.tables_of([event, *others, Event(pk=999, uid="none", title="N")])
    assert len(tables) == 21
    assert tables[event.pk] == seats.Table(capacity=1, taken=1, waiting=1)
    assert (tables[event.pk].free, tables[others[5].pk].free) == (0, 5)
