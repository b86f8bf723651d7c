"""One's own schedule: what is on it and why, by day of one's own zone, with clashes."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.utils.timezone import now

from papers.models import Authorship, Bookmark, Event, Paper, Person, Presentation, Seat, Session
from papers.schedule.personal import by_day, causes, entries_of_bookmarks, my_entries, withdrawn_titles

pytestmark = pytest.mark.django_db
START = dt.datetime(2027, 5, 3, 7, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def user():
    return get_user_model().objects.create_user("a@example.org", timezone="Europe/Berlin")


def add(uid: str, at: float = 0, length: float = 1, **fields: object) -> Session:
    start = START + at * HOUR
    return Session.objects.create(uid=uid, title=uid, starts_at=start, ends_at=start + length * HOUR, **fields)


def event(uid: str, **fields: object) -> Event:
    return Event.objects.create(uid=uid, title=uid, kind="workshop", **fields)


def reasons(user) -> dict[str, list[str]]:
    return {entry.title: [reason.name for reason in entry.reasons] for entry in my_entries(user)}


def test_it_holds_what_is_bookmarked_signed_up_for_presented_chaired_and_hosted(user):
    person = Person.objects.create(slug="a", name="A", user=user)
    kept, table, waiting, hosted = event("kept"), event("table"), event("waiting"), event("hosted")
    for n, of_event in enumerate((kept, table, waiting, hosted)):
        add(f"{of_event.uid} date", n, event=of_event)
    bookmarked, chaired, presenting, representing, listed = (
        add(name, 5 + n) for n, name in enumerate(("bookmarked", "chaired", "presenting", "representing", "listed"))
    )
    add("nothing to do with it", 20)
    papers = {name: Paper.objects.create(uid=name, title=name) for name in ("own", "represented", "liked")}
    Authorship.objects.create(paper=papers["own"], person=person, position=1)
    papers["represented"].representatives.add(user)
    for name, session in (("own", presenting), ("represented", representing), ("liked", listed)):
        Presentation.objects.create(paper=papers[name], session=session)
    Bookmark.objects.create(user=user, session=bookmarked)
    Bookmark.objects.create(user=user, event=kept)
    Bookmark.objects.create(user=user, paper=papers["liked"])
    Seat.objects.create(user=user, event=table)
    Seat.objects.create(user=user, event=waiting, waiting=True)
    chaired.chairs.add(person)
    hosted.people.add(person)
    assert reasons(user) == {
        "kept date": ["event"],
        "table date": ["seat"],
        "waiting date": ["waiting"],
        "hosted date": ["speaks"],
        "bookmarked": ["session"],
        "chaired": ["chairs"],
        "presenting": ["presents"],
        "representing": ["presents"],
        "listed": ["paper"],
    }


def test_reasons_for_the_same_session_are_one_entry(user):
    session = add("s")
    for uid in ("P", "Q"):
        paper = Paper.objects.create(uid=uid, title=uid)
        Presentation.objects.create(paper=paper, session=session)
        Bookmark.objects.create(user=user, paper=paper)
    Bookmark.objects.create(user=user, session=session)
    (entry,) = my_entries(user)
    assert sorted((reason.name, reason.thing.uid) for reason in entry.reasons) == [
        ("paper", "P"), ("paper", "Q"), ("session", "s"),
    ]  # fmt: skip


def test_a_paper_with_a_time_of_its_own_is_an_entry_of_its_own(user):
    session = add("s", 0, 3)
    paper = Paper.objects.create(uid="P", title="The paper")
    Presentation.objects.create(paper=paper, session=session, starts_at=START + HOUR, ends_at=START + 1.5 * HOUR)
    Bookmark.objects.create(user=user, paper=paper)
    (entry,) = my_entries(user)
    assert (entry.title, entry.starts_at, entry.own_time) == ("The paper", START + HOUR, True)


def test_nothing_withdrawn_is_on_it_and_what_went_is_told(user):
    gone, of_event = add("gone", withdrawn_at=now()), event("gone too", withdrawn_at=now())
    for session in (gone, add("date of it", 1, event=of_event)):
        Bookmark.objects.create(user=user, session=session)
    Bookmark.objects.create(user=user, event=of_event)
    paper = Paper.objects.create(uid="P", title="P", withdrawn_at=now())
    Presentation.objects.create(paper=paper, session=add("s", 2))
    Bookmark.objects.create(user=user, paper=paper)
    assert set(reasons(user)) <= {"date of it"}
    assert withdrawn_titles(user, START) == ["gone", "date of it"]
    assert withdrawn_titles(user, START + 10 * HOUR) == []


def test_of_a_workshop_the_dates_count_and_not_the_items_of_its_timetable(user):
    of_event = event("w")
    add("date", 0, 8, event=of_event)
    add("item", 1, event=of_event, in_schedule=False)
    Bookmark.objects.create(user=user, event=of_event)
    assert list(reasons(user)) == ["date"]


def clashes(user) -> dict[str, list[str]]:
    return {entry.title: [other.title for other in entry.clashes] for entry in my_entries(user)}


def bookmark_all(user) -> None:
    Bookmark.objects.bulk_create(Bookmark(user=user, session=session) for session in Session.objects.all())


def test_what_overlaps_clashes_and_what_only_touches_does_not(user):
    add("a", 0, 2)
    add("b", 1, 2)
    add("c", 3)
    add("d", 1.5, 0.25)
    bookmark_all(user)
    assert clashes(user) == {"a": ["b", "d"], "b": ["a", "d"], "d": ["a", "b"], "c": []}


def test_breaks_own_papers_and_items_of_the_same_event_do_not_clash(user):
    of_event = event("w")
    add("workshop", 0, 8, event=of_event)
    add("item", 1, event=of_event, in_schedule=False)
    add("coffee", 2, kind="break")
    bookmark_all(user)
    assert clashes(user) == {"workshop": [], "item": [], "coffee": []}


def test_the_hour_that_happens_twice_is_no_clash(user):
    for uid, at in (("first", "2026-10-25T00:00Z"), ("second", "2026-10-25T01:00Z")):  # 02:00 to 03:00 twice in Berlin
        start = dt.datetime.fromisoformat(at)
        Session.objects.create(uid=uid, title=uid, starts_at=start, ends_at=start + HOUR)
    bookmark_all(user)
    days = by_day(my_entries(user), ZoneInfo("Europe/Berlin"))
    assert {date.isoformat(): [entry.title for entry in entries] for date, entries in days.items()} == {
        "2026-10-25": ["first", "second"]
    }
    assert [(entry.clashes, entry.own_time) for entry in days[dt.date(2026, 10, 25)]] == [([], False), ([], False)]


def test_causes_of_everybody_within_a_time_are_those_of_each(user):
    other = get_user_model().objects.create_user("b@example.org")
    early, late = add("early", 0), add("late", 1)
    paper = Paper.objects.create(uid="P", title="P")
    Presentation.objects.create(paper=paper, session=early, starts_at=START + 0.5 * HOUR, ends_at=START + HOUR)
    Bookmark.objects.create(user=user, session=early)
    Bookmark.objects.create(user=other, session=late)
    Bookmark.objects.create(user=other, paper=paper)
    found = {(cause.user_id, cause.reason, cause.session_id) for cause in causes(within=(START, START + HOUR))}
    assert found == {(other.pk, "session", late.pk), (other.pk, "paper", early.pk)}  # the start itself is outside
    found = {(cause.user_id, cause.reason) for cause in causes(within=(START - HOUR, START))}
    assert found == {(user.pk, "session")}


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_the_page_goes_by_the_days_of_ones_own_zone(client, user, time_machine):
    time_machine.move_to("2027-05-01T00:00Z")
    add("late", 15.5)  # 22:30 UTC
    bookmark_all(user)
    client.force_login(user)
    text = client.get("/my-schedule/").content.decode()
    assert re.findall(r"<h2>(\w+, [^<]+)</h2>", text) == ["Tuesday, 4 May 2027"]
    assert "00:30–01:30" in text


def test_clashes_are_named_and_past_things_are_put_away(client, user, time_machine):
    time_machine.move_to(START + 1.5 * HOUR)
    add("over")
    add("one", 2)
    add("other", 2.5)
    bookmark_all(user)
    client.force_login(user)
    text = client.get("/my-schedule/").content.decode()
    coming, past = text.split("What is over")
    assert "over</a>" not in coming
    assert "over</a>" in past
    assert re.findall(r"At the same time:</strong> (\w+)", coming) == ["other", "one"]
    assert "<strong>2</strong> of what is still to come" in coming


def test_its_queries_do_not_grow_with_what_is_on_it(client, user, django_assert_max_num_queries):
    for n in range(60):
        session = add(f"s{n}", n)
        paper = Paper.objects.create(uid=f"P{n}", title=f"P{n}")
        Presentation.objects.create(paper=paper, session=session)
        Bookmark.objects.create(user=user, paper=paper)
    bookmark_all(user)
    client.force_login(user)
    with django_assert_max_num_queries(31):
        assert client.get("/my-schedule/").content.decode().count('<li class="entry') == 60


def test_visitors_get_the_same_page_all_of_them_and_their_bookmarks_by_address(client, user):
    assert "csrfmiddlewaretoken" not in client.get("/my-schedule/").content.decode()
    of_event = event("e")
    add("date", 1, event=of_event)
    session = add("s")
    paper = Paper.objects.create(uid="P", title="P")
    Presentation.objects.create(paper=paper, session=add("t", 3))
    add("other")
    found = entries_of_bookmarks(sessions=["s", "nonsense"], events=["e"], papers=["P"])
    assert [(entry.title, [reason.name for reason in entry.reasons]) for entry in found] == [
        ("s", ["session"]), ("date", ["event"]), ("t", ["paper"]),
    ]  # fmt: skip
    text = client.get("/my-schedule/of/?session=s&event=e&paper=P&session=%00").content.decode()
    assert re.findall(r'slot-title"><a href="[^"]+">(\w+)<', text) == ["s", "date", "t"]
    assert "<html" not in text
    session.delete()


def test_reminders_are_chosen_and_nonsense_is_refused(client, user):
    client.force_login(user)
    answer = client.post("/my-schedule/reminders/", {"minutes": "15"}, follow=True)
    assert "15 minutes before each session" in answer.content.decode()
    user.refresh_from_db()
    assert user.reminder_minutes == 15
    for asked in ("7", "", "-5", "9" * 5000):
        assert client.post("/my-schedule/reminders/", {"minutes": asked}).status_code == 302
    user.refresh_from_db()
    assert user.reminder_minutes == 15
