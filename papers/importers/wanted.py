"""A programme that was read, as the values its rows are to have (papers/values.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from papers.value_lists import presentation
from papers.values import KINDS, Values

from .problems import Place
from .programme import Programme, SessionEntry

Wanted = dict[str, tuple[Place, Values]]

_LISTS_OF_PEOPLE = ("people", "chairs")


def _columns(kind: str, entry: Any) -> Values:
    shape = KINDS[kind]
    values = {name: getattr(entry, name) for name in shape.columns}
    values |= {name: getattr(entry, name) for name in shape.references}
    return values | ({"withdrawn": False} if shape.withdrawn else {})


def people(programme: Programme, slugs: Mapping[str, str]) -> Wanted:
    """By slug; `slugs` gives one for each name."""
    return {
        slugs[p.name]: (
            p.place,
            {
                "name": p.name,
                "affiliation": p.affiliation,
                "biography": p.biography,
                "url": p.url,
                "image_url": p.image_url,
                "email_private": p.email,
            },
        )
        for p in programme.people.values()
    }


def events(programme: Programme, slugs: Mapping[str, str]) -> Wanted:
    return {
        e.uid: (e.place, _columns("event", e) | {"people": sorted({slugs[name] for name in e.people})})
        for e in programme.events
    }


def sponsors(programme: Programme, slugs: Mapping[str, str]) -> Wanted:
    return {
        s.uid: (s.place, _columns("sponsor", s) | {"people": sorted({slugs[name] for name in s.people})})
        for s in programme.sponsors
    }


def papers(programme: Programme, slugs: Mapping[str, str]) -> Wanted:
    return {
        p.uid: (
            p.place,
            _columns("paper", p)
            | {
                "authors": [{"person": slugs[a.name], "equal_contribution": a.equal_contribution} for a in p.authors],
                "keywords": sorted(set(p.keywords)),
            },
        )
        for p in programme.papers
    }


def sessions(programme: Programme, slugs: Mapping[str, str], existing: Mapping[str, Values]) -> Wanted:
    """Times and links of a presentation that the source does not give are kept from `existing`."""
    found: Wanted = {}
    for s in programme.sessions:
        values = _columns("session", s)
        values["starts_at"], values["ends_at"] = s.starts_at.isoformat(), s.ends_at.isoformat()
        values["chairs"] = sorted({slugs[name] for name in s.chairs})
        values["papers"] = _presentations(s, existing.get(s.uid, {}).get("papers", []))
        found[s.uid] = (s.place, values)
    return found


def _presentations(session: SessionEntry, existing: list[Values]) -> list[Values]:
    known = {item["paper"]: item for item in existing}
    items = []
    for uid in session.papers:
        given = session.presentations.get(uid)
        item = presentation(
            uid,
            given.starts_at if given else None,
            given.ends_at if given else None,
            given.join_url_private if given else "",
        )
        kept = known.get(uid, {})
        if item["starts_at"] is None and item["ends_at"] is None:
            item |= {name: kept.get(name) for name in ("starts_at", "ends_at")}
        item["join_url_private"] = item["join_url_private"] or kept.get("join_url_private", "")
        items.append(item)
    return items


def pages(programme: Programme) -> Wanted:
    return {p.slug: (p.place, {"title": p.title, "body": p.body, "position": p.position}) for p in programme.pages}
