"""A piece of a conversation, ready for the template: who starts a new group, where a new day begins."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.http import urlencode
from django.utils.text import Truncator

from miniconf.live import Event
from miniconf.permissions import can_moderate_room, can_post, is_member
from miniconf.serving.page_notes import mark_page

from . import reading
from .models import Message, Room
from .queries import (
    STARTS_WITH,
    around,
    event_of,
    has_earlier,
    has_later,
    latest,
    messages_of,
    pinned,
    role_of,
    thread_of,
)
from .questions import Show, Sort, count_questions, list_questions
from .rooms import RoomInfo
from .services import LONGEST_TEXT

GROUP = timedelta(minutes=5)  # static/chat/log.js groups messages that arrive later in the same way
HUES = 12
MOST_FROZEN = 20_000  # messages of one room in a frozen page

# Words that static/chat/messages.js uses, too.
GONE = {"deleted": "This message was deleted.", "hidden": "This message was hidden by a moderator."}
ASKED = {"open": "Question", "answered": "Answered question", "live": "Question, answered in the session"}
EMOJI_NAMES = {
    "👍": "Thumbs up",
    "❤️": "Heart",
    "😄": "Laughing",
    "🎉": "Hooray",
    "🤔": "Thinking",
    "👀": "Looking at it",
    "🙏": "Thank you",
    "✅": "Done",
}
SHOWS: list[tuple[Show, str]] = [("open", "Open"), ("answered", "Answered"), ("all", "All")]
SORTS: list[tuple[Sort, str]] = [("votes", "Most wanted"), ("newest", "Newest"), ("unanswered", "Unanswered first")]


@dataclass(frozen=True)
class Line:
    event: Event
    at: datetime | None
    continued: bool  # same author, shortly after, no question: name and picture are not repeated
    new_day: bool
    mine: dict[str, Any] = field(default_factory=dict)  # what the viewer did with it
    replies: list[Line] = field(default_factory=list)  # where there is no thread to open

    @property
    def hue(self) -> int:
        return int(self.event["author"]["id"][:8] or "0", 16) % HUES

    @property
    def initials(self) -> str:
        words = [word for word in self.event["author"]["name"].split() if word[0].isalnum()]
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()

    @property
    def state(self) -> str:
        """All that the page's script cannot read from the text: static/chat/messages.js."""
        return _json({name: value for name, value in self.event.items() if name not in ("type", "html", "text")})

    @property
    def own(self) -> str:
        return _json(self.mine) if self.mine else ""

    @property
    def words(self) -> str:
        """The text without its form, for a line."""
        return Truncator(" ".join(unescape(strip_tags(self.event["html"])).split())).chars(160)

    @property
    def gone(self) -> str:
        return GONE.get(self.event.get("gone", ""), "")

    @property
    def asked(self) -> str:
        return ASKED.get(self.event.get("asked", ""), "")

    @property
    def reactions(self) -> list[dict[str, Any]]:
        own = self.mine.get("reactions", [])
        counts: dict[str, int] = self.event.get("reactions", {})
        return [
            {"emoji": emoji, "name": EMOJI_NAMES.get(emoji, emoji), "count": count, "mine": emoji in own}
            for emoji, count in counts.items()
        ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# What the browser clones for messages that arrive later: the same template, with nothing in it.
BLANK = Line(
    {"n": "", "client_id": "", "author": {"id": "", "name": "", "role": ""}, "html": "", "at": ""}, None, False, False
)


def lines_of(events: Sequence[Event], own: dict[int, dict[str, Any]] | None = None) -> list[Line]:
    lines: list[Line] = []
    for event in events:
        at = datetime.fromisoformat(event["at"])
        before = lines[-1] if lines else None
        new_day = before is None or before.at is None or before.at.date() != at.date()
        continued = (
            before is not None
            and before.at is not None
            and not new_day
            and not event["asked"]
            and before.event["author"]["id"] == event["author"]["id"]
            and at - before.at < GROUP
        )
        lines.append(Line(event, at, continued, new_day, (own or {}).get(event["id"], {})))
    return lines


def panel_context(
    request: HttpRequest,
    room: RoomInfo,
    title: str,
    *,
    before: int | None = None,
    around_number: int | None = None,
    limit: int = STARTS_WITH,
) -> dict[str, Any]:
    """What templates/chat/panel.html needs. Reads the room's newest messages, those before a number or around one."""
    # Read first: what changes meanwhile comes again over the socket.
    number = Room.objects.filter(key=room.key).values_list("last_number", flat=True).first() or 0
    frozen = getattr(request, "frozen", None) is not None  # nobody can ask for more later: everything is shown
    if around_number is not None:
        events = around(room, around_number, limit=limit)
    else:
        events = latest(room, before=before, limit=MOST_FROZEN if frozen else limit)
    elsewhere = before is not None or around_number is not None
    mark_page(request, tags=[f"room:{room.key}"])  # a message published to the topic makes the page out of date
    user = request.user
    role = role_of(user, room) if is_member(user) else ""
    pins = pinned(room)
    own = reading.mine(user, [event["id"] for event in [*events, *pins]])
    lines = lines_of(events, own)
    return {
        "room": room,
        "title": title,
        "lines": _with_replies(lines, room) if frozen else lines,
        "pins": lines_of(pins, own),
        "questions": count_questions(room),
        "show": "open",
        "sort": "votes",
        "shows": SHOWS,
        "sorts": SORTS,
        "blank": BLANK,
        "live": not frozen,
        "last": number,
        "earlier": events[0]["n"] if events and has_earlier(room, events[0]["n"]) else None,
        "later": events[-1]["n"] if elsewhere and events and has_later(room, events[-1]["n"]) else None,
        "elsewhere": elsewhere,
        "read": reading.read_up_to(user, room),
        "me": user if is_member(user) else None,
        "role": role,
        "can_write": can_post(user, room.key),
        "can_moderate": can_moderate_room(user, room.key, room.author_ids),
        "client_id": uuid4(),
        "longest_text": LONGEST_TEXT,
        "own_page": request.path.startswith(reverse("room", args=[room.key])),
        "here": request.get_full_path(),
        "sign_in": f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}",
    }


def thread_context(request: HttpRequest, room: RoomInfo, root: Message, *, after: int = 0) -> dict[str, Any]:
    """A thread that is open beside the room, for the same template."""
    events = thread_of(root, room, after=after)
    event = event_of(root, room)
    own = reading.mine(request.user, [event["id"], *(reply["id"] for reply in events)])
    last = events[-1]["n"] if events else 0
    return {
        "thread": lines_of([event], own)[0],
        "replies": lines_of(events, own),
        "more_replies": last if root.replies.filter(number__gt=last).exists() else None,
        "thread_client_id": uuid4(),
    }


def questions_context(request: HttpRequest, room: RoomInfo, *, show: Show, sort: Sort, offset: int) -> dict[str, Any]:
    """The list of questions in place of the conversation, for the same template."""
    events, more = list_questions(room, show=show, sort=sort, offset=offset)
    own = reading.mine(request.user, [event["id"] for event in events])
    return {
        "question_list": [replace(line, continued=False) for line in lines_of(events, own)],
        "show": show,
        "sort": sort,
        "more_questions": offset + len(events) if more else None,
    }


def _with_replies(lines: list[Line], room: RoomInfo) -> list[Line]:
    """Every thread under its root."""
    threads: dict[int, list[Event]] = defaultdict(list)
    replies = messages_of(room).exclude(thread=None).order_by("number")[:MOST_FROZEN]
    for reply in replies:
        threads[reply.thread_id or 0].append(event_of(reply, room))
    return [replace(line, replies=lines_of(threads[line.event["id"]])) for line in lines]
