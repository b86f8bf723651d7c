"""Slots for any model that generates with a cache of its own: texts are stepped one after the other."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .decoder import OneAtATime, Piece, no_hooks
from .hooks import Hook
from .key_value import LONGEST, start_token, window_of

PIECE = 64


class AloneSlots(OneAtATime):
    """Correct for whatever `generate()` can run, and as slow as that: nothing is shared but the weights."""

    def __init__(self, model: Any, slots: int) -> None:
        self.model = model
        self.slots = slots
        self.places = 1
        self.window: int | None = min(window_of(model), LONGEST)
        self.caches: list[Any] = [None] * slots
        self.encoded: list[Any] = [None] * slots  # what an encoder made of a prompt

    @torch.inference_mode()
    def start(self, slot: int, prompt: list[int]) -> list[int]:
        self.caches[slot] = None
        if not self.model.config.is_encoder_decoder:
            return prompt
        ids = torch.tensor([prompt], device=self.model.device)
        self.encoded[slot] = self.model.get_encoder()(ids)
        return [start_token(self.model)]

    def cut(self, remaining: int) -> int:
        return min(remaining, PIECE)

    def read(self, pieces: list[Piece]) -> Tensor:
        return torch.stack([self._advance(piece.slot, piece.tokens) for piece in pieces])

    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        rows: Tensor | None = None
        for slot in slots:
            logits = self._advance(slot, [int(tokens[slot])])
            rows = logits.new_zeros(self.slots, logits.shape[-1]) if rows is None else rows
            rows[slot] = logits
        assert rows is not None
        return rows

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        no_hooks(hooks)

    def release(self, slot: int) -> None:
        self.caches[slot] = self.encoded[slot] = None

    def free(self) -> None:
        pass

    @torch.inference_mode()
    def _advance(self, slot: int, tokens: list[int]) -> Tensor:
        ids = torch.tensor([tokens], device=self.model.device)
        if self.encoded[slot] is None:
            output = self.model(ids, past_key_values=self.caches[slot], use_cache=True)
        else:
            output = self.model(
                encoder_outputs=self.encoded[slot],
                decoder_input_ids=ids,
                past_key_values=self.caches[slot],
                use_cache=True,
            )
        self.caches[slot] = output.past_key_values
        return output.logits[0, -1]
