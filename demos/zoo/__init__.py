"""The papers' own architectures as `transformers` models.

Importing this package registers them with the Auto classes, so that `AutoModelForCausalLM.from_pretrained`
loads their checkpoints. It imports torch: only workers and training commands may do so.
"""

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
)

from .awd_lstm import AwdLstmConfig, AwdLstmForCausalLM, AwdLstmModel
from .bigs import BigsConfig, BigsForMaskedLM, BigsForSequenceClassification, BigsModel
from .sha_rnn import ShaRnnConfig, ShaRnnForCausalLM, ShaRnnModel

AutoConfig.register(ShaRnnConfig.model_type, ShaRnnConfig)
AutoModel.register(ShaRnnConfig, ShaRnnModel)
AutoModelForCausalLM.register(ShaRnnConfig, ShaRnnForCausalLM)

AutoConfig.register(BigsConfig.model_type, BigsConfig)
AutoModel.register(BigsConfig, BigsModel)
AutoModelForMaskedLM.register(BigsConfig, BigsForMaskedLM)
AutoModelForSequenceClassification.register(BigsConfig, BigsForSequenceClassification)

AutoConfig.register(AwdLstmConfig.model_type, AwdLstmConfig)
AutoModel.register(AwdLstmConfig, AwdLstmModel)
AutoModelForCausalLM.register(AwdLstmConfig, AwdLstmForCausalLM)
