"""API operations of the programme. Nothing private is among the fields: no addresses, no meeting links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from miniconf.problems import Problem

from .listing import Wanted, filtered
from .models import Authorship, Event, Keyword, Paper, Presentation, Session
from .queries import visible_events, visible_papers, visible_sessions, with_cards, with_people, with_slots
from .search import search as search_papers

router = Router(tags=["papers"])


class Page(Schema):
    limit: int = Field(20, ge=1, le=100, description="Items in the answer at most")
    offset: int = Field(0, ge=0, le=1_000_000, description="Items left out at the beginning")


class PaperQuery(Page):
    search: str = Field(
        "", max_length=200, description="Every word begins a word of title, authors, keywords or abstract"
    )
    track: str = Field("", max_length=200, pattern=r"^[^\x00]*$", description="Slug or name of a track")
    keyword: str = Field("", max_length=200, pattern=r"^[^\x00]*$", description="A keyword, as it is written")


class AuthorOut(Schema):
    name: str
    slug: str
    affiliation: str
    equal_contribution: bool


class LinkOut(Schema):
    label: str
    url: str


class SlotOut(Schema):
    session: str = Field(description="uid of the session")
    title: str
    starts_at: datetime
    ends_at: datetime
    room: str


class PaperOut(Schema):
    uid: str
    title: str
    authors: list[AuthorOut]
    abstract: str = Field(description="Plain text with LaTeX")
    tldr: str
    keywords: list[str]
    track: str | None
    kind: str
    year: int | None
    venue: str
    url: str = Field(description="Path of the paper's page")


class PaperFullOut(PaperOut):
    links: list[LinkOut]
    bibtex: str
    video: str | None = Field(description="Path or address of the talk")
    presented: list[SlotOut]


class PaperList(Schema):
    items: list[PaperOut]
    count: int


class PersonOut(Schema):
    name: str
    slug: str
    affiliation: str


class EventOut(Schema):
    uid: str
    kind: str
    title: str
    abstract: str = Field(description="Markdown")
    people: list[PersonOut]
    capacity: int | None
    sessions: list[str] = Field(description="uids of its dates")
    url: str


class EventList(Schema):
    items: list[EventOut]
    count: int


class SessionOut(Schema):
    uid: str
    title: str
    kind: str
    starts_at: datetime
    ends_at: datetime
    room: str
    track: str | None
    event: str | None = Field(description="uid of the event this is a date of")
    papers: list[str] = Field(description="uids of the papers presented, in order")
    url: str


class SessionList(Schema):
    items: list[SessionOut]
    count: int


@router.get("papers", response=PaperList, summary="Papers, searched and filtered")
def list_papers(request: HttpRequest, query: Query[PaperQuery]) -> dict[str, Any]:
    """Papers by relevance when searched for, else by title."""
    papers = filtered(Wanted(keywords=(query.keyword.strip(),) if query.keyword.strip() else ()))
    if query.track:
        papers = papers.filter(Q(track__slug=query.track) | Q(track__name=query.track))
    matches = search_papers(query.search.replace("\0", " "))
    ids = list(papers.order_by("title", "uid").values_list("pk", flat=True))
    if matches is not None:
        allowed = set(ids)
        ids = [pk for pk in matches if pk in allowed]
    shown = ids[query.offset : query.offset + query.limit]
    by_id = {paper.pk: paper for paper in with_cards(Paper.objects.filter(pk__in=shown))}
    return {"items": [_paper_out(by_id[pk]) for pk in shown], "count": len(ids)}


@router.get("papers/{uid}", response=PaperFullOut, summary="One paper")
def get_paper(request: HttpRequest, uid: str) -> dict[str, Any]:
    """One paper. Ids are told apart by case."""
    known = visible_papers().filter(uid=uid.replace("\0", ""))  # which PostgreSQL does not take
    paper = with_slots(with_cards(known)).first()
    if paper is None:
        raise Problem(
            status=404,
            title="No such paper",
            detail=f'There is no paper "{uid[:120]}"; capital and small letters count.',
        )
    video = f"/media/{paper.video_file}" if paper.video_file else paper.video_url or None
    presented = [_slot_out(slot) for slot in paper.slots]  # type: ignore[attr-defined]
    extra = {"links": paper.links, "bibtex": paper.bibtex, "video": video, "presented": presented}
    return _paper_out(paper) | extra


@router.get("sessions", response=SessionList, summary="The schedule")
def list_sessions(request: HttpRequest, query: Query[Page]) -> dict[str, Any]:
    """Sessions in the order of time, which is UTC."""
    sessions = visible_sessions().order_by("starts_at", "title", "uid")
    presented = Presentation.objects.filter(paper__withdrawn_at=None).select_related("paper").order_by("position")
    shown = sessions.select_related("track", "event").prefetch_related(Prefetch("presentations", presented))
    page = shown[query.offset : query.offset + query.limit]
    return {"items": [_session_out(session) for session in page], "count": sessions.count()}


@router.get("events", response=EventList, summary="Keynotes, tutorials, socials and other events")
def list_events(request: HttpRequest, query: Query[Page]) -> dict[str, Any]:
    """Keynotes, tutorials, workshops, socials and the like."""
    events = visible_events().order_by("kind", "title", "uid")
    page = with_people(events)[query.offset : query.offset + query.limit]
    return {"items": [_event_out(event) for event in page], "count": events.count()}


def _author_out(authorship: Authorship) -> dict[str, Any]:
    person = authorship.person
    return {
        "name": person.name,
        "slug": person.slug,
        "affiliation": person.affiliation,
        "equal_contribution": authorship.equal_contribution,
    }


def _names(keywords: list[Keyword]) -> list[str]:
    return [keyword.name for keyword in keywords]


def _paper_out(paper: Paper) -> dict[str, Any]:
    return {
        "uid": paper.uid,
        "title": paper.title,
        "authors": [_author_out(authorship) for authorship in paper.authorships.all()],
        "abstract": paper.abstract,
        "tldr": paper.tldr,
        "keywords": _names(list(paper.keywords.all())),
        "track": paper.track.name if paper.track else None,
        "kind": paper.kind,
        "year": paper.year,
        "venue": paper.venue,
        "url": paper.get_absolute_url(),
    }


def _slot_out(slot: Presentation) -> dict[str, Any]:
    return {
        "session": slot.session.uid,
        "title": slot.session.title,
        "starts_at": slot.starts_at or slot.session.starts_at,
        "ends_at": slot.ends_at or slot.session.ends_at,
        "room": slot.session.room,
    }


def _session_out(session: Session) -> dict[str, Any]:
    same = ("uid", "title", "kind", "starts_at", "ends_at", "room")
    return {name: getattr(session, name) for name in same} | {
        "track": session.track.name if session.track else None,
        "event": session.event.uid if session.event else None,
        "papers": [presentation.paper.uid for presentation in session.presentations.all()],
        "url": session.get_absolute_url(),
    }


def _event_out(event: Event) -> dict[str, Any]:
    same = ("uid", "kind", "title", "abstract", "capacity")
    people = [{"name": p.name, "slug": p.slug, "affiliation": p.affiliation} for p in event.people.all()]
    return {name: getattr(event, name) for name in same} | {
        "people": people,
        "sessions": [session.uid for session in event.dates],  # type: ignore[attr-defined]
        "url": event.get_absolute_url(),
    }
