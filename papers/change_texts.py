"""Changes of the programme in words: which field became what, for organizers' pages (imports, history)."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

LABELS = {
    "tldr": "summary", "year": "year", "kind": "type", "video_url": "video address", "video_file": "video",
    "captions_file": "captions", "video_poster": "video still", "thumbnail_file": "picture",
    "thumbnail_url": "picture address", "poster_file": "poster", "slides_file": "slides", "image_url": "picture",
    "starts_at": "start", "ends_at": "end", "starts_on": "first day", "ends_on": "last day", "url": "web page",
    "event": "event", "in_schedule": "listed in the schedule", "join_url_private": "meeting link (private)",
    "join_note_private": "meeting note (private)", "email_private": "e-mail address (private)", "map_x": "map, across",
    "map_y": "map, down", "bibtex": "BibTeX", "logo_url": "logo", "enabled": "published", "defaults": "presets",
}  # fmt: skip
_LONGEST = 6000  # letters compared; beyond that only the beginning is shown
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text that was compared with another."""

    change: Literal["same", "gone", "new"]
    text: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    label: str
    pieces: list[Piece]


def label_of(name: str) -> str:
    return LABELS.get(name, name.replace("_", " "))


def text_of(value: Any) -> str:
    """A plain value (papers/values.py) as an organizer reads it."""
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "\n".join(_item(item) for item in value)
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_plain(item)}" for name, item in value.items())
    text = str(value)
    if match := re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::00)?\+00:00", text):
        return f"{match[1]} {match[2]} UTC"
    return text


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "person" in item:
        return f"{item['person']}{' *' if item['equal_contribution'] else ''}"
    if "paper" in item:
        times = [text_of(item[name]) for name in ("starts_at", "ends_at") if item.get(name)]
        return " ".join([item["paper"], *times, item.get("join_url_private") or ""]).strip()
    if "inputs" in item:
        return f"{item.get('title', '')}: {_plain(item['inputs'])}"
    return f"{item.get('label', '')} {item.get('url', '')}".strip()


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def compared(before: Any, after: Any) -> list[Piece]:
    """What went and what came, word by word."""
    old, new = text_of(before)[:_LONGEST], text_of(after)[:_LONGEST]
    if not old or not new or len(old) + len(new) < 40:
        return _changed(old, new)
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    pieces: list[Piece] = []
    gone = came = ""
    steps = difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    for number, (what, i, j, k, m) in enumerate(steps):
        old, new = "".join(a[i:j]), "".join(b[k:m])
        # A blank between two changed words belongs to the change: old and new words would stand in each other's midst.
        if what != "equal" or (not old.strip() and (gone or came) and number + 1 < len(steps)):
            gone, came = gone + old, came + new
            continue
        pieces += _changed(gone, came)
        gone = came = ""
        pieces.append(Piece("same", old))
    return pieces + _changed(gone, came)


def _changed(gone: str, came: str) -> list[Piece]:
    return [Piece("gone", gone)] * bool(gone) + [Piece("new", came)] * bool(came)


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    return [FieldChange(label_of(name), compared(before.get(name), value)) for name, value in after.items()]
