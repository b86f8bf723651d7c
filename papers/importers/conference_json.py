"""`conference.json` of ACL 2023, EMNLP 2023 and EACL 2024: sessions, events, papers, plenaries, tutorials, workshops.

An event is what this site calls a session: one track in one room with its papers. What the file calls a session is
the slot that events share; it becomes a session here only where it has no events (a break, a social).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from papers.models import Keyword, Paper, Session, Track

from .conference_json_events import read_plenaries, read_tutorials, read_workshops, uid_of
from .family import Source, as_text
from .family_papers import finish_conference, read_config
from .options import ReadOptions
from .problems import Place, Problems
from .programme import PaperEntry, Programme, SessionEntry
from .reading import read_json
from .records import Record, limit_of

NAME = "conference-json"
TITLE = "ACL 2023 conference.json"

_FILES = ("conference.json", "data/conference.json")
_EMPTY = frozenset({"null", "nan", "none", "tbd", "tba", "n/a"})
_NO_PAPERS = frozenset(
    {"workshop", "workshops", "social", "socials", "break", "breaks", "plenary sessions", "tutorial", "tutorials"}
)
_KINDS = {"oral": "oral", "poster": "poster", "virtual poster": "poster", "spotlight": "oral", "demo": "poster",
          "socials": "social", "breaks": "break", "sponsors": "sponsor", "workshops": "workshop",
          "tutorials": "tutorial", "plenary sessions": "plenary"}  # fmt: skip
_VARIANT = re.compile(r"(?P<base>.+)-(?:Oral|Poster|Virtual[ -]Poster|Spotlight|Demo)", re.IGNORECASE)
_LINKS = (
    ("PDF", "paper_pdf"), ("PDF", "pdf_url"), ("Anthology", "anthology_url"), ("Poster", "poster_pdf"),
    ("Slides", "slides_pdf"), ("Demo", "demo_url"), ("Underline", "underline_url"), ("Material", "material"),
)  # fmt: skip


def recognises(folder: Path) -> bool:
    path = _file(folder)
    if path is None:
        return False
    problems = Problems()
    data = read_json(path, problems)
    return bool(problems.lines) or (isinstance(data, dict) and {"sessions", "papers"} <= data.keys())


def _file(folder: Path) -> Path | None:
    return next((path for name in _FILES if (path := folder / name).is_file()), None)


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    source = Source.of(folder, options, problems, dated=_FILES)
    path = _file(folder)
    if path is None:
        problems.add(Place(_FILES[0]), "", "", "missing: this file must be in the folder")
        return source.programme
    source.read.add(path.name)
    data = as_text(read_json(path, problems))
    if data is None:
        return source.programme
    file = Source.record(source, Place(path.name), data)
    entries = {name: _entries(source, file, name) for name in _PARTS}
    config = next((found for stem in ("config", "configs/config") if (found := read_config(source, stem))), None)
    uids = _papers(source, entries["papers"])
    taken = {key for name in ("plenaries", "tutorials", "workshops") for key in entries[name]}
    read_plenaries(source, entries["plenaries"])
    read_tutorials(source, entries["tutorials"])
    read_workshops(source, entries["workshops"])
    _sessions(source, entries, uids, taken)
    finish_conference(source, config, name="")
    return source.finish()


_PARTS = ("sessions", "events", "papers", "plenaries", "tutorials", "workshops")


def _entries(source: Source, file: Record, name: str) -> dict[str, Record]:
    """Entries of one part by their keys; the texts "null", "nan" and "TBD" are nothing."""
    value = file.data.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        file.problem(name, value, "a mapping of ids to entries")
        return {}
    return {key: _record(source, Place(file.place.file, f"{name}, {key}"), item) for key, item in value.items()}


def _record(source: Source, place: Place, item: Any) -> Record:
    record = source.record(place, item)
    if isinstance(item, dict):
        empty = [key for key, text in item.items() if key not in _NAMES and _is_empty(text)]
        record.data = {key: None if key in empty else value for key, value in item.items()}
    return record


_NAMES = ("id", "title", "name", "session")  # a paper may well be named "NaN"


def _is_empty(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() in _EMPTY


def _papers(source: Source, records: dict[str, Record]) -> dict[str, str]:
    """Uids by the ids of the file; entries that are no papers have an empty one.

    `102-Oral` beside `102`, or beside `102-Poster`, with the same title is the same paper shown twice.
    """
    titles: dict[str, dict[str, list[str]]] = {}
    for key, record in records.items():
        match = _VARIANT.fullmatch(key)
        same = titles.setdefault(match["base"] if match else key, {})
        same.setdefault(" ".join(record.text("title").lower().split()), []).append(key)
    uids: dict[str, str] = {}
    skipped = merged = 0
    for base, by_title in titles.items():
        for title, keys in by_title.items():
            several = bool(title) and len(keys) > 1
            first = base if base in keys else keys[0]
            if _is_no_paper(records[first]):
                skipped += len(keys)
                uids |= dict.fromkeys(keys, "")
                continue
            if several:
                merged += len(keys) - 1
                uid = _paper(source, records[first], base).uid
                uids |= dict.fromkeys(keys, uid)
            else:
                uids |= {key: _paper(source, records[key], key).uid for key in keys}
    if skipped:
        source.programme.notes.append(f"{skipped} entries of papers are breaks, socials and the like, and left out")
    if merged:
        source.programme.notes.append(f"{merged} entries are further presentations of a paper (102 and 102-Oral)")
    return uids


def _is_no_paper(record: Record) -> bool:
    if record.text("is_paper").lower() == "false":
        return True
    words = {record.text(name).lower() for name in ("category", "paper_type", "program", "track")}
    return not record.data.get("authors") and bool(words & _NO_PAPERS)


def _paper(source: Source, record: Record, key: str) -> PaperEntry:
    abstract = record.text("abstract", strip=False)
    paper = PaperEntry(
        place=record.place,
        uid=uid_of(record, key, limit_of(Paper, "uid")),
        title=record.text("title", required=True, limit=limit_of(Paper, "title")),
        authors=source.authors(record, "authors", separator=","),
        abstract=abstract,
        tldr=_tldr(source, record, abstract),
        keywords=list(dict.fromkeys(record.texts("keywords", separator=",", limit=limit_of(Keyword, "name")))),
        track=(record.text("display_track") or record.text("track"))[: limit_of(Track, "name")],
        kind=record.text("paper_type", limit=limit_of(Paper, "kind")),
        program=record.text("program", limit=limit_of(Paper, "program")),
        video_url=source.link(record, "video_url"),
        thumbnail_url=_picture(source, record, "preview_image"),
    )
    for label, name in _LINKS:
        url = source.link(record, name)
        if url and url not in [link["url"] for link in paper.links]:
            paper.links.append({"label": label, "url": url})
    source.programme.papers.append(paper)
    return paper


def _tldr(source: Source, record: Record, abstract: str) -> str:
    """Often the whole abstract, or its beginning, which says nothing new."""
    tldr = record.text("tldr")
    if abstract.strip().startswith(re.sub(r"(?:\.\.\.|…)$", "", tldr)):
        return ""
    if len(tldr) > limit_of(Paper, "tldr"):
        source.warnings.add("a TLDR of more than 600 characters, left out", record.place)
        return ""
    return tldr


def _picture(source: Source, record: Record, name: str) -> str:
    value = record.text(name)
    return source.link(record, name) if value.startswith("http") else ""


def _sessions(source: Source, entries: dict[str, dict[str, Record]], uids: dict[str, str], taken: set[str]) -> None:
    """Events of the file as sessions; slots without events as sessions of their own."""
    slots = {record.text("name") or key: record for key, record in entries["sessions"].items()}
    events = dict(entries["events"])
    empty: dict[str, Record] = {}
    for key, record in entries["sessions"].items():
        inside = 0
        for name in ("events", "plenary_events", "tutorial_events", "workshop_events"):
            nested = record.data.get(name)
            for identifier, item in nested.items() if isinstance(nested, dict) else ():
                inside += 1
                if name == "events":
                    place = Place(record.place.file, f"sessions, {key}, {name}, {identifier}")
                    events.setdefault(identifier, _record(source, place, item))
        if not inside and key not in taken and record.text("id") not in taken:
            empty[key] = record
    for key, record in events.items():
        if key in taken:
            continue
        slot = slots.get(record.text("session"))
        _session(source, record, key, uids, slot)
        empty.pop(record.text("session"), None)
    _membership(source, entries["papers"], uids, events)
    named = {record.text("session") for record in events.values()}
    for key, record in empty.items():
        if (record.text("name") or key) not in named:
            _session(source, record, record.text("id") or key, uids, None)


def _session(source: Source, record: Record, key: str, uids: dict[str, str], slot: Record | None) -> None:
    timed = record if record.text("start_time") or slot is None else slot
    span = timed.span("start_time", "end_time")
    if span is None:
        return
    if span[1] is None:
        timed.problem("end_time", "", "must be given")
        return
    kind, track, session = record.text("type"), record.text("track"), record.text("session")
    shown = record.text("display_name") or session or record.text("name") or key
    detail = f"{track} ({kind})" if track and kind and track != kind else track or ""
    title = f"{shown}: {detail}" if detail and session and detail.lower() != shown.lower() else shown
    papers = []
    for identifier in record.texts("paper_ids"):
        uid = uids.get(identifier)
        if uid is None:
            record.problem("paper_ids", identifier, "the id of an entry of papers")
        elif uid and uid not in papers:
            papers.append(uid)
    real_track = track if papers and track.lower() != kind.lower() else ""
    source.programme.sessions.append(
        SessionEntry(
            place=record.place,
            uid=uid_of(record, key, limit_of(Session, "uid"), source=source),
            title=title[: limit_of(Session, "title")],
            kind=_KINDS.get(kind.lower(), "other"),
            starts_at=span[0],
            ends_at=span[1],
            room=record.text("room")[: limit_of(Session, "room")],
            track=real_track[: limit_of(Track, "name")],
            chairs=source.people(record, "chairs"),
            join_url_private=source.join_url(record, "link"),
            papers=papers,
        )
    )


def _membership(source: Source, papers: dict[str, Record], uids: dict[str, str], events: dict[str, Record]) -> None:
    """A paper also names its events; where an event does not name it, that is said, and the event's list counts."""
    listed = {(key, paper) for key, record in events.items() for paper in record.texts("paper_ids")}
    for key, record in papers.items():
        for event in record.texts("event_ids") if uids.get(key) else ():
            if event not in events:
                source.warnings.add("a paper names an event that is not there", record.place, event)
            elif (event, key) not in listed:
                source.warnings.add("a paper names an event that does not list it", record.place, event)
