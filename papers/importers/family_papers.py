"""Lists of papers as ACL 2020 and EMNLP 2020 kept them: one file for each program, ids that may repeat across them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from papers.models import Keyword, Paper, Track

from .family import Source, material_links
from .html import text_of_html
from .problems import Place
from .programme import Author, ConferenceEntry, PaperEntry
from .records import Record, limit_of
from .times import Dates, leftovers

PROGRAMS = {
    "main": "Main", "demo": "Demonstrations", "srw": "Student Research Workshop", "cl": "Computational Linguistics",
    "tacl": "TACL", "findings": "Findings", "industry": "Industry",
}  # fmt: skip
_TRACKS = {"SRW": "Student Research Workshop", "Demo": "System Demonstrations"}
_LIST = re.compile(r"([A-Za-z]+)_papers\.(?:csv|tsv|json|ya?ml)")


@dataclass(slots=True)
class Papers:
    """Papers by the list they stand in and the id they have there."""

    by_list: dict[tuple[str, str], PaperEntry] = field(default_factory=dict)
    by_id: dict[str, list[PaperEntry]] = field(default_factory=dict)

    def add(self, name: str, identifier: str, paper: PaperEntry) -> None:
        self.by_list[name, identifier] = paper
        self.by_id.setdefault(identifier, []).append(paper)

    def find(self, identifier: str, name: str = "") -> PaperEntry | None:
        """That of the list, else the only one of that id."""
        found = self.by_list.get((name, identifier))
        others = self.by_id.get(identifier, [])
        return found or (others[0] if len(others) == 1 else None)


def lists_of(source: Source) -> list[str]:
    """`main`, `demo`, … for the files `main_papers.csv`, …: those known first, then others by name."""
    found = {m[1] for path in source.programme.folder.iterdir() if (m := _LIST.fullmatch(path.name))}
    found -= {"workshop"}
    order = list(PROGRAMS)
    return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))


def read_papers(source: Source, names: list[str], papers: Papers) -> None:
    """All lists. An id that stands in several, or is a bare number, gets its list's name before it."""
    rows = [(name, record) for name in names for record in source.records(f"{name}_papers", required=("UID", "title"))]
    counts: dict[str, set[str]] = {}
    for name, record in rows:
        counts.setdefault(record.text("UID"), set()).add(name)
    spread = 0
    for name, record in rows:
        identifier = record.uid("UID", limit=limit_of(Paper, "uid") - len(name) - 1)
        repeated = len(counts[identifier]) > 1 if identifier in counts else False
        spread += repeated
        uid = f"{name}.{identifier}" if repeated or identifier.isdigit() else identifier
        paper = paper_of(source, record, uid, program=PROGRAMS.get(name, name.capitalize()))
        papers.add(name, identifier, paper)
    if spread:
        source.programme.notes.append(f"{spread} papers have ids that several lists use; the list's name stands before")


def paper_of(source: Source, record: Record, uid: str, *, program: str, event: str = "") -> PaperEntry:
    track = record.text("track")
    paper = PaperEntry(
        place=record.place,
        uid=uid,
        title=record.text("title", required=True, limit=limit_of(Paper, "title")),
        authors=_authors(source, record),
        abstract=record.text("abstract", strip=False),
        keywords=list(dict.fromkeys(record.texts("keywords", separator="|", limit=limit_of(Keyword, "name")))),
        track=_TRACKS.get(track, track)[: limit_of(Track, "name")],
        kind=record.text("paper_type", limit=limit_of(Paper, "kind")),
        program=program[: limit_of(Paper, "program")],
        event=event,
        video_url=source.video(record, "presentation_id"),
    )
    for label, name in (("PDF", "pdf_url"), ("Demo", "demo_url")):
        if url := source.link(record, name):
            paper.links.append({"label": label, "url": url})
    paper.links += material_links(source, record, "material")
    source.programme.papers.append(paper)
    return paper


def _authors(source: Source, record: Record) -> list[Author]:
    """Authors; `emails` beside them are theirs if there are as many."""
    field_name = "authors" if "authors" in record.data else "speakers"
    if field_name == "speakers":
        return [Author(name) for name in source.people(record, "speakers")]
    authors = source.authors(record, field_name)
    emails = record.texts("emails", separator="|")
    if emails and len(emails) != len(authors):
        source.warnings.add("not as many e-mail addresses as authors, left out", record.place)
    elif emails:
        for author, email in zip(authors, emails, strict=True):
            person = source.programme.people[author.name]
            if re.fullmatch(r"[^@\s|]+@[^@\s|]+", email):
                person.email = person.email or email.lower()[:254]
    return authors


def check_papers(source: Source, session_papers: list[str], papers: Papers, name: str, record: Record) -> list[str]:
    """The uids of a session's papers; an unknown id is a problem, and one that stands twice counts once."""
    uids = []
    for identifier in session_papers:
        paper = papers.find(identifier, name)
        if paper is None:
            record.problem("papers", identifier, "the id of a paper in one of the lists (case counts)")
        elif paper.uid in uids:
            source.warnings.add("a paper stands twice in one session", record.place, identifier)
        else:
            uids.append(paper.uid)
    return uids


def read_projection(source: Source, papers: Papers) -> None:
    for record in source.records("papers_projection"):
        paper, position = papers.find(record.text("id")), record.numbers("pos", count=2)
        if paper is None:
            source.warnings.add("a position on the map for a paper that is in no list", record.place, record.text("id"))
        elif position:
            paper.map_x, paper.map_y = position


def read_config(source: Source, stem: str = "config") -> Record | None:
    name, value = source.mapping(stem)
    return source.record(Place(name), value) if value else None


def finish_conference(source: Source, config: Record | None, *, name: str = "") -> None:
    """Name and dates of the conference, year and venue of its papers, and a warning about another year's times.

    The dates are those of the sessions: those in config.yml are often the last conference's.
    """
    programme = source.programme
    days = [session.starts_at.date() for session in programme.sessions]
    dates = Dates.around(days) or source.dates
    title = (config.text("name", limit=120) if config else "") or name
    if title:
        programme.conference = ConferenceEntry(
            place=config.place if config else Place(""),
            name=title,
            tagline=text_of_html(config.text("tagline"))[:200] if config else "",
            starts_on=dates.first,
            ends_on=dates.last,
            timezone=str(source.options.zone or "UTC"),
        )
    if config:
        venue = config.text("proceedings_title")[: limit_of(Paper, "venue")]
        years = re.findall(r"\b(?:19|20)\d\d\b", config.text("citation_date") or config.text("date"))
        year = dates.first.year if dates.first else int(years[0]) if years else None
        if dates.first and years and int(years[0]) != dates.first.year:
            source.warnings.add(f"its dates are in {years[0]}, and the sessions in {year}", config.place)
        for paper in programme.papers:
            paper.venue, paper.year = paper.venue or venue, paper.year or year
    times = [(session.place, session.starts_at) for session in programme.sessions]
    programme.notes += leftovers(times, dates)
