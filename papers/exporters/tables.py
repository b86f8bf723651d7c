"""CSV: papers, sessions and people, as papers/importers/tables.py reads them back.

Events, sponsors, pages and files of the site have no place in these tables.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO

from django.db.models import Prefetch, Q, QuerySet

from papers.importers.columns import cell_of
from papers.models import Authorship, Paper, Person, Presentation, Session
from papers.queries import visible_papers, visible_sessions

from .archive import Archive

NAME = "csv"
TITLE = "CSV tables"
DESCRIPTION = "A zip of papers.csv, sessions.csv and people.csv, for spreadsheets; it can be imported again."
CONTENT_TYPE = "application/zip"
FILE_NAME = "programme-csv.zip"

_CHUNK = 1000
PAPERS = (
    "uid", "title", "authors", "abstract", "tldr", "keywords", "track", "kind", "program", "year", "venue", "pdf", "links",
    "video", "thumbnail", "bibtex", "highlighted", "map x", "map y",
)  # fmt: skip
SESSIONS = (
    "uid", "title", "kind", "start", "end", "room", "track", "chairs", "papers", "link", "description", "in schedule",
)  # fmt: skip
PRIVATE = ("join url", "join note")
PEOPLE = ("name", "affiliation", "url", "bio", "image")


def write(stream: IO[bytes], *, private: bool = False) -> None:
    """The tables as a zip; with `private`, sessions have their meeting links."""
    with Archive(stream) as archive:
        archive.table("papers.csv", PAPERS, _papers(), mark=True)
        archive.table("sessions.csv", SESSIONS + (PRIVATE if private else ()), _sessions(), mark=True)
        archive.table("people.csv", PEOPLE, _people(), mark=True)


def with_lists(papers: Iterable[Paper]) -> Iterator[tuple[Paper, list[str], list[str]]]:
    """Each paper with the names of its authors, marked by an asterisk for equal contribution, and its keywords.

    Two queries for a thousand papers; names are read without the rows around them, which would take most of the time.
    """
    waiting = iter(papers)
    while chunk := list(islice(waiting, _CHUNK)):
        ids = [paper.pk for paper in chunk]
        authors: dict[int, list[str]] = defaultdict(list)
        authorships = Authorship.objects.filter(paper__in=ids).order_by("paper_id", "position")
        for pk, name, equal in authorships.values_list("paper_id", "person__name", "equal_contribution"):
            authors[pk].append(f"{name}*" if equal else name)
        keywords: dict[int, list[str]] = defaultdict(list)
        pairs = Paper.keywords.through._default_manager.filter(paper__in=ids).order_by("keyword__name")
        for pk, name in pairs.values_list("paper_id", "keyword__name"):
            keywords[pk].append(name)
        for paper in chunk:
            yield paper, authors[paper.pk], keywords[paper.pk]


def _papers() -> Iterator[dict[str, str]]:
    papers = visible_papers().select_related("track").order_by("uid").iterator(_CHUNK)
    for paper, authors, keywords in with_lists(papers):
        links = list(paper.links)
        pdf = links.pop(0)["url"] if links and links[0]["label"] == "PDF" else ""
        yield {
            "uid": paper.uid,
            "title": paper.title,
            "authors": cell_of(authors),
            "abstract": paper.abstract,
            "tldr": paper.tldr,
            "keywords": cell_of(keywords),
            "track": paper.track.name if paper.track else "",
            "kind": paper.kind,
            "program": paper.program,
            "year": str(paper.year or ""),
            "venue": paper.venue,
            "pdf": pdf,
            "links": cell_of([f"{link['label']} {link['url']}" for link in links], separators="|\n"),
            "video": paper.video_url,
            "thumbnail": paper.thumbnail_url,
            "bibtex": paper.bibtex,
            "highlighted": "yes" if paper.highlighted else "",
            "map x": "" if paper.map_x is None else repr(paper.map_x),
            "map y": "" if paper.map_y is None else repr(paper.map_y),
        }


def _sessions() -> Iterator[dict[str, str]]:
    presentations = (
        Presentation.objects.filter(paper__withdrawn_at=None).select_related("paper").order_by("position", "pk")
        .only("position", "session_id", "paper__uid")
    )  # fmt: skip
    sessions = (
        visible_sessions()
        .select_related("track")
        .prefetch_related(
            Prefetch("presentations", presentations), Prefetch("chairs", Person.objects.order_by("name", "pk"))
        )
        .order_by("starts_at", "uid")
    )
    for session in sessions.iterator(_CHUNK):
        yield {
            "uid": session.uid,
            "title": session.title,
            "kind": session.kind,
            "start": _time(session.starts_at),
            "end": _time(session.ends_at),
            "room": session.room,
            "track": session.track.name if session.track else "",
            "chairs": cell_of([person.name for person in session.chairs.all()]),
            "papers": cell_of([item.paper.uid for item in session.presentations.all()]),
            "link": session.url,
            "description": session.description,
            "in schedule": "" if session.in_schedule else "no",
            "join url": session.join_url_private,
            "join note": session.join_note_private,
        }


def _time(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat()


def public_people() -> QuerySet[Person]:
    """Those whom something in the programme names that is not withdrawn."""
    named = (
        Authorship.objects.filter(paper__withdrawn_at=None).values("person"),
        Person.objects.filter(events__withdrawn_at=None, events__isnull=False).values("pk"),
        Person.objects.filter(chaired_sessions__in=Session.objects.filter(withdrawn_at=None)).values("pk"),
        Person.objects.filter(sponsors__isnull=False).values("pk"),
    )
    some = Q()
    for people in named:
        some |= Q(pk__in=people)
    return Person.objects.filter(some).order_by("slug")


def _people() -> Iterator[dict[str, str]]:
    """Each name once: the tables know people by their names."""
    seen: set[str] = set()
    for person in public_people().only("name", "affiliation", "url", "biography", "image_url").iterator(_CHUNK):
        if person.name not in seen:
            seen.add(person.name)
            yield {
                "name": person.name,
                "affiliation": person.affiliation,
                "url": person.url,
                "bio": person.biography,
                "image": person.image_url,
            }
