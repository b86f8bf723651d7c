"""Costs of tokens brought to the words of a text, so that models with different tokenizers can be compared. No torch."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\s*\S+|\s+$")


def spans_of(text: str) -> list[tuple[int, int]]:
    """Each word with the blanks before it; together they are the text."""
    return [match.span() for match in _WORD.finditer(text)]


def bits_of_spans(text: str, tokens: Sequence[tuple[int, int, float]], spans: Sequence[tuple[int, int]]) -> list[float]:
    """Bits of each span, from tokens (start, end, bits). A token's bits are shared out evenly over its characters.

    Pieces of one character have its place in common, or one of them a place of no width: they cost what stands there.
    """
    by_letter = [0.0] * (len(text) + 1)
    for start, end, bits in tokens:
        places = range(start, end) if end > start else range(start, start + 1)
        for place in places:
            by_letter[min(place, len(text) - 1)] += bits / len(places)
    return [sum(by_letter[start:end]) for start, end in spans]


def pieces(text: str, places: Sequence[tuple[int, int]]) -> list[str]:
    """What of the text each token stands for; "" for the later pieces of one character. Together they are the text."""
    found, done = [], 0
    for start, end in places:
        begin = max(start, done) if end > done else done
        # What lies between tokens (blanks that a tokenizer drops) goes with the one behind it.
        found.append(text[done:end] if end > done and begin >= done else "")
        done = max(done, end)
    if found and done < len(text):
        found[-1] += text[done:]
    return found
