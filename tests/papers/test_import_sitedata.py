"""Importing Mini-Conf's own folder format."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from papers.models import Authorship, Conference, Event, Keyword, Page, Paper, Person, Session

pytestmark = pytest.mark.django_db


def test_papers_come_unharmed(sitedata, load):
    load(sitedata)
    paper = Paper.objects.get(uid="SkxSha1")
    assert paper.abstract == (
        "First line.\nSecond line with $x^2 < 3$ and <table,description>.\n\nNew paragraph \\\\alpha."
    )
    assert Paper.objects.get(uid="B1-x_y.(2):3").title == "On ``quotes'' and $\\ell_1$  norms"
    assert Paper.objects.get(uid="B1-x_y.(2):3").abstract == "ﬁne ligatures"


def test_ids_are_told_apart_by_case(sitedata, load):
    load(sitedata)
    assert sorted(Paper.objects.values_list("uid", flat=True)) == ["B1-x_y.(2):3", "SkxSha1", "skxsha1"]


def test_an_empty_cell_is_no_keyword(sitedata, load):
    load(sitedata)
    assert sorted(Keyword.objects.values_list("name", flat=True)) == ["attention", "optimization", "rnn"]


def test_a_trailing_asterisk_is_equal_contribution_and_no_part_of_the_name(sitedata, load):
    load(sitedata)
    authors = Authorship.objects.filter(paper__uid="SkxSha1").values_list(
        "position", "person__name", "equal_contribution"
    )
    assert list(authors) == [(1, "Ada Lovelace", True), (2, "Émilie du Châtelet", True), (3, "Alan Turing", False)]


def test_somebody_named_twice_is_one_person_with_one_slug(sitedata, load):
    load(sitedata)
    assert Person.objects.get(name="Alan Turing").papers.count() == 2
    assert Person.objects.get(name="Émilie du Châtelet").slug == "émilie-du-châtelet"


def test_calendar_entries_become_sessions_and_papers_find_theirs_through_the_link(sitedata, load):
    load(sitedata)
    rows = Session.objects.values_list("uid", "title", "kind", "starts_at")
    utc = dt.UTC
    assert list(rows) == [
        ("tiny-mon-session-1", "Posters 1", "poster", dt.datetime(2020, 4, 27, 5, tzinfo=utc)),
        ("tiny-live-qa-barbara-liskov", "Live Q&A: Barbara Liskov", "qa", dt.datetime(2020, 4, 27, 14, tzinfo=utc)),
        ("tiny-a-social", "A social", "social", dt.datetime(2020, 4, 27, 18, tzinfo=utc)),
        ("tiny-tues-session-1", "Posters 2", "poster", dt.datetime(2020, 4, 28, 5, tzinfo=utc)),
    ]
    papers = Session.objects.get(uid="tiny-mon-session-1").presentations.values_list("paper__uid", flat=True)
    assert list(papers) == ["SkxSha1", "B1-x_y.(2):3"]


def test_speakers_and_workshops_become_events_with_their_people_and_dates(sitedata, load):
    load(sitedata)
    keynote = Event.objects.get(uid="tiny-speaker-1")
    assert (keynote.kind, keynote.title, keynote.abstract) == (
        "keynote",
        "Abstraction",
        "Talk about **types**.  \nMore.",
    )
    speaker = keynote.people.get()
    assert (speaker.name, speaker.affiliation, speaker.biography) == ("Barbara Liskov", "MIT", "A biography.")
    assert [session.title for session in keynote.sessions.all()] == ["Live Q&A: Barbara Liskov"]
    workshop = Event.objects.get(uid="tiny-workshop-a")
    assert sorted(person.name for person in workshop.people.all()) == ["Ada Lovelace", "Lin Zhou"]


def test_questions_and_committee_become_pages_named_after_the_source(sitedata, load):
    load(sitedata)
    pages = dict(Page.objects.values_list("slug", "body"))
    assert pages == {
        "tiny-advice": "### Why?\n\nBecause.",
        "tiny-committee": "### Chair\n\n- A\\_B \\*C\\*, Cornell ([@handle](https://twitter.com/handle))",
    }
    assert not Person.objects.filter(name__contains="A_B").exists()


def test_highlights_map_positions_year_and_venue_are_kept(sitedata, load):
    load(sitedata)
    paper = Paper.objects.get(uid="SkxSha1")
    assert (paper.highlighted, paper.map_x, paper.map_y) == (True, -1.5, 2.0)
    assert (paper.year, paper.venue) == (2020, "Proceedings of Tiny")
    assert Paper.objects.filter(highlighted=True).count() == 1


def test_an_empty_site_takes_the_name_of_the_first_source_only(sitedata, native, load):
    load(sitedata)
    load(native)
    conference = Conference.current()
    assert (conference.name, conference.tagline) == ("Tiny", "TINY CONF")
    assert (conference.starts_on, conference.ends_on) == (dt.date(2020, 4, 27), dt.date(2020, 4, 28))


def test_papers_alone_are_enough(sitedata, load):
    for path in sitedata.iterdir():
        if path.name != "papers.csv":
            path.unlink()
    printed = load(sitedata)
    assert Paper.objects.count() == 3
    assert "3 sessions of papers have no time, since there is no main_calendar.json" in printed.splitlines()


def test_a_corrected_time_moves_the_session_and_keeps_its_id(sitedata, load):
    load(sitedata)
    calendar = json.loads((sitedata / "main_calendar.json").read_text())
    calendar[3] |= {"start": "2020-04-27T19:00:00+00:00"}
    (sitedata / "main_calendar.json").write_text(json.dumps(calendar))
    load(sitedata)
    assert Session.objects.get(uid="tiny-a-social").starts_at == dt.datetime(2020, 4, 27, 19, tzinfo=dt.UTC)
    assert Session.objects.filter(withdrawn_at=None).count() == 4


def test_times_without_a_zone_are_read_in_the_zone_given(sitedata, load, refused):
    text = (sitedata / "main_calendar.json").read_text().replace("+00:00", "")
    (sitedata / "main_calendar.json").write_text(text)
    assert "entry 1, start: 2020-04-28T05:00:00 — no time zone" in refused(sitedata)
    load(sitedata, timezone="America/New_York")
    assert Session.objects.get(title="Posters 1").starts_at == dt.datetime(2020, 4, 27, 9, tzinfo=dt.UTC)


@pytest.fixture
def iclr2020() -> Path:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data" / "iclr2020"
    if not folder.is_dir():
        pytest.skip("the files of ICLR 2020 are not here (../shared/data/iclr2020)")
    return folder


def test_the_whole_of_iclr_2020_is_read_and_the_second_time_changes_nothing(iclr2020, load):
    load(iclr2020)
    assert Paper.objects.count() == 687
    assert Session.objects.count() == 56
    assert Event.objects.filter(kind="keynote").count() == 2
    assert Event.objects.filter(kind="workshop").count() == 2
    assert Paper.objects.filter(abstract__contains="\n").count() == 137
    assert Paper.objects.filter(abstract__contains="\r").count() == 0
    assert Paper.objects.filter(abstract__contains="<table,description>").count() == 1
    assert Paper.objects.exclude(keywords=None).count() == 667
    assert Keyword.objects.count() == 224 - 1  # one of the 224 is the empty text
    assert load(iclr2020).splitlines()[-1] == "Nothing has changed since the last import of this source."


def test_a_missing_blank_after_a_full_stop_makes_no_link(sitedata, load, client):
    text = (
        (sitedata / "speakers.csv").read_bytes().decode().replace("A biography.", "Many challenges.In addition more.")
    )
    (sitedata / "speakers.csv").write_bytes(text.encode())
    load(sitedata)
    assert "<p>Many challenges.In addition more.</p>" in client.get("/events/tiny-speaker-1/").content.decode()
