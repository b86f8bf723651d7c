"""What is typed into the search field, as terms, and the terms as queries of both databases.

Words are folded here (case, accents, ligatures), for the index and for queries alike, so both databases find the same.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r'"([^"]*)"|([^\s"]+)')
_LONGEST_WORD = 40
_MOST_TERMS = 16
_LONGEST_QUERY = 1000
# Letters that Unicode does not take apart.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


def words(text: str) -> list[str]:
    """The words of a text as they are indexed: "Poincaré's SHA-RNN" is poincare, s, sha, rnn."""
    if text.isascii():  # most are, and the rest takes ten times as long
        return [word[:_LONGEST_WORD] for word in _WORD.findall(text.lower())]
    folded = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(c for c in folded if not unicodedata.combining(c)).translate(_LETTERS)
    return [word[:_LONGEST_WORD] for word in _WORD.findall(folded)]


@dataclass(frozen=True, slots=True)
class Term:
    """One word, or the words of a phrase in quotes, which must stand together.

    `prefixes` find it as well. `others` are whole words that mean the same: its plural, its singular.
    """

    words: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def begins(self, word: str) -> bool:
        """Whether a word of a text is what this term means."""
        return word == self.words[0] or word.startswith(self.prefixes)

    def for_sqlite(self, *, whole: bool = False) -> str:
        exact = '"' + " ".join(self.words) + '"'
        more = [f'"{word}"' for word in self.others] if whole else [f'"{prefix}" *' for prefix in self.prefixes]
        return "(" + " OR ".join([exact, *more]) + ")"

    def for_postgresql(self, *, whole: bool = False, weight: str = "") -> str:
        mark = f":{weight}" if weight else ""
        exact = " <-> ".join(f"'{word}'{mark}" for word in self.words)
        more = [f"'{word}'{mark}" for word in self.others] if whole else [f"'{p}':*{weight}" for p in self.prefixes]
        return "(" + " | ".join([exact, *more]) + ")"


def terms(query: str) -> list[Term]:
    """The terms of a query. A word finds all that begin with it; in quotes, itself only.

    A single letter finds words of one letter, unless it is what one is just typing after others.
    """
    found: dict[Term, None] = {}
    parts = _PART.findall(query[:_LONGEST_QUERY])
    for number, (quoted, plain) in enumerate(parts, 1):
        if quoted:
            if phrase := words(quoted):
                found[Term(tuple(phrase[:_MOST_TERMS]))] = None
            continue
        folded = words(plain)
        for place, word in enumerate(folded, 1):
            typing = number == len(parts) and place == len(folded) and bool(found)
            if len(word) == 1 and word.isascii() and not typing:
                found[Term((word,))] = None
            else:
                found[Term((word,), _prefixes(word), _others(word))] = None
    return list(found)[:_MOST_TERMS]


def _is_plural(word: str) -> bool:
    return len(word) > 4 and word.isalpha() and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _prefixes(word: str) -> tuple[str, ...]:
    """The word itself, or what its plural and singular have in common: "networks" finds "network" and "networking"."""
    if not _is_plural(word):
        return (word,)
    return (word[:-1], word[:-3] + "y") if word.endswith("ies") else (word[:-1],)


def _others(word: str) -> tuple[str, ...]:
    if _is_plural(word):
        return _prefixes(word)
    if word.endswith("y"):
        return (word + "s", word[:-1] + "ies")
    return (word + "s",) if word.isalpha() and not word.endswith("s") else ()


def for_sqlite(terms: list[Term], *, last_is_typed: bool = False, whole: bool = False) -> str:
    """An FTS5 expression for rows with all terms. `last_is_typed`: all but the last as whole words, `whole`: all."""
    last = len(terms) - 1
    return " AND ".join(
        term.for_sqlite(whole=whole or (last_is_typed and n < last)) for n, term in enumerate(terms)
    )  # fmt: skip


def for_postgresql(terms: list[Term], *, last_is_typed: bool = False, whole: bool = False, weight: str = "") -> str:
    """The same as text for `to_tsquery('simple', ...)`; `weight` is A for titles, B for authors, C for keywords."""
    last = len(terms) - 1
    return " & ".join(
        term.for_postgresql(whole=whole or (last_is_typed and n < last), weight=weight) for n, term in enumerate(terms)
    )
