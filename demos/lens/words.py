"""Words of a text, and the tokens that make them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

# A word and what grows together with it: "state-of-the-art", "don't", "3.5".
WORD = re.compile(r"\w+(?:['’.\-]\w+)*")


@dataclass(frozen=True)
class Word:
    """text[start:end]"""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    return [Word(found[0], found.start(), found.end()) for found in WORD.finditer(text)]


def replaced(text: str, changes: dict[int, str], words: list[Word]) -> str:
    """The text with some of its words, by place, exchanged."""
    parts, done = [], 0
    for place, word in enumerate(words):
        if place in changes:
            parts += [text[done : word.start], changes[place]]
            done = word.end
    return "".join([*parts, text[done:]])


def encode(tokenizer: Any, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids, and the span of the text behind each; a special token's is empty."""
    read = tokenizer(text, return_offsets_mapping=True)
    return list(read["input_ids"]), [(start, end) for start, end in read["offset_mapping"]]


def tokens_within(spans: list[tuple[int, int]], start: int, end: int) -> list[int]:
    """The places of the tokens that carry text[start:end]."""
    return [place for place, (first, last) in enumerate(spans) if first < end and last > start and last > first]
