"""Slots for models that attend to keys and values of all tokens so far: GPT-2, Llama, Qwen and their like."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .decoder import Piece
from .grid_attention import Grid, Recorded, ragged_attention
from .hooks import Hook, layers_of, watching
from .loading import declared_window
from .request import RequestError
from .slot_attention import NAME, Layout, Pass, SlotCache, Span, implementation, running

PIECE = 32
PLACES = 4
PLACES_PADDED = 8  # where all places cost little more than one
STEPS = (4, 8, 12, 16, 24, 32, 48)
# A slot's memory is set aside at once; longer windows than this are not for a demo.
LONGEST = 4096


class KeyValueSlots:
    """Continuous batching over an unchanged `transformers` model.

    A pass is one row of tokens: in a step one of each text, in reading pieces of a fixed width. The matrix products see
    only shapes that have been seen to give each row the same bits (`_sizes`), and attention is each text's own business
    (slot_attention.py), or, `padded`, one call of the same shape every time (grid_attention.py); such passes can be
    recorded as `graphs`. `kernel`: by a kernel of our own, for GPUs. Raises RuntimeError where there is none.
    """

    def __init__(self, model: Any, slots: int, *, padded: bool, graphs: bool = False, kernel: bool = False) -> None:
        if kernel and ragged_attention is None:
            raise RuntimeError("the kernel needs Triton")
        self.model = model
        self.slots = slots
        self.kernel = kernel
        self.places = PLACES_PADDED if padded else PLACES
        self.window: int | None = min(window_of(model), LONGEST)
        self.cache = SlotCache(slots, self.window, padded)
        self.lengths = [0] * slots
        # Some models warn of padding tokens; what fills a pass is nobody's text.
        self.filler = 1 if model.config.pad_token_id == 0 else 0
        self.hooks: dict[int, tuple[Hook, ...]] = {}
        self.keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters
        model.set_attn_implementation(NAME)
        self.all_slots = torch.arange(slots, device=model.device)
        self.no_layout = Layout([], model.device, self.window)
        self.steps = self._recorded(self._step, [(slots,), (slots,)], graphs)
        places = self.places
        self.reads = self._recorded(self._read_all, [(places * PIECE,), (places,), (places, PIECE), (places,)], graphs)
        self.step_sizes, self.read_sizes, self.mixes = [slots], [places], False
        if not padded:
            self.step_sizes, self.read_sizes, self.mixes = self._sizes()

    def _recorded(self, compute: Callable[..., Tensor], shapes: list[tuple[int, ...]], graphs: bool) -> Recorded:
        buffers = [torch.zeros(shape, dtype=torch.long, device=self.model.device) for shape in shapes]
        return Recorded(compute, buffers, record=graphs)

    def start(self, slot: int, prompt: list[int]) -> list[int]:
        self.lengths[slot] = 0
        return prompt

    def cut(self, remaining: int) -> int:
        return min(remaining, PIECE)

    def read(self, pieces: list[Piece]) -> Tensor:
        places = next(size for size in self.read_sizes if size >= len(pieces))
        return self._read(pieces, places)

    def _read(self, pieces: list[Piece], places: int) -> Tensor:
        ids, spans, last = self._laid_out(pieces, places)
        if self.cache.padded:
            return self._read_grid(ids, spans)[: len(pieces)]
        return self._pass(ids, spans, last + [0] * (self.places - len(last)))[: len(pieces)]

    def _laid_out(self, pieces: list[Piece], places: int, before: int = 0) -> tuple[list[int], list[Span], list[int]]:
        """Tokens of a pass with so many places, `before` rows of others; what each piece is, and its last row."""
        ids = [self.filler] * (places * PIECE)
        spans = []
        for place, piece in enumerate(pieces):
            first = place * PIECE
            ids[first : first + len(piece.tokens)] = piece.tokens
            spans.append(Span(piece.slot, before + first, before + first + len(piece.tokens), piece.start))
            self.lengths[piece.slot] = piece.start + len(piece.tokens)
        return ids, spans, [span.last - 1 for span in spans]

    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        if self.cache.padded:
            spans = [Span(slot, slot, slot + 1, self.lengths[slot]) for slot in sorted(slots)]
            for slot in slots:
                self.lengths[slot] += 1
            return self._step_grid(tokens, spans)
        rows = next(size for size in self.step_sizes if size >= len(slots))
        return self._step_rows(tokens, sorted(slots), rows)

    def step_and_read(self, tokens: Tensor, slots: list[int], pieces: list[Piece]) -> tuple[Tensor, Tensor]:
        """What `step` and `read` give, in one pass; only where `mixes`."""
        rows = next(size for size in self.step_sizes if size >= len(slots))
        places = next(size for size in self.read_sizes if size >= len(pieces))
        return self._step_and_read(tokens, sorted(slots), pieces, rows, places)

    def _step_and_read(
        self, tokens: Tensor, slots: list[int], pieces: list[Piece], rows: int, places: int
    ) -> tuple[Tensor, Tensor]:
        ids, spans = self._stepping(tokens, slots, rows)
        more, reading, last = self._laid_out(pieces, places, before=rows)
        keep = [*range(rows), *last, *[0] * (self.places - len(last))]
        logits = self._pass(ids + more, spans + reading, keep)
        return self._everybody(logits[:rows], slots), logits[rows : rows + len(pieces)]

    def _step_rows(self, tokens: Tensor, slots: list[int], rows: int) -> Tensor:
        ids, spans = self._stepping(tokens, slots, rows)
        return self._everybody(self._pass(ids, spans, None), slots)

    def _stepping(self, tokens: Tensor, slots: list[int], rows: int) -> tuple[list[int], list[Span]]:
        spans = [Span(slot, row, row + 1, self.lengths[slot]) for row, slot in enumerate(slots)]
        for slot in slots:
            self.lengths[slot] += 1
        ids = tokens[slots].tolist()
        return ids + [self.filler] * (rows - len(ids)), spans

    def _everybody(self, logits: Tensor, slots: list[int]) -> Tensor:
        if len(slots) == self.slots:
            return logits
        everybody = logits.new_zeros(self.slots, logits.shape[-1])
        everybody[slots] = logits[: len(slots)]
        return everybody

    def _sizes(self) -> tuple[list[int], list[int], bool]:
        """Rows of a step and pieces of a reading pass, smallest first, that give the same bits as full ones, and whether
        steps and reading give them in one pass, too.

        Libraries may sum in another order for another number of rows. So it is tried, on this machine and with this
        model: the same text in every row, at every size, must come out the same.
        """
        numbers = torch.Generator().manual_seed(1)
        drawn = torch.randint(
            self.model.get_input_embeddings().weight.shape[0], (2 * PIECE,), generator=numbers
        ).tolist()

        def stepped(rows: int) -> Tensor:
            mine = list(range(rows))
            self.lengths = [0] * self.slots
            return torch.stack(
                [self._step_rows(torch.full((self.slots,), drawn[i]), mine, rows)[:rows] for i in range(2)], 1
            )

        def read(places: int) -> Tensor:
            starts = [start for start in (0, PIECE) if start + PIECE <= (self.window or 0)] or [0]
            width = min(PIECE, self.window or PIECE)
            mine = range(min(places, self.slots))
            found = [
                self._read([Piece(slot, start, drawn[start : start + width]) for slot in mine], places)
                for start in starts
            ]
            return torch.stack(found, 1)

        def alike(sizes: list[int], run: Callable[[int], Tensor]) -> list[int]:
            full = run(sizes[-1])
            same = [size for size in sizes[:-1] if bool((run(size) == full[0]).all())]
            return [*(same if bool((full == full[0]).all()) else []), sizes[-1]]

        def mixed(rows: int, places: int) -> bool:
            stepping = min(rows, self.slots - 1)
            others = list(range(stepping, min(self.slots, stepping + places)))
            width = min(PIECE, self.window or PIECE)
            alone = stepped(self.slots)[0, 0], read(PLACES)[0, 0]
            self.lengths = [0] * self.slots
            step, last = self._step_and_read(
                torch.full((self.slots,), drawn[0]),
                list(range(stepping)),
                [Piece(slot, 0, drawn[:width]) for slot in others],
                rows,
                places,
            )
            return bool((step[:stepping] == alone[0]).all()) and bool((last == alone[1]).all())

        steps = sorted({size for size in STEPS if size < self.slots} | {self.slots})
        step_sizes, read_sizes = alike(steps, stepped), alike([1, 2, PLACES], read)
        mixes = step_sizes == steps and len(steps) > 1 and len(read_sizes) == 3
        mixes = mixes and all(mixed(rows, places) for rows in (steps[0], steps[-1]) for places in (1, PLACES))
        self.lengths = [0] * self.slots
        return step_sizes, read_sizes, mixes

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
        self.reads.forget()
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
        return self._grid_pass(
            tokens, Grid(self.all_slots, at[:, None], self.cache.window, True, self.kernel), looking, None
        )

    @torch.inference_mode()
    def _read_grid(self, ids: list[int], spans: list[Span]) -> Tensor:
        beyond = self.cache.window
        at = [[beyond] * PIECE for _ in range(self.places)]
        slots = [0] * self.places
        last = [0] * self.places
        for place, span in enumerate(spans):
            at[place][: span.last - span.first] = range(span.start, span.end)
            slots[place], last[place] = span.slot, span.last - 1
        device = self.model.device
        inputs = (
            torch.tensor(ids, device=device),
            torch.tensor(slots, device=device),
            torch.tensor(at, device=device),
            torch.tensor(last, device=device),
        )
        if looking := self._looking(spans):
            return self._read_all(*inputs, looking=looking)
        return self.reads(*inputs)

    def _read_all(
        self, ids: Tensor, slots: Tensor, at: Tensor, last: Tensor, looking: list[tuple[Hook, Span]] | None = None
    ) -> Tensor:
        """ids (R * T,) at places (R, T) of slots (R,) -> logits (R, V) of the tokens `last` (R,)."""
        return self._grid_pass(ids, Grid(slots, at, self.cache.window, False, self.kernel), looking, last)

    def _grid_pass(
        self, tokens: Tensor, grid: Grid, looking: list[tuple[Hook, Span]] | None, keep: Tensor | None
    ) -> Tensor:
        positions = grid.at.flatten().clamp(max=self.cache.window - 1)
        this = Pass(self.cache, self.no_layout, shown=looking or [], grid=grid)
        return self._run(this, tokens[None], positions[None], looking or [], keep)

    def _looking(self, spans: list[Span]) -> list[tuple[Hook, Span]]:
        return [(hook, span) for span in spans for hook in self.hooks.get(span.slot, ())]

    @torch.inference_mode()
    def _pass(self, ids: list[int], spans: list[Span], keep: list[int] | None) -> Tensor:
        """All tokens of `ids` in one row -> logits of those in `keep`, or of all."""
        device = self.model.device
        layout = Layout(spans, device, self.cache.window)
        positions = torch.zeros(len(ids), dtype=torch.long, device=device)
        positions[layout.rows] = layout.positions
        looking = self._looking(spans)
        this = Pass(self.cache, layout, shown=looking)
        kept = None if keep is None else torch.tensor(keep, device=device)
        return self._run(this, torch.tensor([ids], device=device), positions[None], looking, kept)

    def _run(
        self, this: Pass, ids: Tensor, positions: Tensor, looking: list[tuple[Hook, Span]], keep: Tensor | None
    ) -> Tensor:
        options: dict[str, Any] = {}
        if keep is not None and self.keeps_logits:
            options["logits_to_keep"] = keep
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
