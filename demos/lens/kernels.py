"""What takes attention's place in models that have none: the kernels of their long convolutions."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from demos.engine.loading import LoadedModel


@dataclass(frozen=True)
class Kernels:
    """For each layer the weight with which a token reaches one that stands 0, 1, 2, ... tokens further on.

    `forward` reads from the left, `backward` from the right; (layers, T) each. They are the model's own and the same for
    every text of that length: what differs from text to text is what they are multiplied with.
    """

    forward: Tensor
    backward: Tensor

    def reach(self) -> list[list[int]]:
        """For each layer and direction the distance within which nine tenths of the kernel's absolute weight lie."""
        return [
            [_within(forward), _within(backward)] for forward, backward in zip(self.forward, self.backward, strict=True)
        ]


def kernels_of(loaded: LoadedModel, ids: list[int]) -> tuple[Kernels | None, Any]:
    """The kernels a model reads these tokens with and its output; (None, None) for a model that has no kernels."""
    if "output_kernels" not in inspect.signature(loaded.model.forward).parameters:
        return None, None
    output = loaded.model(torch.tensor([ids], device=loaded.model.device), output_kernels=True)
    stack = torch.stack(list(output.kernels)).float().cpu()
    return Kernels(stack[:, 0], stack[:, 1]), output


def _within(kernel: Tensor, share: float = 0.9) -> int:
    running = kernel.abs().cumsum(0)
    return int((running < share * running[-1]).sum())
