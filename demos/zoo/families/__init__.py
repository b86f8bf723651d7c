"""The kinds of models that `train_lm` trains, by name."""

from .base import Family
from .bigs import BigsFamily
from .gpt import GptFamily
from .sha_rnn import ShaRnnFamily

FAMILIES: dict[str, Family] = {family.name: family for family in (ShaRnnFamily(), GptFamily(), BigsFamily())}

__all__ = ["FAMILIES", "Family"]
