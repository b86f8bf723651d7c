"""What the columns of a table are called, which table has them, and how a cell holds a list.

Names are compared in small letters without signs: `Paper ID`, `paper_id` and `PaperID` are one. The first name of
each field is the one our own exports use.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field

from papers.models import Session

Names = dict[str, tuple[str, ...]]

PAPERS: Names = {
    "uid": ("uid", "id", "paper id", "paper uid", "paper number", "submission id", "submission number", "number"),
    "title": ("title", "paper title", "submission title"),
    "authors": ("authors", "author", "author names", "author list", "names of authors"),
    "emails": ("author emails", "authors emails", "emails", "author email", "email", "e mail"),
    "abstract": ("abstract", "paper abstract", "summary"),
    "tldr": ("tldr", "tl dr", "one sentence summary"),
    "keywords": ("keywords", "keyword", "key words", "topics", "tags", "subject areas"),
    "track": ("track", "track name", "area", "primary area", "primary subject area", "subject area", "theme"),
    "kind": ("kind", "type", "paper type", "presentation type", "submission type", "format", "category"),
    "program": ("program", "programme", "proceedings"),
    "session": ("session", "sessions", "session name", "session title", "session id", "session uid"),
    "year": ("year",),
    "venue": ("venue", "conference", "published in"),
    "pdf": ("pdf", "pdf url", "pdf link", "paper url", "paper link", "paper pdf"),
    "code": ("code", "code url", "code link", "github", "repository", "source code"),
    "slides": ("slides", "slides url", "slides link", "slides pdf"),
    "poster": ("poster", "poster url", "poster link", "poster pdf"),
    "supplementary": ("supplementary", "supplementary material", "supplement", "appendix"),
    "website": ("website", "web page", "project page", "homepage", "url", "link"),
    "doi": ("doi",),
    "links": ("links", "other links"),
    "video": ("video", "video url", "video link", "talk", "recording", "youtube"),
    "bibtex": ("bibtex", "bib", "bibtex entry"),
    "thumbnail": ("thumbnail", "thumbnail url", "image", "image url", "picture"),
    "highlighted": ("highlighted", "featured"),
    "map_x": ("map x",),
    "map_y": ("map y",),
}
SESSIONS: Names = {
    "uid": ("uid", "id", "session id", "session uid", "session number", "session code", "code"),
    "title": ("title", "session title", "session name", "session", "name", "event"),
    "start": ("start", "starts at", "start time", "starts", "start date time", "start datetime", "begin", "from"),
    "end": ("end", "ends at", "end time", "ends", "end date time", "end datetime", "finish", "until", "to"),
    "date": ("date", "day", "start date"),
    "time": ("time", "times", "time slot", "slot", "hours"),
    "duration": ("duration", "duration minutes", "minutes", "length"),
    "timezone": ("timezone", "time zone", "zone", "tz"),
    "room": ("room", "location", "place", "hall", "venue", "where"),
    "track": ("track", "track name", "theme"),
    "kind": ("kind", "type", "session type", "event type", "category", "format"),
    "chairs": ("chairs", "chair", "session chairs", "session chair", "chaired by", "moderators", "moderator"),
    "papers": ("papers", "paper ids", "paper uids", "paper id", "paper list"),
    "link": ("link", "url", "website", "web page"),
    "description": ("description", "abstract", "summary", "details"),
    "in_schedule": ("in schedule",),
    "join_url": ("join url", "join link", "zoom link", "zoom url", "zoom", "meeting link", "meeting url"),
    "join_note": ("join note", "passcode", "password", "zoom passcode", "meeting password", "zoom password"),
}
PEOPLE: Names = {
    "name": ("name", "full name", "person", "speaker", "author", "person name"),
    "first_name": ("first name", "given name", "forename"),
    "last_name": ("last name", "surname", "family name"),
    "affiliation": ("affiliation", "institution", "organization", "organisation", "company", "university", "employer"),
    "email": ("email", "e mail", "mail", "email address"),
    "url": ("url", "website", "web page", "web site", "homepage", "home page", "personal page"),
    "biography": ("bio", "biography", "about"),
    "image": ("image", "image url", "photo", "photo url", "picture"),
}
KINDS: dict[str, Names] = {"papers": PAPERS, "sessions": SESSIONS, "people": PEOPLE}


@dataclass(slots=True)
class Header:
    """Which columns of a table hold what."""

    kind: str
    columns: dict[str, int]  # by field
    titles: dict[str, str]  # of these columns, as the table has them
    width: int = 0  # of the table, in columns
    unused: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def plain(name: str) -> str:
    """A column's name in small letters: no signs, `PaperID` as `paper id`, what stands in brackets left out."""
    name = unicodedata.normalize("NFKC", name).strip()
    name = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", name) if not name.startswith(("(", "[")) else name
    name = re.sub(r"([a-z])(?=[A-Z][A-Za-z])", r"\1 ", name).replace("#", " number ")
    return " ".join(re.sub(r"[^\w]|_", " ", name.casefold()).split())


def header_of(cells: list[str]) -> Header | None:
    """The table that a row is the header of, if any."""
    if len(cells) > 1_000:
        return None
    names = [plain(cell) for cell in cells]
    found = {kind: _matched(names, fields) for kind, fields in KINDS.items()}
    papers, sessions, people = found["papers"].keys(), found["sessions"].keys(), found["people"].keys()
    kind = ""
    if {"title", "authors"} <= papers:
        kind = "papers"
    elif "title" in sessions and sessions & {"start", "date", "time"}:
        kind = "sessions"
    elif "title" in papers and papers & {"abstract", "keywords", "tldr", "pdf", "uid"}:
        kind = "papers"
    elif ("name" in people or {"first_name", "last_name"} <= people) and len(people) > 1:
        kind = "people"
    if not kind:
        return None
    columns = found[kind]
    used = set(columns.values())
    return Header(
        kind,
        columns,
        {name: cells[index].strip() for name, index in columns.items()},
        width=len(cells),
        unused=[cell.strip() for index, cell in enumerate(cells) if index not in used and cell.strip()],
        doubled=sorted({cells[i].strip() for i in used if names.count(names[i]) > 1}),
    )


def rating(cells: list[str]) -> int:
    """How much a row looks like the header of a table that is known."""
    header = header_of(cells)
    return len(header.columns) if header else 0


def _matched(names: list[str], fields: Names) -> dict[str, int]:
    """The column of each field: the one with the best of the field's names."""
    where: dict[str, int] = {}
    for index, name in enumerate(names):
        where.setdefault(name, index)
        where.setdefault(name.replace(" ", ""), index)
    found: dict[str, int] = {}
    taken: set[int] = set()
    for name, synonyms in fields.items():
        columns = [where[word] for each in synonyms for word in (each, each.replace(" ", "")) if word in where]
        free = [column for column in columns if column not in taken]
        if free:
            found[name] = free[0]
            taken.add(free[0])
    return found


# --- Lists in cells ------------------------------------------------------------------------------------------------

_SUFFIX = re.compile(r"(?:jr|sr|ph\.?\s?d|ii|iii|iv|md)\.?", re.IGNORECASE)
_AND = re.compile(r"\s*,?\s+(?:and|&)\s+", re.IGNORECASE)


_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # which JSON can write and no database keeps


def as_json_list(cell: str) -> list[str] | None:
    """The texts of a JSON list, which is how a cell holds items that have separators in them."""
    if not cell.startswith("["):
        return None
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        return None
    return None if _NO_TEXT.search("".join(items)) else items


def items_of(cell: str, *, separators: str) -> list[str]:
    """The items of a cell: parted by the first of `separators` that stands in it; a JSON list as it is."""
    cell = cell.strip()
    items = as_json_list(cell)
    if items is None:
        separator = next((sign for sign in separators if sign in cell), None)
        items = cell.split(separator) if separator else [cell]
    return [item.strip() for item in items if item.strip()]


def names_of(cell: str) -> list[str]:
    """Names of people: parted by `|`, else `;`, else lines, else " and ", else commas.

    Where every one of several is written `Lovelace, Ada`, they are turned round. `A, B and C` are three.
    """
    cell = cell.strip()
    if (items := as_json_list(cell)) is not None:
        return [item.strip() for item in items if item.strip()]
    if any(sign in cell for sign in "|;\n"):
        return _turned(items_of(cell, separators="|;\n"))
    names = [name.strip(" ,") for name in _AND.split(cell) if name.strip(" ,")]
    if len(names) > 1 and all(name.count(",") == 1 for name in names):
        return _turned(names)
    found: list[str] = []
    for name in (part.strip() for each in names for part in each.split(",")):
        if found and _SUFFIX.fullmatch(name):
            found[-1] = f"{found[-1]}, {name}"
        elif name:
            found.append(name)
    return found


def _turned(names: list[str]) -> list[str]:
    parts = [[part.strip() for part in name.split(",")] for name in names]
    if len(names) > 1 and all(len(each) == 2 and all(each) and not _SUFFIX.fullmatch(each[1]) for each in parts):
        return [f"{first} {last}" for last, first in parts]
    return names


def cell_of(items: list[str], *, separators: str = "|;,\n") -> str:
    """A cell that `items_of` and `names_of` read as these items again."""
    joined = "|".join(items)
    plain_text = all(
        item
        and item == item.strip()
        and not any(sign in item for sign in separators)
        and not re.search(r"\s(?:and|&)\s", item, re.IGNORECASE)
        and not item.startswith("[")
        for item in items
    )
    return joined if plain_text else json.dumps(items, ensure_ascii=False)


# --- Kinds of session ----------------------------------------------------------------------------------------------

_KINDS_BY_WORD: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{words})", re.IGNORECASE), kind)
    for words, kind in (
        (r"q\s?&\s?a\b|questions and answers", "qa"),
        (r"poster", "poster"),
        (r"mentoring", "mentoring"),
        (r"keynote|invited talk", "keynote"),
        (r"tutorial", "tutorial"),
        (r"workshop", "workshop"),
        (r"break\b|coffee|lunch|dinner\b|pause\b", "break"),
        (r"social|reception|meet-?up|party\b|banquet", "social"),
        (r"sponsor|expo\b|exhibition", "sponsor"),
        (r"plenary|opening|closing|award|business meeting", "plenary"),
        (r"oral|talks?\b|paper session|spotlight", "oral"),
    )
)


def session_kind(text: str, title: str) -> str | None:
    """The kind of a session from its own column, or else from its title; None for a word that says none."""
    word = plain(text).replace(" ", "")
    if word in Session.Kind.values:
        return word
    for given in (text, title):
        if given:
            return next((kind for pattern, kind in _KINDS_BY_WORD if pattern.search(given)), None)
    return None
