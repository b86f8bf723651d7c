"""Configuration of SHA-RNN (Merity 2019, arXiv:1911.11423)."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig


class ShaRnnConfig(PretrainedConfig):
    """Sizes and switches of a SHA-RNN.

    Defaults are the paper's enwik8 model with one head: 4 blocks of width 1,024, the head in the last
    block but one, a memory of 5,000 tokens.

    `attention_layers` lists the blocks (0-based) that carry the single head; None means the last but one.
    `collapsed_gates` says whether the value gate is stored as its final vector (what the released code
    calls "vq_collapse") instead of the over-parametrised layer it is trained with.
    `lstm_residual` adds each LSTM's input to its output: the released code has the switch and leaves it off;
    a small model trained for hours instead of days stands still without it.
    `initializer_range` None means the released 0.1 / sqrt(hidden_size).
    """

    model_type = "sha_rnn"

    def __init__(
        self,
        vocab_size: int = 205,
        hidden_size: int = 1024,
        num_hidden_layers: int = 4,
        boom_factor: int = 4,
        attention_layers: list[int] | None = None,
        memory_size: int = 5000,
        dropout: float = 0.1,
        layer_norm_eps: float = 1e-12,
        collapsed_gates: bool = False,
        lstm_residual: bool = False,
        initializer_range: float | None = None,
        tie_word_embeddings: bool = True,
        use_cache: bool = True,
        bos_token_id: int | None = 0,
        eos_token_id: int | None = 0,
        pad_token_id: int | None = None,
        **kwargs: Any,
    ) -> None:
        if attention_layers is None:
            attention_layers = [max(0, num_hidden_layers - 2)]
        outside = [i for i in attention_layers if not 0 <= i < num_hidden_layers]
        if outside:
            raise ValueError(
                f"attention_layers {outside} are not among the {num_hidden_layers} blocks (0 to {num_hidden_layers - 1})"
            )
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = 1
        self.boom_factor = boom_factor
        self.attention_layers = attention_layers
        self.memory_size = memory_size
        self.dropout = dropout
        self.layer_norm_eps = layer_norm_eps
        self.collapsed_gates = collapsed_gates
        self.lstm_residual = lstm_residual
        self.initializer_range = initializer_range
        self.use_cache = use_cache
        super().__init__(
            bos_token_id=bos_token_id,
            eos_token_id=eos_token_id,
            pad_token_id=pad_token_id,
            tie_word_embeddings=tie_word_embeddings,
            **kwargs,
        )
