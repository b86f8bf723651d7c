"""Chat over the websocket: the topic `room:<room key>` and its commands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from miniconf.live import Event
from miniconf.live.protocol import Number
from miniconf.live.registry import command, topic_kind

from .queries import LONGEST_PIECE, latest, missed
from .services import LONGEST_TEXT, existing_room, open_room, send_message


@topic_kind("room")
class RoomTopic:
    def authorize(self, user: Any, key: str) -> None:
        open_room(user=user, room_key=key)

    def backlog(self, user: Any, key: str, after: int | None) -> list[Event]:
        room = existing_room(key)
        return latest(room) if after is None else missed(room, after=after)


class SendMessage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)
    client_id: UUID
    # The rule itself is in send_message, which says how long the text was; this bound only keeps floods out.
    text: str = Field(max_length=5 * LONGEST_TEXT)


@command("chat.send", SendMessage)
def send(user: Any, payload: SendMessage) -> dict[str, Any]:
    event = send_message(user=user, room_key=payload.room, client_id=payload.client_id, text=payload.text)
    return {"event": event}


class ReadHistory(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)
    before: Number
    limit: int = Field(default=50, ge=1, le=LONGEST_PIECE)


@command("chat.history", ReadHistory)
def history(user: Any, payload: ReadHistory) -> dict[str, Any]:
    """`more` says whether there is anything before the first of these."""
    room = open_room(user=user, room_key=payload.room)
    events = latest(room, before=payload.before, limit=payload.limit)
    return {"events": events, "more": bool(events) and events[0]["n"] > 1}
