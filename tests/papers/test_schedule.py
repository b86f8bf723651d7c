"""The schedule: days of the viewer's zone, and sessions side by side."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.http import QueryDict
from django.utils.timezone import now

from papers import zones
from papers.models import Bookmark, Conference, Event, Paper, Presentation, Session, Track
from papers.schedule import pages
from papers.schedule.layout import day_of, slots_by_day
from papers.schedule.pages import chosen_day
from papers.schedule.wanted import read_wanted

BERLIN = ZoneInfo("Europe/Berlin")


def session(title: str, start: str, end: str, **fields: object) -> Session:
    return Session(
        uid=title,
        title=title,
        starts_at=dt.datetime.fromisoformat(start),
        ends_at=dt.datetime.fromisoformat(end),
        **fields,
    )


def days(*sessions: Session, zone: ZoneInfo = BERLIN) -> dict[str, list[str]]:
    found = slots_by_day(sessions, zone)
    return {date.isoformat(): [slot.session.title for slot in slots] for date, slots in found.items()}


def test_a_session_belongs_to_the_day_on_which_it_starts_for_the_viewer():
    late = session("late", "2027-05-03T22:30Z", "2027-05-04T00:30Z")
    assert days(late, zone=ZoneInfo("UTC")) == {"2027-05-03": ["late"]}
    assert days(late) == {"2027-05-04": ["late"]}
    assert days(late, zone=ZoneInfo("Pacific/Auckland")) == {"2027-05-04": ["late"]}
    assert days(late, zone=ZoneInfo("America/Los_Angeles")) == {"2027-05-03": ["late"]}


def test_days_begin_at_midnight_also_where_the_clocks_change():
    before = session("before", "2027-03-27T22:59Z", "2027-03-27T23:30Z")
    after = session("after", "2027-03-28T21:59Z", "2027-03-28T22:30Z")  # 23:59 on the day of 23 hours
    assert days(before, after) == {"2027-03-27": ["before"], "2027-03-28": ["after"]}


def layout(*sessions: Session) -> list[list[tuple[str, int, int, int]]]:
    """Blocks of (title, lane, first row, row after the last)."""
    ((date, slots),) = slots_by_day(sessions, BERLIN).items()
    return [[(s.session.title, s.lane, s.top, s.bottom) for s in block.slots] for block in day_of(date, slots).blocks]


def test_sessions_after_each_other_stand_below_each_other():
    assert layout(
        session("a", "2027-05-03T08:00Z", "2027-05-03T09:00Z"), session("b", "2027-05-03T09:00Z", "2027-05-03T10:00Z")
    ) == [
        [("a", 1, 1, 2)],
        [("b", 1, 1, 2)],
    ]


def test_sessions_that_overlap_stand_side_by_side_and_a_free_lane_is_used_again():
    assert layout(
        session("long", "2027-05-03T08:00Z", "2027-05-03T12:00Z"),
        session("first", "2027-05-03T08:00Z", "2027-05-03T09:00Z"),
        session("second", "2027-05-03T09:00Z", "2027-05-03T10:00Z"),
        session("next", "2027-05-03T12:00Z", "2027-05-03T13:00Z"),
    ) == [
        [("first", 1, 1, 2), ("long", 2, 1, 4), ("second", 1, 2, 3)],
        [("next", 1, 1, 2)],
    ]


def test_more_sessions_at_once_than_fit_are_a_list():
    many = [session(f"s{n}", "2027-05-03T08:00Z", "2027-05-03T09:00Z") for n in range(7)]
    ((date, slots),) = slots_by_day(many, BERLIN).items()
    (block,) = day_of(date, slots).blocks
    assert (block.lanes, block.side_by_side) == (7, False)


def test_the_night_the_clocks_go_back_keeps_its_order():
    # 02:30 happens twice in Berlin: at 00:30 and at 01:30 UTC.
    blocks = layout(
        session("a", "2026-10-25T00:15Z", "2026-10-25T00:45Z"),
        session("b", "2026-10-25T01:15Z", "2026-10-25T01:45Z"),
    )
    assert blocks == [[("a", 1, 1, 2)], [("b", 1, 1, 2)]]


# --- The nights in which clocks change -----------------------------------------------------------------------------


def written(start: str, end: str, zone: str) -> str:
    a, b = (dt.datetime.fromisoformat(time).astimezone(ZoneInfo(zone)) for time in (start, end))
    return zones.span(a, b)


@pytest.mark.parametrize(
    ("zone", "start", "end", "text"),
    [
        # Back: 02:30 happens twice in Berlin, 01:30 twice in New York, 01:45 twice on Lord Howe Island (half an hour).
        ("Europe/Berlin", "2026-10-25T00:15Z", "2026-10-25T00:45Z", "02:15–02:45 UTC+2"),
        ("Europe/Berlin", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "02:30 UTC+2–02:30 UTC+1"),
        ("Europe/Berlin", "2026-10-24T23:30Z", "2026-10-25T02:30Z", "01:30–03:30"),
        ("America/New_York", "2026-11-01T05:30Z", "2026-11-01T06:30Z", "01:30 UTC−4–01:30 UTC−5"),
        ("Australia/Lord_Howe", "2027-04-03T14:45Z", "2027-04-03T15:15Z", "01:45 UTC+11–01:45 UTC+10:30"),
        # Forward: one hour by the sun is two by the clock.
        ("Europe/Berlin", "2027-03-28T00:30Z", "2027-03-28T01:30Z", "01:30–03:30"),
        ("America/New_York", "2027-03-14T06:30Z", "2027-03-14T07:30Z", "01:30–03:30"),
        ("Asia/Kolkata", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "06:00–07:00"),
    ],
)
def test_times_are_told_apart_in_the_night_the_clocks_change(zone, start, end, text):
    assert written(start, end, zone) == text


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        ("Europe/Berlin", "2026-10-25", 25),
        ("Europe/Berlin", "2027-03-28", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Africa/Cairo", "2027-04-30", 23),  # the hour left out begins at midnight
        ("Asia/Kolkata", "2026-10-25", 24),
    ],
)
def test_a_day_has_as_many_hours_as_it_has(zone, date, hours):
    start, end = zones.day_bounds(dt.date.fromisoformat(date), ZoneInfo(zone))
    assert (end - start) / dt.timedelta(hours=1) == hours


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Auckland", "America/Havana"])
def test_each_session_of_a_fortnight_with_a_clock_change_is_on_the_page_of_exactly_one_day(zone):
    first = {"Pacific/Auckland": "2026-09-20", "Europe/Berlin": "2026-10-18"}.get(zone, "2026-10-25")
    start = dt.datetime.fromisoformat(f"{first}T00:00Z")
    every_half_hour = [start + dt.timedelta(minutes=30 * n) for n in range(48 * 14)]
    Session.objects.bulk_create(
        Session(uid=str(n), title=str(n), starts_at=at, ends_at=at + dt.timedelta(minutes=30))
        for n, at in enumerate(every_half_hour)
    )
    found = []
    for date in pages.dates_of(Session.objects.all(), ZoneInfo(zone)):
        (day,) = pages.day_page(Session.objects.all(), date, ZoneInfo(zone)).days
        assert {slot.starts_at.date() for block in day.blocks for slot in block.slots} == {date}
        found += [slot.session.uid for block in day.blocks for slot in block.slots]
    assert found == [str(n) for n in range(48 * 14)]


@pytest.mark.parametrize(
    ("asked", "today", "chosen"),
    [
        ("2027-05-04", "2027-05-03", "2027-05-04"),
        ("2027-05-09", "2027-05-03", "2027-05-03"),
        ("nonsense", "2027-05-01", "2027-05-03"),
        ("", "2027-05-05", "2027-05-06"),
        ("", "2028-01-01", "2027-05-03"),
    ],
)
def test_the_day_asked_for_or_today_or_the_next_or_the_first(asked, today, chosen):
    known = [dt.date(2027, 5, 3), dt.date(2027, 5, 4), dt.date(2027, 5, 6)]
    wanted = read_wanted(QueryDict(f"day={asked}")).day
    assert chosen_day(wanted, known, dt.date.fromisoformat(today)) == dt.date.fromisoformat(chosen)
    assert chosen_day(wanted, [], dt.date.fromisoformat(today)) is None


# --- The page ----------------------------------------------------------------------------------------------------


@pytest.fixture
def programme(db) -> None:
    session("Early", "2027-05-03T06:00Z", "2027-05-03T07:00Z", kind="poster").save()
    session("Late", "2027-05-03T22:30Z", "2027-05-04T00:30Z", kind="social").save()
    session("Gone", "2027-05-03T06:00Z", "2027-05-03T07:00Z", withdrawn_at=now()).save()


def agenda(client, query: str = "") -> list[tuple[str, str]]:
    """Days and titles in the order of the page."""
    text = client.get(f"/schedule/{query}").content.decode()
    return re.findall(r'<h2 id="day-([\d-]+)">|class="slot-title"><a href="[^"]+">([^<]+)</a>', text)


def test_the_page_groups_by_the_zone_of_the_profile_or_of_the_browser_or_of_the_conference(client, programme):
    Conference.objects.create(name="C", timezone="America/New_York")
    everything = "?view=agenda"
    assert agenda(client, everything) == [("2027-05-03", ""), ("", "Early"), ("", "Late")]
    client.cookies["timezone"] = "Europe/Berlin"
    berlin = [("2027-05-03", ""), ("", "Early"), ("2027-05-04", ""), ("", "Late")]
    assert agenda(client, everything) == berlin
    client.force_login(get_user_model().objects.create_user("a@example.org", timezone="Pacific/Honolulu"))
    assert agenda(client, everything) == [("2027-05-02", ""), ("", "Early"), ("2027-05-03", ""), ("", "Late")]


def test_one_day_at_a_time_and_one_kind(client, programme):
    client.cookies["timezone"] = "Europe/Berlin"
    assert agenda(client, "?day=2027-05-04") == [("2027-05-04", ""), ("", "Late")]
    assert agenda(client, "?view=agenda&kind=poster") == [("2027-05-03", ""), ("", "Early")]
    assert agenda(client, "?view=agenda&kind=nonsense")[1] == ("", "Early")


def test_a_zone_is_chosen_without_scripts_and_remembered(client, programme):
    response = client.get("/schedule/?tz=Asia/Tokyo&view=agenda&kind=social")
    assert (response.status_code, response.headers["Location"]) == (302, "/schedule/?view=agenda&kind=social")
    assert client.cookies["timezone"].value == "Asia/Tokyo"
    assert agenda(client, "?view=agenda&kind=social") == [("2027-05-04", ""), ("", "Late")]


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Mars/Base", "", "\x00", "Europe"])
def test_a_zone_that_does_not_exist_changes_nothing(client, programme, zone):
    assert client.get("/schedule/", {"tz": zone}).status_code == 302
    assert "timezone" not in client.cookies
    client.cookies["timezone"] = zone.replace("\x00", "")
    assert agenda(client, "?view=agenda")[0] == ("2027-05-03", "")


def test_what_is_on_now_is_marked(client, db):
    for title, start, end in (("over", -2, -1), ("running", -1, 1), ("coming", 1, 2)):
        Session.objects.create(
            uid=title, title=title, starts_at=now() + dt.timedelta(hours=start), ends_at=now() + dt.timedelta(hours=end)
        )
    text = client.get("/schedule/?view=agenda").content.decode()
    classes = dict(re.findall(r'<li class="slot ([^"]*)".*?slot-title"><a href="/sessions/(\w+)/"', text, re.DOTALL))
    marked = {title: re.findall(r"is-\w+", names) for names, title in classes.items()}
    assert marked == {"over": ["is-over"], "running": ["is-now"], "coming": []}


# --- Views, filters, bounds -------------------------------------------------------------------------------------------


def test_filters_add_kinds_and_keep_to_a_track(client, db):
    theory = Track.objects.create(name="Theory", slug="theory")
    for title, kind, track in (("a", "poster", theory), ("b", "oral", None), ("c", "social", theory)):
        session(title, "2027-05-03T06:00Z", "2027-05-03T07:00Z", kind=kind, track=track).save()
    assert [title for _, title in agenda(client, "?kind=poster&kind=oral")[1:]] == ["a", "b"]
    assert [title for _, title in agenda(client, "?track=theory")[1:]] == ["a", "c"]
    assert [title for _, title in agenda(client, "?track=theory&kind=social&kind=oral")[1:]] == ["c"]


def test_members_see_only_what_they_bookmarked_if_they_want(client, db):
    event = Event.objects.create(uid="e", kind="keynote", title="E")
    for title, of_event in (("own", None), ("of an event", event), ("other", None)):
        session(title, "2027-05-03T06:00Z", "2027-05-03T07:00Z", event=of_event).save()
    user = get_user_model().objects.create_user("a@example.org")
    Bookmark.objects.create(user=user, session=Session.objects.get(uid="own"))
    Bookmark.objects.create(user=user, event=event)
    titles = lambda: [title for _, title in agenda(client, "?bookmarked=1")[1:]]  # noqa: E731
    assert titles() == ["of an event", "other", "own"]  # a visitor's browser filters itself
    client.force_login(user)
    assert titles() == ["of an event", "own"]


def test_items_of_a_workshops_own_timetable_are_not_in_the_schedule(client, programme):
    Session.objects.filter(uid="Late").update(in_schedule=False)
    assert agenda(client, "?view=agenda") == [("2027-05-03", ""), ("", "Early")]


def test_a_session_that_goes_on_after_midnight_is_told_on_the_next_day(client, programme):
    session("Morning", "2027-05-04T08:00Z", "2027-05-04T09:00Z").save()
    text = client.get("/schedule/?day=2027-05-04").content.decode()
    assert "Still going on from before" in text
    assert re.findall(r'day-earlier">[^<]*<a href="([^"]+)">', text) == ["/sessions/Late/"]


def test_sessions_name_their_first_papers_and_tell_how_many_more(client, programme):
    early = Session.objects.get(uid="Early")
    for n in range(5):
        withdrawn = now() if n == 0 else None
        paper = Paper.objects.create(uid=f"P{n}", title=f"Paper {n}", withdrawn_at=withdrawn)
        Presentation.objects.create(session=early, paper=paper, position=n)
    text = client.get("/schedule/?day=2027-05-03").content.decode()
    papers = re.search(r'<ul class="slot-papers">(.*?)</ul>', text, re.DOTALL)[1]
    assert re.findall(r'href="([^"]+)">([^<]+)</a>', papers) == [
        ("/papers/P1/", "Paper 1"),
        ("/papers/P2/", "Paper 2"),
        ("/sessions/Early/", "2 more"),
    ]


@pytest.fixture
def long_day(db) -> None:
    """450 sessions on the 3rd, one every minute; ten on the 4th."""
    first, second = dt.datetime(2027, 5, 3, tzinfo=dt.UTC), dt.datetime(2027, 5, 4, tzinfo=dt.UTC)
    starts = [first + dt.timedelta(minutes=n) for n in range(450)] + [second + dt.timedelta(hours=n) for n in range(10)]
    Session.objects.bulk_create(
        Session(uid=f"{n:03}", title=f"{n:03}", starts_at=at, ends_at=at + dt.timedelta(minutes=30))
        for n, at in enumerate(starts)
    )


@pytest.mark.parametrize("view", ["day", "agenda", "print"])
def test_a_long_day_is_cut_into_pages_and_nothing_is_lost(client, long_day, view):
    shown, address = [], f"?view={view}&day=2027-05-03"
    sizes = []
    while address:
        text = client.get(f"/schedule/{address}").content.decode()
        titles = re.findall(r'class="slot-title"><a href="[^"]+">([^<]+)</a>', text)
        shown += titles
        sizes.append(len(titles))
        following = re.search(r'href="(\?[^"]+)" rel="next"', text)
        address = following[1].replace("&amp;", "&") if following else ""
    assert shown == [f"{n:03}" for n in range(460)]
    assert sizes == [200, 200, 50, 10]


def test_a_page_takes_few_queries_however_many_sessions_there_are(client, long_day, django_assert_max_num_queries):
    for view in ("day", "week", "agenda", "print"):
        client.get(f"/schedule/?view={view}")
        with django_assert_max_num_queries(12):
            client.get(f"/schedule/?view={view}")


def test_on_paper_a_session_names_all_its_papers(client, programme):
    session = Session.objects.get(title="Early")
    papers = Paper.objects.bulk_create([Paper(uid=f"many{n}", title=f"Number {n:02}") for n in range(12)])
    Presentation.objects.bulk_create(
        Presentation(session=session, paper=paper, position=n) for n, paper in enumerate(papers)
    )

    def named(view):
        return re.findall(r"Number \d\d", client.get(f"/schedule/?view={view}").content.decode())

    assert named("agenda") == ["Number 00", "Number 01"]
    assert named("print") == [f"Number {n:02}" for n in range(12)]


@pytest.mark.parametrize(
    "query",
    [
        "?view=month", "?day=2027-13-40", "?day=9999-12-31", "?day=0001-01-01", "?page=-1", "?page=9999999999999",
        "?track=%00", "?kind=%00&kind=poster", "?page=%C2%B2", "?day=20270503", "?bookmarked=yes",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_shows_the_schedule_all_the_same(client, programme, query):
    answer = client.get(f"/schedule/{query}")
    assert answer.status_code == 200
    assert "Early" in answer.content.decode() or "page=" in query or "track" in query


def test_members_choose_their_zone_for_all_their_devices(client, programme):
    user = get_user_model().objects.create_user("a@example.org")
    client.force_login(user)
    answer = client.post("/schedule/zone/", {"tz": "Asia/Tokyo", "next": "/schedule/?view=agenda"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/schedule/?view=agenda")
    user.refresh_from_db()
    assert user.timezone == "Asia/Tokyo"
    assert agenda(client, "?view=agenda") == [("2027-05-03", ""), ("", "Early"), ("2027-05-04", ""), ("", "Late")]
    answer = client.post("/schedule/zone/", {"tz": "Mars/Base", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/schedule/"
    user.refresh_from_db()
    assert user.timezone == "Asia/Tokyo"
    client.post("/schedule/zone/", {"tz": ""})
    user.refresh_from_db()
    assert user.timezone == ""


def test_visitors_pages_hold_nothing_of_their_own(client, programme):
    text = client.get("/schedule/?view=agenda").content.decode()
    assert "csrfmiddlewaretoken" not in text
