"""Search over what was said: in one room or in all that the viewer may read, the newest first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db import connection

from miniconf.limits import allow
from miniconf.live import BrokerDown
from miniconf.live.registry import LiveError
from miniconf.permissions import Viewer, can_read_site, is_member
from papers.search_terms import Term, for_postgresql, for_sqlite, terms, words

from .models import Message, Room
from .notifications import plain_text
from .order import EVERYWHERE, banned_rooms
from .search_index import room_word
from .services import open_room
from .titles import RoomTitle, titles_of

PIECE = 30
LONGEST_QUERY = 200
RATE = "60/minute"
LONGEST_EXCERPT = 280
BEFORE_MATCH = 80  # characters that are shown before the first word that was found
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Found:
    message: Message
    room: RoomTitle
    parts: list[tuple[str, bool]]  # the text around what was found, each piece with whether it is that


@dataclass(frozen=True, slots=True)
class Results:
    lines: list[Found]
    before: int | None  # key of the message before which there are more
    understood: bool = True  # there was something to look for


def find_messages(
    *, user: Viewer, text: str, room_key: str = "", asked: bool = False, before: int | None = None, limit: int = PIECE
) -> Results:
    """Messages in which every word of `text` begins some word; "in quotes" stands together. Raises LiveError.

    `asked`: questions only; `before`: the key of a message, where the last piece ended.
    """
    if not can_read_site(user):
        raise LiveError("forbidden", "Please sign in to read this chat.")
    wanted = terms(text[:LONGEST_QUERY])
    room_id = None
    if room_key:
        room = open_room(user=user, room_key=room_key)
        room_id = Room.objects.filter(key=room.key).values_list("pk", flat=True).first()
    if not wanted or (room_key and room_id is None):
        return Results([], None, understood=bool(wanted))
    banned = banned_rooms(user)
    if EVERYWHERE in banned:
        raise LiveError("banned", "You have been banned from all rooms.")
    _count(user)
    ids = _matching(wanted, room_id=room_id, banned=banned, asked=asked, before=before, limit=limit + 1)
    messages = Message.objects.select_related("author", "room").in_bulk(ids[:limit])
    rooms = titles_of(message.room.key for message in messages.values())
    lines = [
        Found(message, rooms[message.room.key], excerpt_with(wanted, plain_text(message.html)))
        for message in (messages[pk] for pk in ids[:limit] if pk in messages)
        if message.room.key in rooms
    ]
    return Results(lines, ids[limit - 1] if len(ids) > limit else None)


def _count(user: Viewer) -> None:
    """Visitors' searches are as bounded as any other page of theirs."""
    if not is_member(user):
        return
    try:
        wait = allow(RATE, "chat-search", str(user.pk))
    except BrokerDown:
        return
    if wait is not None:
        raise LiveError("rate_limited", "That is very fast. Please wait a moment.", retry_after=round(wait))


def _matching(
    wanted: list[Term],
    *,
    room_id: int | None,
    banned: frozenset[str],
    asked: bool,
    before: int | None,
    limit: int,
) -> list[int]:
    """Keys of messages that stand, the newest first."""
    where, values = ["m.deleted_at IS NULL", "m.hidden_at IS NULL"], list[Any]()
    if connection.vendor == "postgresql":
        key, where = "s.message_id", ["s.document @@ to_tsquery('simple', %s)", *where]
        query = for_postgresql(wanted, weight="D")
        values.append(query if room_id is None else f"'{room_word(room_id)}':A & ({query})")
    else:
        key, where = "s.rowid", ["chat_search MATCH %s", *where]
        query = f"words : ({for_sqlite(wanted)})"
        values.append(query if room_id is None else f'room : "{room_word(room_id)}" AND {query}')
    if asked:
        where.append("m.asked <> ''")
    if before is not None:
        where.append(f"{key} < %s")
        values.append(before)
    if banned:
        where.append(f"r.key NOT IN ({', '.join(['%s'] * len(banned))})")
        values += sorted(banned)
    rooms = "JOIN chat_room r ON r.id = m.room_id " if banned else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key} FROM chat_search s JOIN chat_message m ON m.id = {key} {rooms}"  # noqa: S608  names and marks
            f"WHERE {' AND '.join(where)} ORDER BY {key} DESC LIMIT {int(limit)}",
            values,
        )
        return [row[0] for row in cursor.fetchall()]


def excerpt_with(wanted: list[Term], text: str) -> list[tuple[str, bool]]:
    """The piece of a text in which the words that were looked for stand first, cut where these begin and end."""
    pieces, first = list[tuple[int, int]](), None
    for match in _WORD.finditer(text):
        if any(_means(wanted, found) for found in words(match[0])):
            pieces.append(match.span())
            first = match.start() if first is None else first
    start = 0
    if len(text) > LONGEST_EXCERPT and first is not None and first > BEFORE_MATCH:
        start = text.find(" ", min(first - BEFORE_MATCH, len(text) - LONGEST_EXCERPT)) + 1
        start = min(start, first)
    end = min(len(text), start + LONGEST_EXCERPT)
    parts: list[tuple[str, bool]] = [("…", False)] if start else []
    at = start
    for begins, ends in pieces:
        if begins < at or begins >= end:
            continue
        parts += [(text[at:begins], False), (text[begins : min(ends, end)], True)]
        at = min(ends, end)
    parts.append((text[at:end] + ("…" if end < len(text) else ""), False))
    return [part for part in parts if part[0]]


def _means(wanted: list[Term], word: str) -> bool:
    return any(term.begins(word) or word in term.words for term in wanted)
