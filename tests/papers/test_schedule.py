"""The schedule: days of the viewer's zone, and sessions side by side."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user_model
from django.http import QueryDict
from django.utils.timezone import now

from papers.models import Conference, Session
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
