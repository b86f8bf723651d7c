"""What goes into the engine and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


class RequestError(ValueError):
    """The request cannot be served as it is; the message is a sentence for the person who asked."""


@dataclass(frozen=True)
class GenerationRequest:
    """Text to continue and how to choose each next token.

    `temperature` 0 takes the likeliest token; `top_k` 0 and `top_p` 1 keep all. `alternatives` is how many of the
    likeliest tokens are reported beside each chosen one. The same request gives the same tokens, whoever else is
    being served.
    """

    model: str
    prompt: str
    max_new_tokens: int = 64
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    alternatives: int = 0


@dataclass(frozen=True)
class Token:
    """One token of the output.

    `probability` is the model's own, before temperature and filters. `text` may be empty while the bytes of a
    character are incomplete; joined, the texts are the output. `alternatives` are (text, probability), likeliest first.
    """

    index: int
    id: int
    text: str
    probability: float
    alternatives: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Finished:
    """How a request ended: at its length, at the model's end of text, by cancelling, or by an error."""

    reason: Literal["length", "stop", "cancelled", "error"]
    prompt_tokens: int = 0
    new_tokens: int = 0
    error: str = ""
