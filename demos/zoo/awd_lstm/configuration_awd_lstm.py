"""Configuration of AWD-LSTM (Merity, Keskar and Socher 2017, arXiv:1708.02182)."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig

POINTERS = ("none", "cache", "sentinel")


class AwdLstmConfig(PretrainedConfig):
    """Sizes, dropouts and pointer of an AWD-LSTM. Defaults are the paper's for the Penn Treebank.

    `hidden_size` is the width of the embedding and of the last LSTM, which share their weights with the output;
    `inner_size` that of the LSTMs between. `pointer` names what may repeat words of the text itself:

    * `cache`: the continuous cache of Grave et al. (2016), untrained; `cache_theta` sharpens its softmax and
      `cache_share` of the probability is its. `cache_waits` keeps it silent until `pointer_window` words have been
      read, as the released script does.
    * `sentinel`: the pointer sentinel mixture of Merity et al. (2016), trained with the model.

    `activation_penalty` and `temporal_penalty` are the paper's alpha and beta.
    """

    model_type = "awd_lstm"

    def __init__(
        self,
        vocab_size: int = 10000,
        hidden_size: int = 400,
        inner_size: int = 1150,
        num_hidden_layers: int = 3,
        dropout: float = 0.4,
        dropout_between: float = 0.25,
        dropout_input: float = 0.4,
        dropout_words: float = 0.1,
        dropout_recurrent: float = 0.5,
        activation_penalty: float = 2.0,
        temporal_penalty: float = 1.0,
        pointer: str = "cache",
        pointer_window: int = 500,
        cache_theta: float = 1.0,
        cache_share: float = 0.1,
        cache_waits: bool = False,
        tie_word_embeddings: bool = True,
        use_cache: bool = True,
        bos_token_id: int | None = 0,
        eos_token_id: int | None = 0,
        pad_token_id: int | None = None,
        **kwargs: Any,
    ) -> None:
        if pointer not in POINTERS:
            raise ValueError(f"pointer {pointer!r} is unknown; expected one of {', '.join(POINTERS)}")
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.inner_size = inner_size
        self.num_hidden_layers = num_hidden_layers
        self.dropout = dropout
        self.dropout_between = dropout_between
        self.dropout_input = dropout_input
        self.dropout_words = dropout_words
        self.dropout_recurrent = dropout_recurrent
        self.activation_penalty = activation_penalty
        self.temporal_penalty = temporal_penalty
        self.pointer = pointer
        self.pointer_window = pointer_window
        self.cache_theta = cache_theta
        self.cache_share = cache_share
        self.cache_waits = cache_waits
        self.use_cache = use_cache
        super().__init__(
            bos_token_id=bos_token_id,
            eos_token_id=eos_token_id,
            pad_token_id=pad_token_id,
            tie_word_embeddings=tie_word_embeddings,
            **kwargs,
        )
