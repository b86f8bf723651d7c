"""Attention of many texts in one call of a shape that never changes, for devices that like few and equal calls.

On a GPU a kernel looks at each text's own tokens (ragged_attention.py); without it, it is one product over the whole
window, with a mask. No shape depends on who is being served, so nobody's numbers do, and a pass can be recorded and
replayed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

try:  # comes with torch for CUDA, and not with torch for a CPU
    from .ragged_attention import ragged_attention
except ImportError:
    ragged_attention = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

WARM_UP = 2  # runs before a recording: libraries choose their ways and set memory aside


@dataclass
class Grid:
    """A pass of R x T tokens, in one row of R * T: `at` (R, T) are their places in the texts of `slots` (R,).

    What is nobody's token has its place behind the window, where nobody looks. `all_slots`: the rows are all slots in order.
    """

    slots: Tensor
    at: Tensor
    window: int
    all_slots: bool
    kernel: bool = False  # look at each text's own tokens only
    masks: dict[int | None, Tensor] = field(default_factory=dict)

    def store(self, kept: Tensor, states: Tensor) -> None:
        """Write states (1, G, R * T, D) to kept (S, window + 1, G, D)."""
        places = self.slots[:, None] * kept.shape[1] + self.at
        kept.flatten(0, 1).index_copy_(0, places.flatten(), states[0].transpose(0, 1))

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, scaling: float | None, wide: int | None) -> Tensor:
        """query (1, H, R * T, D) over what is kept -> (1, R * T, H, D)."""
        if self.kernel:
            return ragged_attention(query, keys, values, self.slots, self.at, scaling, wide)
        rows, width = self.at.shape
        heads, size = query.shape[1], query.shape[3]
        if not self.all_slots:
            keys, values = keys[self.slots], values[self.slots]
        keys, values = keys.transpose(1, 2), values.transpose(1, 2)
        groups = heads // keys.shape[1]
        # Heads that share a key are so many queries of one head.
        q = query[0].view(keys.shape[1], groups, rows, width, size).permute(2, 0, 1, 3, 4)
        q = q.reshape(rows, keys.shape[1], groups * width, size)
        out = F.scaled_dot_product_attention(
            q, keys, values, attn_mask=self._mask(wide).repeat(1, 1, groups, 1), scale=scaling
        )
        out = out.view(rows, keys.shape[1], groups, width, -1).permute(0, 3, 1, 2, 4)
        return out.reshape(1, rows * width, heads, -1)

    def _mask(self, wide: int | None) -> Tensor:
        """(R, 1, T, window + 1): what each token may see; one for all layers that look equally far."""
        if wide not in self.masks:
            places = torch.arange(self.window + 1, device=self.at.device)
            seen = places <= self.at[:, :, None]
            if wide:
                seen &= places > self.at[:, :, None] - wide
            self.masks[wide] = seen[:, None]
        return self.masks[wide]


class Recorded:
    """A computation of fixed shapes, recorded as a CUDA graph when it has run a few times, then replayed.

    A model that cannot be recorded (it waits for numbers in the middle of a step) is computed anew each time.
    """

    def __init__(self, compute: Callable[..., Tensor], buffers: list[Tensor], *, record: bool) -> None:
        self.compute = compute
        self.buffers = buffers
        self.record = record
        self.runs = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.output: Tensor | None = None

    def __call__(self, *values: Tensor) -> Tensor:
        for buffer, value in zip(self.buffers, values, strict=True):
            buffer.copy_(value)
        if self.record and self.graph is None and self.runs >= WARM_UP:
            self._record()
        self.runs += 1
        if self.graph is not None and self.output is not None:
            self.graph.replay()
            return self.output.clone()  # the next replay writes over it
        return self.compute(*self.buffers)

    def _record(self) -> None:
        try:
            graph = torch.cuda.CUDAGraph()
            # Another thread may be loading a model meanwhile.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self.output = self.compute(*self.buffers)
            self.graph = graph
        except Exception as error:  # whatever a model does that cannot be recorded
            logger.warning("steps are not recorded: %s", f"{type(error).__name__}: {error}"[:300])
            self.record, self.output = False, None

    def forget(self) -> None:
        """The memory that was recorded is given up; it is recorded anew later."""
        self.graph, self.output, self.runs = None, None, 0
