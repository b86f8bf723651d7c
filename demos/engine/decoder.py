"""What the step loop asks of a model: see docs/engine.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from .hooks import Hook
from .request import RequestError


@dataclass(frozen=True)
class Piece:
    """Consecutive tokens of a prompt, to be read into `slot`; `start` of its tokens have been read before."""

    slot: int
    start: int
    tokens: list[int]


def no_hooks(hooks: tuple[Hook, ...]) -> None:
    """For decoders into which nobody can look."""
    if hooks:
        raise RequestError("this model cannot be looked into while it writes")


class Decoder(Protocol):
    """S texts that advance together. What one slot computes depends on no other slot, bit for bit."""

    slots: int
    window: int | None  # most tokens a slot can hold; None where there is no bound
    places: int  # pieces that are read in one pass
    mixes: bool  # whether `step_and_read` can be used

    def start(self, slot: int, prompt: list[int]) -> list[int]:
        """Take a slot for a new text; returns the tokens that have to be read before the first choice."""
        ...

    def cut(self, remaining: int) -> int:
        """How many of the `remaining` tokens the next piece takes; 0 if they are to be stepped instead."""
        ...

    def read(self, pieces: list[Piece]) -> Tensor:
        """At most `places` pieces, those of one slot in order -> logits (len(pieces), V) after the last token of each."""
        ...

    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        """tokens (S,), of which those at `slots` count -> logits (S, V), of which those at `slots` mean something."""
        ...

    def step_and_read(self, tokens: Tensor, slots: list[int], pieces: list[Piece]) -> tuple[Tensor, Tensor]:
        """`step` and `read`, of other slots, in one pass: the same results, for less."""
        ...

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        """Let these look into the text that has just been started. Raises RequestError where that cannot be done."""
        ...

    def release(self, slot: int) -> None:
        """The text in `slot` has ended."""
        ...

    def free(self) -> None:
        """Give up memory that can be had again; no slot is in use."""
        ...


class OneAtATime:
    """What decoders share that do not read and step in one pass."""

    mixes = False

    def step_and_read(self, tokens: Tensor, slots: list[int], pieces: list[Piece]) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class NoSlots(OneAtATime):
    """For models that write nothing: one-shot work is all they do."""

    slots = 0
    window: int | None = None
    places = 0

    def start(self, slot: int, prompt: list[int]) -> list[int]:
        raise RequestError("this model does not write texts")

    def cut(self, remaining: int) -> int:
        return 0

    def read(self, pieces: list[Piece]) -> Tensor:
        raise RequestError("this model does not write texts")

    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        raise RequestError("this model does not write texts")

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        no_hooks(hooks)

    def release(self, slot: int) -> None:
        pass

    def free(self) -> None:
        pass
