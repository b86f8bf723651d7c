"""Mini-Conf's own folder format ("sitedata"), as in the repository Mini-Conf/Mini-Conf.

Lists are joined with `|`, and an empty cell is an empty list. A paper names its sessions by name; when they take
place stands only in `main_calendar.json`, whose entries point at a name through `papers.html?session=NAME`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.utils.text import slugify

from papers.models import Event, Keyword, Paper, Person, Session

from .family import Warnings
from .html import escape_markdown, markdown_of_html, text_of_html
from .options import ReadOptions
from .private import keep_meetings_private
from .problems import Place, Problems
from .programme import (
    Author,
    ConferenceEntry,
    EventEntry,
    PageEntry,
    PaperEntry,
    PersonEntry,
    Programme,
    SessionEntry,
)
from .reading import read_csv, read_json, read_yaml
from .records import Record, is_web_address, limit_of
from .times import Dates, leftovers

NAME = "sitedata"
TITLE = "Mini-Conf sitedata"

# What calendarId says, and where it says nothing ("---"), what the title does.
_KIND_OF_CLASS = {
    "talk": "oral", "oral": "oral", "poster": "poster", "qa": "qa", "keynote": "keynote", "plenary": "plenary",
    "tutorial": "tutorial", "workshop": "workshop", "social": "social", "mentoring": "mentoring", "sponsor": "sponsor",
    "break": "break", "other": "other",
}  # fmt: skip
_KIND_OF_TITLE = (
    (re.compile(r"\bQ\s?&\s?A\b|\bquestions and answers\b", re.I), "qa"),
    (re.compile(r"\bposter", re.I), "poster"),
    (re.compile(r"\bmentoring\b", re.I), "mentoring"),
    (re.compile(r"\bsocials?\b|\bmeet\b|\bmeet-?up\b|\btown\b|\bwine\b", re.I), "social"),
    (re.compile(r"\bworkshop\b", re.I), "workshop"),
    (re.compile(r"\btutorial\b", re.I), "tutorial"),
    (re.compile(r"\bkeynote\b", re.I), "keynote"),
    (re.compile(r"\bbreak\b|\blunch\b", re.I), "break"),
)
_EVENT_PAGE = re.compile(r"(?:^|/)(speaker|workshop)_([^/]+)\.html$")


def recognises(folder: Path) -> bool:
    return _table(folder, "papers").is_file() and not (folder / "conference.yml").exists()


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    programme = Programme(source=options.source, folder=folder)
    config = _config(folder, problems)
    speakers, workshops = _speakers(folder, programme, problems), _workshops(folder, programme, problems)
    pages = {f"speaker_{key}": uid for key, uid in speakers} | {f"workshop_{key}": uid for key, uid in workshops}
    sessions = _calendar(folder, programme, options, problems, pages)
    _papers(folder, programme, config, sessions, problems)
    warnings = Warnings()
    _highlighted(folder, programme, problems, warnings)
    _projection(folder, programme, problems, warnings)
    programme.notes += warnings.notes()
    _faq(folder, programme, problems)
    _committee(folder, programme, problems)
    programme.notes += keep_meetings_private(programme)
    programme.notes += leftovers((session.place, session.starts_at) for session in programme.sessions)
    if config and (name := config.text("name", limit=120)):
        programme.conference = ConferenceEntry(
            place=config.place,
            name=name,
            tagline=text_of_html(config.text("tagline"))[:200],
            starts_on=Dates.around(session.starts_at.date() for session in programme.sessions).first,
            ends_on=Dates.around(session.ends_at.date() for session in programme.sessions).last,
        )
    return programme


def _table(folder: Path, stem: str) -> Path:
    """`papers.csv`, or `papers.tsv` where that is there instead."""
    tabs = folder / f"{stem}.tsv"
    return tabs if tabs.exists() and not (folder / f"{stem}.csv").exists() else folder / f"{stem}.csv"


def _namespaced(source: str, name: str) -> str:
    return f"{source}-{slugify(name, allow_unicode=True) or 'item'}"[:120]


def _config(folder: Path, problems: Problems) -> Record | None:
    path = folder / "config.yml"
    data = read_yaml(path, problems) if path.exists() else None
    return Record(Place(path.name), data, problems) if data is not None else None


def _papers(
    folder: Path, programme: Programme, config: Record | None, sessions: dict[str, SessionEntry], problems: Problems
) -> None:
    years = re.findall(r"\b(?:19|20)\d\d\b", config.text("citation_date") or config.text("date")) if config else []
    venue = config.text("proceedings_title", limit=limit_of(Paper, "venue")) if config else ""
    calendar = (folder / "main_calendar.json").exists()
    unplaced = 0
    for place, row in read_csv(_table(folder, "papers"), problems, required=("UID", "title", "authors", "abstract")):
        record = Record(place, row, problems)
        paper = PaperEntry(
            place=place,
            uid=record.uid("UID", limit=limit_of(Paper, "uid")),
            title=record.text("title", required=True, limit=limit_of(Paper, "title")),
            authors=authors_of(record.texts("authors", separator="|")),
            abstract=record.text("abstract", strip=False),
            keywords=list(dict.fromkeys(record.texts("keywords", separator="|", limit=limit_of(Keyword, "name")))),
            year=int(years[0]) if years else None,
            venue=venue,
        )
        if pdf := record.url("pdf_url", limit=500):
            paper.links = [{"label": "PDF", "url": pdf}]
        for author in paper.authors:
            if len(author.name) > limit_of(Person, "name"):
                record.problem("authors", author.name, "a name of at most 200 characters; names are parted by |")
            programme.mention(PersonEntry(place=place, name=author.name))
        for name in dict.fromkeys(record.texts("sessions", separator="|")):
            if name in sessions:
                sessions[name].papers.append(paper.uid)
            elif calendar:
                record.problem("sessions", name, "no entry of main_calendar.json points at a session of this name")
            else:
                unplaced += 1
        programme.papers.append(paper)
    if unplaced:
        programme.notes.append(f"{unplaced} sessions of papers have no time, since there is no main_calendar.json")


def authors_of(names: list[str]) -> list[Author]:
    """A trailing `*` marks equal contribution and is no part of the name."""
    return [Author(name.rstrip("* ") or name, equal_contribution=name.endswith("*")) for name in names]


def _speakers(folder: Path, programme: Programme, problems: Problems) -> list[tuple[str, str]]:
    path, found = _table(folder, "speakers"), []
    required = ("UID", "title", "speaker", "abstract")
    for place, row in read_csv(path, problems, required=required) if path.exists() else []:
        record = Record(place, row, problems)
        key = record.uid("UID", limit=40)
        speaker = programme.mention(
            PersonEntry(
                place=place,
                name=record.text("speaker", required=True, limit=limit_of(Person, "name")),
                affiliation=record.text("institution", limit=limit_of(Person, "affiliation")),
                biography=markdown_of_html(record.text("bio")),
                image_url=record.url("image", limit=500) if is_web_address(row.get("image", "")) else "",
            )
        )
        event = EventEntry(
            place=place,
            uid=_namespaced(programme.source, f"speaker {key}"),
            kind=Event.Kind.KEYNOTE,
            title=record.text("title", required=True, limit=limit_of(Event, "title")),
            abstract=markdown_of_html(record.text("abstract")),
            people=[speaker],
        )
        programme.events.append(event)
        found.append((key, event.uid))
    return found


def _workshops(folder: Path, programme: Programme, problems: Problems) -> list[tuple[str, str]]:
    path, found = _table(folder, "workshops"), []
    for place, row in read_csv(path, problems, required=("UID", "title", "authors")) if path.exists() else []:
        record = Record(place, row, problems)
        key = record.uid("UID", limit=40)
        names = [author.name for author in authors_of(record.texts("authors", separator="|", limit=200))]
        event = EventEntry(
            place=place,
            uid=_namespaced(programme.source, f"workshop {key}"),
            kind=Event.Kind.WORKSHOP,
            title=record.text("title", required=True, limit=limit_of(Event, "title")),
            abstract=markdown_of_html(record.text("abstract")),
            people=[programme.mention(PersonEntry(place=place, name=name)) for name in dict.fromkeys(names)],
        )
        programme.events.append(event)
        found.append((key, event.uid))
    return found


def _calendar(
    folder: Path, programme: Programme, options: ReadOptions, problems: Problems, pages: dict[str, str]
) -> dict[str, SessionEntry]:
    """Sessions of the calendar; returns those that papers name, by that name."""
    named: dict[str, SessionEntry] = {}
    entries: list[tuple[SessionEntry, str]] = []
    for record in _entries(folder / "main_calendar.json", problems, options):
        starts_at, ends_at = record.time("start"), record.time("end")
        title = text_of_html(record.text("title", required=True, limit=limit_of(Session, "title")))
        target = record.text("link") or record.text("location")
        if starts_at is None or ends_at is None:
            continue
        name = _session_name(target)
        page = _EVENT_PAGE.search(urlsplit(target).path) if is_web_address(target) or target.endswith(".html") else None
        event = pages.get(f"{page[1]}_{page[2]}", "") if page else ""
        location = record.text("location")
        entry = SessionEntry(
            place=record.place,
            uid="",
            title=title,
            kind=_kind(record.text("calendarId"), "poster" if name else title),
            starts_at=starts_at,
            ends_at=ends_at,
            event=event,
            room=location[: limit_of(Session, "room")] if location and not _is_link(location) else "",
            url=target if is_web_address(target) and not name and not event else "",
        )
        programme.sessions.append(entry)
        entries.append((entry, name))
        if name:
            named.setdefault(name, entry)
    _give_uids(programme.source, entries)
    return named


def _entries(path: Path, problems: Problems, options: ReadOptions) -> list[Record]:
    data: Any = read_json(path, problems) if path.exists() else []
    if data is None:
        return []
    if not isinstance(data, list):
        problems.add(Place(path.name), "", "", "a list of entries was expected")
        return []
    return [Record(Place(path.name, f"entry {n}"), item, problems, zone=options.zone) for n, item in enumerate(data, 1)]


def _give_uids(source: str, entries: list[tuple[SessionEntry, str]]) -> None:
    """Ids from names or titles, numbered in the order of time, so that a corrected time keeps the id."""
    taken: set[str] = set()
    for entry, name in sorted(entries, key=lambda pair: (pair[0].starts_at, pair[0].ends_at, pair[0].title)):
        base = _namespaced(source, name or entry.title)
        uid, number = base, 1
        while uid in taken:
            number += 1
            uid = f"{base}-{number}"
        taken.add(uid)
        entry.uid = uid


def _session_name(target: str) -> str:
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    if not parts.path.endswith("papers.html"):
        return ""
    return parse_qs(parts.query).get("session", [""])[0].strip()


def _is_link(location: str) -> bool:
    return is_web_address(location) or bool(re.search(r"\.html(?:[?#]|$)", location))


def _kind(calendar_class: str, title: str) -> str:
    if kind := _KIND_OF_CLASS.get(calendar_class.lower()):
        return kind
    return next((kind for pattern, kind in _KIND_OF_TITLE if pattern.search(title)), "other")


def _highlighted(folder: Path, programme: Programme, problems: Problems, warnings: Warnings) -> None:
    path = _table(folder, "highlighted")
    by_uid = {paper.uid: paper for paper in programme.papers}
    for place, row in read_csv(path, problems, required=("UID",)) if path.exists() else []:
        if paper := by_uid.get(row["UID"].strip()):
            paper.highlighted = True
        else:
            # What was made from the papers is often older than they are: one that was withdrawn still stands in it.
            warnings.add("a highlighted paper that is not in papers.csv", place, row["UID"])


def _projection(folder: Path, programme: Programme, problems: Problems, warnings: Warnings) -> None:
    by_uid = {paper.uid: paper for paper in programme.papers}
    for record in _entries(folder / "papers_projection.json", problems, ReadOptions(source=programme.source)):
        paper, position = by_uid.get(record.text("id")), record.numbers("pos", count=2)
        if paper is None:
            warnings.add("a position on the map for a paper that is not in papers.csv", record.place, record.text("id"))
        elif position:
            paper.map_x, paper.map_y = position


def _sections(folder: Path, file: str, key: str, known: tuple[str, ...], problems: Problems) -> list[Record]:
    path = folder / file
    data = read_yaml(path, problems) if path.exists() else None
    return Record(Place(file), data, problems).records(key, known=known) if data is not None else []


def _faq(folder: Path, programme: Programme, problems: Problems) -> None:
    """One help page for each section of questions."""
    for position, section in enumerate(_sections(folder, "faq.yml", "FAQ", ("Section", "QA"), problems)):
        title = section.text("Section", required=True, limit=200)
        parts = [
            f"### {qa.text('Question', required=True)}\n\n{markdown_of_html(qa.text('Answer'))}"
            for qa in section.records("QA", known=("Question", "Answer"))
        ]
        slug = _namespaced(programme.source, title)[:80]
        programme.pages.append(PageEntry(section.place, slug, title, "\n\n".join(parts), 100 + position))


def _committee(folder: Path, programme: Programme, problems: Problems) -> None:
    """The committee as a page; its members are no authors and need no pages of their own."""
    lines: list[str] = []
    role = ""
    for member in _sections(folder, "committee.yml", "committee", ("role", "name", "aff", "im", "tw"), problems):
        if member.text("role") != role:
            role = member.text("role")
            lines.append(f"\n### {escape_markdown(role)}\n")
        name, affiliation = member.text("name", required=True), member.text("aff")
        handle = member.text("tw").lstrip("@")
        contact = (
            f" ([@{escape_markdown(handle)}](https://twitter.com/{handle}))" if re.fullmatch(r"\w+", handle) else ""
        )
        where = f", {escape_markdown(affiliation)}" if affiliation else ""
        lines.append(f"- {escape_markdown(name)}{where}{contact}")
    if lines:
        slug = f"{programme.source}-committee"
        programme.pages.append(PageEntry(Place("committee.yml"), slug, "Committee", "\n".join(lines).strip(), 200))
