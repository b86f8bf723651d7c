"""The folder of the EMNLP 2020 virtual conference: one file of sessions, times with their zones, workshop papers."""

from __future__ import annotations

import re
from pathlib import Path

from papers.models import Paper, Session, Track

from .family import Source
from .family_calendar import Calendar
from .family_events import Events, span_of
from .family_pages import read_pages
from .family_papers import (
    Papers,
    check_papers,
    finish_conference,
    lists_of,
    paper_of,
    read_config,
    read_papers,
    read_projection,
)
from .family_sponsors import read_sponsors
from .family_workshops import read_workshops
from .options import ReadOptions
from .problems import Place, Problems
from .programme import Programme, SessionEntry
from .records import limit_of

NAME = "emnlp2020"
TITLE = "EMNLP 2020 folder"

# Files of ACL 2020 that its repository still had.
_LEFTOVER = re.compile(
    r"w\d+_papers\.csv|\w+_paper_(?:sessions|zoom_links|slideslive_ids)\.\w+|workshop_schedules\.json|"
    r"business_meeting\.csv|review_meeting\.csv|(?:srw|cl|tacl)_papers\.csv"
)


def recognises(folder: Path) -> bool:
    return any(folder.glob("paper_sessions.*")) and any(folder.glob("*_papers.*"))


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    source = Source.of(folder, options, problems, dated=("paper_sessions.*", "plenary_sessions.*", "tutorials.*"))
    config, papers, events, calendar = read_config(source), Papers(), Events(source), Calendar(source)
    leftovers = sorted(path.name for path in folder.iterdir() if _LEFTOVER.fullmatch(path.name))
    names = [name for name in lists_of(source) if not any(file.startswith(f"{name}_papers.") for file in leftovers)]
    read_papers(source, names, papers)
    for paper in source.programme.papers:
        paper.kind = paper.kind or ("Findings" if paper.program == "Findings" else "")
    events.plenaries()
    events.talks("opening_remarks")
    events.tutorials()
    read_workshops(source, events, papers, items=True)
    _workshop_papers(source, events, papers)
    events.socials()
    read_sponsors(source)
    _sessions(source, papers, calendar)
    calendar.read(events)
    read_projection(source, papers)
    read_pages(source)
    if leftovers:
        source.warnings.add("files of another conference's folder, left out", ", ".join(leftovers[:12]))
    if source.path("paper_recs"):
        source.programme.notes.append("paper_recs.json: not used, similar papers are found by this site itself")
    finish_conference(source, config)
    return source.finish(skipped=leftovers)


def _workshop_papers(source: Source, events: Events, papers: Papers) -> None:
    for record in source.records("workshop_papers", required=("workshop", "UID", "title")):
        event = events.by_id.get(record.text("workshop"))
        identifier = record.uid("UID", limit=limit_of(Paper, "uid"))
        if event is None:
            record.problem("workshop", record.text("workshop"), "the UID of a workshop in workshops.yml")
            continue
        paper = paper_of(source, record, identifier, program="Workshops", event=event.uid)
        papers.add("workshop", identifier, paper)


def _sessions(source: Source, papers: Papers, calendar: Calendar) -> None:
    """`z1A` or `1Az` are questions on Zoom, `g1A` are posters in Gather; the track is a part of the long name only."""
    tracks = {paper.track.lower(): paper.track for paper in source.programme.papers if paper.track}
    file, sessions = source.mapping("paper_sessions")
    for identifier, data in sessions.items():
        record = source.record(Place(file, f"session {identifier}"), data)
        span = span_of(source, record)
        uids = check_papers(source, record.texts("papers"), papers, "", record)
        if span is None:
            continue
        long_name = record.text("long_name") or record.text("name") or f"Session {identifier}"
        track = long_name.partition(":")[2].strip()
        entry = SessionEntry(
            place=record.place,
            uid=source.uid("session", identifier),
            title=long_name[: limit_of(Session, "title")],
            kind="poster" if "gather" in long_name.lower() else "qa",
            starts_at=span[0],
            ends_at=span[1],
            track=tracks.get(track.lower(), "")[: limit_of(Track, "name")],
            papers=uids,
        )
        links = [source.join_url(record, name) for name in ("zoom_link", "link", "gather_link")]
        entry.join_url_private = next(filter(None, links), "")
        source.programme.sessions.append(entry)
        calendar.name(identifier, entry)
        entry.title = long_name[: limit_of(Session, "title")]
