"""Importing the folder of a conference built like ACL 2020's: many lists, four spellings of time, links in tables."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from papers.models import Conference, Event, Page, Paper, Person, Session, Sponsor
from tests.papers.conftest import write

pytestmark = pytest.mark.django_db

ZONE = "America/Los_Angeles"


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


FILES = {
    "config.yml": "name: Tiny2020\ntagline: The tiny <br> meeting\ncitation_date: July 2020\n"
    "proceedings_title: Proceedings of Tiny\ncalendar: {start: '2019-07-05'}\n",
    "main_papers.csv": "UID,title,authors,abstract,keywords,track,paper_type,pdf_url\n"
    'main.8,Big Heads,Ada Lovelace|Alan Turing,"On $x$.",rnn|attention,Dialogue,Long,https://x.example/8.pdf\n'
    "main.9,Small Heads,Grace Hopper,Text.,,Dialogue,Short,\n12,A numbered paper,Grace Hopper,Text.,,Dialogue,Short,\n",
    "demo_papers.csv": "UID,title,authors,abstract,track,paper_type,demo_url\n"
    "12,A demo,Alan Turing,Text.,Demo,Demo,http://demo.example\n",
    "tacl_papers.csv": "UID,title,authors,abstract,emails\n"
    "tacl.1,A journal paper,Barbara Liskov|Lin Zhou,Text.,b@x.example|l@x.example|\n",
    "main_paper_sessions.yml": "1A:\n  date: 2020-07-06_05:00:00\n  papers: [main.8, '12']\n"
    "2B:\n  date: 2020-07-06_17:00:00\n  papers: [main.8, main.9]\n",
    "tacl_paper_sessions.yml": "1A:\n  date: 2020-07-06_05:00:00\n  papers: [tacl.1]\n",
    "demo_paper_sessions.yml": "D1A-1:\n  date: 2020-07-06_05:45:00\n  papers: ['12']\n",
    "main_paper_slideslive_ids.csv": "UID,presentation_id\nmain.8,38929437\n",
    "main_paper_zoom_links.csv": "UID,session_name,starttime,endtime,timezone,zoom_join_link\n"
    "main.8,1A,2020-07-06T05:00:00Z,2020-07-06T06:00:00Z,UTC,https://zoom.us/j/1\n"
    "12,1A,2020-07-06T05:00:00Z,2020-07-06T06:00:00Z,UTC,https://zoom.us/j/2\n"
    "main.8,2B,2020-07-06T17:00:00Z,2020-07-06T18:00:00Z,UTC,https://zoom.us/j/3\n"
    "main.9,2B,2020-07-06T17:00:00Z,2020-07-06T18:00:00Z,UTC,https://zoom.us/j/3\n",
    "overall_calendar.json": json.dumps(
        [
            {"title": "Demo Session 1A", "start": "2020-07-06T05:45:00+00:00", "end": "2020-07-06T06:30:00+00:00",
             "location": "", "link": "papers.html?session=D1A-1", "type": "QA Sessions"},
            {"title": "Tutorials", "start": "2020-07-05T13:00:00+00:00", "end": "2020-07-05T16:30:00+00:00",
             "link": "tutorials.html", "type": "Tutorials", "view": "week"},
            {"title": "T1: Teaching <br/> <i>A. Person</i>", "start": "2020-07-05T13:00:00+00:00",
             "end": "2020-07-05T16:30:00+00:00", "link": "tutorial_T1.html", "type": "Tutorials", "view": "day"},
            {"title": "Open <b>mic</b>", "start": "2020-07-07T20:00:00+00:00", "end": "2020-07-07T21:00:00+00:00",
             "link": "", "type": "Socials"},
        ]
    ),
    "plenary_sessions.yml": "- UID: keynote_a\n  title: On Types\n  date: July 6\n  day: Monday\n"
    "  image: static/images/a.jpg\n  presenter: Prof. Barbara Liskov\n  institution: MIT\n  abstract: A talk.\n"
    "  bio: A life.\n  presentation_id: 38929460\n  sessions:\n    - name: P-Live Presentation\n"
    "      start_time: 2020-07-06_14:30:00\n      end_time: 2020-07-06_15:15:00\n    - name: P-Live QA\n"
    "      start_time: 2020-07-06_15:15:00\n      end_time: 2020-07-06_15:45:00\n"
    "- UID: business_meeting\n  title: Business Meeting\n  date: July 7\n  day: Tuesday\n"
    "  presenter: 'Host: Ada Lovelace, Alan Turing and Grace Hopper'\n  sessions:\n    - name: P-Live QA\n"
    "      start_time: 2020-07-06_15:45:00\n      end_time: 2020-07-06_16:15:00\n",
    "business_meeting.csv": "UID,title,speakers,presentation_id\n1,Report of the chair,Ada Lovelace,38931397\n",
    "tutorials.yml": "- UID: T1\n  title: Teaching\n  organizers: Ada Lovelace, Alan Turing and Grace Hopper\n"
    "  abstract: How to.\n  info: |\n    It is live.\n        And recorded.\n  prerecorded: 38928626\n  slides: ''\n"
    "  material: https://x.example/m\n  sessions:\n    - name: Live Session 1\n"
    "      start_time: 2020-07-05_13:00:00\n      end_time: 2020-07-05_16:30:00\n      livestream_id: 38931660\n"
    "      zoom_link: https://zoom.us/j/9?pwd=secret\n",
    "workshops.yml": "- UID: W4\n  title: 'W4: Small Workshop'\n  abstract: About.\n  day: July 9\n"
    "  livestream: 38931669\n  website: http://w4.example\n  organizers: [Lin Zhou]\n  sessions:\n"
    "    - name: W-Live Session\n      start_time: 2020-07-09_15:30:00\n      end_time: 2020-07-10_01:00:00\n",
    "w4_papers.csv": 'UID,title,speakers,presentation_id\n69,Counting clinical words,"Yu Wang, Bo Li and Ada Lovelace",'
    "38929642\n12,Another,Yu Wang,\n",
    "workshop_schedules.json": json.dumps(
        {
            "W4": [
                {"id": "W0101", "title": "Keynote 1", "speakers": "Verena Smith", "type": "LIVE", "date": "Jul 9",
                 "startTime": "9:10 AM", "endTime": "9:40 AM", "subsession": "Session 1"},
                {"id": 69, "title": "Counting clinical words!", "speakers": "Yu Wang", "type": "", "date": "July 9th",
                 "startTime": "9:40 AM", "endTime": ""},
                {"id": 12, "title": "Something else entirely", "speakers": "", "type": "", "date": "Jul 9",
                 "startTime": "10:10", "endTime": "10:20 AM"},
            ]
        }
    ),
    "socials.yml": "- UID: A1\n  name: Veg*NLP\n  description: Eat.\n  location: Zoom\n  organizers:\n"
    "    members: [Boaz Person, tbd]\n    website: https://s.example\n  sessions:\n    - name: 'S-Social A: Hosts'\n"
    "      start_time: 2020-07-07_01:00:00\n      end_time: 2020-07-07_03:00:00\n",
    "sponsors.yml": "- level: Diamond\n  sponsors:\n  - UID: '1'\n    name: Acme\n    logo: static/a.png\n"
    "    website: https://acme.example\n    description: '**Good.**'\n"
    "    youtube: https://www.youtube.com/embed/vfkOZTjD06Y\n    contacts:\n      - {name: Jo Doe, email: jo@acme.example}\n"
    "      - {name: Email, email: jobs@acme.example}\n    zoom_link: https://zoom.us/j/5\n    schedule:\n"
    "      - {start: 2020-07-07 10:00-07:00, duration: 0.5, label: Meet us}\n"
    "      - {start: 2020-07-08T12:00:00-00:00, end: 2020-07-08T12:40:00-00:00, label: Meet us}\n"
    "    downloads:\n      - {label: Flyer, website: static/pdf/f.pdf}\n      - {label: Jobs, website: 'https://acme.example/j'}\n"
    "- level: Champion\n  sponsors:\n  - {UID: '1', duplicate: true}\n",
    "paper_recs.json": '{"main.8": ["main.8", "main.9"]}',
    "papers_projection.json": '[{"id": "main.8", "pos": [1, 2.5]}, {"id": "gone.1", "pos": [0, 0]}]',
    "faq.yml": "FAQ:\n  - Section: Help\n    QA:\n      - {Question: 'Why?', Answer: Because.}\n",
    "code_of_conduct.yml": "CodeOfConduct:\n  - Be kind.\n",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path / "tiny2020" / name, text)
    return tmp_path / "tiny2020"


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    write(folder / file, text.replace(old, new))


def notes(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith("Warning")]


def test_it_is_told_from_plain_sitedata_and_the_second_time_changes_nothing(folder, load):
    assert "(ACL 2020 folder)" in load(folder, timezone=ZONE)
    assert "Nothing has changed since the last import of this source." in load(folder, timezone=ZONE)


def test_each_list_is_a_program_and_ids_that_repeat_get_its_name(folder, load):
    load(folder, timezone=ZONE)
    papers = Paper.objects.order_by("uid").values_list("uid", "program", "kind", "track__name")
    assert list(papers) == [
        ("W4.12", "Workshops", "", None),
        ("W4.69", "Workshops", "", None),
        ("demo.12", "Demonstrations", "Demo", "System Demonstrations"),
        ("main.12", "Main", "Short", "Dialogue"),
        ("main.8", "Main", "Long", "Dialogue"),
        ("main.9", "Main", "Short", "Dialogue"),
        ("tacl.1", "TACL", "", None),
    ]
    paper = Paper.objects.get(uid="main.8")
    assert (paper.video_url, paper.year, paper.venue) == (
        "https://slideslive.com/38929437",
        2020,
        "Proceedings of Tiny",
    )
    assert paper.links == [{"label": "PDF", "url": "https://x.example/8.pdf"}]
    assert (paper.map_x, paper.map_y) == (1.0, 2.5)
    assert Paper.objects.get(uid="W4.69").event.uid == "tiny2020-w4"
    assert [person.name for person in Paper.objects.get(uid="W4.69").authors.order_by("authorships__position")] == [
        "Yu Wang",
        "Bo Li",
        "Ada Lovelace",
    ]


def test_sessions_of_several_lists_are_one_and_end_when_their_rooms_or_the_calendar_say(folder, load):
    load(folder, timezone=ZONE)
    sessions = Session.objects.filter(papers__isnull=False, in_schedule=True).distinct().order_by("starts_at", "uid")
    assert list(sessions.values_list("uid", "title", "starts_at", "ends_at")) == [
        ("tiny2020-session-1a", "Session 1A", utc("2020-07-06T05:00"), utc("2020-07-06T06:00")),
        ("tiny2020-session-d1a-1", "Demo Session 1A", utc("2020-07-06T05:45"), utc("2020-07-06T06:30")),
        ("tiny2020-session-2b", "Session 2B", utc("2020-07-06T17:00"), utc("2020-07-06T18:00")),
    ]
    first = Session.objects.get(uid="tiny2020-session-1a")
    assert list(first.presentations.values_list("paper__uid", "join_url_private")) == [
        ("main.8", "https://zoom.us/j/1"),
        ("main.12", "https://zoom.us/j/2"),
        ("tacl.1", ""),
    ]
    shared = Session.objects.get(uid="tiny2020-session-2b")
    assert shared.join_url_private == "https://zoom.us/j/3"
    assert set(shared.presentations.values_list("join_url_private", "starts_at")) == {("", None)}


def test_times_that_are_utc_without_saying_so_are_noted_and_the_zone_given_is_not_theirs(folder, load):
    printed = load(folder, timezone=ZONE)
    said = "times like 2020-07-06_05:00:00 are read as UTC, as all sites of this kind mean them"
    assert [line for line in printed.splitlines() if line.endswith(said)] == [
        f"{name}: {said}"
        for name in (
            "main_paper_sessions.yml", "demo_paper_sessions.yml", "tacl_paper_sessions.yml", "plenary_sessions.yml",
            "tutorials.yml", "workshops.yml", "socials.yml",
        )
    ]  # fmt: skip


def test_a_room_of_another_time_than_its_session_is_a_problem(folder, refused):
    change(folder, "main_paper_zoom_links.csv", "main.9,2B,2020-07-06T17", "main.9,2B,2020-07-06T16")
    assert refused(folder, timezone=ZONE).splitlines()[1:] == [
        "main_paper_zoom_links.csv, row 5, starttime: 2020-07-06T16:00:00Z — 2020-07-06_17:00:00 UTC, as in "
        "main_paper_sessions.yml, session 2B"
    ]


def test_a_session_of_the_same_name_at_another_time_is_a_problem(folder, refused):
    change(folder, "tacl_paper_sessions.yml", "06_05", "06_06")
    assert refused(folder, timezone=ZONE).splitlines()[1:] == [
        "tacl_paper_sessions.yml, session 1A, date: 2020-07-06_06:00:00 — the time of the session of this name in "
        "main_paper_sessions.yml"
    ]


def test_an_unknown_paper_of_a_session_is_a_problem_and_an_unknown_one_of_a_table_a_warning(folder, load, refused):
    change(folder, "main_paper_slideslive_ids.csv", "main.8", "main.80")
    assert "Warning: a talk of a paper that is in no list: main_paper_slideslive_ids.csv, row 2: main.80" in notes(
        load(folder, timezone=ZONE)
    )
    change(folder, "main_paper_sessions.yml", "[main.8, main.9]", "[Main.8, main.9]")
    assert refused(folder, timezone=ZONE).splitlines()[1:] == [
        "main_paper_sessions.yml, session 2B, papers: Main.8 — the id of a paper in one of the lists (case counts)"
    ]


def test_plenaries_have_their_people_talks_and_dates(folder, load):
    printed = load(folder, timezone=ZONE)
    keynote = Event.objects.get(uid="tiny2020-keynote_a")
    assert (keynote.kind, keynote.video_url) == ("keynote", "https://slideslive.com/38929460")
    speaker = keynote.people.get()
    assert (speaker.name, speaker.affiliation, speaker.biography) == ("Prof. Barbara Liskov", "MIT", "A life.")
    assert list(keynote.sessions.values_list("uid", "title", "starts_at")) == [
        ("tiny2020-keynote_a-live-presentation", "On Types", utc("2020-07-06T14:30")),
        ("tiny2020-keynote_a-live-qa", "On Types: Live QA", utc("2020-07-06T15:15")),
    ]
    meeting = Event.objects.get(uid="tiny2020-business_meeting")
    assert meeting.links == [{"label": "Report of the chair", "url": "https://slideslive.com/38931397"}]
    assert sorted(person.name for person in meeting.people.all()) == ["Ada Lovelace", "Alan Turing", "Grace Hopper"]
    assert (
        "Warning: a session on another day (UTC) than its entry says: plenary_sessions.yml, entry 2, sessions 1: "
        "2020-07-06, not Tuesday July 7"
    ) in notes(printed)


def test_a_weekday_that_contradicts_the_date_is_a_problem(folder, refused):
    change(folder, "plenary_sessions.yml", "day: Monday", "day: Tuesday")
    assert refused(folder, timezone=ZONE).splitlines()[1:] == [
        "plenary_sessions.yml, entry 1, date + day: Tuesday July 6 — 2020-07-06 is a Monday, no Tuesday"
    ]


def test_tutorials_socials_and_workshops_are_events_and_their_rooms_are_private(folder, load):
    load(folder, timezone=ZONE)
    tutorial = Event.objects.get(uid="tiny2020-t1")
    assert tutorial.abstract == "How to.\n\nIt is live.\nAnd recorded."
    assert tutorial.links == [{"label": "Material", "url": "https://x.example/m"}]
    date = tutorial.sessions.get()
    assert (date.url, date.join_url_private) == ("https://slideslive.com/38931660", "https://zoom.us/j/9?pwd=secret")
    social = Event.objects.get(uid="tiny2020-a1")
    assert [person.name for person in social.people.all()] == ["Boaz Person"]
    assert list(social.sessions.values_list("title", "room", "kind")) == [
        ("Veg*NLP: Social A: Hosts", "Zoom", "social")
    ]
    workshop = Event.objects.get(uid="tiny2020-w4")
    assert list(workshop.sessions.filter(in_schedule=True).values_list("title", "starts_at", "ends_at")) == [
        ("W4: Small Workshop", utc("2020-07-09T15:30"), utc("2020-07-10T01:00"))
    ]


def test_a_workshops_timetable_is_read_in_the_zone_given_and_kept_for_its_page(folder, load):
    printed = load(folder, timezone=ZONE)
    items = Session.objects.filter(event__uid="tiny2020-w4", in_schedule=False)
    assert list(items.values_list("title", "kind", "starts_at", "ends_at", "description")) == [
        ("Keynote 1", "keynote", utc("2020-07-09T16:10"), utc("2020-07-09T16:40"), "Verena Smith · Live · Session 1"),
        ("Counting clinical words!", "workshop", utc("2020-07-09T16:40"), utc("2020-07-09T17:10"), "Yu Wang"),
        ("Something else entirely", "workshop", utc("2020-07-09T17:10"), utc("2020-07-09T17:20"), ""),
    ]
    assert list(items.values_list("papers__uid", flat=True)) == [None, "W4.69", None]
    assert (
        "Warning: no end is given; it is put where the next item begins: workshop_schedules.json, W4 entry 2: "
        "Counting clinical words!"
    ) in notes(printed)
    assert "Warning: neither AM nor PM, read as a 24-hour clock: workshop_schedules.json, W4 entry 3: 10:10" in notes(
        printed
    )


def test_a_timetable_without_a_zone_is_refused_with_each_of_its_rows(folder, refused):
    lines = refused(folder).splitlines()
    assert lines[0] == "3 problems; nothing was changed:"
    assert lines[1] == (
        "workshop_schedules.json, W4 entry 1, date + startTime + endTime: Jul 9 + 9:10 AM + 9:40 AM — no time zone: "
        "write it with its offset (…+00:00), or give --timezone ZONE"
    )


def test_one_oclock_below_half_past_twelve_is_asked_about(folder, refused):
    items = [
        {"id": "a", "title": "A", "date": "Jul 9", "startTime": start, "endTime": end}
        for start, end in (("8:30", "12:30"), ("12:30", "13:00"), ("1:00", "2:00"))
    ]
    write(folder / "workshop_schedules.json", json.dumps({"W4": items}))
    assert refused(folder, timezone=ZONE).splitlines()[1:] == [
        "workshop_schedules.json, W4 entry 3, startTime: 1:00 — AM or PM: an item before it starts at 12 o'clock"
    ]


def test_sponsors_with_levels_duplicates_dates_and_people(folder, load):
    load(folder, timezone=ZONE)
    sponsor = Sponsor.objects.get()
    assert (sponsor.uid, sponsor.level, sponsor.logo_url) == ("tiny2020-sponsor-1", "Diamond, Champion", "")
    assert sponsor.links == [{"label": "Jobs", "url": "https://acme.example/j"}]
    assert sponsor.join_note_private == "Jo Doe <jo@acme.example>; Email <jobs@acme.example>"
    assert [person.name for person in sponsor.people.all()] == ["Jo Doe"]
    assert list(sponsor.sessions.values_list("uid", "title", "starts_at", "ends_at")) == [
        ("tiny2020-sponsor-1-meet-us", "Acme: Meet us", utc("2020-07-07T17:00"), utc("2020-07-07T17:30")),
        ("tiny2020-sponsor-1-meet-us-2", "Acme: Meet us", utc("2020-07-08T12:00"), utc("2020-07-08T12:40")),
    ]


def test_the_calendar_adds_only_what_no_other_file_has(folder, load):
    printed = load(folder, timezone=ZONE)
    assert list(Session.objects.filter(uid__contains="calendar").values_list("uid", "title", "kind")) == [
        ("tiny2020-calendar-open-mic", "Open mic", "social")
    ]
    assert "overall_calendar.json: 1 blocks of the week's view are left out; their parts are there" in printed
    assert list(Page.objects.order_by("position").values_list("slug", "body")) == [
        ("tiny2020-help", "### Why?\n\nBecause."),
        ("tiny2020-code-of-conduct", "Be kind."),
    ]


def test_what_is_left_out_is_told(folder, load):
    write(folder / "old_notes.csv", "a,b\n")
    printed = load(folder, timezone=ZONE)
    assert "Not read: old_notes.csv" in printed.splitlines()
    assert "paper_recs.json: not used, similar papers are found by this site itself" in printed.splitlines()
    assert sorted(notes(printed)) == [
        "Warning: a picture that lies on the old site, left out: plenary_sessions.yml, entry 1: static/images/a.jpg; "
        "sponsors.yml, entry 1, sponsors 1: static/a.png",
        "Warning: a position on the map for a paper that is in no list: papers_projection.json, entry 2: gone.1",
        "Warning: a session on another day (UTC) than its entry says: plenary_sessions.yml, entry 2, sessions 1: "
        "2020-07-06, not Tuesday July 7",
        "Warning: neither AM nor PM, read as a 24-hour clock: workshop_schedules.json, W4 entry 3: 10:10",
        "Warning: no end is given; it is put where the next item begins: workshop_schedules.json, W4 entry 2: "
        "Counting clinical words!",
        "Warning: no whole web address, left out: sponsors.yml, entry 1, sponsors 1, downloads 1, website: static/pdf/f.pdf",
    ]


def test_meeting_links_in_public_texts_are_for_members_only(folder, load):
    change(
        folder,
        "tutorials.yml",
        "abstract: How to.",
        "abstract: |\n    How to.\n    Room: https://zoom.us/j/7\n    Passcode: 12",
    )
    change(
        folder,
        "overall_calendar.json",
        '"link": "", "type": "Socials"',
        '"link": "https://zoom.us/j/8", "type": "Socials"',
    )
    change(folder, "main_papers.csv", "https://x.example/8.pdf", "https://us02web.zoom.us/j/6")
    printed = load(folder, timezone=ZONE)
    tutorial = Event.objects.get(uid="tiny2020-t1")
    assert tutorial.abstract == "How to.\n\nIt is live.\nAnd recorded."
    assert (tutorial.join_url_private, tutorial.join_note_private) == ("https://zoom.us/j/7", "Passcode: 12")
    social = Session.objects.get(title="Open mic")
    assert (social.url, social.join_url_private) == ("", "https://zoom.us/j/8")
    assert Paper.objects.get(uid="main.8").links == []
    assert "Meeting links in 2 public texts or addresses are shown to members only" in printed.splitlines()
    assert (
        "Warning: 1 meeting links of papers, left out; those of a session's papers are private" in printed.splitlines()
    )


def test_emails_are_kept_privately_where_there_is_one_for_each_author(folder, load):
    load(folder, timezone=ZONE)
    assert dict(Person.objects.exclude(email_private="").values_list("name", "email_private")) == {
        "Barbara Liskov": "b@x.example",
        "Lin Zhou": "l@x.example",
        "Jo Doe": "jo@acme.example",
    }


def test_another_years_rows_are_warned_about_and_set_no_dates(folder, load):
    calendar = json.loads((folder / "overall_calendar.json").read_text())
    calendar[3] |= {"start": "2019-07-28T20:00:00+00:00", "end": "2019-07-28T21:00:00+00:00"}
    write(folder / "overall_calendar.json", json.dumps(calendar))
    printed = load(folder, timezone=ZONE)
    assert (
        "Warning: 1 time lies more than a month away from the conference's dates, 2020-07-05 to 2020-07-09; is it "
        "another year's? overall_calendar.json, entry 4 (2019-07-28)"
    ) in notes(printed)
    conference = Conference.current()
    assert (conference.name, conference.tagline) == ("Tiny2020", "The tiny meeting")
    assert (conference.starts_on, conference.ends_on) == (dt.date(2020, 7, 5), dt.date(2020, 7, 9))
