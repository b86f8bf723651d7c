"""Reading tables in tests: a small conference, and what comes of files."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from papers.importers import tables
from papers.importers.options import ReadOptions
from papers.importers.problems import Problems
from papers.importers.programme import PaperEntry, Programme, SessionEntry
from papers.importers.validation import check

PAPERS = """uid,title,authors,abstract,keywords,track,kind,session,pdf
P1,Sharp Heads,Ada Lovelace*|李明,"One.

Two, with ""quotes"".",rnn|attention,Theory,Long,Morning,https://x.example/1.pdf
P2,Two,李明,,,,,,
"""
SESSIONS = """uid,title,start,end,room,track,kind,chairs,papers,link
s1,Morning,2027-05-03T09:00:00+02:00,2027-05-03T11:00:00+02:00,Hall,Theory,poster,Grace Hopper,P2,https://x.example/s1
s2,Lunch,2027-05-03T12:00:00+02:00,2027-05-03T13:00:00+02:00,,,,,,
"""
PEOPLE = """name,affiliation,email,url,bio
Ada Lovelace,London,ada@example.org,https://ada.example,A *life*.
"""


def read(folder: Path, zone: str = "", **files: str | bytes) -> tuple[Programme, list[str]]:
    """The programme and the problems of these files, `papers_csv="…"`."""
    for name, text in files.items():
        data = text.encode() if isinstance(text, str) else text
        (folder / ".".join(name.rsplit("_", 1))).write_bytes(data)
    problems = Problems()
    assert tables.recognises(folder)
    programme = tables.read(folder, ReadOptions(source="conf", zone=ZoneInfo(zone) if zone else None), problems)
    check(programme, problems)
    return programme, problems.lines


def one_paper(folder: Path, text: str | bytes) -> PaperEntry:
    programme, problems = read(folder, papers_csv=text)
    assert problems == []
    [paper] = programme.papers
    return paper


def one_session(folder: Path, text: str, zone: str = "UTC") -> SessionEntry:
    programme, problems = read(folder, zone, sessions_csv=text)
    assert problems == []
    [session] = programme.sessions
    return session
