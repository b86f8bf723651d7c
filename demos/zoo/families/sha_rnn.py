"""SHA-RNN: a state from segment to segment, back-propagation through one segment."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from ..recipe import Recipe
from ..sha_rnn import ShaRnnCache, ShaRnnConfig, ShaRnnForCausalLM
from .base import Family, special_tokens


class ShaRnnFamily(Family):
    name = "sha-rnn"
    title = "SHA-RNN"
    stateful = True
    small = Recipe(config={"memory_size": 512, "lstm_residual": True, "initializer_range": 0.03})
    paper = Recipe(
        hidden_size=1024,
        dropout=0.1,
        batch_size=16,
        segment=1024,
        vary_segment=True,
        optimizer="lamb",
        learning_rate=2e-3,
        betas=(0.9, 0.999),
        weight_decay=1.2e-6,
        warmup_steps=800,
        clip=0.25,
        forget_rate=0.025,
        steps=190_000,
    )

    def build(self, recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> ShaRnnForCausalLM:
        further: dict[str, Any] = {**special_tokens(tokenizer), **recipe.config}
        config = ShaRnnConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.num_hidden_layers,
            dropout=recipe.dropout,
            **further,
        )
        return ShaRnnForCausalLM(config)

    def new_state(self, model: Any) -> ShaRnnCache:
        return ShaRnnCache(model.config)

    def carry(self, state: ShaRnnCache, forget: Tensor) -> ShaRnnCache:
        state.detach()
        state.forget(forget)
        return state

    def logits(self, model: Any, inputs: Tensor, mask: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        output = model(inputs, attention_mask=mask, past_key_values=state)
        return output.logits, output.past_key_values

    def finish(self, model: nn.Module) -> None:
        model.model.collapse_gates()  # type: ignore[operator, union-attr]

    def about(self, model: Any, recipe: Recipe) -> str:
        config = model.config
        heads = ", ".join(str(layer + 1) for layer in config.attention_layers)
        changed = (
            "\nIt differs from the released code in a residual connection around each LSTM (`lstm_residual`)."
            if config.lstm_residual
            else ""
        )
        return (
            f"A SHA-RNN (Merity 2019, arXiv:1911.11423): {config.num_hidden_layers} blocks of width "
            f"{config.hidden_size}, one attention\nhead in block {heads} with a memory of {config.memory_size} tokens, "
            f"{config.vocab_size} pieces." + changed
        )
