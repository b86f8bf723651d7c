""" "Did you mean": the nearest spelling of a query that finds nothing, out of the words of the index."""

from __future__ import annotations

import threading
from time import monotonic

from django.db import connection

from .search import search
from .search_terms import terms, words

MOST_WORDS = 200_000
SECONDS = 300.0
_MOST_CORRECTED = 3  # words of one query
_CANDIDATES = 30

_lock = threading.Lock()
_kept: tuple[float, dict[str, int]] | None = None


def nearest_spelling(query: str) -> str:
    """`query` with its unknown words replaced by known ones that look alike; "" if that finds nothing either."""
    folded = [word for term in terms(query) for word in term.words]
    unknown = [word for word in dict.fromkeys(folded) if len(word) > 2 and not search(word)]
    if not unknown or len(unknown) > _MOST_CORRECTED:
        return ""
    known = vocabulary()
    corrected = {word: nearest_word(word, known) for word in unknown}
    if not all(corrected.values()):
        return ""
    spelled = " ".join(corrected.get(word, word) for word in folded)
    return spelled if search(spelled) else ""


def nearest_word(word: str, known: dict[str, int]) -> str:
    """The most similar of the known words (with how many papers have each), or two of them that were run together."""
    length, pairs = len(word), _pairs(word)
    most = 1 if length <= 4 else 2
    near: list[tuple[float, str]] = []
    for other in known:
        if abs(len(other) - length) <= most and (other[0] == word[0] or other[-1] == word[-1]):
            shared = 2 * len(pairs & _pairs(other)) / (length + len(other) + 2)
            if shared > 0.3:
                near.append((shared, other))
    near.sort(reverse=True)
    ranked = [(distance(word, other), -known[other], other) for _, other in near[:_CANDIDATES]]
    best = min((entry for entry in ranked if entry[0] <= most), default=None)
    if best is not None:
        return best[2]
    for cut in range(3, length - 2):
        if word[:cut] in known and word[cut:] in known:
            return f"{word[:cut]} {word[cut:]}"
    return ""


def distance(first: str, second: str) -> int:
    """Letters to add, take away, change or swap with their neighbour (optimal string alignment)."""
    before: list[int] = []
    previous = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, previous = previous, row
    return previous[-1]


def _pairs(word: str) -> set[str]:
    padded = f" {word} "
    return {padded[n : n + 2] for n in range(len(padded) - 1)}


def vocabulary() -> dict[str, int]:
    """Words of the index with the number of papers that have them, the most frequent ones; read every few minutes."""
    global _kept
    with _lock:
        if _kept is None or monotonic() - _kept[0] > SECONDS:
            _kept = (monotonic(), _read())
        return _kept[1]


def forget() -> None:
    """Read the words anew the next time."""
    global _kept
    _kept = None


def _read() -> dict[str, int]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT word, ndoc FROM ts_stat('SELECT head FROM papers_search') WHERE length(word) > 2"
                " ORDER BY ndoc DESC, word LIMIT %s",
                [MOST_WORDS],
            )
        else:
            cursor.execute(
                "SELECT term, doc FROM papers_words WHERE length(term) > 2 ORDER BY doc DESC, term LIMIT %s",
                [MOST_WORDS],
            )
        return {word: count for word, count in cursor.fetchall() if words(word) == [word]}
