"""The week: columns of days, rows of times, and blocks of sessions that overlap."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest

from papers.models import Session
from papers.schedule import week

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def add(title: str, start: str, end: str, *, count: int = 1, kind: str = "oral") -> None:
    Session.objects.bulk_create(
        Session(
            uid=f"{title}-{n}",
            title=title,
            kind=kind,
            starts_at=dt.datetime.fromisoformat(start),
            ends_at=dt.datetime.fromisoformat(end),
        )
        for n in range(count)
    )


def table(dates: list[dt.date], zone: ZoneInfo = BERLIN) -> dict[str, list[str]]:
    """For each day its blocks as "09:00+2 title" (two rows high) or "09:00+2 12 sessions"."""
    shown = week.week_of(Session.objects.all(), dates, zone)
    columns: dict[str, list[str]] = {date.isoformat(): [] for date in dates}
    free = [0] * len(dates)
    for number, row in enumerate(shown.rows):
        cells = iter(row.cells)
        for column, date in enumerate(dates):
            if free[column] > number:
                continue
            cell = next(cells)
            free[column] = number + cell.height
            if cell.block:
                titles = "/".join(s.title for s in cell.block.sessions) or f"{cell.block.count} sessions"
                columns[date.isoformat()].append(f"{row.label}+{cell.height} {titles}")
        assert next(cells, None) is None
    assert free == [len(shown.rows)] * len(dates)  # every column is filled, by no cell twice
    return columns


def days(first: str, count: int) -> list[dt.date]:
    return [dt.date.fromisoformat(first) + dt.timedelta(days=n) for n in range(count)]


def test_rows_begin_where_sessions_of_any_day_begin_or_end():
    add("a", "2027-05-03T07:00Z", "2027-05-03T09:00Z")
    add("b", "2027-05-04T08:00Z", "2027-05-04T09:00Z")
    add("c", "2027-05-04T09:00Z", "2027-05-04T10:00Z")
    assert table(days("2027-05-03", 2)) == {"2027-05-03": ["09:00+2 a"], "2027-05-04": ["10:00+1 b", "11:00+1 c"]}


def test_parallel_sessions_become_one_block_that_leads_to_their_place_in_the_day(client):
    add("Talk", "2027-05-03T07:00Z", "2027-05-03T08:00Z", count=12)
    add("Late talk", "2027-05-03T07:30Z", "2027-05-03T08:30Z")
    assert table(days("2027-05-03", 1)) == {"2027-05-03": ["09:00+1 13 sessions"]}
    client.cookies["timezone"] = "Europe/Berlin"
    text = client.get("/schedule/?view=week&kind=oral").content.decode()
    (link,) = re.findall(r'<a href="([^"]+)">13 sessions</a>', text)
    assert link == "/schedule/?view=day&amp;day=2027-05-03&amp;kind=oral#t0700"
    day = client.get(link.replace("&amp;", "&").split("#")[0]).content.decode()
    assert day.count('id="t0700"') == 1


def test_a_block_beyond_the_first_page_of_its_day_leads_to_that_page(client):
    add("Morning", "2027-05-03T07:00Z", "2027-05-03T08:00Z", count=250)
    add("Noon", "2027-05-03T10:00Z", "2027-05-03T11:00Z", count=4)
    text = client.get("/schedule/?view=week").content.decode()
    (link,) = re.findall(r'<a href="([^"]+)">4 sessions</a>', text)
    assert link == "/schedule/?view=day&amp;day=2027-05-03&amp;page=2#t1000"
    assert 'id="t1000"' in client.get(link.replace("&amp;", "&").split("#")[0]).content.decode()


def test_what_goes_on_all_day_beside_shorter_sessions_does_not_swallow_them():
    add("Expo", "2027-05-03T07:00Z", "2027-05-03T16:00Z")
    add("Talk", "2027-05-03T08:00Z", "2027-05-03T09:00Z")
    add("Lunch", "2027-05-03T10:00Z", "2027-05-03T11:00Z")
    dates = days("2027-05-03", 1)
    assert table(dates) == {"2027-05-03": ["10:00+1 Talk", "12:00+1 Lunch"]}
    (long,) = week.week_of(Session.objects.all(), dates, BERLIN).long
    assert [[s.title for s in block.sessions] for block in long] == [["Expo"]]


def test_a_long_session_with_nothing_beside_it_stands_in_the_table():
    add("Workshop", "2027-05-03T07:00Z", "2027-05-03T16:00Z", count=2)
    assert table(days("2027-05-03", 1)) == {"2027-05-03": ["09:00+1 Workshop/Workshop"]}


def test_what_lasts_past_midnight_ends_its_column():
    add("Night", "2027-05-03T21:00Z", "2027-05-04T01:00Z")
    add("Morning", "2027-05-04T06:00Z", "2027-05-04T07:00Z")
    assert table(days("2027-05-03", 2)) == {"2027-05-03": ["23:00+1 Night"], "2027-05-04": ["08:00+1 Morning"]}


@pytest.mark.parametrize(
    ("zone", "date", "first", "second"),
    [
        ("Europe/Berlin", "2026-10-25", "2026-10-25T00:15Z", "2026-10-25T01:15Z"),
        ("America/New_York", "2026-11-01", "2026-11-01T05:15Z", "2026-11-01T06:15Z"),
    ],
)
def test_an_hour_that_happens_twice_has_one_row_with_both(zone, date, first, second):
    for title, start in (("first", first), ("second", second)):
        begin = dt.datetime.fromisoformat(start)
        add(title, start, (begin + dt.timedelta(minutes=30)).isoformat())
    ((block,),) = table(days(date, 1), ZoneInfo(zone)).values()
    assert block.split()[1] == "first/second"


def test_a_session_across_the_hour_that_happens_twice_keeps_its_length():
    add("across", "2026-10-25T00:30Z", "2026-10-25T01:15Z")  # 02:30 to 02:15 by the clock
    add("next", "2026-10-25T02:00Z", "2026-10-25T03:00Z")
    assert table(days("2026-10-25", 1)) == {"2026-10-25": ["02:30+1 across/next"]}  # 45 minutes down, into the next


def test_the_hour_left_out_in_spring_takes_no_room_of_its_own():
    add("across", "2027-03-28T00:30Z", "2027-03-28T01:30Z")
    add("next", "2027-03-28T01:30Z", "2027-03-28T02:00Z")
    assert table(days("2027-03-28", 1)) == {"2027-03-28": ["01:30+1 across", "03:30+1 next"]}


def test_sessions_without_length_share_a_row():
    add("a", "2027-05-03T07:00Z", "2027-05-03T07:00Z")
    add("b", "2027-05-03T07:00Z", "2027-05-03T07:30Z")
    assert table(days("2027-05-03", 1)) == {"2027-05-03": ["09:00+1 a/b"]}


def test_a_week_is_the_whole_conference_if_that_fits_else_a_calendar_week():
    sunday = dt.date(2027, 5, 2)
    known = [sunday, sunday + dt.timedelta(days=3), sunday + dt.timedelta(days=6)]
    assert week.week_dates(known[1], known) == days("2027-05-02", 7)
    known.append(sunday + dt.timedelta(days=9))
    assert week.week_dates(known[1], known) == days("2027-05-05", 4)  # Wednesday to Saturday
    assert week.week_dates(known[0], known) == days("2027-05-02", 1)
