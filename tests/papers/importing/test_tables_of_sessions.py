"""Importing tables of sessions: their times, and the papers in them."""

# ruff: noqa: E501  tables of inputs and what is said of them

from __future__ import annotations

import datetime as dt

import pytest

from papers.models import Conference
from tests.papers.importing.read_tables import PAPERS, SESSIONS, one_session, read

pytestmark = pytest.mark.django_db


# --- Times -----------------------------------------------------------------------------------------------------------


NINE = dt.datetime(2027, 5, 3, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "title,start,end\nX,2027-05-03T09:00:00Z,2027-05-03T10:30:00Z",
        "title,start,end\nX,2027-05-03 09:00,10:30",
        "title,date,start,end\nX,2027-05-03,09:00,10:30",
        "title,day,time\nX,2027-05-03,09:00-10:30",
        "title,date,start,duration\nX,2027-05-03,9:00 AM,90",
        "title,start,duration\nX,2027-05-03 09:00,1:30",
        "title,start,duration\nX,2027-05-03 09:00,1.5 h".replace("1.5 h", "1h 30min"),
        "title,start,duration\nX,2027-05-03 09:00,90 min",
        "title,start,end,duration\nX,2027-05-03 09:00,2027-05-03 10:30,90",
        "title,start,end,timezone\nX,2027-05-03 11:00,2027-05-03 12:30,Europe/Berlin",
    ],
)
def test_times_in_one_column_or_several(tmp_path, text):
    session = one_session(tmp_path, text)
    assert (session.starts_at, session.ends_at) == (NINE, NINE + dt.timedelta(minutes=90))


def test_a_date_without_a_year_is_read_against_the_dates_of_the_table(tmp_path):
    text = "title,date,time\nA,2027-05-04,09:00-10:00\nX,3 May,09:00-10:30\n"
    programme, problems = read(tmp_path, "UTC", sessions_csv=text)
    assert (problems, programme.sessions[1].starts_at) == ([], NINE)


def test_a_date_without_a_year_is_read_against_the_dates_of_the_site(tmp_path):
    conference = Conference.current()
    conference.starts_on, conference.ends_on = dt.date(2027, 5, 3), dt.date(2027, 5, 5)
    conference.save()
    assert one_session(tmp_path, "title,date,time\nX,Monday,09:00-10:30\n").starts_at == NINE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title,start,end\nX,2027-05-03 09:00,10:00", "start + end: 2027-05-03 09:00 + 10:00 — no time zone: write it with its offset (…+00:00), or give --timezone ZONE"),
        ("title,start\nX,2027-05-03T09:00:00Z", "end: (empty) — an end, or a duration in another column"),
        ("title,start,length\nX,2027-05-03T09:00:00Z,long", "length: long — minutes, or hours and minutes like 1:30"),
        ("title,start,end,duration\nX,2027-05-03T09:00Z,2027-05-03T10:00Z,90", "duration: 90 — the time from start to end, 1:00:00"),
        ("title,start,end,tz\nX,2027-05-03 09:00,10:00,CEST?", "tz: CEST? — the name of a time zone, like Europe/Berlin or UTC"),
        ("title,start,end\nX,2027-05-03T09:00Z,2027-05-03T08:00Z", "end: 2027-05-03T09:00Z + 2027-05-03T08:00Z — an end after the start, 09:00"),
    ],
)  # fmt: skip
def test_times_that_say_too_little_or_too_much(tmp_path, text, said):
    _, problems = read(tmp_path, sessions_csv=text)
    assert problems[0].endswith(said)
    assert problems[0].startswith("sessions.csv, row 2, ")


def test_meeting_links_are_private_whatever_the_column_is_called(tmp_path):
    text = "title,start,end,link,zoom,passcode\nA,2027-05-03 09:00,10:00,https://us02web.zoom.us/j/123?pwd=x,,42\n"
    session = one_session(tmp_path, text)
    assert (session.url, session.join_url_private, session.join_note_private) == (
        "",
        "https://us02web.zoom.us/j/123?pwd=x",
        "42",
    )
    text = "title,start,end,link,zoom\nA,2027-05-03 09:00,10:00,https://x.example,https://zoom.us/j/1\n"
    session = one_session(tmp_path, text)
    assert (session.url, session.join_url_private) == ("https://x.example", "https://zoom.us/j/1")


# --- Papers in sessions ----------------------------------------------------------------------------------------------


def test_papers_name_sessions_by_id_or_title(tmp_path):
    papers = "id,title,authors,sessions\n1,A,B,s2|morning\n2,C,D,Morning; s2\n"
    programme, problems = read(tmp_path, papers_csv=papers, sessions_csv=SESSIONS.replace(",P2,", ",2,"))
    assert (problems, [session.papers for session in programme.sessions]) == ([], [["2", "1"], ["1", "2"]])


def test_a_session_that_is_not_there_or_not_the_only_one_of_its_title(tmp_path):
    papers = "id,title,authors,session\n1,A,B,Evening\n2,C,D,Morning\n"
    sessions = SESSIONS.replace(",P2,", ",,").replace("s2,Lunch", "s2,Morning")
    _, problems = read(tmp_path, papers_csv=papers, sessions_csv=sessions)
    assert problems == [
        "papers.csv, row 2, session: Evening — the id or title of a session in the table of sessions",
        "papers.csv, row 3, session: Morning — the id of a session: 2 have this title",
    ]


def test_sessions_of_papers_without_a_table_of_sessions_are_counted(tmp_path):
    programme, problems = read(tmp_path, papers_csv=PAPERS)
    assert (problems, programme.notes) == (
        [],
        ["1 sessions of papers have no time, since there is no table of sessions."],
    )
