"""What training needs to know about one kind of model."""

from __future__ import annotations

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from ..batches import IGNORED, Batch
from ..recipe import Recipe


class Family:
    """One kind of model: its configuration and recipes, and how its state runs from segment to segment."""

    name: ClassVar[str]
    title: ClassVar[str]
    small: ClassVar[Recipe]  # the shipped size
    paper: ClassVar[Recipe]  # the size of its paper
    stateful: ClassVar[bool] = False
    masked: ClassVar[bool] = False  # finds hidden tokens instead of the next one
    hidden_share: ClassVar[float] = 0.15  # of the tokens, in the masked-LM task while training
    own_rates: ClassVar[dict[str, float]] = {}  # learning rates of parameters whose names contain the key

    def build(self, recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> Any:
        raise NotImplementedError

    def new_state(self, model: Any) -> Any:
        """What the model carries from segment to segment; None for models that carry nothing."""
        return None

    def carry(self, state: Any, forget: Tensor) -> Any:
        """The state for the next segment: cut from the gradient, rows of `forget` (B,) emptied."""
        return state

    def logits(self, model: Any, inputs: Tensor, mask: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        raise NotImplementedError

    def loss(self, model: Any, batch: Batch, state: Any) -> tuple[Tensor, Tensor, Any]:
        """(what is minimised, mean cross-entropy in nats, state after the batch)."""
        logits, state = self.logits(model, batch.inputs, batch.mask, state)
        loss = F.cross_entropy(logits.flatten(0, 1).float(), batch.targets.flatten(), ignore_index=IGNORED)
        return loss, loss.detach(), state

    def finish(self, model: nn.Module) -> None:
        """Make a trained model ready to be saved."""

    def about(self, model: Any, recipe: Recipe) -> str:
        """A paragraph of the model card: what the model is and what it does."""
        raise NotImplementedError


def special_tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    return {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
