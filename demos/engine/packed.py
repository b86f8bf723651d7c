"""A model whose matrices lie as the CPU's library likes them best: the same products, about twice as fast for few rows.

A step multiplies 16 rows with every matrix of the model, and most of that time goes into reading the matrices and laying
them out anew each time. oneDNN can be given them laid out once. What comes out depends on no other row and, unlike with
matrices as they are, from two rows on not on their number either (KeyValueSlots tries that with each model).
"""

from __future__ import annotations

import copy
import logging
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.activations import NewGELUActivation
from transformers.pytorch_utils import Conv1D

logger = logging.getLogger(__name__)

# Smaller ones gain nothing.
SMALLEST = 2**14


class PackedLinear(nn.Module):
    """x (..., I) -> (..., O), as the layer it stands for."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """weight (O, I)."""
        super().__init__()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())
        self.bias = bias
        self.out_features, self.in_features = weight.shape

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


class PackedLstm(nn.Module):
    """A one-layer LSTM whose single steps use packed matrices; longer segments are the original's work."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = [lstm]  # not a child: its weights are the other model's
        self.hidden_size = lstm.hidden_size
        w_ih, w_hh, b_ih, b_hh = lstm.all_weights[0]
        self.inward = PackedLinear(w_ih, nn.Parameter((b_ih + b_hh).detach(), requires_grad=False))
        self.onward = PackedLinear(w_hh, None)

    def forward(self, hidden: Tensor, state: tuple[Tensor, Tensor] | None = None) -> Any:
        return self.lstm[0](hidden, state)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, I), h and c (B, E) -> the next h and c."""
        i, f, g, o = (self.inward(x) + self.onward(h)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


def can_pack(device: str, dtype: torch.dtype | None) -> bool:
    """Whether this machine and this torch have what it takes."""
    if device != "cpu" or dtype not in (None, torch.float32) or not torch.backends.mkldnn.is_available():
        return False
    try:
        layer = PackedLinear(torch.ones(4, 8), None)
        return bool((layer(torch.ones(2, 8)) == 8).all())
    except (RuntimeError, AttributeError) as error:  # operators of torch's own compiler: another torch may lack them
        logger.info("matrices are not packed: %s", error)
        return False


@torch.no_grad()
def packed_twin(model: Any) -> Any:
    """A model that shares everything with this one but what has a faster form. The given one stays as it is."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    twin = copy.deepcopy(model, shared)
    for module in list(twin.modules()):
        for name, child in module.named_children():
            if (packed := _packed(child)) is not None:
                setattr(module, name, packed)
    return twin


def _packed(layer: nn.Module) -> nn.Module | None:
    if type(layer) is nn.Dropout:  # a twin never trains
        return nn.Identity()
    if type(layer) is NewGELUActivation:  # eight operations where torch has one for the same formula
        return nn.GELU(approximate="tanh")
    # Exactly these classes: what is derived from them may do more.
    if type(layer) in (nn.Linear, Conv1D):
        weight, bias = cast(Tensor, layer.weight), cast(Tensor | None, layer.bias)
        if weight.numel() >= SMALLEST:
            return PackedLinear(weight if type(layer) is nn.Linear else weight.T, bias)
    if type(layer) is nn.LSTM and layer.num_layers == 1 and layer.batch_first and not layer.bidirectional:
        return PackedLstm(layer) if layer.bias and not layer.proj_size else None
    return None
