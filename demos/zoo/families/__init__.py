"""The kinds of models that `train_lm` trains, by name."""

from .awd_lstm import AwdLstmFamily
from .base import Family
from .bigs import BigsFamily
from .gpt import GptFamily
from .sha_rnn import ShaRnnFamily

_ALL: list[Family] = [ShaRnnFamily(), GptFamily(), BigsFamily(), AwdLstmFamily()]
FAMILIES: dict[str, Family] = {family.name: family for family in _ALL}

__all__ = ["FAMILIES", "Family"]
