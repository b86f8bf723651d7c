"""SHA-RNN: an LSTM with a single attention head (Merity 2019, arXiv:1911.11423)."""

from .configuration_sha_rnn import ShaRnnConfig
from .modeling_sha_rnn import ShaRnnCache, ShaRnnForCausalLM, ShaRnnModel

__all__ = ["ShaRnnCache", "ShaRnnConfig", "ShaRnnForCausalLM", "ShaRnnModel"]
