"""Places for recurrent models in a batch: each slot holds one text's state, all slots advance together."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor

from ..zoo.sha_rnn import ShaRnnCache, ShaRnnForCausalLM
from .decoder import OneAtATime, Piece, no_hooks
from .hooks import Hook

# The head looks over as much of the rings as the longest text fills, in steps of this many rows: what lies beyond is
# empty, and leaving it out changes no bit of the result on a CPU. A GPU sums in another order then, and has time for all.
ROWS = 64
# A state cannot leave padding out, so prompts are cut into whole pieces of these sizes; the rest is stepped.
SIZES = (16, 4)


class ShaRnnSlots(OneAtATime):
    """Continuous batching for SHA-RNN: fixed-size LSTM states and a ring of remembered rows per slot.

    A step always computes all S slots, idle ones too, and reading always `places` prompts: a row's numbers then cannot
    depend on how many others are being served. The ring needs no order, since the head knows no positions; a
    stamp beside each row tells how old it is.
    """

    window: int | None = None
    places = 4

    def __init__(self, model: ShaRnnForCausalLM, slots: int) -> None:
        self.model = model
        self.slots = slots
        self.cache = _SlotCache(model, slots)

    def start(self, slot: int, prompt: list[int]) -> list[int]:
        self.cache.empty(slot)
        return prompt

    def cut(self, remaining: int) -> int:
        return next((size for size in SIZES if remaining >= size), 0)

    @torch.inference_mode()
    def read(self, pieces: list[Piece]) -> Tensor:
        logits: dict[int, Tensor] = {}
        for part in self._passes(pieces):
            mine = [pieces[i] for i in part]
            # Places that nobody needs read the first piece once more; that is thrown away.
            filled = [*mine, *[mine[0]] * (self.places - len(mine))]
            ids = torch.tensor([p.tokens for p in filled], device=self.model.device)
            cache = self.cache.reading([p.slot for p in filled], len(mine))
            last = self.model(ids, past_key_values=cache, logits_to_keep=1).logits[:, -1]
            cache.keep()
            logits.update(zip(part, last, strict=False))
        return torch.stack([logits[i] for i in range(len(pieces))])

    def _passes(self, pieces: list[Piece]) -> list[list[int]]:
        """Pieces that can be read together: of one size, as far into their texts, and of different texts."""
        order = sorted(range(len(pieces)), key=lambda i: (pieces[i].start, -len(pieces[i].tokens)))
        passes: list[list[int]] = []
        for _, group in groupby(order, key=lambda i: (self.cache.filled(pieces[i].start), len(pieces[i].tokens))):
            waiting = list(group)
            while waiting:
                part: dict[int, int] = {}
                for i in waiting:
                    part.setdefault(pieces[i].slot, i)
                chosen = list(part.values())[: self.places]
                passes.append(chosen)
                waiting = [i for i in waiting if i not in chosen]
        return passes

    @torch.inference_mode()
    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        self.cache.live(slots)
        return self.model(tokens[:, None].to(self.model.device), past_key_values=self.cache).logits[:, -1]

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        no_hooks(hooks)

    def release(self, slot: int) -> None:
        pass

    def free(self) -> None:
        pass


class _SlotCache(ShaRnnCache):
    """A ShaRnnCache of fixed shapes, whose rows are different texts."""

    def __init__(self, model: ShaRnnForCausalLM, slots: int) -> None:
        super().__init__(model.config)
        config, like = model.config, model.model.embed_tokens.weight
        width = config.hidden_size
        self.capacity = -(-(config.memory_size + 1) // ROWS) * ROWS  # what a token sees, and the token itself
        self.slots = slots
        self.config = config
        for layer in range(config.num_hidden_layers):
            self.states[layer] = (like.new_zeros(1, slots, width), like.new_zeros(1, slots, width))
        for layer in config.attention_layers:
            self.banks[layer] = like.new_zeros(slots, self.capacity, width)
            self.stamps[layer] = torch.full((slots, self.capacity), -1, device=like.device)
        self.positions = [0] * slots  # tokens each text has had
        self.advancing: list[int] = []

    def filled(self, tokens: int) -> int:
        """Rows of a ring that a text of so many tokens fills, in steps of ROWS."""
        if self.stamps_device.type == "cuda":
            return self.capacity
        return min(-(-tokens // ROWS) * ROWS, self.capacity)

    def empty(self, slot: int) -> None:
        for hidden, cell in self.states.values():
            hidden[:, slot] = 0
            cell[:, slot] = 0
        for stamps in self.stamps.values():
            stamps[slot] = -1
        self.positions[slot] = 0

    def reading(self, slots: list[int], real: int) -> _ReadingCache:
        return _ReadingCache(self, slots, real)

    def live(self, slots: list[int]) -> None:
        """Only these texts advance in the next step: what the others compute is not kept."""
        self.advancing = slots
        self.rows = torch.tensor(slots, device=self.stamps_device)
        self.places = torch.tensor([self.positions[slot] % self.capacity for slot in slots], device=self.stamps_device)
        self.used = max(self.filled(self.positions[slot] + 1) for slot in slots)

    @property
    def stamps_device(self) -> torch.device:
        return next(iter(self.states.values()))[0].device

    def advance(self, valid: Tensor) -> Tensor:
        at = torch.full((self.slots,), -1, device=valid.device)
        at[self.rows] = torch.tensor([self.positions[slot] for slot in self.advancing], device=valid.device)
        for slot in self.advancing:
            self.positions[slot] += 1
        return at[:, None]

    def store_lstm_state(self, layer: int, state: tuple[Tensor, Tensor]) -> None:
        hidden, cell = self.states[layer]
        hidden[:, self.rows] = state[0][:, self.rows]
        cell[:, self.rows] = state[1][:, self.rows]

    def remember(self, layer: int, rows: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """rows (S, 1, E): one token each, written over the oldest row of its ring."""
        self.banks[layer][self.rows, self.places] = rows[self.rows, 0]
        self.stamps[layer][self.rows, self.places] = positions[self.rows, 0]
        return self.banks[layer][:, : self.used], self.stamps[layer][:, : self.used]


class _ReadingCache(ShaRnnCache):
    """Some texts' states, taken out of the slots to read a piece of each; `keep` puts those of the first `real` back."""

    def __init__(self, owner: _SlotCache, slots: list[int], real: int) -> None:
        super().__init__(owner.config)
        self.owner = owner
        self.real = slots[:real]
        self.rows = torch.tensor(slots, device=owner.stamps_device)
        self.used = owner.filled(owner.positions[slots[0]])
        self.starts = torch.tensor([owner.positions[slot] for slot in slots], device=owner.stamps_device)
        self.states = {i: (h[:, self.rows], c[:, self.rows]) for i, (h, c) in owner.states.items()}
        self.width = 0

    def advance(self, valid: Tensor) -> Tensor:
        self.width = valid.shape[1]
        return self.starts[:, None] + torch.arange(self.width, device=valid.device)

    def remember(self, layer: int, rows: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        owner, keep = self.owner, len(self.real)
        bank = torch.cat([owner.banks[layer][self.rows, : self.used], rows], 1)
        stamps = torch.cat([owner.stamps[layer][self.rows, : self.used], positions], 1)
        into = (self.rows[:keep, None], positions[:keep] % owner.capacity)
        owner.banks[layer][into] = rows[:keep]
        owner.stamps[layer][into] = positions[:keep]
        return bank, stamps

    def keep(self) -> None:
        keep = self.rows[: len(self.real)]
        for layer, (hidden, cell) in self.states.items():
            self.owner.states[layer][0][:, keep] = hidden[:, : len(keep)]
            self.owner.states[layer][1][:, keep] = cell[:, : len(keep)]
        for slot in self.real:
            self.owner.positions[slot] += self.width
