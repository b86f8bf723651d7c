"""BiGS: bidirectional gated state-space models, pretraining without attention (Wang et al. 2022, arXiv:2212.10544)."""

from .configuration_bigs import BigsConfig
from .modeling_bigs import BigsForMaskedLM, BigsForSequenceClassification, BigsModel

__all__ = ["BigsConfig", "BigsForMaskedLM", "BigsForSequenceClassification", "BigsModel"]
