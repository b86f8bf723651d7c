"""Text token by token, for pages: how much the model expected each token, in shades and per cent.

`static/demos/tokens.js` does the same for text that is still being generated.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

# Upper bounds of the shades p0 (hardly expected) to p8; above the last one is p9.
SHADES = (0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Alternative:
    text: str
    percent: str
    chosen: bool


@dataclass(frozen=True)
class ShownToken:
    """A token of the output; `text` is "" for part of a character, `visible` shows blanks as signs."""

    text: str
    visible: str
    shade: int | str
    percent: str
    alternatives: list[Alternative]


def shade(probability: float | None) -> int | str:
    """Class 0 (hardly expected) to 9 (expected); "none" where a server did not tell."""
    if probability is None:
        return "none"
    return bisect_right(SHADES, probability)


def percent(probability: float | None) -> str:
    """0.344 -> "34 %", 0.0042 -> "0.4 %"."""
    if probability is None:
        return "not told"
    value = probability * 100
    if value < 0.1:
        return "< 0.1 %"
    return f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def visible(text: str) -> str:
    if not text:
        return "part of a character"
    signs = text.replace("\n", "↵").replace("\t", "⇥")
    return re.sub(r"^ +| +$", lambda blanks: "␣" * len(blanks[0]), signs)


def shown_tokens(output: dict[str, Any] | None) -> list[ShownToken]:
    """Tokens of the output of a run of kind "generate": `{"tokens": [[id, text, p, [[text, p], ...]], ...]}`."""
    return [
        ShownToken(
            text=text,
            visible=visible(text),
            shade=shade(probability),
            percent=percent(probability),
            alternatives=[Alternative(visible(other), percent(p), other == text) for other, p in alternatives],
        )
        for _id, text, probability, alternatives in (output or {}).get("tokens", [])
    ]
