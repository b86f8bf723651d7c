"""A table of papers."""

from __future__ import annotations

import math
import re

from papers.models import Keyword, Paper, Track

from .columns import items_of
from .programme import PaperEntry, PersonEntry
from .records import limit_of
from .sitedata import authors_of
from .table_rows import MOST_NAMES, Cells, Reading, Table, slug_of

_LINKS = {
    "pdf": "PDF",
    "code": "Code",
    "slides": "Slides",
    "poster": "Poster",
    "supplementary": "Supplementary material",
    "website": "Website",
    "doi": "DOI",
}
_YES = {"yes", "true", "1", "x", "y"}
_NO = {"", "no", "false", "0", "n", "-"}


def read(table: Table, reading: Reading) -> None:
    taken = {paper.uid for paper in reading.programme.papers}
    without: list[PaperEntry] = []
    sessions: list[tuple[PaperEntry, list[str]]] = []
    for cells in reading.cells(table):
        paper = _paper(cells)
        if names := items_of(cells.text("session"), separators="|;\n"):
            sessions.append((paper, list(dict.fromkeys(names))[:MOST_NAMES]))
        if paper.uid:
            taken.add(paper.uid)
        elif paper.title:
            without.append(paper)
        reading.programme.papers.append(paper)
    for paper in without:
        paper.uid = slug_of(paper.title, taken)
    reading.finish_ids(table, len(without), "papers")
    column = table.header.titles.get("session", "")
    reading.sessions_of_papers += [
        (paper.place, column, name, paper.uid) for paper, names in sessions for name in names
    ]


def _paper(cells: Cells) -> PaperEntry:
    uid = cells.text("uid")
    paper = PaperEntry(
        place=cells.place,
        uid=cells.record.uid(cells.title("uid"), limit=limit_of(Paper, "uid")) if uid else "",
        title=cells.text("title", required=True, limit=limit_of(Paper, "title")),
        authors=authors_of(cells.names("authors")),
        abstract=cells.record.text(cells.title("abstract"), strip=False),
        tldr=cells.text("tldr", limit=limit_of(Paper, "tldr")),
        keywords=_keywords(cells),
        track=cells.text("track", limit=limit_of(Track, "name")),
        kind=cells.text("kind", limit=limit_of(Paper, "kind")),
        program=cells.text("program", limit=limit_of(Paper, "program")),
        year=_year(cells),
        venue=cells.text("venue", limit=limit_of(Paper, "venue")),
        bibtex=cells.text("bibtex"),
        video_url=cells.link("video", limit=limit_of(Paper, "video_url")),
        thumbnail_url=cells.link("thumbnail", limit=limit_of(Paper, "thumbnail_url")),
        highlighted=_flag(cells),
        map_x=_number(cells, "map_x"),
        map_y=_number(cells, "map_y"),
    )
    paper.links = _links(cells)
    _emails(cells, paper)
    return paper


def _keywords(cells: Cells) -> list[str]:
    words = items_of(cells.text("keywords"), separators="|;\n,")
    limit = limit_of(Keyword, "name")
    for word in words:
        if len(word) > limit:
            cells.problem("keywords", word, f"keywords of at most {limit} characters, parted by | or ; or commas")
            return []
    return list(dict.fromkeys(words))


def _year(cells: Cells) -> int | None:
    value = cells.text("year")
    if not value:
        return None
    if re.fullmatch(r"(?:19|20|21)\d\d", value, re.ASCII):
        return int(value)
    cells.problem("year", value, "a year like 2027")
    return None


def _flag(cells: Cells) -> bool:
    value = cells.text("highlighted").lower()
    if value not in _YES | _NO:
        cells.problem("highlighted", value, "yes or no")
    return value in _YES


def _number(cells: Cells, field: str) -> float | None:
    value = cells.text(field)
    try:
        number = float(value) if value else None
    except ValueError:
        number = math.nan
    if number is not None and not math.isfinite(number):
        cells.problem(field, value, "a number")
        return None
    return number


def _links(cells: Cells) -> list[dict[str, str]]:
    links = []
    for field, label in _LINKS.items():
        value = cells.text(field)
        if field == "doi" and re.match(r"10\.\d{4,9}/\S+$", value):
            value = f"https://doi.org/{value}"
        if value and (url := cells.address(value, field)):
            links.append({"label": label, "url": url})
    for item in items_of(cells.text("links"), separators="|\n"):
        name, _, url = item.rpartition(" ")
        if url := cells.address(url, "links"):
            links.append({"label": (name.strip() or "Link")[:80], "url": url})
    return links


def _emails(cells: Cells, paper: PaperEntry) -> None:
    """Addresses in the order of the authors: private, they link accounts."""
    emails = items_of(cells.text("emails"), separators="|;\n,")[:MOST_NAMES]
    if len(emails) != len(paper.authors):
        if emails:
            cells.reading.warnings.add("not as many e-mail addresses as authors, left out", cells.place)
        return
    for author, email in zip(paper.authors, emails, strict=True):
        entry = PersonEntry(place=cells.place, name=author.name, email=cells.one_email(email.strip("<> "), "emails"))
        cells.reading.programme.mention(entry)
