"""What did I miss: visits, periods, and what is told of them."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from time_machine import travel

from chat.models import Message, Room
from miniconf.accounts.models import User
from miniconf.accounts.services import note_visit
from papers import missed
from papers.models import Announcement, Authorship, Bookmark, Edit, Import, ImportChange, Paper, Person, Session

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2027, 5, 4, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def user():
    return get_user_model().objects.create_user("a@example.org", timezone="UTC")


def period(start: float = -24, end: float = 0) -> missed.Period:
    return missed.Period(NOON + start * HOUR, NOON + end * HOUR, "24h")


def session(uid: str, at: float = 24, **fields: object) -> Session:
    start = NOON + at * HOUR
    return Session.objects.create(uid=uid, title=uid, starts_at=start, ends_at=start + HOUR, **fields)


# --- Visits ----------------------------------------------------------------------------------------------------------


def visits(client, user, *times: str) -> list[tuple[str | None, str | None]]:
    """When somebody was seen last and when the visit before ended, after a request at each of the times."""
    seen = []
    for time in times:
        with travel(f"2027-05-04T{time}:00Z", tick=False):
            client.get("/help/")
        user.refresh_from_db()
        seen.append(
            tuple(at and f"{at:%H:%M}" for at in (user.last_seen_at, user.previous_visit_at))  # type: ignore[arg-type]
        )
    return seen


def test_a_new_visit_begins_after_an_hour_without_a_request(client, user):
    with travel("2027-05-04T08:00:00Z", tick=False):
        client.force_login(user)
    assert visits(client, user, "08:00", "08:03", "08:06", "08:50", "09:49", "10:52", "10:53", "13:00") == [
        ("08:00", None),
        ("08:00", None),  # written every five minutes at most
        ("08:06", None),
        ("08:50", None),
        ("09:49", None),
        ("10:52", "09:49"),
        ("10:52", "09:49"),
        ("13:00", "10:52"),
    ]


def test_visits_cost_one_update_in_five_minutes_and_visitors_nothing(client, user):
    def updates() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/help/")
        return sum("UPDATE" in query["sql"] and "last_seen_at" in query["sql"] for query in queries)

    assert updates() == 0
    client.force_login(user)
    assert [updates() for _ in range(3)] == [1, 0, 0]


def test_of_two_requests_at_once_only_one_ends_the_visit(user, time_machine):
    time_machine.move_to(NOON, tick=False)
    long_ago = NOON - 5 * HOUR
    User.objects.filter(pk=user.pk).update(last_seen_at=long_ago)
    one, other = User.objects.get(pk=user.pk), User.objects.get(pk=user.pk)
    note_visit(user=one)
    note_visit(user=other)
    user.refresh_from_db()
    assert user.previous_visit_at == long_ago
    assert other.previous_visit_at == long_ago


# --- Periods ---------------------------------------------------------------------------------------------------------


def read(query: str, user, zone: str = "UTC") -> missed.Period:
    return missed.read_period(QueryDict(query), user=user, zone=ZoneInfo(zone), time=NOON)


def test_the_period_is_the_last_visit_or_a_day_of_ones_zone_or_24_hours(user):
    assert read("", user).start == NOON - 24 * HOUR
    assert read("", user).first_visit
    user.previous_visit_at = NOON - 100 * HOUR
    assert read("", user).start == NOON - 100 * HOUR
    assert read("since=24h", user).start == NOON - 24 * HOUR
    day = read("since=2027-05-03", user, "Europe/Berlin")
    assert (day.start, day.end) == (
        dt.datetime(2027, 5, 2, 22, tzinfo=dt.UTC), dt.datetime(2027, 5, 3, 22, tzinfo=dt.UTC)
    )  # fmt: skip
    assert read("since=2027-05-04", user).end == NOON  # today, until now
    assert read("since=2028-01-01", user).start == read("since=2028-01-01", user).end
    assert read("since=9999-99-99", user).start == NOON - 100 * HOUR
    user.previous_visit_at = NOON - 10_000 * HOUR
    assert read("", user).start == NOON - dt.timedelta(days=31)


# --- What is told ----------------------------------------------------------------------------------------------------


def test_sessions_that_ended_meanwhile_with_the_bookmarked_ones_first(user):
    session("before", -30)
    session("ended", -3)
    mine = session("mine", -10)
    session("still on", -0.5)
    session("coffee", -4, kind="break")
    session("item of a timetable", -5, in_schedule=False)
    Bookmark.objects.create(user=user, session=mine)
    told = missed.missed_by(user, period())
    assert [shown.uid for shown in told.sessions] == ["mine", "ended"]
    assert told.bookmarked == {mine.pk}


@pytest.fixture
def touched(time_machine) -> dict[str, Session]:
    """Sessions last touched two days ago, but for those a test changes."""
    time_machine.move_to(NOON - 48 * HOUR, tick=False)
    sessions = {uid: session(uid) for uid in ("moved", "roomed", "edited", "withdrawn", "new", "still")}
    time_machine.move_to(NOON, tick=False)
    return sessions


def changes(user) -> dict[str, str]:
    return {change.session.uid: change.what for change in missed.missed_by(user, period()).changes}


def test_changes_of_the_schedule_say_what_changed(user, touched):
    old = {"starts_at": "2027-05-05T09:00:00+00:00", "ends_at": "2027-05-05T10:00:00+00:00"}
    run = Import.objects.create(state="applied", applied_at=NOON - HOUR)
    ImportChange.objects.create(run=run, kind="session", key="moved", action="changed", before=old)
    ImportChange.objects.create(run=run, kind="session", key="new", action="added")
    ImportChange.objects.create(run=run, kind="paper", key="roomed", action="added")
    Edit.objects.create(kind="session", key="roomed", before={"room": "Hall 1"}, after={"room": "Hall 2"})
    Edit.objects.filter(key="roomed").update(created_at=NOON - HOUR)
    for uid in ("moved", "roomed", "edited", "withdrawn", "new"):
        touched[uid].withdrawn_at = NOON if uid == "withdrawn" else None
        touched[uid].save()
    found = changes(user)
    assert found == {
        "edited": "Changed", "moved": "Moved", "roomed": "Moved", "withdrawn": "Withdrawn", "new": "New",
    }  # fmt: skip
    by_uid = {change.session.uid: change for change in missed.missed_by(user, period()).changes}
    assert by_uid["moved"].was[0] == dt.datetime(2027, 5, 5, 9, tzinfo=dt.UTC)
    assert by_uid["roomed"].room == "Hall 1"


def test_an_import_of_thousands_hides_no_change_of_one(user, touched):
    run = Import.objects.create(state="applied", applied_at=NOON - HOUR)
    many = [session(f"new {n:03}") for n in range(150)]
    ImportChange.objects.bulk_create(
        ImportChange(run=run, kind="session", key=added.uid, action="added") for added in many
    )
    touched["withdrawn"].withdrawn_at = NOON
    touched["withdrawn"].save()
    told = missed.missed_by(user, period())
    assert [change.what for change in told.changes] == ["Withdrawn"] + ["New"] * missed.MOST_NEW
    assert told.more_new == 150 - missed.MOST_NEW


def test_papers_and_announcements_of_the_period(user, time_machine):
    time_machine.move_to(NOON - 30 * HOUR, tick=False)
    Paper.objects.create(uid="old", title="Old")
    time_machine.move_to(NOON - 2 * HOUR, tick=False)
    for n in range(35):
        Paper.objects.create(uid=f"P{n}", title=f"{n:02}")
    Paper.objects.create(uid="gone", title="Gone", withdrawn_at=NOON)
    for title, at in (("before", -30), ("now", -1), ("later", 1)):
        Announcement.objects.create(title=title, published_at=NOON + at * HOUR)
    time_machine.move_to(NOON, tick=False)
    told = missed.missed_by(user, period())
    assert (len(told.papers), told.paper_count) == (missed.MOST_PAPERS, 35)
    assert [announcement.title for announcement in told.announcements] == ["now"]


def test_messages_about_ones_own_and_bookmarked_papers_are_counted(user, time_machine):
    other = get_user_model().objects.create_user("b@example.org")
    own, liked, neither = (Paper.objects.create(uid=uid, title=uid) for uid in ("own", "liked", "neither"))
    Authorship.objects.create(paper=own, person=Person.objects.create(slug="a", name="A", user=user), position=1)
    for paper in (liked, own):
        Bookmark.objects.create(user=user, paper=paper)

    def say(paper: Paper, author, at: float, number: int) -> None:
        time_machine.move_to(NOON + at * HOUR, tick=False)
        room, _ = Room.objects.get_or_create(key=f"paper:{paper.uid}")
        Message.objects.create(room=room, number=number, author=author, client_id=uuid4(), text="x", html="x")

    for number, (paper, author, at) in enumerate(
        [
            (own, other, -1),
            (own, user, -1),
            (liked, other, -2),
            (liked, None, -1),
            (liked, other, -30),
            (neither, other, -1),
        ]
    ):
        say(paper, author, at, number)
    time_machine.move_to(NOON, tick=False)
    told = missed.missed_by(user, period()).activities
    assert [(activity.title, activity.text) for activity in told] == [
        ("own", "1 new message about your paper"),
        ("liked", "2 new messages"),
    ]


def test_the_page_is_for_members_and_says_when_there_was_nothing(client, user, time_machine):
    time_machine.move_to(NOON, tick=False)
    assert client.get("/missed/").status_code == 302
    client.force_login(user)
    text = client.get("/missed/").content.decode()
    assert "This is your first visit" in text
    assert "Nothing: no session ended" in text


def test_the_page_takes_few_queries(client, user, touched, django_assert_max_num_queries):
    for n in range(40):
        session(f"over {n}", -20 + n / 10)
        Paper.objects.create(uid=f"P{n}", title=str(n))
    client.force_login(user)
    client.get("/missed/")
    with django_assert_max_num_queries(30):
        assert client.get("/missed/").status_code == 200
