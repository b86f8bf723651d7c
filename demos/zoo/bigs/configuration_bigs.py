"""Configuration of BiGS (Wang, Yan, Gu and Rush 2022, arXiv:2212.10544)."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig


class BigsConfig(PretrainedConfig):
    """Sizes of a BiGS encoder. Defaults are the paper's: 23 layers, about as many weights as BERT-large.

    `state_size` counts the complex states of each kernel. `step_min` and `step_max` bound the discretisation step that
    a new kernel is drawn with.
    """

    model_type = "bigs"

    def __init__(
        self,
        vocab_size: int = 30522,
        hidden_size: int = 1024,
        num_hidden_layers: int = 23,
        intermediate_size: int = 3072,
        state_size: int = 64,
        dropout: float = 0.1,
        max_position_embeddings: int = 512,
        type_vocab_size: int = 2,
        layer_norm_eps: float = 1e-12,
        initializer_range: float = 0.02,
        step_min: float = 0.01,
        step_max: float = 1.0,
        tie_word_embeddings: bool = True,
        pad_token_id: int | None = 0,
        **kwargs: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.intermediate_size = intermediate_size
        self.state_size = state_size
        self.dropout = dropout
        self.max_position_embeddings = max_position_embeddings
        self.type_vocab_size = type_vocab_size
        self.layer_norm_eps = layer_norm_eps
        self.initializer_range = initializer_range
        self.step_min = step_min
        self.step_max = step_max
        super().__init__(pad_token_id=pad_token_id, tie_word_embeddings=tie_word_embeddings, **kwargs)
