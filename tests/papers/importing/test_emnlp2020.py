"""Importing the folder of a conference built like EMNLP 2020's: one file of sessions, workshop papers, leftovers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from papers.models import Event, Paper, Session, Sponsor
from tests.papers.conftest import write

pytestmark = pytest.mark.django_db


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


FILES = {
    "config.yml": "name: Tiny2020\ncitation_date: July 2019\n",
    "main_papers.csv": "UID,title,authors,abstract,keywords,track,paper_type,presentation_id,pdf_url,material\n"
    "main.8,Big Heads,Ada Lovelace,Text.,rnn,Summarization,Long,38939437,,"
    "[Code](https://x.example/c)|[Data](https://x.example/d)\nTACL.1,Journal,Alan Turing,Text.,,Theory,TACL,,,\n",
    "findings_papers.tsv": "UID\ttitle\tauthors\tabstract\nfindings.1\tFound\tGrace Hopper\tText, with a comma.\n",
    "workshop_papers.csv": "workshop,UID,title,authors,presentation_id\n"
    "WS-1,WS-1.100,Workshop paper,Lin Zhou|Ada Lovelace,\n",
    "paper_sessions.yml": "z1A:\n  start_time: 2020-11-16 16:00:00+00:00\n  end_time: 2020-11-16 17:00:00+00:00\n"
    "  name: Zoom Q&A Session 1A\n  long_name: 'Zoom Q&A Session 1A: Summarization'\n"
    "  zoom_link: \"https://zoom.us/j/1?pwd=x\\u200b\"\n  papers: [main.8]\n"
    "g1A:\n  start_time: 2020-11-16 22:00:00-04:00\n  end_time: 2020-11-16 23:59:00-04:00\n  name: Gather Session 1A\n"
    "  long_name: 'Gather Session 1A: Theory; Summarization'\n  papers: [TACL.1, findings.1]\n",
    "plenary_sessions.yml": "- UID: panel_a\n  title: Industry Panel\n  day: Nov 16\n  sessions:\n"
    "  - name: P-Live Presentation\n    start_time: 2020-11-16 23:00:00+00:00\n    end_time: 2020-11-17 00:00:00+00:00\n",
    "opening_remarks.csv": "UID,title,speakers,presentation_id\n",
    "workshops.yml": "- UID: WS-1\n  title: Small Workshop\n  organizers: \"Ra\\xFAl Person and Tal Person\"\n"
    "  abstract: About.\n  website: http:/w.example\n  alias: small\n  sessions:\n"
    "  - {start_time: '2020-11-19 05:45 -05:00', end_time: 2020-11-19 07:45:00-05:00, name: 'Shared task', hosts: TBD}\n"
    "  - {start_time: 2020-11-19 07:45:00-05:00, end_time: 2020-11-19 08:00:00-05:00, name: Coffee break, hosts: TBD}\n"
    "  - {start_time: 2020-11-20 08:00:00-05:00, end_time: 2020-11-20 10:00:00-05:00, name: Poster session,\n"
    "     hosts: 'A. Person, B. Person'}\n"
    "  zoom_links: ['https://zoom.us/j/2?pwd=y', 'https://zoom.us/j/3']\n"
    "  prerecorded_talks:\n  - {title: TBA, speakers: Kim Person, presentation_id: '38940786'}\n",
    "sponsors.yml": "- name: Deep Acme\n  levels: [Platinum, 'Diversity: Champion']\n  website: https://acme.example\n"
    "  gather_schedule:\n  - {start: 2020-11-16 17:00:00+00:00, duration: 1.0, label: Chat}\n"
    "- name: Broken\n  level: Gold\n  schedule:\n  - {start: 2020-11-17 20:00:00-08:00, label: Talk, duration: soon}\n",
    "business_meeting.csv": "UID,title,speakers,presentation_id\n1,Last year,X,38931397\n",
    "w1_papers.csv": "UID,title,speakers\n1,Last year's,X\n",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path / "emtiny" / name, text)
    broken = (tmp_path / "emtiny" / "sponsors.yml").read_text().replace("duration: soon", "duration: 1")
    write(tmp_path / "emtiny" / "sponsors.yml", broken)
    return tmp_path / "emtiny"


def test_papers_of_all_programs_in_csv_and_tsv(folder, load):
    assert "(EMNLP 2020 folder)" in load(folder)
    papers = Paper.objects.order_by("uid").values_list("uid", "program", "kind", "track__name", "event__uid")
    assert list(papers) == [
        ("TACL.1", "Main", "TACL", "Theory", None),
        ("WS-1.100", "Workshops", "", None, "emtiny-ws-1"),
        ("findings.1", "Findings", "Findings", None, None),
        ("main.8", "Main", "Long", "Summarization", None),
    ]
    assert Paper.objects.get(uid="findings.1").abstract == "Text, with a comma."
    assert Paper.objects.get(uid="main.8").links == [
        {"label": "Code", "url": "https://x.example/c"},
        {"label": "Data", "url": "https://x.example/d"},
    ]
    assert "Nothing has changed since the last import of this source." in load(folder)


def test_sessions_have_the_kind_and_track_that_stand_in_their_long_names(folder, load):
    load(folder)
    sessions = Session.objects.filter(uid__startswith="emtiny-session").order_by("starts_at")
    assert list(sessions.values_list("uid", "title", "kind", "track__name", "join_url_private", "ends_at")) == [
        ("emtiny-session-z1a", "Zoom Q&A Session 1A: Summarization", "qa", "Summarization", "https://zoom.us/j/1?pwd=x",
         utc("2020-11-16T17:00")),
        ("emtiny-session-g1a", "Gather Session 1A: Theory; Summarization", "poster", None, "", utc("2020-11-17T03:59")),
    ]  # fmt: skip
    posters = Session.objects.get(uid="emtiny-session-g1a").presentations.values_list("paper__uid", flat=True)
    assert list(posters) == ["TACL.1", "findings.1"]


def test_a_workshops_items_are_its_timetable_and_their_blocks_stand_in_the_schedule(folder, load):
    load(folder)
    workshop = Event.objects.get(uid="emtiny-ws-1")
    assert list(workshop.sessions.filter(in_schedule=True).values_list("title", "starts_at", "ends_at")) == [
        ("Small Workshop", utc("2020-11-19T10:45"), utc("2020-11-19T13:00")),
        ("Small Workshop", utc("2020-11-20T13:00"), utc("2020-11-20T15:00")),
    ]
    assert list(workshop.sessions.filter(in_schedule=False).values_list("title", "kind")) == [
        ("Shared task", "workshop"),
        ("Coffee break", "break"),
        ("Poster session", "poster"),
    ]
    chairs = workshop.sessions.get(title="Poster session").chairs.order_by("name")
    assert [person.name for person in chairs] == ["A. Person", "B. Person"]
    assert (workshop.join_url_private, workshop.join_note_private) == (
        "https://zoom.us/j/2?pwd=y",
        "Further rooms: https://zoom.us/j/3",
    )
    assert workshop.links == [{"label": "Kim Person", "url": "https://slideslive.com/38940786"}]
    assert sorted(person.name for person in workshop.people.all()) == ["Raúl Person", "Tal Person"]


def test_sponsors_in_a_flat_list_with_several_levels(folder, load):
    load(folder)
    assert list(Sponsor.objects.order_by("position").values_list("uid", "name", "level")) == [
        ("emtiny-sponsor-deep-acme", "Deep Acme", "Platinum, Diversity: Champion"),
        ("emtiny-sponsor-broken", "Broken", "Gold"),
    ]
    assert Sponsor.objects.get(name="Deep Acme").sessions.get().room == "Gather"


def test_leftovers_wrong_addresses_and_wrong_years_are_warned_about(folder, load):
    printed = load(folder)
    assert sorted(line for line in printed.splitlines() if line.startswith("Warning")) == [
        "Warning: files of another conference's folder, left out: business_meeting.csv, w1_papers.csv",
        "Warning: its dates are in 2019, and the sessions in 2020: config.yml",
        "Warning: no whole web address, left out: workshops.yml, entry 1, website: http:/w.example",
    ]
    assert not Paper.objects.filter(title="Last year's").exists()


def test_what_cannot_be_right_is_refused_all_at_once(folder, refused):
    text = (folder / "paper_sessions.yml").read_text()
    text = text.replace("16:00:00+00:00", "16:00:00").replace("[TACL.1, findings.1]", "[tacl.1, findings.1]")
    write(folder / "paper_sessions.yml", text)
    write(folder / "sponsors.yml", FILES["sponsors.yml"])
    write(folder / "workshop_papers.csv", "workshop,UID,title,authors\nWS-9,WS-9.1,Lost,Lin Zhou\n")
    assert refused(folder).splitlines()[1:] == [
        "workshop_papers.csv, row 2, workshop: WS-9 — the UID of a workshop in workshops.yml",
        "sponsors.yml, entry 2, schedule 1, duration: soon — hours up to 24, like 0.5, or an end",
        "paper_sessions.yml, session z1A, start_time + end_time: 2020-11-16 16:00:00 + 2020-11-16 17:00:00+00:00 — "
        "no time zone: write it with its offset (…+00:00), or give --timezone ZONE",
        "paper_sessions.yml, session g1A, papers: tacl.1 — the id of a paper in one of the lists (case counts)",
    ]
