"""Slots for models that read a text with an encoder and write another with a decoder: T5 and its like."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from .decoder import OneAtATime, Piece, no_hooks
from .hooks import Hook
from .key_value import PIECE, start_token, window_of
from .slot_attention import NAME, Layout, Pass, SlotCache, Span, implementation, running

# Tokens an output may have; models of this kind with relative positions state no bound of their own.
LONGEST_OUTPUT = 1024


class EncoderDecoderSlots(OneAtATime):
    """A prompt is encoded once, alone; its decoder steps with all others, each looking at its own encoded text.

    What cross attention needs of an encoded text, keys and values of each layer, is computed once by the model itself
    and kept as it is, at its own length.
    """

    def __init__(self, model: Any, slots: int) -> None:
        self.model = model
        self.slots = slots
        self.places = 1
        self.window: int | None = min(window_of(model), LONGEST_OUTPUT)
        self.first = start_token(model)
        self.cache = SlotCache(slots, self.window, padded=False)
        self.lengths = [0] * slots
        self.markers = [torch.empty(1, 1, 1, 1) for _ in range(decoder_layers(model))]
        self.crossed: dict[int, list[tuple[Tensor, Tensor] | None]] = {
            layer: [None] * slots for layer in range(len(self.markers))
        }
        self.own = model.config._attn_implementation
        self.bias = position_bias(model, self.window)
        self.nothing = BaseModelOutput(
            torch.zeros(1, 1, model.config.hidden_size, dtype=model.dtype, device=model.device)
        )

    @torch.inference_mode()
    def start(self, slot: int, prompt: list[int]) -> list[int]:
        ids = torch.tensor([prompt], device=self.model.device)
        begin = torch.tensor([[self.first]], device=self.model.device)
        with implementation(self.model, self.own):
            crossed = self.model(
                input_ids=ids, decoder_input_ids=begin, use_cache=True
            ).past_key_values.cross_attention_cache
        for layer, kept in self.crossed.items():
            kept[slot] = (crossed.layers[layer].keys, crossed.layers[layer].values)
        self.lengths[slot] = 0
        return [self.first]

    def cut(self, remaining: int) -> int:
        return 0 if remaining == 1 else min(remaining, PIECE)

    def read(self, pieces: list[Piece]) -> Tensor:
        piece = pieces[0]
        tokens = piece.tokens + [0] * (PIECE - len(piece.tokens))
        self.lengths[piece.slot] = piece.start + len(piece.tokens)
        logits = self._pass(tokens, [Span(piece.slot, 0, len(piece.tokens), piece.start)])
        return logits[len(piece.tokens) - 1][None]

    def step(self, tokens: Tensor, slots: list[int]) -> Tensor:
        spans = [Span(slot, slot, slot + 1, self.lengths[slot]) for slot in sorted(slots)]
        for slot in slots:
            self.lengths[slot] += 1
        return self._pass(tokens.tolist(), spans)

    def watch(self, slot: int, hooks: tuple[Hook, ...]) -> None:
        no_hooks(hooks)

    def release(self, slot: int) -> None:
        for kept in self.crossed.values():
            kept[slot] = None

    def free(self) -> None:
        self.cache.free()

    @torch.inference_mode()
    def _pass(self, ids: list[int], spans: list[Span]) -> Tensor:
        layout = Layout(spans, self.model.device, self.cache.window)
        markers = {id(marker): layer for layer, marker in enumerate(self.markers)}
        this = Pass(self.cache, layout, self.bias, self.crossed, markers)
        past = EncoderDecoderCache(self.cache, _Encoded(self.markers))
        past.is_updated = dict.fromkeys(range(len(self.markers)), True)
        with implementation(self.model, NAME), running(this):
            return self.model(
                encoder_outputs=self.nothing,
                decoder_input_ids=torch.tensor([ids], device=self.model.device),
                past_key_values=past,
                use_cache=True,
            ).logits[0]


class _Encoded(Cache):
    """Stands where a model keeps its encoded texts: layer by layer a marker, by which attention finds the real ones."""

    def __init__(self, markers: list[Tensor]) -> None:
        super().__init__(layers=[])
        self.layers = [SimpleNamespace(keys=marker, values=marker) for marker in markers]

    def __len__(self) -> int:
        return 0

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0


def decoder_layers(model: Any) -> int:
    for name in ("num_decoder_layers", "decoder_layers", "num_hidden_layers"):
        value = getattr(model.config, name, None)
        if isinstance(value, int):
            return value
    raise ValueError(f"{type(model).__name__} does not say how many layers its decoder has")


@torch.inference_mode()
def position_bias(model: Any, window: int) -> Tensor | None:
    """(H, window): what the decoder adds to the score of a key so many tokens back, the nearest last; None if nothing."""
    for module in model.get_decoder().modules():
        if getattr(module, "has_relative_attention_bias", False) and hasattr(module, "compute_bias"):
            assert isinstance(module, nn.Module)
            return module.compute_bias(1, window, past_seen_tokens=window - 1)[0, :, 0]  # type: ignore[operator]
    return None
