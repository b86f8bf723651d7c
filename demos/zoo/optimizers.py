"""Optimizers: AdamW, and LAMB with SHA-RNN's floor under the trust ratio."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from .recipe import Recipe


class Lamb(torch.optim.Optimizer):
    """LAMB (You et al. 2019): Adam's step, scaled per weight matrix by |weights| / |step|.

    As in SHA-RNN's training the ratio is kept within [`min_trust`, 10] and moments are not bias-corrected; the norm of
    the weights is counted up to 10.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        min_trust: float = 0.25,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "min_trust": min_trust}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            slow, slower = group["betas"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
                mean, square = state["mean"], state["square"]
                mean.mul_(slow).add_(weight.grad, alpha=1 - slow)
                square.mul_(slower).addcmul_(weight.grad, weight.grad, value=1 - slower)
                step = mean / square.sqrt().add_(group["eps"])
                if group["weight_decay"]:
                    step.add_(weight, alpha=group["weight_decay"])
                size, length = weight.norm().clamp(0, 10), step.norm()
                trust = torch.where((size > 0) & (length > 0), size / length, torch.ones_like(size))
                weight.add_(step * trust.clamp(group["min_trust"], 10.0), alpha=-group["lr"])
        return loss


def build_optimizer(model: nn.Module, recipe: Recipe, own_rates: dict[str, float]) -> torch.optim.Optimizer:
    """Matrices decay, vectors do not. `own_rates` gives learning rates by part of a parameter's name, without decay."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    own: dict[str, list[nn.Parameter]] = {part: [] for part in own_rates}
    for name, weight in model.named_parameters():
        part = next((part for part in own_rates if part in name), None)
        if part is not None:
            own[part].append(weight)
        else:
            (decayed if weight.ndim > 1 else plain).append(weight)
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": recipe.weight_decay, "share": 1.0},
        {"params": plain, "weight_decay": 0.0, "share": 1.0},
    ]
    for part, weights in own.items():
        if weights:
            groups.append({"params": weights, "weight_decay": 0.0, "share": own_rates[part] / recipe.learning_rate})
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {"adamw": torch.optim.AdamW, "lamb": Lamb}
    return kinds[recipe.optimizer](groups, lr=recipe.learning_rate, betas=recipe.betas)
