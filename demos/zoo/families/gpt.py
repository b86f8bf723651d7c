"""GPT: the Transformer to compare with, `transformers`' own GPT-2."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from ..recipe import Recipe
from .base import Family, special_tokens


class GptFamily(Family):
    name = "gpt"
    title = "GPT"
    small = Recipe(
        hidden_size=320, config={"n_head": 5}, batch_size=3, segment=512, learning_rate=1.5e-3, weight_decay=0.1
    )
    paper = Recipe(
        hidden_size=768,
        num_hidden_layers=12,
        dropout=0.1,
        config={"n_head": 12},
        batch_size=64,
        segment=512,
        learning_rate=2.5e-4,
        betas=(0.9, 0.98),
        weight_decay=0.01,
        warmup_steps=2000,
        steps=100_000,
    )

    def build(self, recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
        config = GPT2Config(
            vocab_size=len(tokenizer),
            n_positions=recipe.segment,
            n_embd=recipe.hidden_size,
            n_layer=recipe.num_hidden_layers,
            embd_pdrop=recipe.dropout,
            resid_pdrop=recipe.dropout,
            attn_pdrop=recipe.dropout,
            **special_tokens(tokenizer),
            **recipe.config,
        )
        return GPT2LMHeadModel(config)

    def logits(self, model: Any, inputs: Tensor, mask: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        # Padding stands on the right, where no real token looks: no mask is needed.
        return model(inputs, use_cache=False).logits, None

    def about(self, model: Any, recipe: Recipe) -> str:
        config = model.config
        return (
            f"A GPT (`transformers`' GPT-2): {config.n_layer} layers of width {config.n_embd}, {config.n_head} heads "
            f"each, up to\n{config.n_positions} tokens, {config.vocab_size} pieces. It has about as many weights as the "
            "SHA-RNN beside it and the same pieces,\nso that the two can be compared."
        )
