"""Slots for models that carry nothing from token to token, or in a way of their own: a step reads the whole text again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .decoder import OneAtATime, Piece, no_hooks
from .hooks import Hook
from .key_value import window_of

# A step costs as much as the text is long.
LONGEST = 1024
PIECE = 64


class RereadSlots(OneAtATime):
    """Correct for whatever has a forward pass over tokens, and slow."""

    def __init__(self, model: Any, slots: int) -> None:
        self.model = model
        self.slots = slots
        self.places = 1
        self.window: int | None = min(window_of(model), LONGEST)
        self.texts: list[list[int]] = [[] for _ in range(slots)]

    def start(self, slot: int, prompt: list[int]) -> list[int]:
        self.texts[slot] = []
        return prompt

    def cut(self, remaining: int) -> int:
        return min(remaining, PIECE)

    def read(self, pieces: list[Piece]) -> Tensor:
        return torch.stack([self._advance(piece.slot, piece.tokens) for piece in pieces])

    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        found = [self._advance(slot, [int(tokens[slot])]) for slot in slots]
        rows = found[0].new_zeros(self.slots, found[0].shape[-1])
        rows[slots] = torch.stack(found)
        return rows

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        no_hooks(hooks)

    def release(self, slot: int) -> None:
        self.texts[slot] = []

    def free(self) -> None:
        pass

    @torch.inference_mode()
    def _advance(self, slot: int, tokens: list[int]) -> Tensor:
        self.texts[slot] += tokens
        logits: Tensor = self.model(torch.tensor([self.texts[slot]], device=self.model.device)).logits
        return logits[0, -1]
