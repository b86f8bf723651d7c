"""A direction in the states of a model from two sets of texts: the difference of their means (arXiv:2308.10248)."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from demos.engine import OneShot, RequestError, Steering
from demos.engine.hooks import layers_of
from demos.engine.loading import LoadedModel
from demos.engine.one_shot import text_ids
from demos.engine.slot_attention import implementation

LONGEST = 128  # tokens of an example


@dataclass(frozen=True)
class Direction(OneShot):
    """What leaves `layer`, on average over the tokens of the texts on one side, less that of the other side: (E,)."""

    layer: int
    positive: tuple[str, ...]
    negative: tuple[str, ...]

    def work(self, loaded: LoadedModel) -> Generator[None, None, Tensor]:
        layers = layers_of(loaded.model)
        if not 0 <= self.layer < len(layers):
            raise RequestError(f"layer {self.layer} is asked for; model {loaded.name!r} has {len(layers)}, from 0")
        sides = []
        for texts in (self.positive, self.negative):
            means = []
            for text in texts:
                means.append(_mean_state(loaded, layers[self.layer], text))
                yield
            sides.append(torch.stack(means).mean(0))
        return sides[0] - sides[1]


def _mean_state(loaded: LoadedModel, layer: torch.nn.Module, text: str) -> Tensor:
    seen: list[Tensor] = []

    def note(_module: Any, _inputs: Any, output: Any) -> None:
        seen.append((output[0] if isinstance(output, tuple) else output)[0].float())

    handle = layer.register_forward_hook(note)
    try:
        with implementation(loaded.model, loaded.attention):
            loaded.model(torch.tensor([text_ids(loaded, text, LONGEST)], device=loaded.model.device))
    finally:
        handle.remove()
    states = seen[0]
    return states[1:].mean(0) if len(states) > 1 else states[0]  # the start sign's state is like no other


def steering(layer: int, direction: Tensor, strength: float) -> Steering:
    """A hook that adds the direction, `strength` times, to what leaves the layer."""
    return Steering(layer, direction * strength)
