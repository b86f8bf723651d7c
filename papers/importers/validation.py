"""Rules that hold for every format, checked after reading and before the database is touched."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from .problems import Place, Problems
from .programme import Programme


def check(programme: Programme, problems: Problems) -> None:
    """Ids stand once, references lead somewhere, and nothing ends before it begins."""
    papers = _unique("uid", ((p.uid, p.place) for p in programme.papers), problems)
    events = _unique("uid", ((e.uid, e.place) for e in programme.events), problems)
    _unique("uid", ((s.uid, s.place) for s in programme.sessions), problems)
    sponsors = _unique("uid", ((s.uid, s.place) for s in programme.sponsors), problems)
    _unique("slug", ((p.slug, p.place) for p in programme.pages), problems)
    _unique("email", ((a.email, a.place) for a in programme.accounts), problems)
    for session in programme.sessions:
        if session.ends_at < session.starts_at:
            problems.add(session.place, "ends_at", session.ends_at.isoformat(), "not before the session starts")
        if session.event and session.event not in events:
            problems.add(session.place, "event", session.event, "the uid of an event of this source")
        if session.sponsor and session.sponsor not in sponsors:
            problems.add(session.place, "sponsor", session.sponsor, "the uid of a sponsor of this source")
        seen: set[str] = set()
        for uid in session.papers:
            if uid not in papers:
                problems.add(session.place, "papers", uid, "the uid of a paper of this source (case counts)")
            elif uid in seen:
                problems.add(session.place, "papers", uid, "each paper once")
            seen.add(uid)
    for paper in programme.papers:
        if paper.event and paper.event not in events:
            problems.add(paper.place, "event", paper.event, "the uid of an event of this source")
    authors = {author.name for paper in programme.papers for author in paper.authors}
    named = authors.union(chain.from_iterable(event.people for event in programme.events))
    for account in programme.accounts:
        if account.role == "author" and not account.papers and account.name not in named:
            problems.add(account.place, "name", account.name, "the exact name of an author or speaker, or papers")
        for uid in account.papers:
            if uid not in papers:
                problems.add(account.place, "papers", uid, "the uid of a paper of this source (case counts)")


def _unique(field: str, pairs: Iterable[tuple[str, Place]], problems: Problems) -> set[str]:
    first: dict[str, Place] = {}
    for value, place in pairs:
        if value and value in first:
            problems.add(place, field, value, f"is taken already, by {first[value]}")
        first.setdefault(value, place)
    return set(first)
