"""The words of messages for searching: FTS5 on SQLite, text search on PostgreSQL; made again from the messages at any time.

Each row has the message's words (papers/search_terms.py: both databases find the same) and one word for its room, so that
a search in one room costs what that room costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db import connection

from papers.search_terms import words

PIECE = 500
_ADDRESS = re.compile(r"\]\([^)\s]*\)")  # of a link or a mention: nobody looks for it
_KEY = {"sqlite": "rowid", "postgresql": "message_id"}
_PUT = {
    "sqlite": "INSERT OR REPLACE INTO chat_search (rowid, words, room) VALUES (%s, %s, %s)",
    "postgresql": "INSERT INTO chat_search (message_id, document) VALUES (%s, setweight(to_tsvector('simple', %s), 'D')"
    " || setweight(to_tsvector('simple', %s), 'A')) ON CONFLICT (message_id) DO UPDATE SET document = excluded.document",
}


def room_word(room_id: int) -> str:
    return f"r{room_id}"


def index_messages(rows: Iterable[tuple[int, int, str]]) -> None:
    """Bring these messages (key, room's key, text) up to date, in the transaction that stores them. No text: no words."""
    found = [(pk, " ".join(words(_ADDRESS.sub("] ", text))), room_word(room)) for pk, room, text in rows]
    gone = [(row[0],) for row in found if not row[1]]
    kept = [row for row in found if row[1]]
    with connection.cursor() as cursor:
        if gone:
            cursor.executemany(f"DELETE FROM chat_search WHERE {_KEY[connection.vendor]} = %s", gone)  # noqa: S608  names
        if kept:
            cursor.executemany(_PUT[connection.vendor], kept)


def index_missing() -> int:
    """Index what is not indexed (stored while the site was brought up to date), and forget what is gone."""
    key = _KEY[connection.vendor]
    total, last = 0, 0
    with connection.cursor() as cursor:
        gone = f"DELETE FROM chat_search WHERE {key} NOT IN (SELECT id FROM chat_message WHERE text <> '')"  # noqa: S608  names
        cursor.execute(gone)
        while True:
            cursor.execute(
                "SELECT id, room_id, text FROM chat_message m WHERE id > %s AND text <> '' AND NOT EXISTS"  # noqa: S608
                f" (SELECT 1 FROM chat_search WHERE {key} = m.id) ORDER BY id LIMIT {PIECE}",
                [last],
            )
            rows = cursor.fetchall()
            if not rows:
                return total
            index_messages(rows)
            total, last = total + len(rows), rows[-1][0]
