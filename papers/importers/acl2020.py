"""The folder of the ACL 2020 virtual conference: a list of papers, of sessions, of talks and of rooms per program.

Times of `*_paper_sessions.yml` are UTC and without an end; `*_paper_zoom_links.csv` has both, for each paper once more.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from papers.models import Session

from .family import Source
from .family_calendar import Calendar
from .family_events import UTC_NOTE, Events
from .family_pages import read_pages
from .family_papers import (
    Papers,
    check_papers,
    finish_conference,
    lists_of,
    read_config,
    read_papers,
    read_projection,
)
from .family_sponsors import read_sponsors
from .family_workshops import read_timetables, read_workshops
from .options import ReadOptions
from .problems import Place, Problems
from .programme import PresentationEntry, Programme, SessionEntry
from .records import Record, limit_of

NAME = "acl2020"
TITLE = "ACL 2020 folder"

_SESSIONS = "_paper_sessions"
_ONE_HOUR, _DEMO = dt.timedelta(hours=1), dt.timedelta(minutes=45)


def recognises(folder: Path) -> bool:
    return any(folder.glob(f"*{_SESSIONS}.*")) and not any(folder.glob("paper_sessions.*"))


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    source = Source.of(
        folder,
        options,
        problems,
        dated=(f"*{_SESSIONS}.*", "overall_calendar.json", "plenary_sessions.*", "tutorials.*"),
    )
    config, papers, events, calendar = read_config(source), Papers(), Events(source), Calendar(source)
    names = [name for name in lists_of(source) if not (name == "w" or name.startswith("workshop"))]
    read_papers(source, names, papers)
    _talks(source, names, papers)
    _sessions(source, names, papers, calendar)
    events.plenaries()
    for identifier in ("business_meeting", "review_meeting", "opening_remarks"):
        events.talks(identifier)
    events.tutorials()
    read_workshops(source, events, papers)
    read_timetables(source, events, papers)
    events.socials()
    read_sponsors(source)
    calendar.read(events)
    read_projection(source, papers)
    read_pages(source)
    if source.path("paper_recs"):
        source.programme.notes.append("paper_recs.json: not used, similar papers are found by this site itself")
    finish_conference(source, config)
    return source.finish()


def _talks(source: Source, names: list[str], papers: Papers) -> None:
    for name in names:
        for record in source.records(f"{name}_paper_slideslive_ids", required=("UID", "presentation_id")):
            paper, url = papers.find(record.text("UID"), name), source.video(record, "presentation_id")
            if paper is None:
                source.warnings.add("a talk of a paper that is in no list", record.place, record.text("UID"))
            elif paper.video_url and url and paper.video_url != url:
                record.problem("presentation_id", record.text("presentation_id"), f"one talk; it has {paper.video_url}")
            else:
                paper.video_url = url or paper.video_url


def _sessions(source: Source, names: list[str], papers: Papers, calendar: Calendar) -> None:
    """Sessions of all lists. Those of the same name and time are one."""
    found: dict[str, SessionEntry] = {}
    for name in names:
        rooms = _rooms(source, name, papers)
        file, sessions = source.mapping(f"{name}{_SESSIONS}")
        for identifier, data in sessions.items():
            record = Record(
                Place(file, f"session {identifier}"), data, source.problems, zone=dt.UTC, dates=source.dates
            )
            starts_at = record.time("date")
            uids = check_papers(source, record.texts("papers"), papers, name, record)
            if starts_at is None:
                continue
            entry = found.get(identifier)
            if entry is not None and entry.starts_at != starts_at:
                record.problem(
                    "date", record.text("date"), f"the time of the session of this name in {entry.place.file}"
                )
                continue
            if entry is None:
                entry = found[identifier] = SessionEntry(
                    place=record.place,
                    uid=source.uid("session", identifier),
                    title=f"Session {identifier}"[: limit_of(Session, "title")],
                    kind="qa",
                    starts_at=starts_at,
                    ends_at=starts_at,
                )
                source.programme.sessions.append(entry)
                calendar.name(identifier, entry)
            entry.papers += [uid for uid in uids if uid not in entry.papers]
            _place(record, entry, {uid: rooms[uid, identifier] for uid in uids if (uid, identifier) in rooms})
            _without_room(source, record, uids, rooms, identifier)
            entry.ends_at = max(entry.ends_at, calendar.end_of(identifier) or entry.ends_at)
            if entry.ends_at == entry.starts_at:
                length = _DEMO if name == "demo" else _ONE_HOUR
                entry.ends_at = starts_at + length
                what = f"no file says when the session ends; it is given {length.seconds // 60} minutes"
                source.warnings.add(what, record.place)
        if sessions:
            source.programme.notes.append(f"{file}: {UTC_NOTE}")
    _one_room(found)


def _rooms(source: Source, name: str, papers: Papers) -> dict[tuple[str, str], Record]:
    """Rows of the table of rooms, by the paper's uid and the session's name."""
    rooms: dict[tuple[str, str], Record] = {}
    for record in source.records(f"{name}_paper_zoom_links", required=("UID", "session_name")):
        paper, session = papers.find(record.text("UID"), name), record.text("session_name")
        if paper is None:
            source.warnings.add("a room of a paper that is in no list", record.place, record.text("UID"))
        elif (paper.uid, session) in rooms:
            record.problem("UID", record.text("UID"), f"one room in session {session}")
        else:
            rooms[paper.uid, session] = record
    return rooms


def _place(record: Record, entry: SessionEntry, rooms: dict[str, Record]) -> None:
    """Links of rooms, and the session's end, which stands in the table of rooms only. Both must tell the same start."""
    for uid, room in rooms.items():
        starts_at = room.time("starttime")
        ends_at = room.time("endtime") if room.text("endtime") else None
        link = _room_link(room)
        if starts_at is not None and starts_at != entry.starts_at:
            room.problem("starttime", room.text("starttime"), f"{record.text('date')} UTC, as in {record.place}")
            continue
        if ends_at is not None and ends_at <= entry.starts_at:
            room.problem("endtime", room.text("endtime"), "a time after the session's start")
        elif ends_at is not None:
            entry.ends_at = max(entry.ends_at, ends_at)
        own_end = ends_at if ends_at is not None and ends_at > entry.starts_at else None
        entry.presentations[uid] = PresentationEntry(uid, entry.starts_at, own_end, link)


def _room_link(room: Record) -> str:
    return room.url("zoom_join_link", limit=limit_of(Session, "join_url_private"))


def _without_room(
    source: Source, record: Record, uids: list[str], rooms: dict[tuple[str, str], Any], identifier: str
) -> None:
    for uid in uids:
        if rooms and (uid, identifier) not in rooms:
            source.warnings.add("a paper without a room in the table of rooms", record.place, uid)


def _one_room(sessions: dict[str, SessionEntry]) -> None:
    """Where all papers of a session meet in one room at its own times, it is the session's; else, each keeps its own."""
    for entry in sessions.values():
        own = entry.presentations
        links = {item.join_url_private for item in own.values()}
        if len(links) == 1 and own.keys() == set(entry.papers) and len(own) > 1:
            entry.join_url_private = links.pop()
        for uid, item in list(own.items()):
            same_times = item.ends_at in (None, entry.ends_at)
            times = (None, None) if same_times else (item.starts_at, item.ends_at)
            link = "" if entry.join_url_private else item.join_url_private
            own[uid] = PresentationEntry(uid, *times, link)
            if own[uid] == PresentationEntry(uid):
                del own[uid]
