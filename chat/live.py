"""Chat over the websocket: the topic `room:<room key>` and its commands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from miniconf.live import Event
from miniconf.live.protocol import Number
from miniconf.live.registry import command, topic_kind

from . import changes
from .queries import LONGEST_PIECE, event_of, has_earlier, latest, missed, opening, thread_of
from .services import LONGEST_TEXT, existing_room, open_room, send_message


@topic_kind("room")
class RoomTopic:
    def authorize(self, user: Any, key: str) -> None:
        open_room(user=user, room_key=key)

    def backlog(self, user: Any, key: str, after: int | None) -> list[Event]:
        room = existing_room(key)
        return opening(room) if after is None else missed(room, after=after)


class SendMessage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)
    client_id: UUID
    # The rule itself is in send_message, which says how long the text was; this bound only keeps floods out.
    text: str = Field(max_length=5 * LONGEST_TEXT)
    asked: bool = False
    thread: Number | None = None


@command("chat.send", SendMessage)
def send(user: Any, payload: SendMessage) -> dict[str, Any]:
    event = send_message(
        user=user,
        room_key=payload.room,
        client_id=payload.client_id,
        text=payload.text,
        asked=payload.asked,
        thread=payload.thread,
    )
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
    return {"events": events, "more": bool(events) and has_earlier(room, events[0]["n"])}


class ReadThread(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: Number
    after: Number = 0
    limit: int = Field(default=100, ge=1, le=LONGEST_PIECE)


@command("chat.thread", ReadThread)
def thread(user: Any, payload: ReadThread) -> dict[str, Any]:
    """Replies to a message after a number, ascending; `more` says whether there are further ones."""
    root, room = changes.find_message(user=user, message_id=payload.message)
    events = thread_of(root, room, after=payload.after, limit=payload.limit)
    return {"root": event_of(root, room), "events": events, "more": len(events) == payload.limit}


class OneMessage(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: Number


class Switch(OneMessage):
    on: bool = True


class EditMessage(OneMessage):
    text: str = Field(max_length=5 * LONGEST_TEXT)


class React(Switch):
    emoji: str = Field(max_length=16)


class MarkAnswered(Switch):
    answer: Number | None = None
    live: bool = False


@command("chat.edit", EditMessage)
def edit(user: Any, payload: EditMessage) -> dict[str, Any]:
    return {"event": changes.edit_message(user=user, message_id=payload.message, text=payload.text)}


@command("chat.delete", OneMessage)
def delete(user: Any, payload: OneMessage) -> dict[str, Any]:
    return {"event": changes.delete_message(user=user, message_id=payload.message)}


@command("chat.react", React)
def react(user: Any, payload: React) -> dict[str, Any]:
    return {"event": changes.react(user=user, message_id=payload.message, emoji=payload.emoji, on=payload.on)}


@command("chat.vote", Switch)
def vote(user: Any, payload: Switch) -> dict[str, Any]:
    return {"event": changes.vote(user=user, message_id=payload.message, on=payload.on)}


@command("chat.ask", Switch)
def ask(user: Any, payload: Switch) -> dict[str, Any]:
    return {"event": changes.ask(user=user, message_id=payload.message, on=payload.on)}


@command("chat.answered", MarkAnswered)
def answered(user: Any, payload: MarkAnswered) -> dict[str, Any]:
    event = changes.mark_answered(
        user=user, message_id=payload.message, answer_id=payload.answer, live=payload.live, on=payload.on
    )
    return {"event": event}


@command("chat.pin", Switch)
def pin(user: Any, payload: Switch) -> dict[str, Any]:
    return {"event": changes.pin(user=user, message_id=payload.message, on=payload.on)}
