"""Every spelling of a time that conferences have published, and what is said about those that are no moment."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.importers.problems import Place, Problems
from papers.importers.records import Record
from papers.importers.time_texts import TimeProblem
from papers.importers.times import Dates, leftovers, read_date, read_span, read_time, span_in_prose
from papers.models import Conference

ACL2020 = Dates(dt.date(2020, 7, 5), dt.date(2020, 7, 10))
PACIFIC = ZoneInfo("America/Los_Angeles")
BERLIN = ZoneInfo("Europe/Berlin")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-04-30T19:00:00+00:00", "2020-04-30T19:00"),
        ("2020-04-30T19:00:00Z", "2020-04-30T19:00"),
        ("20200430T190000Z", "2020-04-30T19:00"),
        ("2020-07-06T05:00:00.000Z", "2020-07-06T05:00"),
        ("2020-11-16 16:00:00+00:00", "2020-11-16T16:00"),
        ("2020-11-19 05:45 -05:00", "2020-11-19T10:45"),
        ("2020-11-19 05:45:00 -05:00", "2020-11-19T10:45"),
        ("2020-07-07 10:00-07:00", "2020-07-07T17:00"),
        ("2021-02-04 16:45:00-08:00", "2021-02-05T00:45"),
        ("2020-07-06 05:00 UTC", "2020-07-06T05:00"),
        ("2020-07-06 5:00 GMT", "2020-07-06T05:00"),
        ("2020-07-06 05:00 UTC+2", "2020-07-06T03:00"),
        ("2020-07-06, 9:10 AM PDT", "2020-07-06T16:10"),
        ("6 July 2020 at 14:00 (GMT)", "2020-07-06T14:00"),
        ("July 6th, 2020 2 p.m. Europe/Berlin", "2020-07-06T12:00"),
        ("2020-07-06 14:00 \u221207:00\u200b", "2020-07-06T21:00"),
        ("2020-01-01 00:30+02:00", "2019-12-31T22:30"),
    ],
)
def test_a_time_with_its_zone(text, moment):
    assert read_time(text) == utc(moment)


@pytest.mark.parametrize(
    ("date", "text", "zone", "moment"),
    [
        ("", "2020-07-06_05:00:00", dt.UTC, "2020-07-06T05:00"),
        ("", "2020-07-06T05:00:00", PACIFIC, "2020-07-06T12:00"),
        ("Jul 5", "9:10 AM", PACIFIC, "2020-07-05T16:10"),
        ("Jul 5", "12:00 PM", PACIFIC, "2020-07-05T19:00"),
        ("Jul 5", "12:15 AM", PACIFIC, "2020-07-05T07:15"),
        ("Jul 5", "8:30", PACIFIC, "2020-07-05T15:30"),
        ("July 6", "14:00", dt.UTC, "2020-07-06T14:00"),
        ("Monday", "14:00 GMT", None, "2020-07-06T14:00"),
        ("Friday, July 10", "9:00", dt.UTC, "2020-07-10T09:00"),
        ("7-Jul", "08:45AM", PACIFIC, "2020-07-07T15:45"),
        ("2020-07-08", "11:00", BERLIN, "2020-07-08T09:00"),
        ("2020-07-08 00:00:00", "11:00", BERLIN, "2020-07-08T09:00"),
    ],
)
def test_a_time_whose_day_zone_or_year_stands_elsewhere(date, text, zone, moment):
    assert read_time(text, date=date, zone=zone, dates=ACL2020) == utc(moment)


@pytest.mark.parametrize(
    ("date", "text", "zone", "start", "end"),
    [
        ("Monday", "14:00-14:30 GMT", None, "2020-07-06T14:00", "2020-07-06T14:30"),
        ("2020-07-06", "(05:00-07:00 GMT)", None, "2020-07-06T05:00", "2020-07-06T07:00"),
        ("2020-07-06", "(16:45-17:45 GMT)", None, "2020-07-06T16:45", "2020-07-06T17:45"),
        ("7-Jul", "08:45AM-10:30AM", PACIFIC, "2020-07-07T15:45", "2020-07-07T17:30"),
        ("7-Jul", "11:00-1:00 PM", PACIFIC, "2020-07-07T18:00", "2020-07-07T20:00"),
        ("7-Jul", "11:00 AM - 12:30", PACIFIC, "2020-07-07T18:00", "2020-07-07T19:30"),
        ("7-Jul", "16:45–00:15", PACIFIC, "2020-07-07T23:45", "2020-07-08T07:15"),
        ("", "Friday, July 10 - Time: 9:00 - 9:30", dt.UTC, "2020-07-10T09:00", "2020-07-10T09:30"),
        ("", "2020-07-07 10:00-07:00", None, "2020-07-07T17:00", None),
        ("", "2020-07-07T05:00-07:00", None, "2020-07-07T12:00", None),
        ("", "July 7 05:00-07:00", dt.UTC, "2020-07-07T05:00", "2020-07-07T07:00"),
    ],
)
def test_a_range_of_times(date, text, zone, start, end):
    expected = (utc(start), utc(end) if end else None)
    assert read_span(text, date=date, zone=zone, dates=ACL2020) == expected


def test_a_day_a_start_and_an_end_in_three_cells():
    singapore = ZoneInfo("Asia/Singapore")
    assert read_span("11:00", end="11:15", date="2023-12-08", zone=singapore) == (
        utc("2023-12-08T03:00"),
        utc("2023-12-08T03:15"),
    )
    assert read_span("23:00", end="01:00", date="2023-12-08", zone=singapore)[1] == utc("2023-12-08T17:00")
    assert read_span("2023-12-08 23:00", end="2023-12-10 01:00", zone=singapore)[1] == utc("2023-12-09T17:00")


def test_a_zone_written_once_is_for_both_ends_of_a_range_but_not_for_two_whole_times():
    assert read_span("11:00", end="11:15 GMT", date="2020-07-06")[0] == utc("2020-07-06T11:00")
    for start, end in (("10:00:00+02:00", "11:00:00"), ("10:00:00", "11:00:00+02:00")):
        with pytest.raises(TimeProblem, match="no time zone"):
            read_span(f"2020-07-06T{start}", end=f"2020-07-06T{end}")


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("2020-07-06_05:00:00", None, "no time zone: write it with its offset (…+00:00), or give --timezone ZONE"),
        ("2020-07-06", None, "a time of day too, like 2020-04-27T05:00:00+00:00"),
        ("noon", None, "a time like 2020-04-27T05:00:00+00:00"),
        ("2020-07-06 25:00Z", None, "a time of day from 00:00 to 23:59"),
        ("2020-02-30 10:00Z", None, "a day that the calendar has; 2020-02-30 is none"),
        ("2020-07-06 13:00 AM UTC", None, "an hour from 1 to 12 before AM and PM"),
        ("2020-07-06 10:00 IST", None, "a time like 2020-04-27T05:00:00+00:00"),
        ("2020-07-06 10:00 Mars/Base", None, "the name of a time zone; Mars/Base is none"),
        ("2020-07-06 10:00 GMT PDT", None, "one time zone"),
        ("2020-07-06 10:00 11:00 GMT", None, "one time of day"),
        ("07/06/2020 10:00Z", None, "a time like 2020-04-27T05:00:00+00:00"),
        ("Tuesday 2020-07-06 10:00Z", None, "2020-07-06 is a Monday, no Tuesday"),
        ("Tuesday, July 6 10:00 GMT", None, "2020-07-06 is a Monday, no Tuesday"),
        ("Saturday 10:00 GMT", None, "a Saturday among the conference's dates, 2020-07-05 to 2020-07-10: there is none"),
        ("7-Feb 10:00 GMT", None,
         "a date with its year: in none it is near the conference's dates, 2020-07-05 to 2020-07-10"),
        ("10:00 GMT", None, "a date too, like 2020-04-27"),
        ("2020-03-29 02:30", BERLIN, "the clocks of Europe/Berlin skip this time: write it with its offset"),
        ("2020-10-25 02:30", BERLIN, "the clocks of Europe/Berlin show this time twice: write it with its offset"),
        ("0001-01-01T00:00:00+05:00", None, "a time in years 2 to 9998"),
        ("9" * 500, None, "a time like 2020-04-27T05:00:00+00:00"),
    ],
)  # fmt: skip
def test_what_is_no_moment(text, zone, said):
    with pytest.raises(TimeProblem) as problem:
        read_time(text, zone=zone, dates=ACL2020)
    assert str(problem.value) == said


def test_a_text_that_is_a_range_or_an_offset_is_not_guessed_at():
    for text in ("2020-07-07 05:00-07:00", "2020-07-07 05:00 -07:00"):
        with pytest.raises(TimeProblem, match="with blanks for two times"):
            read_span(text, zone=dt.UTC)
        assert read_time(text) == utc("2020-07-07T12:00")


def test_an_end_that_would_make_a_day_of_a_night_is_refused():
    with pytest.raises(TimeProblem, match="an end after the start, 14:00"):
        read_span("14:00-13:00", date="2020-07-06", zone=dt.UTC)


def test_without_the_conferences_dates_a_year_is_asked_for():
    for text in ("July 6 10:00 GMT", "Monday 10:00 GMT"):
        with pytest.raises(TimeProblem, match="the conference's dates are not known"):
            read_time(text, dates=Dates())
        with pytest.raises(TimeProblem, match="a time like"):
            read_time(text)


def test_a_weekday_that_comes_twice_is_asked_about():
    with pytest.raises(TimeProblem, match="have more than one Monday"):
        read_time("Monday 10:00 GMT", dates=Dates(dt.date(2020, 7, 5), dt.date(2020, 7, 14)))


PIECES = st.sampled_from(
    ["2020-07-06", "Jul 5", "7-Feb", "Monday", "14:00", "9:10 AM", "-07:00", "-", "(", ")", "GMT", "Z", "UTC+2", "T", "_",
     "8:30-9:00", ",", " ", "99:99", "24:00", "0:00", "Feb 29", "31-Feb", "Europe/Berlin", "x", "1", "é", "٣", "PM",
     "9999-12-31"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map(" ".join) | st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=40))
def test_any_text_is_an_aware_moment_or_a_problem(text):
    for zone in (None, BERLIN):
        try:
            starts_at, ends_at = read_span(text, date="Jul 6", zone=zone, dates=ACL2020)
        except TimeProblem:
            continue
        assert starts_at.utcoffset() == dt.timedelta()
        assert ends_at is None or ends_at >= starts_at


@given(st.datetimes(min_value=dt.datetime(1990, 1, 1), max_value=dt.datetime(2100, 1, 1)), st.integers(-24, 28))
def test_what_is_written_with_its_offset_is_read_back(moment, half_hours):
    zone = dt.timezone(dt.timedelta(minutes=30 * half_hours))
    expected = moment.replace(tzinfo=dt.UTC)
    for separator in ("T", " ", "_"):
        assert read_time(expected.astimezone(zone).isoformat(sep=separator)) == expected


def test_a_conference_over_new_year_gives_each_date_its_own_year():
    dates = Dates(dt.date(2020, 12, 28), dt.date(2021, 1, 3))
    assert read_date("Dec 29", dates=dates) == dt.date(2020, 12, 29)
    assert read_date("2-Jan", dates=dates) == dt.date(2021, 1, 2)
    assert read_date("Saturday", dates=dates) == dt.date(2021, 1, 2)


def test_a_time_inside_a_text_is_found():
    text = "A keynote.\nFriday, December 08 - Time: 9:00 - 9:30. Room: East"
    found = span_in_prose(text)
    assert found == "Friday, December 08 - Time: 9:00 - 9:30"
    dates = Dates(dt.date(2023, 12, 6), dt.date(2023, 12, 10))
    assert read_span(found, zone=ZoneInfo("Asia/Singapore"), dates=dates) == (
        utc("2023-12-08T01:00"),
        utc("2023-12-08T01:30"),
    )
    assert span_in_prose("A talk about December and 9:30.") == ""


def test_a_problem_names_file_row_both_fields_and_both_values():
    problems = Problems()
    row = {"date": "Sunday", "start": "8:30", "end": "9:00"}
    record = Record(Place("workshops.csv", "row 7"), row, problems, dates=ACL2020)
    assert record.span("start", "end", date_field="date") is None
    assert record.time("date") is None
    assert problems.lines == [
        "workshops.csv, row 7, date + start + end: Sunday + 8:30 + 9:00 — no time zone: write it with its offset "
        "(…+00:00), or give --timezone ZONE",
        "workshops.csv, row 7, date: Sunday — a time like 2020-04-27T05:00:00+00:00",
    ]


def test_the_dates_of_a_source_are_those_most_of_its_times_are_in():
    days = [dt.date(2020, 7, 5), dt.date(2020, 7, 8), dt.date(2019, 7, 28), dt.date(2020, 7, 10), dt.date(2020, 7, 6)]
    assert Dates.around(days) == ACL2020
    assert not Dates.around([])


@pytest.mark.django_db
def test_another_years_times_are_counted_and_a_few_are_named():
    now = [(Place("now.csv", f"row {n}"), utc("2020-07-06T10:00")) for n in range(20)]
    old = [(Place("old.csv", f"row {n}"), utc("2019-07-29T10:00")) for n in range(2, 9)]
    assert leftovers(now) == []
    assert leftovers(now + old) == [
        "Warning: 7 times lie more than a month away from the conference's dates, 2020-07-06 to 2020-07-06; is it "
        "another year's? old.csv, row 2 (2019-07-29); old.csv, row 3 (2019-07-29); old.csv, row 4 (2019-07-29); "
        "old.csv, row 5 (2019-07-29); old.csv, row 6 (2019-07-29) and 2 more"
    ]


@pytest.mark.django_db
def test_a_whole_file_of_another_year_is_seen_against_the_sites_dates():
    conference = Conference.current()
    conference.starts_on, conference.ends_on = dt.date(2021, 8, 1), dt.date(2021, 8, 6)
    conference.save()
    assert leftovers([(Place("a.csv", "row 2"), utc("2020-07-06T10:00"))]) == [
        "Warning: 1 time lies more than a month away from the conference's dates, 2021-08-01 to 2021-08-06; is it "
        "another year's? a.csv, row 2 (2020-07-06)"
    ]
