"""Importing folders with columns of their own, as forks of Mini-Conf had them, with the help of a map."""

# ruff: noqa: E501  a table of inputs and the sentences they give

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from papers.models import Authorship, Conference, Event, Paper, Presentation, Session
from tests.papers.conftest import write

pytestmark = pytest.mark.django_db


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


AAAI = """
conference: {name: Tiny-21, starts_on: 2021-02-02, ends_on: 2021-02-09, timezone: America/Los_Angeles}
papers:
  file: Main Track_papers.csv
  columns: {uid: UID, title: title, authors: authors, abstract: abstract, keywords: keywords, video: presentation_id}
  separators: {authors: "|", keywords: "|"}
  constants: {program: Main}
  links: {PDF: pdf_url}
  slots:
    - columns: {date: date1, time: time1, room: room_letter1, join_url: gather_town_link, position: position}
      constants: {title: Posters, kind: poster}
    - columns: {date: date2, time: time2, room: room_letter2, join_url: gather_town_link, position: position}
      constants: {title: Posters, kind: poster}
"""
AAAI_PAPERS = """UID,title,authors,abstract,keywords,pdf_url,date1,time1,room_letter1,date2,time2,room_letter2,position,gather_town_link,presentation_id
AAAI-1,Big Heads,Ada Lovelace|Alan Turing,Text.,rnn|attention,https://x.example/1.pdf,7-Feb,08:45AM-10:30AM,R,4-Feb,04:45PM-06:30PM,B,2,https://gather.example/1,38940000
AAAI-2,Small Heads,Grace Hopper,Text.,,,7-Feb,08:45AM-10:30AM,R,,,,1,https://gather.example/2,
"""


@pytest.fixture
def aaai(tmp_path: Path) -> tuple[Path, Path]:
    write(tmp_path / "tiny21" / "Main Track_papers.csv", AAAI_PAPERS)
    write(tmp_path / "map.yml", AAAI)
    return tmp_path / "tiny21", tmp_path / "map.yml"


def test_a_date_without_a_year_a_time_without_a_zone_and_blanks_in_a_file_name(aaai, load):
    folder, path = aaai
    printed = load(folder, map=path)
    assert "(Files read by a map)" in printed
    assert list(Session.objects.values_list("title", "kind", "room", "starts_at", "ends_at")) == [
        ("Posters", "poster", "B", utc("2021-02-05T00:45"), utc("2021-02-05T02:30")),
        ("Posters", "poster", "R", utc("2021-02-07T16:45"), utc("2021-02-07T18:30")),
    ]
    shown = Presentation.objects.filter(session__room="R").values_list("paper__uid", "join_url_private")
    assert list(shown) == [("AAAI-2", "https://gather.example/2"), ("AAAI-1", "https://gather.example/1")]
    paper = Paper.objects.get(uid="AAAI-1")
    assert (paper.program, paper.video_url) == ("Main", "https://slideslive.com/38940000")
    assert paper.links == [{"label": "PDF", "url": "https://x.example/1.pdf"}]
    assert sorted(keyword.name for keyword in paper.keywords.all()) == ["attention", "rnn"]
    conference = Conference.current()
    assert (conference.name, conference.starts_on, conference.timezone) == (
        "Tiny-21",
        dt.date(2021, 2, 2),
        "America/Los_Angeles",
    )
    assert "Nothing has changed since the last import of this source." in load(folder, map=path)


def test_a_date_far_from_the_conference_is_refused_with_the_columns_own_names(aaai, refused):
    folder, path = aaai
    write(folder / "Main Track_papers.csv", AAAI_PAPERS.replace("4-Feb", "4-Aug"))
    assert refused(folder, map=path).splitlines()[1:] == [
        "Main Track_papers.csv, row 2, date2 + time2: 4-Aug + 04:45PM-06:30PM — a date with its year: in none it is near "
        "the conference's dates, 2021-02-02 to 2021-02-09"
    ]


COLT = """
papers:
  - file: papers.csv
    columns: {uid: UID, title: title, authors: authors, abstract: abstract}
    slots:
      - {columns: {session: session, position: position_1}, separators: {session: "|"}}
sessions:
  file: sessions.tsv
  columns: {uid: name, title: title, date: day, time: when, chairs: chair, event: talk}
  constants: {kind: oral}
events:
  file: talks.yml
  columns: {uid: id, title: name, people: who, abstract: text}
  constants: {kind: keynote}
"""


def colt(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "tinycolt"
    write(
        folder / "papers.csv",
        "UID,title,authors,abstract,session,position_1\n"
        'p1,One,"Ada Lovelace, Alan Turing and Grace Hopper (MIT, Boston)",Text.,Session 1A|Session 1E,2\n'
        "p2,Two,Lin Zhou · Grace Hopper,Text.,Session 1A,1\n",
    )
    write(
        folder / "sessions.tsv",
        "name\ttitle\tday\twhen\tchair\ttalk\n"
        "Session 1A\tFirst\t2021-06-10\t(16:45-17:45 GMT)\tAda Lovelace\t\n"
        "Session 1E\tSecond\t2021-06-11\t(23:30-00:30 GMT)\t\tk1\n",
    )
    write(folder / "talks.yml", "- {id: k1, name: On Types, who: Barbara Liskov, text: '<b>Types</b>'}\n")
    write(tmp_path / "map.yml", COLT)
    return folder, tmp_path / "map.yml"


def test_sessions_named_in_a_cell_stand_in_a_table_of_their_own(tmp_path, load):
    folder, path = colt(tmp_path)
    load(folder, map=path)
    assert list(Session.objects.values_list("uid", "title", "kind", "starts_at", "ends_at", "event__uid")) == [
        ("tinycolt-session-1a", "First", "oral", utc("2021-06-10T16:45"), utc("2021-06-10T17:45"), None),
        ("tinycolt-session-1e", "Second", "oral", utc("2021-06-11T23:30"), utc("2021-06-12T00:30"), "tinycolt-k1"),
    ]
    first = Session.objects.get(uid="tinycolt-session-1a")
    assert list(first.presentations.values_list("paper__uid", flat=True)) == ["p2", "p1"]
    assert [person.name for person in first.chairs.all()] == ["Ada Lovelace"]
    authors = Authorship.objects.filter(paper__uid="p1").order_by("position").values_list("person__name", flat=True)
    assert list(authors) == ["Ada Lovelace", "Alan Turing", "Grace Hopper"]
    authors = Authorship.objects.filter(paper__uid="p2").order_by("position").values_list("person__name", flat=True)
    assert list(authors) == ["Lin Zhou", "Grace Hopper"]
    talk = Event.objects.get()
    assert (talk.kind, talk.abstract, talk.people.get().name) == ("keynote", "**Types**", "Barbara Liskov")


def test_a_session_that_no_table_has_is_refused(tmp_path, refused):
    folder, path = colt(tmp_path)
    text = (folder / "papers.csv").read_text()
    write(folder / "papers.csv", text.replace("Session 1A|Session 1E", "Session 1A|Session 9Z"))
    assert refused(folder, map=path).splitlines()[1:] == [
        "papers.csv, row 2, session: Session 9Z — a session of the map's tables, or a time beside it"
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("papers:\n", "paper:\n", "map.yml, paper: [{'file': 'papers.csv', 'columns': {'uid': 'UID', 'title': '… — no such "
         "field; there are conference, papers, sessions, events"),
        ("authors: authors", "author: authors", "map.yml, papers 1, columns, author: authors — no such field; there are uid, "
         "title, authors, abstract, tldr, keywords, track, kind, program, year, venue, video, thumbnail, bibtex, event"),
        ("title: title, authors", "title: Titel, authors", "map.yml, papers 1, columns: Titel — a column of papers.csv: UID, "
         "title, authors, abstract, session, position_1"),
        ("file: papers.csv", "file: ../map.yml", "map.yml, papers 1, file: ../map.yml — the name of a file in the folder"),
        ("file: papers.csv", "file: lost.csv", "map.yml, papers 1, file: lost.csv — the name of a file in the folder"),
        ("{kind: keynote}", "{kind: talks}", "talks.yml, entry 1, kind: talks — one of keynote, tutorial, workshop, social, "
         "mentoring, plenary, talk, panel, other"),
        ("time: when, ", "", "sessions.tsv, row 2, time: (empty) — must be given"),
    ],
)  # fmt: skip
def test_a_map_that_cannot_be_followed(tmp_path, refused, old, new, said):
    folder, path = colt(tmp_path)
    assert old in COLT
    write(path, COLT.replace(old, new, 1))
    assert said in refused(folder, map=path).splitlines()


def test_the_format_without_a_map_is_refused(tmp_path, refused):
    folder, _ = colt(tmp_path)
    assert refused(folder, format="map").splitlines()[1:] == [
        "--map — a map of files and columns must be given with this format"
    ]
