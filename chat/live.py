"""Chat over the websocket: the topic `room:<room key>` and its commands."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from miniconf.live import Event
from miniconf.live.protocol import Number
from miniconf.live.registry import command, topic_kind

from . import (
    changes,
    presence,  # noqa: F401  registers who is here and who is typing
    reading,
)
from .notifications import read_thread
from .people import find_people
from .queries import (
    LONGEST_PIECE,
    around,
    event_of,
    find_place,
    has_earlier,
    has_later,
    has_later_reply,
    later,
    latest,
    missed,
    newest_numbers,
    opening,
    pinned,
    thread_of,
)
from .questions import DEEPEST, Show, Sort, count_questions, list_questions
from .search import LONGEST_QUERY, find_messages
from .services import LONGEST_TEXT, existing_room, open_room, send_message


@topic_kind("room")
class RoomTopic:
    def authorize(self, user: Any, key: str) -> None:
        open_room(user=user, room_key=key)

    def backlog(self, user: Any, key: str, after: int | None) -> list[Event]:
        room = existing_room(key)
        return opening(room) if after is None else missed(room, after=after)

    def newest(self, keys: list[str]) -> dict[str, int]:
        return newest_numbers(keys)


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
    """Exactly one of `before`, `after` and `around` says where."""

    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)
    before: Number | None = None
    after: Number | None = None
    around: Number | None = None
    limit: int = Field(default=50, ge=1, le=LONGEST_PIECE)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(number is not None for number in (self.before, self.after, self.around)) != 1:
            raise ValueError("one of before, after and around is needed")
        return self


@command("chat.history", ReadHistory)
def history(user: Any, payload: ReadHistory) -> dict[str, Any]:
    """`more` says whether there is anything beyond these; around a message, `later` whether anything comes after."""
    room = open_room(user=user, room_key=payload.room)
    if payload.before is not None:
        events = latest(room, before=payload.before, limit=payload.limit)
        return {"events": events, "more": bool(events) and has_earlier(room, events[0]["n"])}
    if payload.after is not None:
        events = later(room, after=payload.after, limit=payload.limit)
        return {"events": events, "more": bool(events) and has_later(room, events[-1]["n"])}
    assert payload.around is not None
    place, thread = find_place(room, payload.around)
    events = around(room, place, limit=payload.limit)
    return {
        "events": events,
        "more": bool(events) and has_earlier(room, events[0]["n"]),
        "later": bool(events) and has_later(room, events[-1]["n"]),
        "at": place,
        "thread": thread,
    }


class ReadThread(BaseModel):
    model_config = ConfigDict(extra="forbid")

    message: Number
    after: Number = 0
    limit: int = Field(default=100, ge=1, le=LONGEST_PIECE)


@command("chat.thread", ReadThread)
def thread(user: Any, payload: ReadThread) -> dict[str, Any]:
    """Replies to a message after a number, ascending; `more` says whether there are further ones."""
    root, room = changes.find_message(user=user, message_id=payload.message)
    read_thread(user=user, root=root.pk)
    events = thread_of(root, room, after=payload.after, limit=payload.limit)
    more = bool(events) and has_later_reply(root, events[-1]["n"])
    return {"root": event_of(root, room), "events": events, "more": more}


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


# --- What helps to read and to write ---------------------------------------------------------------------------------


class ReadQuestions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)
    show: Show = "open"
    sort: Sort = "votes"
    offset: int = Field(default=0, ge=0, le=DEEPEST)
    limit: int = Field(default=50, ge=1, le=LONGEST_PIECE)


@command("chat.questions", ReadQuestions)
def questions(user: Any, payload: ReadQuestions) -> dict[str, Any]:
    room = open_room(user=user, room_key=payload.room)
    events, more = list_questions(
        room, show=payload.show, sort=payload.sort, offset=payload.offset, limit=payload.limit
    )
    return {"events": events, "more": more, "counts": count_questions(room)}


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=LONGEST_QUERY)
    room: str = Field(default="", max_length=200)
    asked: bool = False
    before: Number | None = None
    limit: int = Field(default=30, ge=1, le=LONGEST_PIECE)


@command("chat.search", Search)
def search(user: Any, payload: Search) -> dict[str, Any]:
    results = find_messages(
        user=user,
        text=payload.text,
        room_key=payload.room,
        asked=payload.asked,
        before=payload.before,
        limit=payload.limit,
    )
    found = [
        {"room": line.room.key, "title": line.room.title, "event": event_of(line.message, existing_room(line.room.key))}
        for line in results.lines
    ]
    return {"found": found, "before": results.before}


class OneRoom(BaseModel):
    model_config = ConfigDict(extra="forbid")

    room: str = Field(max_length=200)


@command("chat.pinned", OneRoom)
def read_pinned(user: Any, payload: OneRoom) -> dict[str, Any]:
    return {"events": pinned(open_room(user=user, room_key=payload.room))}


class Mine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    messages: list[Number] = Field(max_length=LONGEST_PIECE)


@command("chat.mine", Mine)
def mine(user: Any, payload: Mine) -> dict[str, Any]:
    """Which of these messages the viewer voted for, and how they reacted; the others are left out."""
    found = reading.mine(user, payload.messages)
    return {"messages": [{"id": pk, **did} for pk, did in found.items()]}


class MarkRead(OneRoom):
    number: Number


@command("chat.read", MarkRead)
def read(user: Any, payload: MarkRead) -> dict[str, Any]:
    return {"number": reading.mark_read(user=user, room_key=payload.room, number=payload.number)}


class FindPeople(OneRoom):
    text: str = Field(default="", max_length=80)


@command("chat.people", FindPeople)
def people(user: Any, payload: FindPeople) -> dict[str, Any]:
    return {"people": find_people(user=user, room_key=payload.room, text=payload.text)}
