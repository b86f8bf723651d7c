"""A conference of thousands of real papers, written straight into the database that the settings name."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

PAPERS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "papers.jsonl.gz"


def read_papers(path: Path, count: int) -> list[dict[str, Any]]:
    """`count` papers of a file of JSON lines, evenly from the whole of it."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    step = max(1.0, len(rows) / count)
    return [rows[int(n * step)] for n in range(min(count, len(rows)))]


def load(path: Path, count: int) -> None:
    """Papers with their authors, keywords and tracks, and sessions that 50 of them share; indexed for search."""
    from papers.models import Authorship, Keyword, Paper, Person, Presentation, Session, Track
    from papers.search import index_papers

    rows = read_papers(path, count)
    tracks = {name: Track(name=name, slug=f"t{n}") for n, name in enumerate(dict.fromkeys(map(_track, rows)))}
    Track.objects.bulk_create(tracks.values())
    names = dict.fromkeys(name for row in rows for name in row["authors"])
    people = {name: Person(name=name[:200], slug=f"person-{n}") for n, name in enumerate(names)}
    Person.objects.bulk_create(people.values(), batch_size=2000)
    words = {name.casefold(): Keyword(name=name[:200]) for row in rows for name in _keywords(row)}
    Keyword.objects.bulk_create(words.values(), batch_size=2000)
    papers = [
        Paper(
            uid=f"P{n}", title=row["title"][:500], abstract=row["abstract"], year=row["year"], venue=row["venue"],
            track=tracks[_track(row)], kind=("Oral", "Poster", "Poster", "Poster")[n % 4], program="Main",
        )
        for n, row in enumerate(rows)
    ]  # fmt: skip
    Paper.objects.bulk_create(papers, batch_size=1000)
    _bulk(
        Authorship,
        (
            Authorship(paper=paper, person=people[name], position=position)
            for paper, row in zip(papers, rows, strict=True)
            for position, name in enumerate(dict.fromkeys(row["authors"]), 1)
        ),
    )
    link = Paper.keywords.through
    chosen = ({words[name.casefold()].pk for name in _keywords(row)} for row in rows)
    _bulk(link, (link(paper=paper, keyword_id=pk) for paper, found in zip(papers, chosen, strict=True) for pk in found))
    begin = dt.datetime(2027, 5, 3, 8, tzinfo=dt.UTC)
    sessions = [
        Session(
            uid=f"S{n}", title=f"Poster session {n + 1}", kind="poster",
            starts_at=begin + dt.timedelta(days=n % 5, hours=n // 5 % 10),
            ends_at=begin + dt.timedelta(days=n % 5, hours=n // 5 % 10 + 1),
        )
        for n in range(len(papers) // 50 + 1)
    ]  # fmt: skip
    Session.objects.bulk_create(sessions)
    _bulk(Presentation, (Presentation(paper=paper, session=sessions[n // 50]) for n, paper in enumerate(papers)))
    index_papers(paper.pk for paper in papers)


def _track(row: dict[str, Any]) -> str:
    return f"{row['venue']} {row['track']}"[:200]


def _keywords(row: dict[str, Any]) -> list[str]:
    return [name.strip()[:200] for name in row["keywords"] if name.strip()][:10]


def _bulk(model: Any, rows: Iterator[Any]) -> None:
    while batch := list(islice(rows, 2000)):
        model.objects.bulk_create(batch)
