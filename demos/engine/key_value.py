"""Slots for models that attend to keys and values of all tokens so far: GPT-2, Llama, Qwen and their like."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from .decoder import Piece
from .grid_attention import Grid, Recorded
from .hooks import Hook, layers_of, watching
from .loading import declared_window
from .request import RequestError
from .slot_attention import NAME, Layout, Pass, SlotCache, Span, implementation, running

PIECE = 32
PLACES = 4
# A slot's memory is set aside at once; longer windows than this are not for a demo.
LONGEST = 4096


class KeyValueSlots:
    """Continuous batching over an unchanged `transformers` model.

    A pass is one row of tokens: in a step one of each slot, in reading `places` pieces of a fixed width. So the matrix
    products see the same shape every time, and attention is each text's own business (slot_attention.py), or, `padded`, one
    product of the same shape every time (grid_attention.py), whose steps can be recorded as `graphs`.
    """

    def __init__(self, model: Any, slots: int, *, padded: bool, graphs: bool = False) -> None:
        self.model = model
        self.slots = slots
        self.places = PLACES
        self.window: int | None = min(window_of(model), LONGEST)
        self.cache = SlotCache(slots, self.window, padded)
        self.lengths = [0] * slots
        # Some models warn of padding tokens; what fills a pass is nobody's text.
        self.filler = 1 if model.config.pad_token_id == 0 else 0
        self.hooks: dict[int, tuple[Hook, ...]] = {}
        self.keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
        model.set_attn_implementation(NAME)
        buffers = [torch.zeros(slots, dtype=torch.long, device=model.device) for _ in range(2)]
        self.all_slots = torch.arange(slots, device=model.device)
        self.steps = Recorded(self._step, buffers, record=graphs)

    def start(self, slot: int, prompt: list[int]) -> list[int]:
        self.lengths[slot] = 0
        return prompt

    def cut(self, remaining: int) -> int:
        return min(remaining, PIECE)

    def read(self, pieces: list[Piece]) -> Tensor:
        ids = [self.filler] * (self.places * PIECE)
        spans = []
        for place, piece in enumerate(pieces):
            first = place * PIECE
            ids[first : first + len(piece.tokens)] = piece.tokens
            spans.append(Span(piece.slot, first, first + len(piece.tokens), piece.start))
            self.lengths[piece.slot] = piece.start + len(piece.tokens)
        last = [span.last - 1 for span in spans]
        if self.cache.padded:
            return self._read_grid(ids, spans)[: len(pieces)]
        return self._pass(ids, spans, last + [0] * (self.places - len(last)))[: len(pieces)]

    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        spans = [Span(slot, slot, slot + 1, self.lengths[slot]) for slot in sorted(slots)]
        for slot in slots:
            self.lengths[slot] += 1
        if self.cache.padded:
            return self._step_grid(tokens, spans)
        return self._pass(tokens.tolist(), spans, None)

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        count = len(layers_of(self.model)) if hooks else 0
        for hook in hooks:
            if not 0 <= hook.layer < count:
                raise RequestError(f"layer {hook.layer} is asked for; this model has {count}, counted from 0")
        self.hooks[slot] = hooks

    def release(self, slot: int) -> None:
        self.hooks.pop(slot, None)

    def free(self) -> None:
        self.steps.forget()
        self.cache.free()

    @torch.inference_mode()
    def _step_grid(self, tokens: Tensor, spans: list[Span]) -> Tensor:
        at = [self.cache.window] * self.slots
        for span in spans:
            at[span.slot] = span.start
        inputs = tokens.to(self.model.device), torch.tensor(at, device=self.model.device)
        if looking := self._looking(spans):  # in plain sight: the same numbers, not recorded
            return self._step(*inputs, looking=looking)
        return self.steps(*inputs)

    def _step(self, tokens: Tensor, at: Tensor, looking: list[tuple[Hook, Span]] | None = None) -> Tensor:
        """All slots, one token each (S,), at their places (S,) -> logits (S, V)."""
        return self._grid_pass(tokens, Grid(self.all_slots, at[:, None], self.cache.window, True), looking or [], None)

    @torch.inference_mode()
    def _read_grid(self, ids: list[int], spans: list[Span]) -> Tensor:
        device, beyond = self.model.device, self.cache.window
        at = [[beyond] * PIECE for _ in range(self.places)]
        slots = [0] * self.places
        last = [0] * self.places
        for place, span in enumerate(spans):
            at[place][: span.last - span.first] = range(span.start, span.end)
            slots[place], last[place] = span.slot, span.last - 1
        grid = Grid(torch.tensor(slots, device=device), torch.tensor(at, device=device), beyond, False)
        return self._grid_pass(torch.tensor(ids, device=device), grid, self._looking(spans), last)

    def _grid_pass(
        self, tokens: Tensor, grid: Grid, looking: list[tuple[Hook, Span]], keep: list[int] | None
    ) -> Tensor:
        positions = grid.at.flatten().clamp(max=self.cache.window - 1)
        this = Pass(self.cache, Layout([], tokens.device), shown=looking, grid=grid)
        return self._run(this, tokens[None], positions[None], looking, keep)

    def _looking(self, spans: list[Span]) -> list[tuple[Hook, Span]]:
        return [(hook, span) for span in spans for hook in self.hooks.get(span.slot, ())]

    @torch.inference_mode()
    def _pass(self, ids: list[int], spans: list[Span], keep: list[int] | None) -> Tensor:
        """All tokens of `ids` in one row -> logits of those in `keep`, or of all."""
        device = self.model.device
        layout = Layout(spans, device)
        positions = torch.zeros(len(ids), dtype=torch.long, device=device)
        positions[layout.rows] = layout.positions
        looking = self._looking(spans)
        this = Pass(self.cache, layout, shown=looking)
        return self._run(this, torch.tensor([ids], device=device), positions[None], looking, keep)

    def _run(
        self, this: Pass, ids: Tensor, positions: Tensor, looking: list[tuple[Hook, Span]], keep: list[int] | None
    ) -> Tensor:
        options: dict[str, Any] = {}
        if keep is not None and self.keeps_logits:
            options["logits_to_keep"] = torch.tensor(keep, device=ids.device)
        watched = [(hook, span.first, span.last, span.start) for hook, span in looking]
        with implementation(self.model, NAME), running(this), watching(self.model, watched):
            logits: Tensor = self.model(
                ids, position_ids=positions, past_key_values=self.cache, use_cache=True, **options
            ).logits[0]
        return logits if keep is None or self.keeps_logits else logits[keep]


def window_of(model: Any) -> int:
    """Most tokens the model's positions allow."""
    return declared_window(model) or LONGEST


def start_token(model: Any) -> int:
    """What `generate()` would give the decoder to begin with."""
    for config in (model.generation_config, model.config):
        for name in ("decoder_start_token_id", "bos_token_id"):
            value = getattr(config, name, None)
            if isinstance(value, int):
                return value
    raise ValueError(f"{type(model).__name__} has no token for its decoder to start from")
