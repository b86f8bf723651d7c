"""AWD-LSTM: a state from segment to segment, penalties on the last LSTM's outputs."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from ..awd_lstm import AwdLstmCache, AwdLstmConfig, AwdLstmForCausalLM
from ..batches import Batch
from ..recipe import Recipe
from .base import Family, special_tokens


class AwdLstmFamily(Family):
    name = "awd-lstm"
    title = "AWD-LSTM"
    stateful = True
    # The dropouts are for many rounds over a small text; a run that reads each text about once needs none.
    small = Recipe(
        config={
            "inner_size": 512,
            "dropout_between": 0.0,
            "dropout_input": 0.0,
            "dropout_words": 0.0,
            "dropout_recurrent": 0.0,
            "activation_penalty": 0.0,
            "temporal_penalty": 0.0,
        },
        num_hidden_layers=3,
        clip=0.25,
    )
    # The authors' recipe for enwik8; their sizes and dropouts for the Penn Treebank are AwdLstmConfig's defaults.
    paper = Recipe(
        hidden_size=400,
        num_hidden_layers=3,
        dropout=0.4,
        config={
            "inner_size": 1840,
            "dropout_between": 0.1,
            "dropout_input": 0.1,
            "dropout_words": 0.0,
            "dropout_recurrent": 0.2,
            "activation_penalty": 0.0,
            "temporal_penalty": 0.0,
            "pointer": "none",
        },
        batch_size=128,
        segment=200,
        vary_segment=True,
        scale_rate=True,
        optimizer="adamw",
        learning_rate=1e-3,
        betas=(0.9, 0.999),
        weight_decay=1.2e-6,
        clip=0.25,
        steps=175_000,
    )

    def build(self, recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> AwdLstmForCausalLM:
        further: dict[str, Any] = {**special_tokens(tokenizer), **recipe.config}
        config = AwdLstmConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.num_hidden_layers,
            dropout=recipe.dropout,
            **further,
        )
        return AwdLstmForCausalLM(config)

    def new_state(self, model: Any) -> AwdLstmCache:
        return AwdLstmCache(model.config)

    def carry(self, state: AwdLstmCache, forget: Tensor) -> AwdLstmCache:
        state.detach()
        state.forget(forget)
        return state

    def logits(self, model: Any, inputs: Tensor, mask: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        output = model(inputs, attention_mask=mask, past_key_values=state, use_cache=True)
        return output.logits, output.past_key_values

    def loss(self, model: Any, batch: Batch, state: Any) -> tuple[Tensor, Tensor, Any]:
        config = model.config
        output = model(batch.inputs, past_key_values=state, use_cache=True, output_hidden_states=True)
        loss = F.cross_entropy(output.logits.flatten(0, 1).float(), batch.targets.flatten())
        last = output.hidden_states[-1]
        penalised = loss
        if config.activation_penalty:
            penalised = penalised + config.activation_penalty * last.pow(2).mean()
        if config.temporal_penalty:
            penalised = penalised + config.temporal_penalty * (last[:, 1:] - last[:, :-1]).pow(2).mean()
        return penalised, loss.detach(), output.past_key_values

    def about(self, model: Any, recipe: Recipe) -> str:
        config = model.config
        pointer = {
            "none": "",
            "cache": f" A continuous cache over the last {config.pointer_window} words has {config.cache_share:.0%} of "
            "the probability (Grave et al. 2016).",
            "sentinel": f" A pointer sentinel looks over the last {config.pointer_window} words (Merity et al. 2016).",
        }[config.pointer]
        return (
            f"An AWD-LSTM (Merity, Keskar and Socher 2017, arXiv:1708.02182): {config.num_hidden_layers} LSTMs of "
            f"inner width {config.inner_size},\nembeddings of {config.hidden_size} that are the output's, too, "
            f"{config.vocab_size} pieces.{pointer}"
        )
