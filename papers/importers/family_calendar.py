"""`overall_calendar.json`: names and ends for sessions that other files know, and sessions that no other file has."""

from __future__ import annotations

import datetime as dt
import re
from urllib.parse import parse_qs, urlsplit

from papers.models import Session

from .family import Source
from .family_events import Events
from .html import text_of_html
from .programme import SessionEntry
from .records import Record, is_web_address, limit_of

_PAGE = re.compile(r"(?:^|/)(?:plenary_session|tutorial|workshop|social)_(?P<id>[^/]+)\.html$")
_KINDS = {
    "Plenary Sessions": "plenary", "Tutorials": "tutorial", "Workshops": "workshop", "QA Sessions": "qa",
    "Socials": "social", "Sponsors": "sponsor", "Breaks": "break",
}  # fmt: skip


class Calendar:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.records = source.records("overall_calendar")
        self._of_papers: dict[str, Record] = {}
        self._known: set[str] = set()
        for record in self.records:
            if (name := _session_of(record.text("link"))) and record.text("view") != "week":
                self._of_papers.setdefault(name, record)

    def name(self, identifier: str, entry: SessionEntry) -> None:
        """Give a session of papers the title it has in the calendar, if it is there; their times must agree."""
        self._known.add(identifier)
        record = self._of_papers.get(identifier)
        if record is None:
            return
        if title := text_of_html(record.text("title")):
            entry.title = title[: limit_of(Session, "title")]
        starts_at = record.time("start")
        if starts_at is not None and starts_at != entry.starts_at:
            record.problem("start", record.text("start"), f"{entry.starts_at.isoformat()}, as in {entry.place}")

    def end_of(self, identifier: str) -> dt.datetime | None:
        record = self._of_papers.get(identifier)
        return record.time("end") if record else None

    def read(self, events: Events) -> None:
        """Sessions for what no other file has a date of. Blocks of the week's view repeat what is in them."""
        blocks = known = 0
        uids: dict[str, int] = {}
        for record in self.records:
            link = record.text("link") or record.text("location")
            page = _PAGE.search(urlsplit(link).path) if link else None
            event = events.by_id.get(page["id"]) if page else None
            if record.text("view") == "week":
                blocks += 1
                continue
            if _session_of(link) in self._known or (event and event.uid in events.with_sessions):
                known += 1
                continue
            starts_at, ends_at = record.time("start"), record.time("end")
            title = text_of_html(record.text("title", required=True))
            if starts_at is None or ends_at is None:
                continue
            base = self.source.uid("calendar", title)
            number = uids[base] = uids.get(base, 0) + 1
            self.source.programme.sessions.append(
                SessionEntry(
                    place=record.place,
                    uid=base if number == 1 else f"{base}-{number}",
                    title=(event.title if event else title)[: limit_of(Session, "title")],
                    kind=_KINDS.get(record.text("type"), "other"),
                    starts_at=starts_at,
                    ends_at=ends_at,
                    event=event.uid if event else "",
                    url=link if is_web_address(link) and not event and len(link) <= 500 else "",
                )
            )
        if blocks:
            self.source.programme.notes.append(
                f"{self.records[0].place.file}: {blocks} blocks of the week's view are left out; their parts are there"
            )


def _session_of(link: str) -> str:
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    return parse_qs(parts.query).get("session", [""])[0].strip() if parts.path.endswith("papers.html") else ""
