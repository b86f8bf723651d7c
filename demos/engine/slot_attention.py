"""Attention over slots: each token looks at its own text's keys and values, whatever else is in the pass.

Registered with `transformers` as an attention implementation. A pass lays the tokens of many texts side by side in
one row; `Layout` says which belong together. Outside of a pass the model's usual attention takes over.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.cache_utils import Cache
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from .grid_attention import Grid
from .hooks import Hook

NAME = "miniconf_slots"
# What a model may ask of its attention that is not done here: the probe after loading then fails, see families.py.
UNKNOWN = ("softcap", "s_aux", "head_mask")


class Unsupported(RuntimeError):
    """The model's attention does more than this one can."""


@dataclass
class Span:
    """Tokens `first`..`last` of a pass are those at `start`... of the text in `slot`."""

    slot: int
    first: int
    last: int
    start: int

    @property
    def end(self) -> int:
        return self.start + self.last - self.first


@dataclass
class Layout:
    """Which token of a pass belongs where; made once for each pass and used by all layers."""

    spans: list[Span]
    device: torch.device
    window: int  # places of a slot
    rows: Tensor = field(init=False)
    positions: Tensor = field(init=False)
    places: Tensor = field(init=False)
    single: list[Span] = field(init=False)  # those of one token
    longer: list[Span] = field(init=False)
    single_rows: Tensor = field(init=False)

    def __post_init__(self) -> None:
        rows: list[int] = []
        positions: list[int] = []
        places: list[int] = []
        for s in self.spans:
            rows += range(s.first, s.last)
            positions += range(s.start, s.end)
            places += range(s.slot * self.window + s.start, s.slot * self.window + s.end)
        self.rows = torch.tensor(rows, device=self.device)
        self.positions = torch.tensor(positions, device=self.device)
        self.places = torch.tensor(places, device=self.device)
        self.single = [s for s in self.spans if s.last - s.first == 1]
        self.longer = [s for s in self.spans if s.last - s.first > 1]
        self.single_rows = torch.tensor([s.first for s in self.single], dtype=torch.long, device=self.device)


class SlotCache(Cache):
    """Keys and values of S texts in fixed memory (S, window, G, D), written in place. Room for a layer is made when it
    is first used."""

    def __init__(self, slots: int, window: int, padded: bool) -> None:
        super().__init__(layers=[])
        self.slots = slots
        self.window = window
        self.padded = padded
        self.keys: dict[int, Tensor] = {}
        self.values: dict[int, Tensor] = {}
        self.layer = 0
        self.layout: Layout | None = None
        self.grid: Grid | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        assert self.layout is not None
        self.layer = layer_idx
        for store, states in ((self.keys, key_states), (self.values, value_states)):
            if layer_idx not in store:
                store[layer_idx] = self._room(states)
            if self.grid is not None:
                self.grid.store(store[layer_idx], states)
                continue
            rows = states[0].transpose(0, 1)
            if len(self.layout.rows) != len(rows):
                rows = rows[self.layout.rows]
            store[layer_idx].flatten(0, 1).index_copy_(0, self.layout.places, rows)
        return key_states, value_states

    def _room(self, states: Tensor) -> Tensor:
        if not self.padded:
            return states.new_empty(self.slots, self.window, states.shape[1], states.shape[3])
        # Masked products over the whole window must not meet what happens to lie in fresh memory; one place more takes
        # what is nobody's.
        return states.new_zeros(self.slots, self.window + 1, states.shape[1], states.shape[3])

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0

    def free(self) -> None:
        """Room is made anew when it is next used."""
        self.keys.clear()
        self.values.clear()


@dataclass
class Pass:
    """What attention needs to know about the pass it is part of."""

    cache: SlotCache
    layout: Layout
    bias: Tensor | None = None  # (H, window): added to the score of a key so many tokens back, nearest last
    crossed: dict[int, list[tuple[Tensor, Tensor] | None]] = field(default_factory=dict)
    markers: dict[int, int] = field(default_factory=dict)  # id of the tensor that stands for a layer's encoded texts
    shown: list[tuple[Hook, Span]] = field(default_factory=list)  # who is shown attention weights
    grid: Grid | None = None  # all texts in one product

    def attend(
        self, module: nn.Module, query: Tensor, key: Tensor, scaling: float | None, extra: dict[str, Any]
    ) -> Tensor:
        """query (1, H, N, D) -> (1, N, H, D); tokens that belong to no span get zeros."""
        if any(extra.get(name) is not None for name in UNKNOWN):
            raise Unsupported(f"{type(module).__name__} asks for {[n for n in UNKNOWN if extra.get(n) is not None]}")
        layer = self.markers.get(id(key))
        if layer is None and extra.get("position_bias") is not None and self.bias is None:
            raise Unsupported(f"{type(module).__name__} has a position bias of a kind that is not known")
        for hook, span in self.shown if layer is None else []:
            if hook.layer == self.cache.layer:
                hook.attention(self._weights(span, query, scaling, extra), span.start)
        if self.grid is not None:
            if self.bias is not None or layer is not None:
                raise Unsupported(f"{type(module).__name__} adds to its scores what one product for all texts cannot")
            keys, values = self.cache.keys[self.cache.layer], self.cache.values[self.cache.layer]
            return self.grid.attend(query, keys, values, scaling, extra.get("sliding_window"))
        longer = self.layout.spans
        if layer is None and self.bias is None and (single := self.layout.single):
            together = self._one_each(query, single, scaling, extra.get("sliding_window"))
            if len(single) == query.shape[2]:
                return together[None]
            mixed = query.new_zeros(query.shape[2], *together.shape[1:])
            mixed[self.layout.single_rows] = together
            longer = self.layout.longer
        else:
            mixed = query.new_zeros(query.shape[2], query.shape[1], self.cache.values[self.cache.layer].shape[-1])
        for span in longer:
            q = query[:, :, span.first : span.last]
            if layer is not None:
                pair = self.crossed[layer][span.slot]
                assert pair is not None
                mixed[span.first : span.last] = _attend(q, *pair, None, scaling)
                continue
            low = max(0, span.start + 1 - extra["sliding_window"]) if extra.get("sliding_window") else 0
            k = self.cache.keys[self.cache.layer][span.slot, None, low : span.end].transpose(1, 2)
            v = self.cache.values[self.cache.layer][span.slot, None, low : span.end].transpose(1, 2)
            mixed[span.first : span.last] = _attend(q, k, v, self._mask(span, low, extra), scaling)
        return mixed[None]

    def _one_each(self, query: Tensor, spans: list[Span], scaling: float | None, wide: int | None) -> Tensor:
        """One token of each text, as in a step -> (len(spans), H, D): as few calls for each as there can be."""
        keys, values = self.cache.keys[self.cache.layer], self.cache.values[self.cache.layer]
        shared = keys.shape[2]
        # Heads that share a key are so many queries of one head.
        rows = query[0].transpose(0, 1).reshape(query.shape[2], 1, shared, -1, query.shape[3]).unbind(0)
        k, v = keys.transpose(1, 2)[:, None].unbind(0), values.transpose(1, 2)[:, None].unbind(0)
        found = []
        for span in spans:
            low = max(0, span.end - wide) if wide else 0
            length = span.end - low
            found.append(
                F.scaled_dot_product_attention(
                    rows[span.first],
                    k[span.slot].narrow(2, low, length),
                    v[span.slot].narrow(2, low, length),
                    scale=scaling,
                )
            )
        return torch.cat(found).reshape(len(found), query.shape[1], -1)

    def _mask(self, span: Span, low: int, extra: dict[str, Any]) -> Tensor | None:
        """What each token of a span may see of the keys from `low` on; None for all."""
        wide = extra.get("sliding_window")
        if self.bias is None and span.end - span.start == 1:
            return None  # `low` has seen to it
        device = self.layout.device
        back = torch.arange(span.start, span.end, device=device)[:, None] - torch.arange(low, span.end, device=device)
        seen = (back >= 0) if not wide else (back >= 0) & (back < wide)
        if self.bias is None:
            return seen
        bias = self.bias[:, self.bias.shape[1] - 1 - back.clamp(min=0)]
        return bias.masked_fill(~seen, torch.finfo(bias.dtype).min)[None]

    def _weights(self, span: Span, query: Tensor, scaling: float | None, extra: dict[str, Any]) -> Tensor:
        """(H, n, L): computed once more, in plain sight; what is used does not change."""
        q = query[0, :, span.first : span.last]
        k = self.cache.keys[self.cache.layer][span.slot, : span.end].transpose(0, 1)
        k = k.repeat_interleave(q.shape[0] // k.shape[0], 0)
        scores = (q @ k.transpose(1, 2)).float() * (q.shape[-1] ** -0.5 if scaling is None else scaling)
        mask = self._mask(span, 0, extra)
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask[0]
        elif extra.get("sliding_window"):
            scores[:, :, : max(0, span.start + 1 - extra["sliding_window"])] = -torch.inf
        return scores.softmax(-1)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scaling: float | None) -> Tensor:
    """(1, H, n, D) over (1, G, L, D) -> (n, H, D)."""
    heads, n = q.shape[1:3]
    if heads == k.shape[1]:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scaling)[0].transpose(0, 1)
    groups = heads // k.shape[1]
    if n == 1 and mask is None:  # heads that share a key are so many queries of one head
        out = F.scaled_dot_product_attention(q.view(1, k.shape[1], groups, -1), k, v, scale=scaling)
        return out.reshape(1, heads, -1)
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scaling)[0].transpose(0, 1)


_current = threading.local()


@contextmanager
def running(this: Pass) -> Iterator[None]:
    """Within it, this thread's models attend over slots."""
    _current.this = this
    this.cache.layout, this.cache.grid = this.layout, this.grid
    try:
        yield
    finally:
        _current.this = None


def slot_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, None]:
    this: Pass | None = getattr(_current, "this", None)
    if this is None:
        # An encoder's own pass over one text, which needs no mask.
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    scaling = kwargs.pop("scaling", None)
    return this.attend(module, query, key, scaling, kwargs), None


AttentionInterface.register(NAME, slot_attention)


@contextmanager
def implementation(model: Any, name: str) -> Iterator[None]:
    """Within it, the model attends in the named way."""
    before = model.config._attn_implementation
    if before == name:
        yield
        return
    model.set_attn_implementation(name)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
