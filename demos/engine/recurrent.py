"""Places for recurrent models in a batch: each slot holds one text's state, all slots advance together."""

from __future__ import annotations

import torch
from torch import Tensor

from ..zoo.sha_rnn import ShaRnnCache, ShaRnnForCausalLM
from ..zoo.sha_rnn.modeling_sha_rnn import LstmState

# The head looks over as much of the rings as the longest text fills, in steps of this many rows: what lies beyond is
# empty, and leaving it out changes no bit of the result.
ROWS = 64
# Long prompts are read in pieces of this many tokens, so that running streams never wait for more than one piece.
CHUNK = 64


class ShaRnnSlots:
    """Continuous batching for SHA-RNN: fixed-size LSTM states and a ring of remembered rows per slot.

    A step always computes all S slots, idle ones too: a row's numbers then cannot depend on how many others are
    being served, so the same request gives the same tokens in any company. The ring needs no order, since the
    head knows no positions; a stamp beside each row tells how old it is.
    """

    def __init__(self, model: ShaRnnForCausalLM, slots: int) -> None:
        self.model = model
        self.slots = slots
        self.vocab_size = model.config.vocab_size
        self.cache = _SlotCache(model, slots)

    def begin(self) -> ShaRnnCache:
        """An empty state for a text about to be read."""
        return ShaRnnCache(self.model.config)

    @torch.inference_mode()
    def read(self, state: ShaRnnCache, tokens: list[int]) -> Tensor:
        """Read a piece of a prompt alone; returns the logits (V,) after its last token."""
        ids = torch.tensor([tokens], device=self.model.device)
        return self.model(ids, past_key_values=state, logits_to_keep=1).logits[0, -1]

    @torch.inference_mode()
    def admit(self, slot: int, state: ShaRnnCache) -> None:
        """Give a text that has been read its place in the batch."""
        self.cache.put(slot, state)

    def release(self, slot: int) -> None:
        """The text in `slot` has ended."""
        self.cache.clear(slot)

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        """tokens (S,), anything for idle slots -> logits (S, V)."""
        logits = self.model(tokens[:, None].to(self.model.device), past_key_values=self.cache).logits[:, -1]
        self.cache.rest()
        return logits


class _SlotCache(ShaRnnCache):
    """A ShaRnnCache of fixed shapes, whose rows are different texts."""

    def __init__(self, model: ShaRnnForCausalLM, slots: int) -> None:
        super().__init__(model.config)
        config, like = model.config, model.model.embed_tokens.weight
        width = config.hidden_size
        capacity = -(-(config.memory_size + 1) // ROWS) * ROWS  # what a token sees, and the token itself
        for layer in range(config.num_hidden_layers):
            self.states[layer] = (like.new_zeros(1, slots, width), like.new_zeros(1, slots, width))
        for layer in config.attention_layers:
            self.banks[layer] = like.new_zeros(slots, capacity, width)
            self.stamps[layer] = torch.full((slots, capacity), -1, device=like.device)
        self.lengths = torch.zeros(slots, dtype=torch.long, device=like.device)
        self.rows = torch.arange(slots, device=like.device)
        self.taken = torch.zeros(slots, dtype=torch.bool, device=like.device)
        self.capacity = capacity

    def put(self, slot: int, state: ShaRnnCache) -> None:
        for layer, (hidden, cell) in state.states.items():
            own: LstmState = self.states[layer]
            own[0][:, slot], own[1][:, slot] = hidden[:, 0], cell[:, 0]
        for layer, bank in state.banks.items():
            stamps = state.stamps[layer][0, -self.capacity :]
            places = stamps % self.capacity
            self.stamps[layer][slot] = -1
            self.stamps[layer][slot, places] = stamps
            self.banks[layer][slot, places] = bank[0, -self.capacity :]
        assert state.lengths is not None
        assert self.lengths is not None
        self.lengths[slot] = state.lengths[0]
        self.taken[slot] = True

    def clear(self, slot: int) -> None:
        self.taken[slot] = False

    def rest(self) -> None:
        """Idle slots are computed along with the others; they stay at the beginning of their rings."""
        assert self.lengths is not None
        self.lengths.mul_(self.taken)

    def remember(self, layer: int, rows: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """rows (S, 1, E): one token each, written over the oldest row of its ring."""
        places = positions[:, 0] % self.capacity
        self.banks[layer][self.rows, places] = rows[:, 0]
        self.stamps[layer][self.rows, places] = positions[:, 0]
        used = min(-(-(int(positions.max()) + 1) // ROWS) * ROWS, self.capacity)
        return self.banks[layer][:, :used], self.stamps[layer][:, :used]
