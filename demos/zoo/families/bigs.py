"""BiGS: finds hidden words, reading whole documents in both directions."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from ..batches import IGNORED, Batch
from ..bigs import BigsConfig, BigsForMaskedLM
from ..recipe import Recipe
from .base import Family, special_tokens


class BigsFamily(Family):
    name = "bigs"
    title = "BiGS"
    masked = True
    hidden_share = 0.2  # more to learn from each text than the usual 15 %: a small run sees every text about once
    small = Recipe(
        hidden_size=320,
        num_hidden_layers=4,
        config={"intermediate_size": 640, "initializer_range": 0.06},
        batch_size=2,
        segment=512,
        learning_rate=2e-3,
    )
    paper = Recipe(
        hidden_size=1024,
        num_hidden_layers=23,
        dropout=0.1,
        config={"intermediate_size": 3072},
        batch_size=1024,
        segment=128,
        learning_rate=6e-4,
        betas=(0.9, 0.98),
        weight_decay=0.05,
        warmup_steps=5000,
        steps=100_000,
    )
    own_rates = {"kernel_": 1e-3}  # noqa: RUF012

    def build(self, recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> BigsForMaskedLM:
        further: dict[str, Any] = {**special_tokens(tokenizer), **recipe.config}
        config = BigsConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.num_hidden_layers,
            max_position_embeddings=recipe.segment,
            dropout=recipe.dropout,
            **further,
        )
        return BigsForMaskedLM(config)

    def logits(self, model: Any, inputs: Tensor, mask: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        return model(inputs, attention_mask=mask).logits, None

    def loss(self, model: Any, batch: Batch, state: Any) -> tuple[Tensor, Tensor, Any]:
        wanted = batch.targets != IGNORED
        hidden = model.model(batch.inputs, attention_mask=batch.mask).last_hidden_state
        # The vocabulary costs as much as a layer: only the hidden words are named.
        loss = F.cross_entropy(model.head(hidden[wanted]).float(), batch.targets[wanted])
        return loss, loss.detach(), None

    def about(self, model: Any, recipe: Recipe) -> str:
        config = model.config
        return (
            f"A BiGS (Wang, Yan, Gu and Rush 2022, arXiv:2212.10544), a masked language model without attention: "
            f"{config.num_hidden_layers} layers of width\n{config.hidden_size} (inner width "
            f"{config.intermediate_size}), in each a forward and a backward kernel of {config.state_size} states, up "
            f"to {config.max_position_embeddings} tokens,\n{config.vocab_size} pieces. It fills in words that are "
            "hidden by the mask token."
        )
