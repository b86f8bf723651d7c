"""Meeting links that a source wrote where everybody reads: moved to the private fields, for members."""

from __future__ import annotations

from papers.models import Session

from .meeting_links import is_meeting, without_meeting
from .programme import EventEntry, Programme, SessionEntry, SponsorEntry
from .records import limit_of

_Meeting = EventEntry | SessionEntry | SponsorEntry


def keep_meetings_private(programme: Programme) -> list[str]:
    """Look through addresses, rooms and texts of a programme that was read; returns what is to be noted."""
    moved = dropped = 0
    for session in programme.sessions:
        moved += _text(session, "description") + _text(session, "room") + _address(session, "url")
    for event in programme.events:
        moved += _text(event, "abstract") + _links(event) + _address(event, "video_url")
    for sponsor in programme.sponsors:
        moved += _text(sponsor, "description") + _links(sponsor) + _address(sponsor, "url")
    for paper in programme.papers:
        kept = [link for link in paper.links if not is_meeting(link["url"])]
        dropped += len(paper.links) - len(kept)
        paper.links = kept
    notes = []
    if moved:
        notes.append(f"Meeting links in {moved} public texts or addresses are shown to members only")
    if dropped:
        notes.append(f"Warning: {dropped} meeting links of papers, left out; those of a session's papers are private")
    return notes


def _keep(entry: _Meeting, address: str, note: str = "") -> None:
    """As the entry's own link where it has none, else among its notes."""
    if not entry.join_url_private and len(address) <= limit_of(Session, "join_url_private"):
        entry.join_url_private = address
    elif address and address != entry.join_url_private and address not in entry.join_note_private:
        note = f"{address} {note}".strip()
    told = "; ".join(filter(None, (entry.join_note_private, note)))
    if len(told) <= limit_of(Session, "join_note_private"):
        entry.join_note_private = told


def _text(entry: _Meeting, name: str) -> int:
    text = getattr(entry, name)
    if "://" not in text:
        return 0
    kept, address, note = without_meeting(text)
    if not address:
        return 0
    setattr(entry, name, kept)
    _keep(entry, address, note)
    return 1


def _address(entry: _Meeting, name: str) -> int:
    address = getattr(entry, name)
    if not is_meeting(address):
        return 0
    setattr(entry, name, "")
    _keep(entry, address)
    return 1


def _links(entry: EventEntry | SponsorEntry) -> int:
    meetings = [link for link in entry.links if is_meeting(link["url"])]
    for link in meetings:
        _keep(entry, link["url"], link["label"])
    entry.links = [link for link in entry.links if link not in meetings]
    return len(meetings)
