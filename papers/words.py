"""Finding words in names and titles, whatever their case and accents: "emilie chatelet" finds Émilie du Châtelet.

Papers have a full-text index of their own (papers/search.py); this is for people and events.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from django.db.models import Q

MOST_WORDS = 8
LONGEST = 200
# Letters that Unicode does not take apart.
_WHOLE = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ŧ": "t", "æ": "a", "œ": "o", "ß": "s", "þ": "t"}


def fold(text: str) -> str:
    """Lower case without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(_WHOLE.get(letter, letter) for letter in apart if not unicodedata.combining(letter))


@lru_cache(maxsize=1)
def _variants() -> dict[str, str]:
    """Latin letters: all letters, of both cases, that are the plain one with an accent."""
    found: dict[str, set[str]] = defaultdict(set)
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        letter = chr(code)
        plain = fold(letter)
        if len(plain) == 1 and plain.isascii() and plain.isalpha():
            found[plain].add(letter)
    return {plain: f"[{plain}{plain.upper()}{''.join(sorted(letters))}]" for plain, letters in found.items()}


@lru_cache(maxsize=512)
def pattern(word: str) -> str:
    """A regular expression, for Python's and PostgreSQL's dialect, that finds the word anywhere."""
    return "".join(_variants().get(letter, re.escape(letter)) for letter in fold(word))


def words_of(text: str) -> list[str]:
    return text.replace("\0", "").strip()[:LONGEST].split()[:MOST_WORDS]


def all_words(text: str, fields: Sequence[str]) -> Q:
    """Each word stands in one of the fields."""
    condition = Q()
    for word in words_of(text):
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__iregex": pattern(word)})
        condition &= anywhere
    return condition
