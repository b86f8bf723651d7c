"""Importing a `conference.json` as ACL 2023, EMNLP 2023 and EACL 2024 had it."""

from __future__ import annotations

import datetime as dt
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from papers.importers import formats
from papers.models import Authorship, Conference, Event, Paper, Session
from tests.papers.conftest import write

pytestmark = pytest.mark.django_db

ORAL = "session-1_-generation,-and-more-(oral)"
POSTER = "session-1_-('east',) posters/a"
START, END = "2023-12-08T11:00:00+08:00", "2023-12-08T12:30:00+08:00"


def event(key: str, kind: str, papers: list[str], **more: Any) -> dict[str, Any]:
    return {"id": key, "session": "Session 1", "track": "Generation", "type": kind, "start_time": START, "end_time": END,
            "chairs": [], "paper_ids": papers, "link": None, "room": "East"} | more  # fmt: skip


def paper(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "authors": ["Ada Lovelace"], "track": "Generation", "paper_type": "long", "abstract": "Text.",
            "tldr": "Text.", "keywords": [], "event_ids": [], "program": "Main", "is_paper": True} | more  # fmt: skip


DATA: dict[str, Any] = {
    "sessions": {
        "Session 1": {"id": "session-1", "name": "Session 1", "display_name": "Session 1", "start_time": START,
                      "end_time": END, "type": "Paper Sessions",
                      "events": {ORAL: event(ORAL, "Oral", ["102-Oral", "D 7"])}},
        "Coffee": {"id": "coffee", "name": "Coffee", "start_time": "2023-12-08T10:30:00+08:00", "end_time": START,
                   "type": "Breaks", "events": {}},
    },
    "events": {
        ORAL: event(ORAL, "Oral", ["102-Oral", "D 7"], chairs=["Grace Hopper"], link="https://zoom.us/j/1"),
        POSTER: event(POSTER, "Virtual Poster", ["102", "soc"], start_time="2023-12-08T14:00:00+08:00",
                      end_time="2023-12-08T15:00:00+08:00"),
    },
    "papers": {
        "102": paper("Big Heads", preview_image="null", underline_url="https://u.example/1", event_ids=[POSTER],
                     paper_pdf="https://x.example/1.pdf", keywords=["rnn", "attention"]),
        "102-Oral": paper("Big  heads", event_ids=[ORAL]),
        "D 7": paper("NaN", paper_type="nan", authors="Alan Turing, Grace Hopper,Lin Zhou", tldr="Short.",
                     event_ids=["gone"]),
        "7": paper("Other"),
        "7-Oral": paper("Not the same"),
        "W-1": paper("At the workshop", program="Workshop", track="SmallWS"),
        "soc": paper("Dinner", is_paper=False),
        "b1": paper("Coffee", authors=[], category="Breaks"),
    },
    "plenaries": {
        "keynote-1": {"id": "keynote-1", "title": "On Types", "image_url": "null", "presenter": "Barbara Liskov",
                      "institution": "MIT", "abstract": "Friday, December 08 - Time: 9:00 - 9:30", "bio": "TBD",
                      "start_time": None, "end_time": None, "room": "East"},
        "panel": {"id": "panel", "title": "Panel", "abstract": "About it.", "start_time": None, "end_time": None},
    },
    "tutorials": {
        "T1": {"id": "T1", "title": "Teaching", "organizers": ["Ada Lovelace"], "description": "How to.",
               "start_time": "2023-12-06T09:00:00+08:00", "end_time": "2023-12-06T12:00:00+08:00", "room": "W"},
    },
    "workshops": {
        "workshop_1": {"id": "workshop_1", "short_name": "SmallWS", "description": "About.",
                       "committee": [{"first_name": "Lin", "middle_name": None, "last_name": "Zhou"}],
                       "workshop_site_url": "https://w.example", "start_time": "2023-12-06T09:00:00+08:00",
                       "end_time": "2023-12-06T17:00:00+08:00"},
    },
}  # fmt: skip


@pytest.fixture
def data() -> dict[str, Any]:
    return deepcopy(DATA)


@pytest.fixture
def folder(tmp_path: Path, data: dict[str, Any]) -> Path:
    write(tmp_path / "tiny2023" / "conference.json", json.dumps(data))
    write(tmp_path / "tiny2023" / "config.yml", "name: Tiny 2023\ncalendar: {end: '2020-07-14'}\n")
    return tmp_path / "tiny2023"


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


ZONE = "Asia/Singapore"


def test_it_is_recognised_by_its_content_and_the_second_time_changes_nothing(folder, load):
    assert "(ACL 2023 conference.json)" in load(folder, timezone=ZONE)
    assert "Nothing has changed since the last import of this source." in load(folder, timezone=ZONE)
    write(folder / "conference.json", '{"schedule": {}}')
    assert not formats()["conference-json"].recognises(folder)


def test_a_paper_shown_twice_is_one_and_what_is_no_paper_is_left_out(folder, load):
    printed = load(folder, timezone=ZONE)
    assert sorted(Paper.objects.values_list("uid", "title", "kind")) == [
        ("102", "Big Heads", "long"),
        ("7", "Other", "long"),
        ("7-Oral", "Not the same", "long"),
        ("D-7", "NaN", ""),
        ("W-1", "At the workshop", "long"),
    ]
    lines = printed.splitlines()
    assert "2 entries of papers are breaks, socials and the like, and left out" in lines
    assert "1 entries are further presentations of a paper (102 and 102-Oral)" in lines
    assert list(Session.objects.filter(papers__uid="102").order_by("starts_at").values_list("kind", flat=True)) == [
        "oral",
        "poster",
    ]


def test_empty_words_and_repeated_abstracts_are_nothing(folder, load):
    load(folder, timezone=ZONE)
    paper = Paper.objects.get(uid="102")
    assert (paper.thumbnail_url, paper.tldr) == ("", "")
    assert paper.links == [
        {"label": "PDF", "url": "https://x.example/1.pdf"},
        {"label": "Underline", "url": "https://u.example/1"},
    ]
    assert Paper.objects.get(uid="D-7").tldr == "Short."
    authors = Authorship.objects.filter(paper__uid="D-7").order_by("position")
    assert list(authors.values_list("person__name", flat=True)) == ["Alan Turing", "Grace Hopper", "Lin Zhou"]


def test_events_are_sessions_whose_ids_keep_commas_and_brackets(folder, load):
    load(folder, timezone=ZONE)
    rows = Session.objects.filter(event=None).order_by("starts_at", "uid")
    assert list(rows.values_list("uid", "title", "kind", "track__name", "room", "starts_at")) == [
        ("tiny2023-coffee", "Coffee", "break", None, "", utc("2023-12-08T02:30")),
        (f"tiny2023-{ORAL}", "Session 1: Generation (Oral)", "oral", "Generation", "East", utc("2023-12-08T03:00")),
        ("tiny2023-session-1_-('east',)-posters-a", "Session 1: Generation (Virtual Poster)", "poster", "Generation",
         "East", utc("2023-12-08T06:00")),
    ]  # fmt: skip
    oral = Session.objects.get(uid=f"tiny2023-{ORAL}")
    assert (oral.join_url_private, oral.url) == ("https://zoom.us/j/1", "")
    assert [person.name for person in oral.chairs.all()] == ["Grace Hopper"]
    assert list(oral.presentations.values_list("paper__uid", flat=True)) == ["102", "D-7"]


def test_a_plenarys_time_is_taken_from_its_abstract_and_that_is_said(folder, load):
    printed = load(folder, timezone=ZONE)
    keynote = Event.objects.get(uid="tiny2023-keynote-1")
    assert (keynote.kind, keynote.abstract, keynote.image_url) == ("keynote", "", "")
    date = keynote.sessions.get()
    assert (date.starts_at, date.ends_at) == (utc("2023-12-08T01:00"), utc("2023-12-08T01:30"))
    lines = printed.splitlines()
    assert (
        "Warning: the time is taken from the abstract, since start_time is empty: conference.json, plenaries, keynote-1: "
        "Friday, December 08 - Time: 9:00 - 9:30"
    ) in lines
    assert ("Warning: no time is given, so it is not in the schedule: conference.json, plenaries, panel") in lines
    assert "Warning: a paper names an event that is not there: conference.json, papers, D 7: gone" in lines


def test_tutorials_and_workshops_have_their_people_dates_and_papers(folder, load):
    load(folder, timezone=ZONE)
    workshop = Event.objects.get(uid="tiny2023-workshop_1")
    assert workshop.links == [{"label": "Website", "url": "https://w.example"}]
    assert [person.name for person in workshop.people.all()] == ["Lin Zhou"]
    assert [paper.uid for paper in workshop.papers.all()] == ["W-1"]
    assert Event.objects.get(uid="tiny2023-T1").sessions.get().room == "W"
    conference = Conference.current()
    assert (conference.name, conference.timezone) == ("Tiny 2023", ZONE)
    assert (conference.starts_on, conference.ends_on) == (dt.date(2023, 12, 6), dt.date(2023, 12, 8))


def test_times_without_a_zone_and_a_weekday_on_the_wrong_day_are_refused(folder, data, refused):
    data["events"][POSTER] |= {"start_time": "2023-12-08 14:00:00", "end_time": "2023-12-08 15:00:00"}
    data["plenaries"]["keynote-1"]["abstract"] = "Thursday, December 08 - Time: 9:00 - 9:30"
    write(folder / "conference.json", json.dumps(data))
    assert refused(folder).splitlines()[1:] == [
        "conference.json, plenaries, keynote-1, abstract: Thursday, December 08 - Time: 9:00 - 9:30 — 2023-12-08 is a "
        "Friday, no Thursday",
        f"conference.json, events, {POSTER}, start_time + end_time: 2023-12-08 14:00:00 + 2023-12-08 15:00:00 — "
        "no time zone: write it with its offset (…+00:00), or give --timezone ZONE",
    ]


def test_an_unknown_paper_of_an_event_is_refused(folder, data, refused):
    data["events"][ORAL]["paper_ids"] = ["103"]
    write(folder / "conference.json", json.dumps(data))
    assert refused(folder, timezone=ZONE).splitlines()[1:] == [
        f"conference.json, events, {ORAL}, paper_ids: 103 — the id of an entry of papers"
    ]


def test_a_file_that_is_no_json_is_told_with_its_line(folder, refused):
    write(folder / "conference.json", '{"sessions": {},\n "papers": }')
    assert refused(folder).splitlines()[1:] == ["conference.json, line 2 — is not JSON: Expecting value"]
