"""Which decoder suits a loaded model: told by what the model shows, not by its name."""

from __future__ import annotations

from ..zoo.sha_rnn import ShaRnnForCausalLM
from .decoder import Decoder
from .loading import LoadedModel, ModelError
from .recurrent import ShaRnnSlots


def choose_decoder(loaded: LoadedModel, slots: int) -> Decoder:
    """Raises ModelError where there is none."""
    if isinstance(loaded.model, ShaRnnForCausalLM):
        return ShaRnnSlots(loaded.model, slots)
    raise ModelError(f"model {loaded.name!r}: the engine has no slots for a {type(loaded.model).__name__} yet")
