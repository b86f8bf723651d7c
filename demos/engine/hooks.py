"""Looking into a request, or changing it, while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .request import RequestError


class Hook(Protocol):
    """Sees one request's own rows in one layer. Called on the engine's thread; must not wait."""

    layer: int

    def hidden(self, states: Tensor, start: int) -> Tensor | None:
        """`states` (n, E) leave the layer for the tokens at `start`, `start` + 1, ...; what is returned replaces them."""
        ...

    def attention(self, weights: Tensor, start: int) -> None:
        """`weights` (H, n, L) of the tokens at `start`, ... over the L tokens so far."""
        ...


@dataclass
class Steering:
    """Adds a vector (E,) to what leaves a layer, for every token from `start` on."""

    layer: int
    vector: Tensor
    start: int = 0

    def hidden(self, states: Tensor, start: int) -> Tensor | None:
        begin = max(0, self.start - start)
        if begin >= len(states):
            return None
        steered = states.clone()
        steered[begin:] += self.vector.to(states)
        return steered

    def attention(self, weights: Tensor, start: int) -> None:
        pass


@dataclass
class AttentionCapture:
    """Keeps the attention weights of a layer: for each span of tokens its start and (H, n, L)."""

    layer: int
    spans: list[tuple[int, Tensor]] = field(default_factory=list)

    def hidden(self, states: Tensor, start: int) -> Tensor | None:
        return None

    def attention(self, weights: Tensor, start: int) -> None:
        self.spans.append((start, weights.float().cpu()))


def layers_of(model: Any) -> nn.ModuleList:
    """The stack of layers a decoder consists of. Raises RequestError for a model without one."""
    count = getattr(model.config, "num_hidden_layers", None)
    for module in model.get_decoder().modules() if hasattr(model, "get_decoder") else model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise RequestError(f"a {type(model).__name__} shows no layers that could be looked into")


@contextmanager
def watching(model: Any, rows: list[tuple[Hook, int, int, int]]) -> Iterator[None]:
    """Within it, each (hook, first, last, start) gets rows `first`..`last` of a pass (1, N, E), the tokens at `start`..."""
    if not rows:
        yield
        return
    layers = layers_of(model)
    with ExitStack() as stack:
        for layer in {hook.layer for hook, *_ in rows}:
            mine = [row for row in rows if row[0].layer == layer]
            handle = layers[layer].register_forward_hook(_replacing(mine))
            stack.callback(handle.remove)
        yield


def _replacing(rows: list[tuple[Hook, int, int, int]]) -> Callable[[nn.Module, Any, Any], Any]:
    def after(module: nn.Module, inputs: Any, output: Any) -> Any:
        states: Tensor = output[0] if isinstance(output, tuple) else output
        changed = states
        for hook, first, last, start in rows:
            new = hook.hidden(changed[0, first:last], start)
            if new is not None:
                changed = torch.cat([changed[:, :first], new[None], changed[:, last:]], 1)
        if changed is states:
            return None
        return (changed, *output[1:]) if isinstance(output, tuple) else changed

    return after
