"""Folders as an organizer would have them, small and in full working order; tests then break or change a part."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

Import = Callable[..., str]

PAPERS_CSV = """UID,title,authors,abstract,keywords,sessions
SkxSha1,Sharp Heads for RNNs,Ada Lovelace*|Émilie du Châtelet*|Alan Turing,"First line.
Second line with $x^2 < 3$ and <table,description>.

New paragraph \\\\alpha.",rnn|attention,Mon Session 1|Tues Session 1
skxsha1,Another paper whose id differs by case,Alan Turing,An abstract.,,
B1-x_y.(2):3,On ``quotes'' and $\\ell_1$  norms,Grace Hopper,ﬁne ligatures,optimization|,Mon Session 1
"""
CALENDAR = [
    {"title": "Posters 2", "start": "2020-04-28T05:00:00+00:00", "end": "2020-04-28T07:00:00+00:00", "category": "time",
     "location": None, "link": "https://x.example/virtual/papers.html?session=Tues+Session+1&filter=keywords",
     "calendarId": "---"},
    {"title": "Posters 1", "start": "2020-04-27T05:00:00+00:00", "end": "2020-04-27T07:00:00+00:00", "category": "time",
     "location": "papers.html?session=Mon+Session+1", "link": "papers.html?session=Mon+Session+1", "calendarId": "---"},
    {"title": "Live Q&A: Barbara Liskov", "start": "2020-04-27T14:00:00+00:00", "end": "2020-04-27T14:30:00+00:00",
     "category": "time", "location": "https://x.example/speaker_1.html", "link": "https://x.example/speaker_1.html",
     "calendarId": "qa"},
    {"title": "A social", "start": "2020-04-27T18:00:00+00:00", "end": "2020-04-27T20:00:00+00:00", "category": "time",
     "location": None, "link": None, "calendarId": "---"},
]  # fmt: skip
SPEAKERS_CSV = """UID,image,title,institution,speaker,abstract,bio,session
1,https://x.example/b.jpg,Abstraction,MIT, Barbara Liskov,"Talk about <b>types</b>.<br>More.",A biography.,1
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.fixture
def sitedata(tmp_path: Path) -> Path:
    """A Mini-Conf folder named "tiny" with every trap of the real ones."""
    folder = tmp_path / "tiny"
    write(folder / "papers.csv", PAPERS_CSV.replace("\n", "\r\n"))
    write(folder / "main_calendar.json", json.dumps(CALENDAR))
    write(folder / "speakers.csv", SPEAKERS_CSV)
    write(folder / "workshops.csv", 'UID,title,authors,abstract\na,A workshop,"Ada Lovelace|Lin Zhou",About it.')
    write(folder / "highlighted.csv", "UID,session\nSkxSha1,1")
    write(folder / "papers_projection.json", '[{"id": "SkxSha1", "pos": [-1.5, 2]}]')
    write(
        folder / "committee.yml", "committee:\n  - role: Chair\n    name: A_B *C*\n    aff: Cornell\n    tw: handle\n"
    )
    write(folder / "faq.yml", "FAQ:\n  - Section: Advice\n    QA:\n      - Question: Why?\n        Answer: Because.\n")
    write(
        folder / "config.yml",
        "name: Tiny\ntagline: TINY <br> CONF\ncitation_date: May 2020\nproceedings_title: Proceedings of Tiny\n",
    )
    return folder


@pytest.fixture
def native(tmp_path: Path) -> Path:
    """A folder in the site's own format, with the source name "own"."""
    folder = tmp_path / "anything"
    write(
        folder / "conference.yml", "name: Own\ntagline: Ours\nstarts_on: 2027-05-03\nends_on: 2027-05-04\nsource: own\n"
    )
    write(
        folder / "papers" / "one.yml",
        "uid: P1\ntitle: no\nauthors:\n  - name: Ada Lovelace\n    affiliation: London\n    email: Ada@example.org\n"
        "  - name: 李明\nabstract: |\n  One.\n\n  Two.\ntldr: Short.\nkeywords: [rnn, attention]\ntrack: Theory\n"
        "kind: Long\nyear: 2019\nvenue: arXiv\nlinks:\n  - {label: PDF, url: 'https://x.example/1.pdf'}\n"
        "video: {file: media/talk.mp4, captions: talk.vtt}\n",
    )
    write(folder / "papers" / "two.yml", "uid: '0123'\ntitle: Two\nauthors:\n  - name: 李明\n")
    write(
        folder / "events.yml",
        "- uid: k1\n  kind: keynote\n  title: A keynote\n  abstract: '*Hello*'\n  people:\n"
        "    - {name: Barbara Liskov, biography: A life.}\n",
    )
    write(
        folder / "sessions.yml",
        "- {uid: s1, title: Posters, kind: poster, starts_at: 2027-05-03T09:00:00+02:00,"
        " ends_at: '2027-05-03T11:00:00+02:00', room: Hall, papers: [P1, '0123']}\n"
        "- {uid: s2, title: Keynote, kind: keynote, starts_at: 2027-05-03T12:00:00Z, ends_at: 2027-05-03T13:00:00Z,"
        " event: k1}\n",
    )
    write(
        folder / "sponsors.yml",
        "- {uid: acme, name: Acme, level: Gold, description: '**Good.**', url: 'https://acme.example'}\n",
    )
    write(folder / "pages" / "10-help.md", "# Help\n\nText.\n")
    write(folder / "pages" / "conduct.md", "# Conduct\nBe kind.\n")
    write(
        folder / "people.yml",
        "- {email: ada@example.org, name: Ada Lovelace, role: author}\n"
        "- {email: org@example.org, name: Org, role: organizer}\n",
    )
    write(folder / "media" / "talk.mp4", "not really a film")
    write(folder / "media" / "talk.vtt", "WEBVTT\n")
    return folder


@pytest.fixture
def load(capsys: pytest.CaptureFixture[str]) -> Import:
    """Runs the command and returns what it printed."""

    def run(folder: Path, **options: object) -> str:
        call_command("import_programme", str(folder), **options)
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused() -> Import:
    """Runs the command, which must refuse, and returns the sentence it refuses with, without the folder's name."""

    def run(folder: Path, **options: object) -> str:
        with pytest.raises(CommandError) as error:
            call_command("import_programme", str(folder), **options)
        return str(error.value).removeprefix(f"{folder}: ")

    return run


@pytest.fixture(autouse=True)
def media_root(tmp_path: Path, settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media-root"
    return settings.MEDIA_ROOT


def first_problem(sentence: str) -> str:
    """The only problem told; fails when there are more."""
    head, *lines = sentence.splitlines()
    assert head == "1 problem; nothing was changed:", sentence
    return lines[0]
