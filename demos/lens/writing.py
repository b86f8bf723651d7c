"""What a text looked at while it was written, step by step."""

from __future__ import annotations

import torch
from torch import Tensor

from demos.engine.hooks import AttentionCapture


def captures(layers: int) -> list[AttentionCapture]:
    """One hook for each layer; given to a GenerationRequest, they fill while it runs."""
    return [AttentionCapture(layer) for layer in range(layers)]


def rows_of(capture: AttentionCapture) -> Tensor:
    """The spans a capture has kept as one map (H, T, T): row t is what token t looked at when it was read or written.

    The last token written has looked at nothing: no further one was asked for.
    """
    size = max(start + weights.shape[1] for start, weights in capture.spans)
    whole = torch.zeros(capture.spans[0][1].shape[0], size, size)
    for start, weights in capture.spans:
        whole[:, start : start + weights.shape[1], : weights.shape[2]] = weights
    return whole


def glance(hooks: list[AttentionCapture], most: int = 3) -> list[tuple[int, float]]:
    """What the newest token was chosen by looking at most, over all layers and heads: (place, share)."""
    rows = [hook.spans[-1][1][:, -1].mean(0) for hook in hooks if hook.spans]
    if not rows:
        return []
    mean = torch.stack(rows).mean(0)
    best = mean.topk(min(most, len(mean)))
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
