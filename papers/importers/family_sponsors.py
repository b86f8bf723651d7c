"""`sponsors.yml` of ACL 2020 (levels, each with its sponsors) and of EMNLP 2020 (a list, each with its levels)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from papers.models import Person, Session, Sponsor

from .family import Source
from .html import text_of_html
from .problems import Place
from .programme import PersonEntry, SessionEntry, SponsorEntry
from .records import Record, limit_of

_NO_PERSON = re.compile(
    r"e-?mail|contacts?|info|general|enquir|inquir|team|recruit|resume|careers?|@|\bat\b", re.IGNORECASE
)


def read_sponsors(source: Source) -> None:
    sponsors: dict[str, SponsorEntry] = {}
    stubs: list[tuple[str, str, Record]] = []
    dropped = 0
    for level, record in _entries(source):
        name = record.text("name", limit=limit_of(Sponsor, "name"))
        key = record.text("UID") or "-".join(name.lower().split())
        if record.boolean("duplicate"):
            stubs.append((key, level, record))
            continue
        if not name:
            record.text("name", required=True)
            continue
        if key in sponsors:
            source.warnings.add("a sponsor that stands twice; the levels are put together", record.place, name)
            _add_level(sponsors[key], level)
            continue
        sponsors[key] = entry = _sponsor(source, record, key, name, level, len(sponsors))
        source.programme.sponsors.append(entry)
        dropped += bool(record.data.get("publications"))
        _schedule(source, record, entry)
    for key, level, record in stubs:
        if key in sponsors:
            _add_level(sponsors[key], level)
        else:
            record.problem("UID", key, "the UID of a sponsor that is no duplicate itself")
    if dropped:
        source.programme.notes.append(f"The lists of papers of {dropped} sponsors are not used")


def _entries(source: Source) -> Iterator[tuple[str, Record]]:
    for group in source.records("sponsors"):
        if "sponsors" in group.data:
            for record in group.records("sponsors"):
                yield group.text("level"), record
        else:
            levels = group.texts("levels") or [group.text("level")]
            yield ", ".join(levels), group


def _add_level(entry: SponsorEntry, level: str) -> None:
    if level and level not in entry.level.split(", "):
        entry.level = f"{entry.level}, {level}".strip(", ")[: limit_of(Sponsor, "level")]


def _sponsor(source: Source, record: Record, key: str, name: str, level: str, position: int) -> SponsorEntry:
    entry = SponsorEntry(
        place=record.place,
        uid=source.uid("sponsor", key),
        name=name,
        level=level[: limit_of(Sponsor, "level")],
        description=record.text("description"),
        url=source.link(record, "website"),
        logo_url=_picture(source, record),
        video_url=source.link(record, "youtube") or source.link(record, "video"),
        join_url_private=source.join_url(record, "zoom_link"),
        position=position,
    )
    for number, url in enumerate(record.texts("youtubes"), 1):
        if address := source.address(url, record.place, "youtubes"):
            entry.links.append({"label": f"Video {number}", "url": address})
    for name_of_list in ("resources", "downloads"):
        for item in record.records(name_of_list):
            if address := source.link(item, "website"):
                label = " ".join(text_of_html(item.text("label")).split())[:80]
                entry.links.append({"label": label or "More", "url": address})
    _contacts(source, record, entry)
    return entry


def _picture(source: Source, record: Record) -> str:
    logo = record.text("logo")
    if logo.startswith(("https://", "http://")):
        return source.link(record, "logo")
    if logo:
        source.warnings.add("a picture that lies on the old site, left out", record.place, logo)
    return ""


def _contacts(source: Source, record: Record, entry: SponsorEntry) -> None:
    """People who can be met; their addresses are shown to members only."""
    told: list[str] = []
    for contact in record.records("contacts"):
        name, email = contact.text("name", limit=limit_of(Person, "name")), contact.text("email")
        plain = re.fullmatch(r"[^@\s]+@[^@\s]+", email)
        if name and not _NO_PERSON.search(name):
            person = PersonEntry(contact.place, name, email=email.lower()[:254] if plain else "")
            entry.people.append(source.programme.mention(person))
        told.append(f"{name} <{email}>" if email else name)
    entry.people = list(dict.fromkeys(entry.people))
    limit = limit_of(Sponsor, "join_note_private")
    while told and len("; ".join(told)) > limit:
        source.warnings.add("more contacts than are kept", record.place, told.pop())
    entry.join_note_private = "; ".join(filter(None, told))


def _schedule(source: Source, record: Record, entry: SponsorEntry) -> None:
    uids: dict[str, int] = {}
    for field_name in ("schedule", "gather_schedule", "zooms"):
        for slot in record.records(field_name):
            if not slot.text("start"):
                source.warnings.add("a sponsor's date without a start, left out", slot.place)
                continue
            span = slot.span("start", "end")
            if span is None:
                continue
            ends_at = span[1] or _end_by_duration(slot, span[0])
            if ends_at is None:
                continue
            label = text_of_html(slot.text("label"))
            base = f"{entry.uid}-{source.uid(label or 'date')[len(source.options.source) + 1 :]}"
            base = base[: limit_of(Session, "uid") - 5]
            number = uids[base] = uids.get(base, 0) + 1
            source.programme.sessions.append(
                SessionEntry(
                    place=Place(slot.place.file, slot.place.row),
                    uid=base if number == 1 else f"{base}-{number}",
                    title=(f"{entry.name}: {label}" if label else entry.name)[: limit_of(Session, "title")],
                    kind="sponsor",
                    starts_at=span[0],
                    ends_at=ends_at,
                    sponsor=entry.uid,
                    room="Gather" if field_name == "gather_schedule" else "",
                    join_url_private=source.join_url(slot, "link"),
                )
            )


def _end_by_duration(slot: Record, starts_at: dt.datetime) -> dt.datetime | None:
    """`duration` is in hours: 0.5, 0.667."""
    try:
        hours = float(slot.text("duration"))
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24:
        slot.problem("duration", slot.text("duration"), "hours up to 24, like 0.5, or an end")
        return None
    return starts_at + dt.timedelta(minutes=round(hours * 60))
