"""Plenaries, tutorials and workshops of `conference.json`."""

from __future__ import annotations

import datetime as dt
import re

from papers.models import Event, Session

from .family import Source
from .html import markdown_of_html
from .programme import EventEntry, SessionEntry
from .records import Record, limit_of
from .time_texts import TimeProblem
from .times import read_span, span_in_prose


def uid_of(record: Record, key: str, limit: int, *, source: Source | None = None) -> str:
    """The id as it is, commas and brackets too, with `-` for blanks and slashes; ids of events get the source's name."""
    uid = re.sub(r"[\s/\\\x00-\x1f\x7f]+", "-", key.strip())
    uid = f"{source.options.source}-{uid}" if source else uid
    if not uid.strip("-.") or len(uid) > limit:
        record.problem("id", key, f"an id of at most {limit} characters")
    return uid


def read_plenaries(source: Source, records: dict[str, Record]) -> None:
    for key, record in records.items():
        kind = "keynote" if "keynote" in f"{key} {record.text('title')}".lower() else "plenary"
        kind = "panel" if "panel" in f"{key} {record.text('title')}".lower() else kind
        event = _event(source, record, key, kind)
        event.video_url = source.link(record, "video_url")
        event.image_url = source.link(record, "image_url") if record.text("image_url").startswith("http") else ""
        event.people = source.people(
            record, "presenter", affiliation=record.text("institution"), biography=record.text("bio")
        )
        abstract = record.text("abstract")
        told = span_in_prose(abstract) if not record.text("start_time") else ""
        span = _span_in(source, record, told) if told else _span(source, record)
        if told and abstract == told:
            abstract = ""
        event.abstract = markdown_of_html(abstract)
        _date(source, record, event, span)


def read_tutorials(source: Source, records: dict[str, Record]) -> None:
    for key, record in records.items():
        event = _event(source, record, key, "tutorial")
        event.people = source.people(record, "organizers")
        event.abstract = markdown_of_html(record.text("description"))
        _date(source, record, event, _span(source, record))


def read_workshops(source: Source, records: dict[str, Record]) -> None:
    """Papers whose category or track is a workshop's short name belong to it."""
    names: dict[str, list[str]] = {}
    for key, record in records.items():
        event = _event(source, record, key, "workshop")
        event.abstract = markdown_of_html(record.text("description"))
        event.people = source.mention(record, "committee", [_name(person) for person in record.records("committee")])
        if url := source.link(record, "workshop_site_url"):
            event.links.append({"label": "Website", "url": url})
        _date(source, record, event, _span(source, record))
        for name in {record.text("short_name").lower(), key.lower()} - {""}:
            names.setdefault(name, []).append(event.uid)
    for paper in source.programme.papers:
        found = names.get(paper.track.lower(), [])
        if paper.program.lower().startswith("workshop") and len(found) == 1:
            paper.event = found[0]


def _name(person: Record) -> str:
    parts = (person.text(name) for name in ("first_name", "middle_name", "last_name"))
    return person.text("full_name") or " ".join(filter(None, parts)) or "?"


def _event(source: Source, record: Record, key: str, kind: str) -> EventEntry:
    title = record.text("title") or record.text("short_name") or record.text("name") or key
    event = EventEntry(
        place=record.place,
        uid=uid_of(record, key, limit_of(Event, "uid"), source=source),
        kind=kind,
        title=title[: limit_of(Event, "title")],
    )
    source.programme.events.append(event)
    return event


def _span(source: Source, record: Record) -> tuple[dt.datetime, dt.datetime] | None:
    if not record.text("start_time"):
        source.warnings.add("no time is given, so it is not in the schedule", record.place)
        return None
    span = record.span("start_time", "end_time")
    if span is None:
        return None
    if span[1] is None:
        record.problem("end_time", "", "must be given")
        return None
    return span[0], span[1]


def _span_in(source: Source, record: Record, told: str) -> tuple[dt.datetime, dt.datetime] | None:
    """The time that an abstract tells, where the fields for it are empty."""
    try:
        starts_at, ends_at = read_span(told, zone=source.options.zone, dates=source.dates)
    except TimeProblem as problem:
        record.problem("abstract", told, str(problem))
        return None
    source.warnings.add("the time is taken from the abstract, since start_time is empty", record.place, told)
    return starts_at, ends_at or starts_at


def _date(source: Source, record: Record, event: EventEntry, span: tuple[dt.datetime, dt.datetime] | None) -> None:
    if span is None:
        return
    source.programme.sessions.append(
        SessionEntry(
            place=record.place,
            uid=f"{event.uid}-date"[: limit_of(Session, "uid")],
            title=event.title,
            kind=event.kind if event.kind in Session.Kind.values else "plenary",
            starts_at=span[0],
            ends_at=span[1],
            event=event.uid,
            room=record.text("room")[: limit_of(Session, "room")],
            chairs=source.people(record, "chairs"),
            join_url_private=source.join_url(record, "link"),
        )
    )
