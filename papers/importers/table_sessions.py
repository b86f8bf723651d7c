"""A table of sessions, and the sessions that papers name."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from papers.models import Session, Track

from .columns import items_of, session_kind
from .programme import SessionEntry
from .records import limit_of, zone_named
from .table_rows import MOST_NAMES, Cells, Reading, Table, slug_of
from .times import Dates

_HOURS = re.compile(r"(\d{1,2})\s*(?:h|hours?|hrs?)\.?\s*(?:(\d{1,2})\s*(?:m|min|minutes?)?\.?)?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?")
_MINUTES = re.compile(r"(\d{1,4}(?:\.\d+)?)\s*(?:m|min|mins|minutes?)?\.?", re.IGNORECASE)


def read(table: Table, reading: Reading) -> None:
    rows = list(reading.cells(table))
    dates = _dates(text for cells in rows for text in (cells.text("date"), cells.text("start")))
    found: list[SessionEntry] = []
    for cells in rows:
        cells.record.dates = dates
        if session := _session(cells):
            found.append(session)
    taken = {session.uid for session in [*reading.programme.sessions, *found]}
    without = [session for session in found if not session.uid and session.title]
    for session in sorted(without, key=lambda each: (each.starts_at, each.ends_at, each.title)):
        session.uid = slug_of(session.title, taken, source=reading.options.source)
    reading.finish_ids(table, len(without), "sessions")
    reading.programme.sessions += found


def _dates(texts: Iterable[str]) -> Dates:
    """The dates written in full; those of the site, if there are none."""
    days = []
    for text in texts:
        try:
            days.append(dt.date.fromisoformat(text[:10]))
        except ValueError:
            continue
    return Dates.around(days) or Dates.of_site()


def _session(cells: Cells) -> SessionEntry | None:
    uid, title = cells.text("uid"), cells.text("title", required=True, limit=limit_of(Session, "title"))
    if uid:
        uid = cells.record.uid(cells.title("uid"), limit=limit_of(Session, "uid"))
    times = _times(cells)
    kind = session_kind(cells.text("kind"), title)
    if kind is None and cells.text("kind"):
        cells.reading.warnings.add("a kind of session not known here, taken as other", cells.place, cells.text("kind"))
    papers = items_of(cells.text("papers"), separators="|;\n,")
    chairs = [name.rstrip("*") for name in cells.names("chairs")]
    session = SessionEntry(
        place=cells.place,
        uid=uid,
        title=title,
        kind=kind or "other",
        starts_at=times[0] if times else dt.datetime.min,
        ends_at=times[1] if times else dt.datetime.min,
        room=cells.text("room", limit=limit_of(Session, "room")),
        track=cells.text("track", limit=limit_of(Track, "name")),
        url=cells.link("link", limit=limit_of(Session, "url")),
        description=cells.text("description"),
        chairs=list(dict.fromkeys(chairs)),
        in_schedule=cells.text("in_schedule").lower() not in ("no", "false", "0"),
        join_url_private=cells.link("join_url", limit=limit_of(Session, "join_url_private")),
        join_note_private=cells.text("join_note", limit=limit_of(Session, "join_note_private")),
        papers=papers[:MOST_NAMES],
    )
    return session if times else None


def _times(cells: Cells) -> tuple[dt.datetime, dt.datetime] | None:
    if zone := cells.text("timezone"):
        known: ZoneInfo | None = zone_named(zone)
        if known is None:
            cells.problem("timezone", zone, "the name of a time zone, like Europe/Berlin or UTC")
            return None
        cells.record.zone = known
    field = "start" if cells.text("start") or "time" not in cells.header.columns else "time"
    duration = _duration(cells)
    span = cells.record.span(cells.title(field), cells.title("end"), date_field=cells.title("date"))
    if span is None:
        return None
    starts_at, ends_at = span
    if ends_at is None and duration is not None:
        ends_at = starts_at + duration
    if ends_at is None:
        cells.problem("end", cells.text("end"), "an end, or a duration in another column")
        return None
    if duration is not None and ends_at - starts_at != duration:
        cells.problem("duration", cells.text("duration"), f"the time from start to end, {ends_at - starts_at}")
    return starts_at, ends_at


def _duration(cells: Cells) -> dt.timedelta | None:
    text = cells.text("duration")
    if not text:
        return None
    if match := _CLOCK.fullmatch(text):
        length = dt.timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3] or 0))
    elif match := _HOURS.fullmatch(text):
        length = dt.timedelta(hours=int(match[1]), minutes=int(match[2] or 0))
    elif match := _MINUTES.fullmatch(text):
        length = dt.timedelta(minutes=float(match[1]))
    else:
        cells.problem("duration", text, "minutes, or hours and minutes like 1:30")
        return None
    if not dt.timedelta() < length <= dt.timedelta(days=7):
        cells.problem("duration", text, "minutes, or hours and minutes like 1:30")
        return None
    return length


def place_papers(reading: Reading) -> None:
    """Put papers into the sessions that their rows name, by id or by title."""
    programme = reading.programme
    by_uid = {session.uid: session for session in programme.sessions}
    by_title: dict[str, list[SessionEntry]] = {}
    for session in programme.sessions:
        by_title.setdefault(session.title.casefold(), []).append(session)
    placed = {session.uid: set(session.papers) for session in programme.sessions}
    unplaced = 0
    for place, column, name, paper in reading.sessions_of_papers:
        named = [by_uid[name]] if name in by_uid else by_title.get(name.casefold(), [])
        if len(named) == 1:
            if paper not in placed[named[0].uid]:
                placed[named[0].uid].add(paper)
                named[0].papers.append(paper)
        elif named:
            reading.problems.add(place, column, name, f"the id of a session: {len(named)} have this title")
        elif programme.sessions and not reading.problems.lines:  # else it may be one of those told
            reading.problems.add(place, column, name, "the id or title of a session in the table of sessions")
        else:
            unplaced += 1
    if unplaced:
        programme.notes.append(f"{unplaced} sessions of papers have no time, since there is no table of sessions.")
