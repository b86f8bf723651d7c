"""Workshops of ACL 2020 and EMNLP 2020: their pages, their papers, their own timetables."""

from __future__ import annotations

import datetime as dt
import re
from difflib import SequenceMatcher
from itertools import pairwise

from papers.models import Event, Paper, Session

from .family import Source
from .family_events import Events, kind_of_item
from .family_papers import Papers, paper_of
from .html import escape_markdown, markdown_of_html, text_of_html
from .problems import Place
from .programme import EventEntry, SessionEntry
from .records import Record, limit_of

_BARE = re.compile(r"(\d{1,2}):\d\d", re.ASCII)
_ALIKE = 0.6


def read_workshops(source: Source, events: Events, papers: Papers, *, items: bool = False) -> None:
    """`workshops.yml` with, for each `W4`, `w4_papers.csv`. With `items`, its sessions are the workshop's timetable and
    blocks of them stand in the schedule."""
    for record in source.records("workshops"):
        event = events.add(record, "workshop", video_url=source.video(record, "livestream"))
        event.people = source.people(record, "organizers")
        if schedule := markdown_of_html(record.text("schedule")):
            event.abstract = f"{event.abstract}\n\n{schedule}".strip()
        for label, name in (("Website", "website"), ("Material", "material")):
            if url := source.link(record, name):
                event.links.append({"label": label, "url": url})
        _rooms(source, record, event)
        for talk in record.records("prerecorded_talks"):
            if url := source.video(talk, "presentation_id"):
                title, speakers = talk.text("title"), talk.text("speakers")
                told = speakers if title.upper() in ("", "TBA", "TBD") else title
                event.links.append({"label": (told or "Talk")[:80], "url": url})
        found = events.sessions(record, event, items=items)
        if items:
            _blocks(source, events, record, event, found)
        key = record.text("UID")
        for row in source.records(f"{key.lower()}_papers", required=("UID", "title")) if key.isalnum() else []:
            identifier = row.uid("UID", limit=limit_of(Paper, "uid") - len(key) - 1)
            paper = paper_of(source, row, f"{key}.{identifier}", program="Workshops", event=event.uid)
            if (key, identifier) in papers.by_list:
                source.problems.add(row.place, "UID", identifier, "each paper of a workshop once")
                source.programme.papers.remove(paper)
            papers.by_list[key, identifier] = paper


def _rooms(source: Source, record: Record, event: EventEntry) -> None:
    links = [
        link for text in record.texts("zoom_links") if (link := source.address(text, record.place, "zoom_links", 1000))
    ]
    event.join_url_private = source.join_url(record, "zoom_link") or (links[0] if links else "")
    others = [link for link in links if link != event.join_url_private]
    note = f"Further rooms: {' '.join(others)}" if others else ""
    while len(note) > limit_of(Event, "join_note_private"):
        source.warnings.add("more rooms than are kept", record.place, others.pop())
        note = f"Further rooms: {' '.join(others)}"
    event.join_note_private = note


def _blocks(source: Source, events: Events, record: Record, event: EventEntry, items: list[SessionEntry]) -> None:
    """Items no more than an hour apart are one date of the workshop in the schedule."""
    spans: list[tuple[dt.datetime, dt.datetime]] = []
    for item in sorted(items, key=lambda item: (item.starts_at, item.ends_at)):
        if spans and item.starts_at - spans[-1][1] <= dt.timedelta(hours=1):
            spans[-1] = (spans[-1][0], max(spans[-1][1], item.ends_at))
        else:
            spans.append((item.starts_at, item.ends_at))
    for span in spans:
        events.session(record, event, "Live Session", span)


def read_timetables(source: Source, events: Events, papers: Papers) -> None:
    """`workshop_schedules.json`: the items of each workshop, for its page. Their times have no zone and no year."""
    name, timetables = source.mapping("workshop_schedules")
    for key, items in timetables.items():
        event = events.by_id.get(key)
        if event is None or not isinstance(items, list):
            expected = "the UID of a workshop" if event is None else "a list of entries"
            source.problems.add(Place(name, key), "workshop", key, expected)
            continue
        records = [source.record(Place(name, f"{key} entry {n}"), item) for n, item in enumerate(items, 1)]
        _check_halves(source, records)
        _timetable(source, events, papers, key, event, records)


def _timetable(
    source: Source, events: Events, papers: Papers, key: str, event: EventEntry, records: list[Record]
) -> None:
    entries: list[tuple[Record, SessionEntry, bool]] = []
    for record in records:
        span = record.span("startTime", "endTime", date_field="date")
        title = text_of_html(record.text("title", required=True))
        if span is None:
            continue
        known = events.with_sessions.copy()
        entry = events.session(record, event, record.text("id") or title, (span[0], span[1] or span[0]))
        events.with_sessions = known  # the timetable is no date of the workshop in the schedule
        entry.title, entry.in_schedule, entry.kind = title[: limit_of(Session, "title")], False, kind_of_item(title)
        told = [record.text("speakers"), record.text("type").capitalize(), record.text("subsession")]
        entry.description = escape_markdown(" · ".join(filter(None, told)))
        paper = papers.by_list.get((key, record.text("id")))
        if paper is not None and SequenceMatcher(None, paper.title.lower(), title.lower()).ratio() >= _ALIKE:
            entry.papers = [paper.uid]
        entries.append((record, entry, span[1] is not None))
    for (record, entry, complete), (_, following, _) in pairwise(entries):
        if not complete and dt.timedelta() < following.starts_at - entry.starts_at <= dt.timedelta(hours=4):
            entry.ends_at = following.starts_at
            source.warnings.add("no end is given; it is put where the next item begins", record.place, entry.title)
    for record, entry, complete in entries:
        if not complete and entry.ends_at == entry.starts_at:
            source.warnings.add("no end is given, nor does a next item follow", record.place, entry.title)


def _check_halves(source: Source, records: list[Record]) -> None:
    """`1:00` below `12:30` is one o'clock in the afternoon, but says one at night."""
    marked = any(re.search(r"[ap]\.?m", record.text("startTime"), re.IGNORECASE) for record in records)
    last: dict[str, int] = {}
    for record in records:
        text, day = record.text("startTime"), record.text("date")
        match = _BARE.fullmatch(text)
        if match is None:
            continue
        hour = int(match[1])
        if hour < 8 and hour < last.get(day, 0):
            record.problem("startTime", text, f"AM or PM: an item before it starts at {last[day]} o'clock")
        elif marked and hour <= 12:
            source.warnings.add("neither AM nor PM, read as a 24-hour clock", record.place, text)
        last[day] = max(hour, last.get(day, 0))
