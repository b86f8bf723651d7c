"""Calendars as people export them: zones of every kind, whole days, recurring events, folded lines, meeting links."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from papers.importers import formats, ical
from papers.importers.options import ReadOptions
from papers.importers.problems import ImportFailed, Problems
from papers.importers.programme import Programme, SessionEntry
from papers.importers.records import zone_named
from papers.importers.validation import check

NEW_YORK = """BEGIN:VTIMEZONE
TZID:Conference time
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE"""


def event(
    *lines: str, uid: str = "a@x.example", start: str = "DTSTART:20270503T090000Z", title: str = "SUMMARY:T"
) -> str:
    return "\n".join(
        ["BEGIN:VEVENT", f"UID:{uid}" if uid else "DTSTAMP:20270101T000000Z", start, title, *lines, "END:VEVENT"]
    )


def calendar(*parts: str) -> str:
    return "\r\n".join("\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", ""]).split("\n"))


def read(folder: Path, content: str | bytes, *, timezone: str = "") -> Programme:
    folder.mkdir(exist_ok=True)
    (folder / "programme.ics").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert ical.recognises(folder)
    problems = Problems()
    zone = zone_named(timezone) if timezone else None
    programme = ical.read(folder, ReadOptions(source="cal", zone=zone), problems)
    check(programme, problems)
    problems.stop_if_any()
    return programme


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cal"


def only(folder: Path, content: str, **options: str) -> SessionEntry:
    (session,) = read(folder, content, **options).sessions
    return session


def complaint(folder: Path, content: str | bytes, **options: str) -> str:
    with pytest.raises(ImportFailed) as failed:
        read(folder, content, **options)
    head, *lines = str(failed.value).splitlines()
    assert head == "1 problem; nothing was changed:", lines
    return lines[0]


def moments(programme: Programme) -> list[str]:
    return [session.starts_at.strftime("%m-%dT%H:%M") for session in programme.sessions]


def test_an_event_becomes_a_session(folder):
    session = only(
        folder,
        calendar(
            event(
                "DTEND:20270503T103000Z", "LOCATION:Hall 1\\, left", "DESCRIPTION:First.\\nSecond\\; third.",
                "CATEGORIES:Deep Learning,Poster", "URL:https://x.example/page", "BEGIN:VALARM", "TRIGGER:-PT15M",
                "ACTION:DISPLAY", "DESCRIPTION:Hurry", "END:VALARM", title="SUMMARY:A long tit\n le\\, folded 🎉",
            )
        ),
    )  # fmt: skip
    assert (session.uid, session.title, session.kind, session.track) == (
        "a@x.example", "A long title, folded 🎉", "poster", "Deep Learning",
    )  # fmt: skip
    assert session.starts_at == dt.datetime(2027, 5, 3, 9, 0, tzinfo=dt.UTC)
    assert session.ends_at == dt.datetime(2027, 5, 3, 10, 30, tzinfo=dt.UTC)
    assert (session.room, session.url) == ("Hall 1, left", "https://x.example/page")
    assert session.description == "First.\nSecond; third."


@pytest.mark.parametrize(
    ("summary", "title", "kind"),
    [
        ("#talk Attention", "Attention", "oral"),
        ("#QA Ask", "Ask", "qa"),
        ("#workshop  Two", "Two", "workshop"),
        ("#BlackInAI social", "#BlackInAI social", "other"),
        ("#talk", "#talk", "other"),
        ("A #talk", "A #talk", "other"),
    ],
)
def test_a_leading_hashtag_is_the_kind(folder, summary, title, kind):
    session = only(folder, calendar(event(title=f"SUMMARY:{summary}")))
    assert (session.title, session.kind) == (title, kind)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("DTSTART;TZID=Europe/Berlin:20270503T090000", "07:00"),
        ("DTSTART;TZID=W. Europe Standard Time:20270503T090000", "07:00"),
        ("DTSTART;TZID=Conference time:20270503T090000", "13:00"),
        ("DTSTART:20270503T090000Z", "09:00"),
    ],
)
def test_zones(folder, start, expected):
    assert only(folder, calendar(NEW_YORK, event(start=start))).starts_at.strftime("%H:%M") == expected


def test_a_floating_time_needs_a_zone(folder):
    floating = calendar("X-WR-TIMEZONE:America/New_York", event(start="DTSTART:20270503T090000"))
    assert complaint(folder, floating) == (
        "programme.ics, line 4, DTSTART: 20270503T090000 — no time zone: write it with its offset (…+00:00), "
        "or give --timezone ZONE"
    )
    assert only(folder, floating, timezone="Asia/Tokyo").starts_at.hour == 0


def test_an_unknown_zone_is_told(folder):
    assert complaint(folder, calendar(event(start="DTSTART;TZID=Nowhere:20270503T090000"))) == (
        "programme.ics, line 3, DTSTART: Nowhere:20270503T090000 — a time zone that is known or that a VTIMEZONE describes"
    )


def test_clock_times_that_are_skipped_or_shown_twice_are_told(folder):
    skipped = calendar(event(start="DTSTART;TZID=Europe/Berlin:20270328T023000"))
    assert complaint(folder, skipped).endswith("the clocks of Europe/Berlin skip this time: write it with its offset")
    twice = calendar(event("DTEND;TZID=Europe/Berlin:20271031T023000", start="DTSTART:20271030T090000Z"))
    assert complaint(folder, twice) == (
        "programme.ics, line 3, DTEND: 20271031T023000 — the clocks of Europe/Berlin show this time twice: "
        "write it with its offset"
    )


def test_whole_days_are_days_of_the_calendars_zone(folder):
    days = event("DTEND;VALUE=DATE:20270329", start="DTSTART;VALUE=DATE:20270328")
    session = only(folder, calendar("X-WR-TIMEZONE:Europe/Berlin", days))
    assert (session.ends_at - session.starts_at, session.starts_at.hour) == (dt.timedelta(hours=23), 23)
    assert only(folder, calendar(days), timezone="UTC").starts_at.hour == 0
    assert complaint(folder, calendar(days)).endswith("no time zone for whole days: give --timezone ZONE")
    single = only(folder, calendar(event(start="DTSTART;VALUE=DATE:20270503")), timezone="UTC")
    assert single.ends_at - single.starts_at == dt.timedelta(days=1)


def test_a_duration_stands_for_an_end(folder):
    session = only(folder, calendar(event("DURATION:PT1H30M")))
    assert session.ends_at - session.starts_at == dt.timedelta(minutes=90)
    assert only(folder, calendar(event())).ends_at == dt.datetime(2027, 5, 3, 9, 0, tzinfo=dt.UTC)


def test_a_recurring_event_keeps_its_clock_time(folder):
    weekly = event(
        "DTEND;TZID=Europe/Berlin:20271025T100000", "RRULE:FREQ=WEEKLY;COUNT=3",
        start="DTSTART;TZID=Europe/Berlin:20271018T090000",
    ).replace("20271025T100000", "20271018T100000")  # fmt: skip
    programme = read(folder, calendar(weekly))
    assert moments(programme) == ["10-18T07:00", "10-25T07:00", "11-01T08:00"]
    assert [session.uid for session in programme.sessions] == [
        "a@x.example-20271018T070000Z", "a@x.example-20271025T070000Z", "a@x.example-20271101T080000Z",
    ]  # fmt: skip


def test_dates_are_added_left_out_moved_and_cancelled(folder):
    programme = read(
        folder,
        calendar(
            event(
                "DURATION:PT1H", "RRULE:FREQ=DAILY;UNTIL=20270507T090000Z", "EXDATE:20270504T090000Z",
                "RDATE:20270510T120000Z", title="SUMMARY:Daily",
            ),
            event(
                "RECURRENCE-ID:20270505T090000Z", "DURATION:PT2H", start="DTSTART:20270505T150000Z", title="SUMMARY:Moved"
            ),
            event("RECURRENCE-ID:20270506T090000Z", "STATUS:CANCELLED", start="DTSTART:20270506T090000Z"),
        ),
    )  # fmt: skip
    found = {
        session.uid.removeprefix("a@x.example-"): (session.title, session.starts_at) for session in programme.sessions
    }
    assert {key: (title, time.strftime("%d %H")) for key, (title, time) in found.items()} == {
        "20270503T090000Z": ("Daily", "03 09"),
        "20270505T090000Z": ("Moved", "05 15"),
        "20270507T090000Z": ("Daily", "07 09"),
        "20270510T120000Z": ("Daily", "10 12"),
    }
    assert programme.notes == ["Cancelled and left out: 1 (line 19)"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY", "an end: COUNT or UNTIL"),
        ("FREQ=DAILY;COUNT=501", "at most 500 dates"),
        ("FREQ=SECONDLY;COUNT=3;BYMONTH=2;BYMONTHDAY=30", "FREQ of DAILY, WEEKLY, MONTHLY, YEARLY"),
        ("FREQ=DAILY;COUNT=3;INTERVAL=0;BYMONTH=2", "a rule of recurrence: INTERVAL is less than 1"),
    ],
)
def test_rules_without_bounds_are_refused(folder, rule, expected):
    told = complaint(folder, calendar(event(f"RRULE:{rule}")))
    assert told.startswith("programme.ics, line 3, RRULE: ")
    assert told.endswith(f" — {expected}")


def test_a_rule_that_never_applies_ends_soon(folder):
    assert moments(read(folder, calendar(event("RRULE:FREQ=DAILY;COUNT=9;BYMONTH=2;BYMONTHDAY=30")))) == ["05-03T09:00"]


def test_cancelled_events_are_left_out_and_told(folder):
    programme = read(folder, calendar(event("STATUS:CANCELLED"), event(uid="b")))
    assert [session.uid for session in programme.sessions] == ["b"]
    assert programme.notes == ["Cancelled and left out: 1 (line 3)"]
    assert read(folder, calendar("METHOD:CANCEL", event())).sessions == []


def test_the_newest_of_several_versions_counts(folder):
    assert only(
        folder, calendar(event("SEQUENCE:2", title="SUMMARY:New"), event("SEQUENCE:1", title="SUMMARY:Old"))
    ).title == ("New")


def test_the_same_uid_twice_is_told(folder):
    assert complaint(folder, calendar(event(), event())) == (
        "programme.ics, line 8, uid: a@x.example — is taken already, by programme.ics, line 3"
    )


def test_uids_become_ids_of_the_site(folder):
    assert only(folder, calendar(event(uid="a b/c"))).uid == "a-b-c"
    assert len(only(folder, calendar(event(uid="x" * 400))).uid) == 36
    nameless = read(folder, calendar(event(uid="", title="SUMMARY:One"), event(uid="", title="SUMMARY:One")))
    assert [session.uid for session in nameless.sessions] == ["cal-one", "cal-one-2"]


def test_meeting_links_are_private_wherever_they_stand(folder):
    zoom = "https://example.zoom.us/j/123?pwd=abc"
    for line in (f"LOCATION:{zoom}", f"URL:{zoom}", f"CONFERENCE;VALUE=URI:{zoom}", f"X-GOOGLE-CONFERENCE:{zoom}"):
        session = only(folder, calendar(event(line)))
        assert (session.join_url_private, session.url, session.room) == (zoom, "", "")
    programme = read(folder, calendar(event(f"DESCRIPTION:About it.\\nJoin: {zoom}\\nPasscode: 4711\\n\\nMore.")))
    (session,) = programme.sessions
    assert (session.description, session.join_url_private) == ("About it.\n\nMore.", zoom)
    assert session.join_note_private == "Passcode: 4711"
    assert programme.notes == ["Shown to members only: the meeting links of sessions that have one (1)"]


def test_another_address_as_location_is_a_page(folder):
    session = only(folder, calendar(event("LOCATION:https://x.example/papers.html?session=1")))
    assert (session.url, session.room, session.join_url_private) == ("https://x.example/papers.html?session=1", "", "")


def test_html_in_descriptions_becomes_markdown(folder):
    session = only(folder, calendar(event('DESCRIPTION:A <b>bold</b> word.<br><a href="https://x.example/">Link</a>')))
    assert session.description == "A **bold** word.  \n[Link](https://x.example/)"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("DTEND:20270503T080000Z",), "DTEND: 20270503T080000Z — not before the event starts"),
        (("DURATION:soon",), "DURATION: soon — a length of time like PT1H30M"),
        (("URL:nowhere",), "URL: nowhere — an address that begins with https:// or http://"),
    ],
)
def test_wrong_values_are_told_with_line_and_field(folder, lines, told):
    assert complaint(folder, calendar(event(*lines))) == f"programme.ics, line 3, {told}"


def test_a_missing_or_broken_start_is_told(folder):
    assert (
        complaint(folder, calendar(event(start="X-A:1"))) == "programme.ics, line 3, DTSTART: (empty) — must be given"
    )
    assert complaint(folder, calendar(event(start="DTSTART:2027garbage"))) == (
        "programme.ics, line 3, DTSTART: 2027garbage — a date or time like 20200427 or 20200427T050000Z"
    )
    assert (
        complaint(folder, calendar(event(title="X-A:1"))) == "programme.ics, line 3, SUMMARY: (empty) — must be given"
    )


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"BEGIN:VCALENDAR\r\nfoo bar\r\nEND:VCALENDAR\r\n", b"BEGIN:VCALENDAR\n" * 5000]
)
def test_what_is_no_calendar_is_refused(folder, content):
    assert complaint(folder, content).startswith("programme.ics — is not iCalendar: ")


def test_text_that_is_not_utf8_is_refused(folder):
    assert complaint(folder, calendar(event(title="SUMMARY:Zürich")).encode("latin-1")) == (
        "programme.ics, line 6, byte: 0xfc — text in UTF-8"
    )


def test_a_byte_order_mark_does_no_harm(folder):
    assert only(folder, b"\xef\xbb\xbf" + calendar(event()).encode()).title == "T"


def test_the_calendar_names_the_conference_and_its_days(folder):
    conference = read(
        folder, calendar("X-WR-CALNAME:Tiny Conf", "X-WR-TIMEZONE:Asia/Tokyo", event(start="DTSTART:20270503T190000Z"))
    ).conference
    assert (conference.name, conference.timezone) == ("Tiny Conf", "Asia/Tokyo")
    assert (conference.starts_on, conference.ends_on) == (dt.date(2027, 5, 4), dt.date(2027, 5, 4))


def test_it_is_one_of_the_formats():
    assert formats()["ical"] is ical
