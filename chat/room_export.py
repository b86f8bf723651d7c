"""A room's whole conversation as a file: Markdown to read, JSON for programs.

Complete with threads, questions and their answers. Texts that were deleted or hidden are left out, and so is whatever looks
like an e-mail address; people have their public id and the name others see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.timezone import now

from .mentions import without_marks
from .models import Message
from .queries import state_of
from .rooms import RoomInfo

AT_A_TIME = 500
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
FORMAT = "miniconf room 1"
# What state_of says of a message that an export has no use for, or has in another form.
LEFT_OUT = ("html", "client_id", "thread", "replies", "gone")


@dataclass(frozen=True)
class RoomExport:
    title: str
    content_type: str
    pieces: Callable[[RoomInfo], Iterator[str]]


def without_addresses(text: str) -> str:
    return ADDRESS.sub("[address]", text)


def threads(room: RoomInfo) -> Iterator[tuple[Message, list[Message]]]:
    """Every message that is no reply, in order, with its replies; so many are in memory at once as AT_A_TIME have."""
    last = 0
    while True:
        roots = Message.objects.filter(room__key=room.key, thread=None, number__gt=last).select_related(
            "author", "answer"
        )
        found = list(roots.order_by("number")[:AT_A_TIME])
        if not found:
            return
        replies: dict[int, list[Message]] = {}
        for reply in Message.objects.filter(thread__in=found).select_related("author").order_by("number"):
            replies.setdefault(reply.thread_id or 0, []).append(reply)
        for root in found:
            yield root, replies.get(root.pk, [])
        last = found[-1].number


def _counted(room: RoomInfo) -> int:
    return Message.objects.filter(room__key=room.key).count()


# --- JSON ------------------------------------------------------------------------------------------------------------


def as_json(room: RoomInfo) -> Iterator[str]:
    head = {
        "format": FORMAT,
        "room": room.key,
        "title": room.title,
        "url": settings.SITE_URL + room.url if room.url else "",
        "exported": now().astimezone(UTC).isoformat(timespec="seconds"),
        "count": _counted(room),
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "messages": ['
    between = "\n"
    for root, replies in threads(room):
        entry = _entry(root, room) | {"replies": [_entry(reply, room) for reply in replies]}
        yield between + json.dumps(entry, ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


def _entry(message: Message, room: RoomInfo) -> dict[str, Any]:
    """As over the websocket (docs/protocol.md), with numbers where it has ids."""
    state = state_of(message, room)
    entry = {"n": message.number, **{name: value for name, value in state.items() if name not in LEFT_OUT}}
    entry["author"] = {**state["author"], "name": without_addresses(state["author"]["name"])}
    entry["text"] = without_addresses(state["text"])
    entry["answer"] = message.answer.number if message.answer_id and message.answer else None
    return entry | ({"gone": state["gone"]} if state["gone"] else {})


# --- Markdown --------------------------------------------------------------------------------------------------------


def as_markdown(room: RoomInfo) -> Iterator[str]:
    """Each message a heading and its text as a quotation, so that no text can be taken for a heading of the file."""
    count = _counted(room)
    yield f"# {_line(room.title)}\n\n"
    yield f"{count:,} message{'' if count == 1 else 's'} of the room {room.key}, {_when(now())}.\n"
    if room.url:
        yield f"{settings.SITE_URL}{room.url}\n"
    for root, replies in threads(room):
        yield f"\n## {_headline(root, room)}\n\n{_quoted(root, room, '> ')}\n"
        for reply in replies:
            answer = ", the answer" if root.answer_id == reply.pk else ""
            yield f"\n> **{_headline(reply, room)}{answer}**\n>\n{_quoted(reply, room, '> > ')}\n"


def _headline(message: Message, room: RoomInfo) -> str:
    state = state_of(message, room)
    role = f" ({state['author']['role']})" if state["author"]["role"] else ""
    parts = [f"{message.number}", f"{_line(state['author']['name'])}{role}", _when(message.created_at)]
    asked = {"open": "question, open", "answered": "question, answered", "live": "question, answered live"}.get(
        message.asked, ""
    )
    if message.answer:
        asked += f" in {message.answer.number}"
    more = [asked, f"{message.votes} vote{'' if message.votes == 1 else 's'}" if message.votes else ""]
    more += [" ".join(f"{emoji} {count}" for emoji, count in message.reactions.items())]
    more += ["pinned" if message.pinned_at else "", "edited" if message.edited_at else ""]
    return " · ".join([*parts, *filter(None, more)])


def _quoted(message: Message, room: RoomInfo, mark: str) -> str:
    gone = {"deleted": "*Deleted.*", "hidden": "*Hidden by a moderator.*"}.get(state_of(message, room)["gone"])
    text = gone or without_addresses(without_marks(message.text))
    return "\n".join(f"{mark}{line}".rstrip() for line in text.split("\n"))


def _line(text: str) -> str:
    """On one line, and nothing in it that Markdown takes for more than letters."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", without_addresses(" ".join(text.split())))


def _when(time: datetime) -> str:
    return f"{time.astimezone(UTC):%-d %b %Y, %H:%M} UTC"


FORMATS = {
    "md": RoomExport("Markdown", "text/markdown; charset=utf-8", as_markdown),
    "json": RoomExport("JSON", "application/json; charset=utf-8", as_json),
}
