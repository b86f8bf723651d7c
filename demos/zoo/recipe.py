"""How a model is trained: the numbers of a recipe, and where a run stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """Sizes and training of one model. A run ends with its steps, tokens or minutes, whichever come first."""

    hidden_size: int = 320
    num_hidden_layers: int = 4
    dropout: float = 0.0
    config: dict[str, Any] = field(default_factory=dict)  # further fields of the model's configuration
    batch_size: int = 16
    segment: int = 64  # tokens per row and step; for models without a state the longest text
    vary_segment: bool = False  # lengths drawn around `segment`, one in twenty around half of it (Merity et al. 2017)
    scale_rate: bool = False  # the learning rate follows the drawn length
    optimizer: str = "adamw"  # or "lamb"
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    warmup_steps: int = 100
    clip: float = 1.0
    forget_rate: float = 0.02  # share of rows that start with an empty state: generation starts with one, too
    precision: str = "fp32"  # or "bf16", "fp16": matrix products in half precision
    steps: int = 10_000_000
    tokens: float = math.inf
    minutes: float = math.inf  # of computing: on the CPU only the time this process itself had
    clock_minutes: float = math.inf  # by the clock, since this process began: where others use the machine, too
    seed: int = 0
    device: str = "cpu"


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    epoch: int = 0
    column: int = 0  # place within the epoch
    tokens: int = 0
    clock: float = 0.0  # share of the clock's minutes that is behind

    def share(self, recipe: Recipe) -> float:
        """How much of the run is behind, 0 to 1."""
        return max(
            self.step / recipe.steps, self.tokens / recipe.tokens, self.seconds / 60 / recipe.minutes, self.clock
        )

    def learning_rate(self, recipe: Recipe) -> float:
        """Linear warm-up, then a cosine to 2 % at the end of the run."""
        warm = min(1.0, (self.step + 1) / recipe.warmup_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.share(recipe))))
        return recipe.learning_rate * warm * (0.02 + 0.98 * cosine)
