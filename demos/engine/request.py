"""What goes into the engine and what comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .hooks import Hook

MOST_STOP_STRINGS = 8


class RequestError(ValueError):
    """The request cannot be served as it is; the message is a sentence for the person who asked."""


@dataclass(frozen=True)
class GenerationRequest:
    """Text to continue and how to choose each next token.

    `temperature` 0 takes the likeliest token; `top_k` 0 and `top_p` 1 keep all; `repetition_penalty` 1 is none, and
    more makes tokens that have occurred less likely (Keskar et al. 2019, arXiv:1909.05858). The output ends before the
    first of the `stop` strings. `alternatives` is how many of the likeliest tokens are reported beside each chosen
    one. The same request gives the same tokens, whoever else is being served.
    """

    model: str
    prompt: str
    max_new_tokens: int = 64
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    alternatives: int = 0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()

    def check(self) -> None:
        """Refuse numbers that no model can work with. Raises RequestError."""
        bounds: list[tuple[str, float, bool, str]] = [
            ("temperature", self.temperature, 0 <= self.temperature < math.inf, "0 or more"),
            ("top_p", self.top_p, 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("top_k", self.top_k, self.top_k >= 0, "0 or more"),
            ("max_new_tokens", self.max_new_tokens, self.max_new_tokens >= 1, "at least 1"),
            ("alternatives", self.alternatives, 0 <= self.alternatives <= 100, "from 0 to 100"),
            ("repetition_penalty", self.repetition_penalty, 0 < self.repetition_penalty < math.inf, "above 0"),
        ]
        for name, value, right, expected in bounds:
            if not right:
                raise RequestError(f"{name} is {value}; expected a number {expected}")
        if len(self.stop) > MOST_STOP_STRINGS or not all(self.stop):
            raise RequestError(f"expected at most {MOST_STOP_STRINGS} stop strings, none of them empty")


@dataclass(frozen=True)
class Token:
    """One token of the output.

    `probability` is the model's own, before temperature and filters; None where a server does not tell. `text` may be
    empty while the bytes of a character are incomplete or a stop string may have begun; joined, the texts are the output.
    `alternatives` are (text, probability), likeliest first.
    """

    index: int
    id: int
    text: str
    probability: float | None
    alternatives: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Finished:
    """How a request ended: at its length, at the model's end of text or a stop string, by cancelling, or by an error."""

    reason: Literal["length", "stop", "cancelled", "error"]
    prompt_tokens: int = 0
    new_tokens: int = 0
    error: str = ""
