"""Notes of OpenReview, as its API gives them: version 1 (`content: {title: "…"}`) and 2 (`content: {title: {value: "…"}}`).

A file is a list of notes, an object with `notes`, an object of notes by id, or one note per line. What is no
submission (reviews, comments), deleted, withdrawn or rejected is left out and counted.
https://docs.openreview.net/reference/api-v2/entities/note
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from papers.models import Keyword, Paper, Person, Track

from .columns import items_of
from .family import Warnings
from .options import ReadOptions
from .private import keep_meetings_private
from .problems import Place, Problems, shown
from .programme import PaperEntry, PersonEntry, Programme
from .reading import parse_json, read_json, read_text
from .records import Record, is_web_address, limit_of
from .sitedata import authors_of

NAME = "openreview"
TITLE = "OpenReview notes"

SITE = "https://openreview.net"
_FILES = (".json", ".jsonl", ".ndjson")
_TLDR = ("TL;DR", "TLDR", "TL_DR", "tldr", "one-sentence_summary", "One-sentence_summary")
_TRACK = ("primary_area", "Primary_Area", "primary area", "track", "submission_track", "area", "subject_area")
_LINKS = {
    "supplementary_material": "Supplementary material",
    "supplementary material": "Supplementary material",
    "supplementary_materials": "Supplementary material",
    "code": "Code",
    "software": "Code",
    "data": "Data",
    "dataset": "Data",
    "project_page": "Website",
    "website": "Website",
    "homepage": "Website",
    "slides": "Slides",
    "poster": "Poster",
}
_DECISION = re.compile(r"/decision$", re.IGNORECASE)
_KIND = re.compile(r"\b(oral|spotlight|poster|talk|notable top \d+%|best paper\w*)\W*$", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(slots=True)
class _Reading:
    programme: Programme
    problems: Problems
    left_out: Counter[str] = field(default_factory=Counter)
    decisions: dict[str, str] = field(default_factory=dict)  # by forum
    profiles: dict[str, str] = field(default_factory=dict)  # by the person's name
    private: int = 0
    warnings: Warnings = field(default_factory=Warnings)


def recognises(folder: Path) -> bool:
    return any(_has_notes(path) for path in _files(folder))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _FILES and path.is_file())


def _has_notes(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(1 << 17)
    return re.search(rb'"content"\s*:\s*\{', start) is not None and re.search(rb'"forum"\s*:\s*"', start) is not None


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    reading = _Reading(Programme(source=options.source, folder=folder), problems)
    files = [path for path in _files(folder) if _has_notes(path)]
    if not files:
        problems.add(Place(folder.name), "", "", "no file of notes: JSON with forum and content was expected")
    for path in files:
        for place, note in _notes(path, problems):
            _note(place, note, reading)
    _apply_decisions(reading)
    notes = reading.programme.notes
    notes += [f"{count} notes left out: {what}." for what, count in sorted(reading.left_out.items())]
    if reading.private:
        notes.append(
            f"Warning: {reading.private} papers are not readable by everyone on OpenReview; here they will be."
        )
    notes += reading.warnings.notes() + keep_meetings_private(reading.programme)
    return reading.programme


def _notes(path: Path, problems: Problems) -> Iterator[tuple[Place, Any]]:
    text = _lines_of_json(path, problems)
    if text is not None:
        for number, line in enumerate(io.StringIO(text), 1):
            if line.strip():
                place = Place(path.name, f"line {number}")
                note = parse_json(line, place, problems)
                if note is not None:
                    yield place, note
        return
    value = read_json(path, problems)
    if isinstance(value, dict):
        notes = value.get("notes")
        value = notes if notes is not None else [value] if "content" in value else list(value.values())
    if value is not None and not isinstance(value, list):
        problems.add(Place(path.name), "", "", "a list of notes was expected")
        return
    for number, note in enumerate(value or [], 1):
        yield Place(path.name, f"note {number}"), note


def _lines_of_json(path: Path, problems: Problems) -> str | None:
    """The text of a file with one note per line; None for other files."""
    if path.suffix.lower() == ".json":
        with path.open("rb") as file:
            if not file.readline(1 << 20).rstrip().endswith(b"}") or not file.readline(2).startswith(b"{"):
                return None
    return read_text(path, problems) or ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _note(place: Place, note: Any, reading: _Reading) -> None:
    if not isinstance(note, dict) or not isinstance(note.get("content"), dict):
        reading.problems.add(place, "", "", "a note with its content was expected")
        return
    uid = _text(note.get("forum")) or _text(note.get("id"))
    place = Place(place.file, f"{place.row} ({shown(uid)})")
    content = {
        key: value["value"] if isinstance(value, dict) and "value" in value else value
        for key, value in note["content"].items()
    }
    invitations = [_text(item) for item in _list(note.get("invitations")) or [note.get("invitation")]]
    if note.get("replyto") or (note.get("id") and note["id"] != uid):
        if _text(content.get("decision")) and any(_DECISION.search(invitation) for invitation in invitations):
            reading.decisions[uid] = _text(content["decision"])
        reading.left_out["replies (reviews, comments, decisions)"] += 1
        return
    for reply in _list(_dict(note.get("details")).get("directReplies")):
        decision = _dict(_dict(reply).get("content")).get("decision")
        decision = _dict(decision).get("value", decision)
        if isinstance(decision, str) and decision:
            reading.decisions[uid] = decision
    if isinstance(content.get("decision"), str):
        reading.decisions[uid] = content["decision"]
    if reason := _reason_to_leave_out(note, content, invitations):
        reading.left_out[reason] += 1
        return
    readers = note.get("readers")
    reading.private += isinstance(readers, list) and "everyone" not in readers
    reading.programme.papers.append(_paper(place, uid, note, content, reading))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _reason_to_leave_out(note: dict[str, Any], content: dict[str, Any], invitations: list[str]) -> str:
    where = " ".join([*invitations, _text(content.get("venueid")), _text(content.get("venue"))]).lower()
    where = where.replace("_", " ")
    if note.get("ddate"):
        return "deleted"
    if "withdraw" in where or content.get("withdrawal"):
        return "withdrawn"
    if "desk reject" in where or content.get("desk_rejection") or content.get("Desk_Reject"):
        return "desk-rejected"
    if "rejected submission" in where:
        return "rejected"
    return ""


def _apply_decisions(reading: _Reading) -> None:
    """Leave out what was rejected; `Accept (Oral)` says what kind of paper it is."""
    kept = []
    for paper in reading.programme.papers:
        decision = reading.decisions.get(paper.uid, "")
        if re.search(r"reject|withdraw", decision, re.IGNORECASE):
            reading.left_out["rejected"] += 1
            continue
        if not paper.kind and (match := re.search(r"\(([^()]{1,60})\)", decision)):
            paper.kind = match[1].strip()
        kept.append(paper)
    if len(kept) < len(reading.programme.papers):
        reading.programme.papers = kept
        named = {author.name for paper in kept for author in paper.authors}
        reading.programme.people = {name: who for name, who in reading.programme.people.items() if name in named}


def _paper(place: Place, uid: str, note: dict[str, Any], content: dict[str, Any], reading: _Reading) -> PaperEntry:
    record = Record(place, content | {"forum": uid}, reading.problems)
    venue = record.text("venue")
    kind = _KIND.search(venue)
    years = _YEAR.findall(f"{venue} {_text(content.get('venueid'))}") or re.findall(
        r"year\s*=\s*[{\"]?((?:19|20)\d\d)", _text(content.get("_bibtex"))
    )
    paper = PaperEntry(
        place=place,
        uid=record.uid("forum", limit=limit_of(Paper, "uid")),
        title=record.text("title", required=True, limit=limit_of(Paper, "title")),
        abstract=record.text("abstract"),
        tldr=_cut(
            record, next((name for name in _TLDR if content.get(name)), "TLDR"), limit_of(Paper, "tldr"), reading
        ),
        keywords=_keywords(record, reading),
        track=_cut(
            record, next((name for name in _TRACK if content.get(name)), "track"), limit_of(Track, "name"), reading
        ),
        kind=kind[1][: limit_of(Paper, "kind")] if kind else "",
        year=int(years[0]) if years else None,
        venue=venue[: limit_of(Paper, "venue")],
        bibtex=record.text("_bibtex"),
        video_url=_address(content.get("video")),
        links=_links(uid, note, content),
    )
    paper.authors = _authors(record, reading)
    return paper


def _cut(record: Record, name: str, limit: int, reading: _Reading) -> str:
    text = record.text(name)
    if len(text) > limit:
        reading.warnings.add(f"more than {limit} characters, cut", f"{record.place}, {name}")
    return text[:limit].rstrip() if len(text) > limit else text


def _keywords(record: Record, reading: _Reading) -> list[str]:
    value = record.data.get("keywords")
    words = items_of(value, separators="|;\n,") if isinstance(value, str) else record.texts("keywords")
    limit = limit_of(Keyword, "name")
    for word in words:
        if len(word) > limit:
            reading.warnings.add(f"a keyword of more than {limit} characters, left out", record.place, word)
    return list(dict.fromkeys(word for word in words if len(word) <= limit))


def _address(value: object, limit: int = 500) -> str:
    """The address of a file or page; those of OpenReview itself are written without its name."""
    text = _text(value).strip()
    if text.startswith("/") and not text.startswith("//"):
        text = SITE + text
    return text if is_web_address(text) and len(text) <= limit and text.isprintable() else ""


def _links(uid: str, note: dict[str, Any], content: dict[str, Any]) -> list[dict[str, str]]:
    links = []
    if url := _address(content.get("pdf")):
        links.append({"label": "PDF", "url": url})
    for name, label in _LINKS.items():
        readers = _dict(note["content"].get(name)).get("readers")
        if isinstance(readers, list) and "everyone" not in readers:
            continue
        if url := _address(content.get(name)):
            links.append({"label": label, "url": url})
    links.append({"label": "OpenReview", "url": f"{SITE}/forum?id={quote(uid, safe='', errors='replace')}"})
    return links


def _authors(record: Record, reading: _Reading) -> list[Any]:
    """Authors with what their ids say: an address is private, a profile is a public page."""
    value = record.data.get("authors")
    ids = [_text(item) for item in _list(record.data.get("authorids"))]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        ids = [_text(_dict(item).get("username")) for item in value]
        names = [_text(_dict(item).get("fullname")) for item in value]
        record = Record(record.place, {"authors": names}, reading.problems)
    elif isinstance(value, str):
        record = Record(record.place, {"authors": items_of(value, separators="|;\n,")}, reading.problems)
    authors = authors_of(record.texts("authors", limit=limit_of(Person, "name")))
    if len(authors) == 1 and authors[0].name.lower() in ("anonymous", "anonymous authors", "anonymous author(s)"):
        return []
    if len(ids) != len(authors):
        ids = [""] * len(authors)
    for author, id_ in zip(authors, ids, strict=True):
        id_ = id_.strip()
        email = id_.lower() if re.fullmatch(r"[^@\s~/]+@[^@\s/]+", id_) and len(id_) <= 254 else ""
        url = f"{SITE}/profile?id={quote(id_, safe='~', errors='replace')}" if id_.startswith("~") else ""
        if url and reading.profiles.setdefault(author.name, url) != url:
            reading.warnings.add("two profiles of one name, taken as one person", record.place, author.name)
        person = PersonEntry(place=record.place, name=author.name, url=url if len(url) <= 500 else "", email=email)
        reading.programme.mention(person)
    return authors
