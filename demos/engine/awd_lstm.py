"""Places for AWD-LSTM in a batch: states of fixed size, and a ring of the words each text may point at."""

from __future__ import annotations

import torch
from torch import Tensor

from ..zoo.awd_lstm import AwdLstmCache, AwdLstmForCausalLM
from .decoder import OneAtATime, Piece, no_hooks
from .hooks import Hook

PIECE = 64


class AwdLstmSlots(OneAtATime):
    """All S slots step together, idle ones too; prompts are read one at a time: no row depends on the others."""

    window: int | None = None
    places = 1

    def __init__(self, model: AwdLstmForCausalLM, slots: int) -> None:
        self.model = model
        self.slots = slots
        self.cache = _SlotCache(model, slots)

    def start(self, slot: int, prompt: list[int]) -> list[int]:
        self.cache.empty(slot)
        return prompt

    def cut(self, remaining: int) -> int:
        return min(remaining, PIECE)

    @torch.inference_mode()
    def read(self, pieces: list[Piece]) -> Tensor:
        rows = []
        for piece in pieces:
            cache = self.cache.take(piece.slot)
            ids = torch.tensor([piece.tokens], device=self.model.device)
            rows.append(self.model(ids, past_key_values=cache, logits_to_keep=1).logits[0, -1])
            self.cache.put(piece.slot, cache)
        return torch.stack(rows)

    @torch.inference_mode()
    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        self.cache.live = torch.tensor(slots, device=self.model.device)
        return self.model(tokens[:, None].to(self.model.device), past_key_values=self.cache).logits[:, -1]

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        no_hooks(hooks)

    def release(self, slot: int) -> None:
        pass

    def free(self) -> None:
        pass


class _SlotCache(AwdLstmCache):
    """An AwdLstmCache of fixed shapes, whose rows are different texts; a step changes the `live` ones alone."""

    def __init__(self, model: AwdLstmForCausalLM, slots: int) -> None:
        super().__init__(model.config)
        self.config = model.config
        like = model.model.embed_tokens.weight
        width = model.config.hidden_size
        for layer, lstm in enumerate(model.model.lstms):
            size = int(lstm.hidden_size)  # type: ignore[arg-type]
            self.states[layer] = like.new_zeros(1, slots, size), like.new_zeros(1, slots, size)
        self.ring = like.new_zeros(slots, self.window, width)
        self.ring_words = torch.zeros(slots, self.window, dtype=torch.long, device=like.device)
        self.ring_stamps = torch.full((slots, self.window), -1, device=like.device)
        self.put_out = like.new_zeros(slots, width)
        self.had = torch.zeros(slots, dtype=torch.long, device=like.device)  # tokens of each text
        self.live = torch.arange(slots, device=like.device)

    def empty(self, slot: int) -> None:
        for hidden, cell in self.states.values():
            hidden[:, slot] = 0
            cell[:, slot] = 0
        self.ring_stamps[slot] = -1
        self.had[slot] = 0

    # What the model does to a cache in one step:

    def store_lstm_state(self, layer: int, state: tuple[Tensor, Tensor]) -> None:
        for mine, new in zip(self.states[layer], state, strict=True):
            mine[:, self.live] = new[:, self.live]

    def advance(self, valid: Tensor) -> Tensor:
        positions = torch.full_like(self.had, -1)
        positions[self.live] = self.had[self.live]
        self.had[self.live] += 1
        return positions[:, None]

    @property
    def last(self) -> Tensor | None:
        return self.put_out

    @last.setter
    def last(self, value: Tensor | None) -> None:
        if value is not None:
            self.put_out[self.live] = value[self.live]

    def remember(self, keys: Tensor, words: Tensor, stamps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(S, 1, ...): one word each, written over the oldest of its ring."""
        place = (self.had[self.live] - 1) % self.window
        self.ring[self.live, place] = keys[self.live, 0]
        self.ring_words[self.live, place] = words[self.live, 0]
        self.ring_stamps[self.live, place] = stamps[self.live, 0]
        return self.ring, self.ring_words, self.ring_stamps

    # Reading a piece of one text:

    def take(self, slot: int) -> AwdLstmCache:
        cache, row = AwdLstmCache(self.config), slice(slot, slot + 1)
        cache.states = {i: (h[:, row], c[:, row]) for i, (h, c) in self.states.items()}
        cache.lengths = self.had[row]
        cache.keys, cache.words, cache.stamps = self.ring[row], self.ring_words[row], self.ring_stamps[row]
        cache.last = self.put_out[row]
        return cache

    def put(self, slot: int, cache: AwdLstmCache) -> None:
        assert cache.lengths is not None
        assert cache.stamps is not None
        assert cache.keys is not None
        assert cache.words is not None
        assert cache.last is not None
        for layer, state in cache.states.items():
            for mine, new in zip(self.states[layer], state, strict=True):
                mine[:, slot] = new[:, 0]
        had = int(cache.lengths[0])
        stamps = cache.stamps[0]
        kept = ((stamps >= 0) & (stamps > had - 1 - self.window)).nonzero()[:, 0]
        stamps = stamps[kept]
        place = stamps % self.window
        self.ring_stamps[slot] = -1
        self.ring[slot, place] = cache.keys[0, kept]
        self.ring_words[slot, place] = cache.words[0, kept]
        self.ring_stamps[slot, place] = stamps
        self.put_out[slot] = cache.last[0]
        self.had[slot] = had
