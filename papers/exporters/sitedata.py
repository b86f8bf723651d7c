"""Mini-Conf sitedata: the folder from which a Mini-Conf site is frozen, and which papers/importers/sitedata.py reads.

The format knows papers, named sessions, keynotes with one speaker, workshops, questions and answers, a committee.
Ids that were made of the source's name when they were imported are written without it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import groupby, pairwise
from typing import IO, Any
from urllib.parse import quote_plus

import yaml
from django.db.models import Prefetch
from django.utils.text import slugify

from papers.models import Conference, Event, Page, Paper, Person, Presentation, Session
from papers.queries import visible_events, visible_papers, visible_sessions

from .archive import Archive
from .tables import with_lists

NAME = "sitedata"
TITLE = "Mini-Conf sitedata"
DESCRIPTION = "A zip of the folder that Mini-Conf builds a static site from: papers, calendar, speakers, workshops."
CONTENT_TYPE = "application/zip"
FILE_NAME = "sitedata.zip"

_CHUNK = 1000
_PAPERS = ("UID", "title", "authors", "abstract", "keywords", "sessions", "pdf_url")
_SPEAKERS = ("UID", "image", "title", "institution", "speaker", "abstract", "bio", "session")
_WORKSHOPS = ("UID", "title", "authors", "abstract")
_COMMITTEE = re.compile(r"- (.+?)(?:, (.+?))?(?: \(\[@\S+\]\(https://twitter\.com/(\w+)\)\))?")


def write(stream: IO[bytes], *, private: bool = False) -> None:
    """The folder as a zip; the format has no place for private links."""
    events = _event_keys()
    names = _session_names(events)
    with Archive(stream) as archive:
        archive.table("papers.csv", _PAPERS, _papers(names))
        archive.table("speakers.csv", _SPEAKERS, _speakers(events))
        archive.table("workshops.csv", _WORKSHOPS, _workshops(events))
        highlighted = visible_papers().filter(highlighted=True).order_by("uid").values_list("uid", flat=True)
        archive.table("highlighted.csv", ("UID", "session"), ({"UID": uid, "session": "1"} for uid in highlighted))
        archive.json("main_calendar.json", _calendar(names, events))
        archive.json("papers_projection.json", _projection())
        for name, value in (("config.yml", _config()), *_pages()):
            with archive.text(name) as text:
                yaml.safe_dump(value, text, allow_unicode=True, sort_keys=False, width=120)


def _own(uid: str, source: str) -> str:
    return uid.removeprefix(f"{source}-") if source and len(uid) > len(source) + 1 else uid


def _unique(name: str, otherwise: str, taken: set[str]) -> str:
    name = otherwise if name in taken else name
    taken.add(name)
    return name


def _session_names(events: dict[int, tuple[str, str]]) -> dict[int, str]:
    """Names of sessions, by which papers and calendar refer to them.

    Those with papers have one; so have those whose ids would not be made of their titles again.
    """
    sessions = list(visible_sessions().filter(in_schedule=True).order_by("starts_at", "ends_at", "title", "uid"))
    shown = Presentation.objects.filter(paper__withdrawn_at=None, session__in=[session.pk for session in sessions])
    with_papers = set(shown.values_list("session", flat=True))
    taken: set[str] = set()
    names: dict[int, str] = {}
    made: dict[str, int] = defaultdict(int)
    for session in sessions:
        own = _own(session.uid, session.source)
        title = slugify(session.title, allow_unicode=True) or "item"
        made[title] += 1
        again = title if made[title] == 1 else f"{title}-{made[title]}"
        free = own not in (session.uid, again) and not session.url and session.event_id not in events
        if session.pk in with_papers or free:
            names[session.pk] = _item(_unique(own, session.uid, taken))
            made[title] -= 1
    return names


def _event_keys() -> dict[int, tuple[str, str]]:
    """Kind and key of keynotes and workshops: `speaker_<key>.html` is the page of one."""
    taken: dict[str, set[str]] = {"speaker": set(), "workshop": set()}
    found = {}
    rows = visible_events().filter(kind__in=(Event.Kind.KEYNOTE, Event.Kind.WORKSHOP)).order_by("uid")
    for pk, uid, source, kind in rows.values_list("pk", "uid", "source", "kind"):
        page = "speaker" if kind == Event.Kind.KEYNOTE else "workshop"
        key = _own(uid, source).removeprefix(f"{page}-")
        found[pk] = (page, _unique(re.sub(r"[^\w-]", "-", key)[:40], f"{pk}", taken[page]))
    return found


def _item(text: str) -> str:
    """An item of a list joined with `|`, which can stand in none."""
    return text.replace("|", "/")


def _order(names: dict[int, str]) -> list[int]:
    """Papers so that those of every session stand in its order, as far as these agree; else as they were made."""
    follows: dict[int, list[int]] = defaultdict(list)
    before: Counter[int] = Counter()
    rows = Presentation.objects.filter(session__in=list(names), paper__withdrawn_at=None)
    rows = rows.order_by("session_id", "position", "pk")
    for _, group in groupby(rows.values_list("session_id", "paper_id"), key=lambda row: row[0]):
        for (_, first), (_, second) in pairwise(group):
            follows[first].append(second)
            before[second] += 1
    waiting = list(visible_papers().order_by("pk").values_list("pk", flat=True))
    ready = [pk for pk in waiting if not before[pk]]
    rest = iter(waiting)
    order: dict[int, None] = {}
    while len(order) < len(waiting):
        pk = heappop(ready) if ready else next(pk for pk in rest if pk not in order)
        if pk in order:
            continue
        order[pk] = None
        for other in follows[pk]:
            before[other] -= 1
            if not before[other]:
                heappush(ready, other)
    return list(order)


def _papers(names: dict[int, str]) -> Iterator[dict[str, str]]:
    sessions: dict[int, list[str]] = defaultdict(list)
    presentations = Presentation.objects.filter(session__in=list(names)).order_by("session__starts_at", "session__uid")
    for pk, session in presentations.values_list("paper_id", "session_id"):
        sessions[pk].append(names[session])
    for paper, authors, keywords in with_lists(_ordered(names)):
        yield _paper(paper, authors, keywords, sessions[paper.pk])


def _ordered(names: dict[int, str]) -> Iterator[Paper]:
    order = _order(names)
    for start in range(0, len(order), _CHUNK):
        found = visible_papers().in_bulk(order[start : start + _CHUNK])
        yield from (found[pk] for pk in order[start : start + _CHUNK] if pk in found)


def _paper(paper: Paper, authors: list[str], keywords: list[str], sessions: list[str]) -> dict[str, str]:
    pdf = next((link["url"] for link in paper.links if link["label"] == "PDF"), "")
    return {
        "UID": paper.uid,
        "title": paper.title,
        "authors": "|".join(map(_item, authors)),
        "abstract": paper.abstract,
        "keywords": "|".join(map(_item, keywords)),
        "sessions": "|".join(sessions),
        "pdf_url": pdf,
    }


def _events(kind: str) -> Iterator[tuple[Event, list[Person]]]:
    people = Prefetch("people", Person.objects.order_by("name", "pk"))
    for event in visible_events().filter(kind=kind).prefetch_related(people).order_by("uid").iterator(_CHUNK):
        yield event, list(event.people.all())


def _speakers(keys: dict[int, tuple[str, str]]) -> Iterator[dict[str, str]]:
    for event, people in _events(Event.Kind.KEYNOTE):
        first = people[0] if people else Person()
        yield {
            "UID": keys[event.pk][1],
            "image": first.image_url,
            "title": event.title,
            "institution": first.affiliation,
            "speaker": " and ".join(person.name for person in people) or event.title,
            "abstract": event.abstract,
            "bio": first.biography,
            "session": "",
        }


def _workshops(keys: dict[int, tuple[str, str]]) -> Iterator[dict[str, str]]:
    for event, people in _events(Event.Kind.WORKSHOP):
        yield {
            "UID": keys[event.pk][1],
            "title": event.title,
            "authors": "|".join(_item(person.name) for person in people),
            "abstract": event.abstract,
        }


def _calendar(names: dict[int, str], events: dict[int, tuple[str, str]]) -> list[dict[str, Any]]:
    entries = []
    for session in visible_sessions().filter(in_schedule=True).order_by("starts_at", "ends_at", "uid"):
        link = session.url or None
        if session.pk in names:
            link = f"papers.html?session={quote_plus(names[session.pk])}"
        elif session.event_id in events:
            link = "{}_{}.html".format(*events[session.event_id])
        entries.append(
            {
                "title": session.title,
                "start": session.starts_at.astimezone(dt.UTC).isoformat(),
                "end": session.ends_at.astimezone(dt.UTC).isoformat(),
                "location": session.room or link,
                "link": link,
                "category": "time",
                "calendarId": session.kind,
            }
        )
    return entries


def _projection() -> list[dict[str, Any]]:
    placed = visible_papers().exclude(map_x=None).exclude(map_y=None).order_by("uid")
    return [{"id": uid, "pos": [x, y]} for uid, x, y in placed.values_list("uid", "map_x", "map_y").iterator()]


def _config() -> dict[str, Any]:
    """What Mini-Conf asks for; year and venue where all papers have the same."""
    conference = Conference.current()
    papers: Any = visible_papers().order_by()
    years = set(papers.values_list("year", flat=True).distinct()[:2])
    venues = set(papers.values_list("venue", flat=True).distinct()[:2])
    year = str(years.pop() or "") if len(years) == 1 else ""
    return {
        "name": conference.name,
        "tagline": conference.tagline,
        "date": year,
        "citation_date": year,
        "proceedings_title": venues.pop() if len(venues) == 1 else "",
        "analytics": "",
        "logo": {"image": "static/images/MiniConf.png", "width": "180px", "height": "auto"},
        "site_title": conference.name,
        "page_title": {"prefix": conference.name, "separator": ": "},
        "background_image": "",
        "organization": conference.name,
        "chat_server": "",
        "default_presentation_id": "",
        "default_poster_pdf": "",
        "use_auth0": "",
        "calendar": {"colors": dict.fromkeys(Session.Kind.values, "#4FCAEB"), "sunday_saturday": True},
    }


def _pages() -> tuple[tuple[str, Any], tuple[str, Any]]:
    """The committee, where a page lists one as the importer does; all other pages as questions and answers."""
    sections: list[dict[str, Any]] = []
    committee: list[dict[str, str]] = []
    for page in Page.objects.order_by("position", "slug"):
        members = _members(page) if page.slug == f"{page.source}-committee" else None
        if members is not None and not committee:
            committee = members
        else:
            sections.append({"Section": page.title, "QA": _questions(page)})
    return ("faq.yml", {"FAQ": sections}), ("committee.yml", {"committee": committee})


def _questions(page: Page) -> list[dict[str, str]]:
    parts = re.split(r"^### (.+)\n*", page.body, flags=re.MULTILINE)
    if parts[0].strip() or len(parts) < 2:
        return [{"Question": page.title, "Answer": page.body}]
    return [
        {"Question": question.strip(), "Answer": answer.strip()}
        for question, answer in zip(parts[1::2], parts[2::2], strict=True)
    ]


def _members(page: Page) -> list[dict[str, str]] | None:
    """The people of a list by role; None if the page is anything else."""
    members, role = [], ""
    for line in page.body.splitlines():
        if line.startswith("### "):
            role = _unescaped(line[4:])
        elif match := _COMMITTEE.fullmatch(line):
            name, affiliation, handle = match.groups(default="")
            member = {"role": role, "name": _unescaped(name), "aff": _unescaped(affiliation), "im": "", "tw": handle}
            members.append(member)
        elif line.strip():
            return None
    return members


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\`*_{}\[\]()#+!<>|~$-])", r"\1", text)
