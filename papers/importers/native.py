"""The site's own folder format, described in docs/importing.md."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from papers.media import is_known_type
from papers.models import Conference, Event, Keyword, Page, Paper, Person, Presentation, Session, Sponsor, Track

from .options import ReadOptions
from .problems import Place, Problems
from .programme import (
    AccountEntry,
    ConferenceEntry,
    EventEntry,
    MediaEntry,
    PageEntry,
    PaperEntry,
    PersonEntry,
    PresentationEntry,
    Programme,
    SessionEntry,
    SponsorEntry,
)
from .reading import read_text, read_yaml
from .records import Record, limit_of
from .sitedata import authors_of

NAME = "native"
TITLE = "miniconf folder"

_PERSON = ("name", "affiliation", "biography", "image_url", "url", "email")
_PAPER = (
    "uid", "title", "authors", "abstract", "tldr", "keywords", "track", "kind", "year", "venue", "links", "bibtex",
    "video", "highlighted", "program", "event", "poster", "slides", "thumbnail",
)  # fmt: skip
_JOIN = ("join_url", "join_note")
_SESSION = (
    "uid", "title", "kind", "starts_at", "ends_at", "room", "track", "url", "event", "sponsor", "in_schedule",
    "description", "chairs", "papers", *_JOIN,
)  # fmt: skip
_CONFERENCE = ("name", "tagline", "about", "starts_on", "ends_on", "timezone", "source")
ROLES = ("attendee", "author", "organizer")


def recognises(folder: Path) -> bool:
    return (folder / "conference.yml").is_file()


def source_name(folder: Path) -> str:
    """The name the folder gives itself in conference.yml, if any; problems are told when it is read in earnest."""
    data = read_yaml(folder / "conference.yml", Problems())
    name = data.get("source") if isinstance(data, dict) else None
    return name if isinstance(name, str) else ""


def read(folder: Path, options: ReadOptions, problems: Problems) -> Programme:
    programme = Programme(source=options.source, folder=folder)
    _conference(programme, problems)
    _media(programme, problems)
    _papers(programme, problems)
    _events(programme, problems)
    _sessions(programme, options, problems)
    _sponsors(programme, problems)
    _pages(programme, problems)
    _accounts(programme, problems)
    return programme


def _list(
    programme: Programme, file: str, known: tuple[str, ...], options: ReadOptions | None, problems: Problems
) -> Iterator[Record]:
    path = programme.folder / file
    data = read_yaml(path, problems) if path.exists() else None
    if data is None:
        return
    if not isinstance(data, list):
        problems.add(Place(file), "", "", "a list of entries was expected")
        return
    for number, item in enumerate(data, 1):
        place = Place(file, f"entry {number}")
        yield Record(place, item, problems, known=known, zone=options.zone if options else None)


def _conference(programme: Programme, problems: Problems) -> None:
    data = read_yaml(programme.folder / "conference.yml", problems)
    if data is None and problems.lines:
        return
    record = Record(Place("conference.yml"), data, problems, known=_CONFERENCE)
    starts_on, ends_on = record.date("starts_on"), record.date("ends_on")
    if starts_on and ends_on and ends_on < starts_on:
        record.problem("ends_on", ends_on.isoformat(), f"not before starts_on, {starts_on}")
    programme.conference = ConferenceEntry(
        place=record.place,
        name=record.text("name", required=True, limit=limit_of(Conference, "name")),
        tagline=record.text("tagline", limit=limit_of(Conference, "tagline")),
        about=record.text("about"),
        starts_on=starts_on,
        ends_on=ends_on,
        timezone=record.timezone("timezone") or "UTC",
    )


def _media(programme: Programme, problems: Problems) -> None:
    """All files below media/, to be copied to MEDIA_ROOT/<source>/."""
    root = programme.folder / "media"
    for directory, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = Path(directory, name)
            relative = path.relative_to(root).as_posix()
            place = Place(f"media/{relative}")
            if name.startswith("."):
                continue
            if path.is_symlink() or not path.is_file():
                problems.add(place, "", "", "a plain file was expected, not a link")
            elif not is_known_type(relative):
                problems.add(
                    place, "", "", "files of this type are not served: video, captions (.vtt), images and PDF are"
                )
            elif path.stat().st_size == 0:
                problems.add(place, "", "", "is empty")
            else:
                programme.media.append(MediaEntry(path, f"{programme.source}/{relative}"))


def _media_target(record: Record, field: str, programme: Programme) -> str:
    """The path below MEDIA_ROOT of a file named in a record, which must lie in media/."""
    name = record.text(field)
    if not name:
        return ""
    relative = PurePosixPath(name.removeprefix("media/"))
    target = f"{programme.source}/{relative}"
    if relative.is_absolute() or ".." in relative.parts or target not in {media.target for media in programme.media}:
        record.problem(field, name, "the name of a file in media/")
        return ""
    if len(target) > limit_of(Paper, "video_file"):
        record.problem(field, name, "a shorter file name")
    return target


def _person(record: Record, programme: Programme, *, name: str) -> str:
    return programme.mention(
        PersonEntry(
            place=record.place,
            name=name,
            affiliation=record.text("affiliation", limit=limit_of(Person, "affiliation")),
            biography=record.text("biography"),
            url=record.url("url", limit=500),
            image_url=record.url("image_url", limit=500),
            email=_email(record),
        )
    )


def _people(record: Record, field: str, programme: Programme) -> list[str]:
    """Names of the people in a list of mappings; each is noted with what is said about them."""
    names = []
    for person in record.records(field, known=_PERSON):
        name = person.text("name", required=True, limit=limit_of(Person, "name"))
        names.append(_person(person, programme, name=name))
    return list(dict.fromkeys(names))


def _email(record: Record) -> str:
    email = record.text("email", limit=254).lower()
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        record.problem("email", email, "an e-mail address")
        return ""
    return email


def _papers(programme: Programme, problems: Problems) -> None:
    files = sorted((programme.folder / "papers").glob("*.yml"))
    for path in files:
        name = f"papers/{path.name}"
        data = read_yaml(path, problems, name=name)
        if data is None:
            if not any(line.startswith(name) for line in problems.lines):
                problems.add(Place(name), "", "", "is empty: a paper was expected")
            continue
        record = Record(Place(name), data, problems, known=_PAPER)
        paper = PaperEntry(
            place=record.place,
            uid=record.uid("uid", limit=limit_of(Paper, "uid")),
            title=record.text("title", required=True, limit=limit_of(Paper, "title")),
            abstract=record.text("abstract"),
            tldr=record.text("tldr", limit=limit_of(Paper, "tldr")),
            keywords=list(dict.fromkeys(record.texts("keywords", limit=limit_of(Keyword, "name")))),
            track=record.text("track", limit=limit_of(Track, "name")),
            kind=record.text("kind", limit=limit_of(Paper, "kind")),
            program=record.text("program", limit=limit_of(Paper, "program")),
            event=record.text("event", limit=limit_of(Event, "uid")),
            year=record.integer("year", low=1900, high=2200),
            venue=record.text("venue", limit=limit_of(Paper, "venue")),
            links=record.links(),
            bibtex=record.text("bibtex"),
            highlighted=record.boolean("highlighted"),
        )
        for person in record.records("authors", known=_PERSON):
            author = authors_of([person.text("name", required=True, limit=limit_of(Person, "name"))])[0]
            paper.authors.append(author)
            _person(person, programme, name=author.name)
        _video(record, paper, programme)
        paper.poster_file = _media_target(record, "poster", programme)
        paper.slides_file = _media_target(record, "slides", programme)
        paper.thumbnail_file = _media_target(record, "thumbnail", programme)
        programme.papers.append(paper)


def _video(record: Record, paper: PaperEntry, programme: Programme) -> None:
    if record.data.get("video") is None:
        return
    place = Place(record.place.file, "video")
    video = Record(place, record.data["video"], record.problems, known=("file", "captions", "poster", "url"))
    paper.video_url = video.url("url", limit=limit_of(Paper, "video_url"))
    paper.video_file = _media_target(video, "file", programme)
    paper.captions_file = _media_target(video, "captions", programme)
    paper.video_poster = _media_target(video, "poster", programme)


def _events(programme: Programme, problems: Problems) -> None:
    known = (
        "uid", "kind", "title", "abstract", "people", "capacity", "links", "track", "video_url", "image_url", *_JOIN,
    )  # fmt: skip
    for record in _list(programme, "events.yml", known, None, problems):
        people = _people(record, "people", programme)
        programme.events.append(
            EventEntry(
                place=record.place,
                uid=record.uid("uid", limit=limit_of(Event, "uid")),
                kind=record.choice("kind", Event.Kind.values),
                title=record.text("title", required=True, limit=limit_of(Event, "title")),
                abstract=record.text("abstract"),
                people=people,
                capacity=record.integer("capacity", low=1, high=30_000),
                links=record.links(),
                track=record.text("track", limit=limit_of(Track, "name")),
                video_url=record.url("video_url", limit=limit_of(Event, "video_url")),
                image_url=record.url("image_url", limit=limit_of(Event, "image_url")),
                join_url_private=record.url("join_url", limit=limit_of(Event, "join_url_private")),
                join_note_private=record.text("join_note", limit=limit_of(Event, "join_note_private")),
            )
        )


def _sessions(programme: Programme, options: ReadOptions, problems: Problems) -> None:
    for record in _list(programme, "sessions.yml", _SESSION, options, problems):
        starts_at, ends_at = record.time("starts_at"), record.time("ends_at")
        uid = record.uid("uid", limit=limit_of(Session, "uid"))
        if starts_at is None or ends_at is None:
            continue
        papers, presentations = _presented(record)
        programme.sessions.append(
            SessionEntry(
                place=record.place,
                uid=uid,
                title=record.text("title", required=True, limit=limit_of(Session, "title")),
                kind=record.choice("kind", Session.Kind.values, default="other"),
                starts_at=starts_at,
                ends_at=ends_at,
                room=record.text("room", limit=limit_of(Session, "room")),
                track=record.text("track", limit=limit_of(Track, "name")),
                url=record.url("url", limit=limit_of(Session, "url")),
                event=record.text("event"),
                sponsor=record.text("sponsor"),
                in_schedule=record.data.get("in_schedule") is None or record.boolean("in_schedule"),
                description=record.text("description"),
                chairs=_people(record, "chairs", programme),
                join_url_private=record.url("join_url", limit=limit_of(Session, "join_url_private")),
                join_note_private=record.text("join_note", limit=limit_of(Session, "join_note_private")),
                papers=papers,
                presentations=presentations,
            )
        )


def _presented(record: Record) -> tuple[list[str], dict[str, PresentationEntry]]:
    """Uids of a session's papers; those with own times or a meeting of their own are mappings in the same list."""
    items = record.data.get("papers")
    if not isinstance(items, list) or all(isinstance(item, str) for item in items):
        return record.texts("papers"), {}
    uids, presentations = [], {}
    for number, item in enumerate(items, 1):
        if isinstance(item, str):
            uids.append(item.strip())
            continue
        place = Place(record.place.file, f"{record.place.row}, papers {number}")
        known = ("paper", "starts_at", "ends_at", "join_url")
        one = Record(place, item, record.problems, known=known, zone=record.zone)
        uid = one.text("paper", required=True)
        timed = one.data.get("starts_at") is not None or one.data.get("ends_at") is not None
        uids.append(uid)
        presentations[uid] = PresentationEntry(
            paper=uid,
            starts_at=one.time("starts_at") if timed else None,
            ends_at=one.time("ends_at") if timed else None,
            join_url_private=one.url("join_url", limit=limit_of(Presentation, "join_url_private")),
        )
    return uids, presentations


def _sponsors(programme: Programme, problems: Problems) -> None:
    known = (
        "uid", "name", "level", "description", "url", "logo_url", "video_url", "links", "people", *_JOIN,
    )  # fmt: skip
    for position, record in enumerate(_list(programme, "sponsors.yml", known, None, problems)):
        programme.sponsors.append(
            SponsorEntry(
                place=record.place,
                uid=record.uid("uid", limit=limit_of(Sponsor, "uid")),
                name=record.text("name", required=True, limit=limit_of(Sponsor, "name")),
                level=record.text("level", limit=limit_of(Sponsor, "level")),
                description=record.text("description"),
                url=record.url("url", limit=limit_of(Sponsor, "url")),
                logo_url=record.url("logo_url", limit=limit_of(Sponsor, "logo_url")),
                video_url=record.url("video_url", limit=limit_of(Sponsor, "video_url")),
                links=record.links(),
                people=_people(record, "people", programme),
                join_url_private=record.url("join_url", limit=limit_of(Sponsor, "join_url_private")),
                join_note_private=record.text("join_note", limit=limit_of(Sponsor, "join_note_private")),
                position=position,
            )
        )


def _pages(programme: Programme, problems: Problems) -> None:
    for number, path in enumerate(sorted((programme.folder / "pages").glob("*.md"))):
        place = Place(f"pages/{path.name}")
        match = re.fullmatch(r"(?:(\d{1,4})-)?([a-z0-9][a-z0-9-]*)", path.stem)
        if match is None or len(match[2]) > limit_of(Page, "slug"):
            problems.add(place, "", "", "a file name of small letters, digits and - was expected, like 10-help.md")
            continue
        text = read_text(path, problems, name=place.file)
        if text is None:
            continue
        first, _, body = text.lstrip("\n").partition("\n")
        title = first.removeprefix("# ").strip()
        if not first.startswith("# ") or not title or len(title) > limit_of(Page, "title"):
            problems.add(Place(place.file, "line 1"), "", "", "a title was expected: # Title")
            continue
        programme.pages.append(PageEntry(place, match[2], title, body.strip(), int(match[1] or number)))


def _accounts(programme: Programme, problems: Problems) -> None:
    known = ("email", "name", "role", "affiliation", "timezone", "papers")
    for record in _list(programme, "people.yml", known, None, problems):
        record.text("email", required=True)
        programme.accounts.append(
            AccountEntry(
                place=record.place,
                email=_email(record),
                name=record.text("name", required=True, limit=120),
                role=record.choice("role", ROLES, default="attendee"),
                affiliation=record.text("affiliation", limit=200),
                timezone=record.timezone("timezone"),
                papers=record.texts("papers"),
            )
        )
