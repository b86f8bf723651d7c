"""A piece of a conversation, ready for the template: who starts a new group, where a new day begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from miniconf.live import Event
from miniconf.permissions import can_post
from miniconf.serving.page_notes import mark_page

from .models import Room
from .queries import STARTS_WITH, has_earlier, latest, role_of
from .rooms import RoomInfo
from .services import LONGEST_TEXT

GROUP = timedelta(minutes=5)  # static/chat/log.js groups messages that arrive later in the same way
HUES = 12
MOST_FROZEN = 20_000  # messages of one room in a frozen page


@dataclass(frozen=True)
class Line:
    event: Event
    at: datetime | None
    continued: bool  # same author, shortly after: name and picture are not repeated
    new_day: bool

    @property
    def hue(self) -> int:
        return int(self.event["author"]["id"][:8] or "0", 16) % HUES

    @property
    def initials(self) -> str:
        words = self.event["author"]["name"].split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


# What the browser clones for messages that arrive later: the same template, with nothing in it.
BLANK = Line(
    {"n": "", "client_id": "", "author": {"id": "", "name": "", "role": ""}, "html": "", "at": ""}, None, False, False
)


def lines_of(events: Sequence[Event]) -> list[Line]:
    lines: list[Line] = []
    for event in events:
        at = datetime.fromisoformat(event["at"])
        before = lines[-1] if lines else None
        new_day = before is None or before.at is None or before.at.date() != at.date()
        continued = (
            before is not None
            and before.at is not None
            and not new_day
            and before.event["author"]["id"] == event["author"]["id"]
            and at - before.at < GROUP
        )
        lines.append(Line(event, at, continued, new_day))
    return lines


def panel_context(
    request: HttpRequest, room: RoomInfo, title: str, *, before: int | None = None, limit: int = STARTS_WITH
) -> dict[str, Any]:
    """What templates/chat/panel.html needs. Reads the room's newest messages, or those before a number."""
    # Read first: what changes meanwhile comes again over the socket.
    number = Room.objects.filter(key=room.key).values_list("last_number", flat=True).first() or 0
    frozen = getattr(request, "frozen", None) is not None  # nobody can ask for more later: everything is shown
    events = latest(room, before=before, limit=MOST_FROZEN if frozen else limit)
    mark_page(request, tags=[f"room:{room.key}"])  # a message published to the topic makes the page out of date
    user = request.user
    return {
        "room": room,
        "title": title,
        "lines": lines_of(events),
        "blank": BLANK,
        "live": before is None and not frozen,
        "last": number,
        "earlier": events[0]["n"] if events and has_earlier(room, events[0]["n"]) else None,
        "me": user if user.is_authenticated else None,
        "role": role_of(user, room) if user.is_authenticated else "",
        "can_write": can_post(user, room.key),
        "client_id": uuid4(),
        "longest_text": LONGEST_TEXT,
        "own_page": request.path == reverse("room", args=[room.key]),
        "here": request.get_full_path(),
        "sign_in": f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}",
    }
