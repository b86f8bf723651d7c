"""Looking into a request, or changing it, while it runs."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Hook(Protocol):
    """Sees one request's own rows in one layer. Called on the engine's thread; must not wait."""

    layer: int

    def hidden(self, states: Tensor, start: int) -> Tensor | None:
        """`states` (n, E) leave the layer for the tokens at `start`, `start` + 1, ...; what is returned replaces them."""
        ...
