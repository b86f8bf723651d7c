"""AWD-LSTM (Merity et al. 2017, arXiv:1708.02182) with a continuous cache or a pointer sentinel."""

from .configuration_awd_lstm import AwdLstmConfig
from .modeling_awd_lstm import AwdLstmCache, AwdLstmForCausalLM, AwdLstmModel

__all__ = ["AwdLstmCache", "AwdLstmConfig", "AwdLstmForCausalLM", "AwdLstmModel"]
