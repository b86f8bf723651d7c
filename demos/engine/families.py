"""Which decoder suits a loaded model: told by what the model shows and does, not by its name."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..zoo.sha_rnn import ShaRnnCache
from .alone import AloneSlots
from .decoder import Decoder, Piece
from .key_value import KeyValueSlots
from .loading import LoadedModel, ModelError
from .recurrent import ShaRnnSlots

logger = logging.getLogger(__name__)

# Logits of a probe may differ from the model's own by this much of their range: sums in another order, nothing more.
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6}
HALF_TOLERANCE = 6e-2


def choose_decoder(loaded: LoadedModel, slots: int) -> Decoder:
    """The fastest decoder that reproduces the model's own logits. Raises ModelError where there is none."""
    model, own = loaded.model, loaded.model.config._attn_implementation
    try:
        tokens, expected = _probe(model)
    except Exception as error:  # whatever a model raises for two tokens, it cannot be served
        raise ModelError(f"model {loaded.name!r} does not run: {type(error).__name__}: {error}"[:500]) from error
    for make in _candidates(loaded, slots):
        try:
            decoder = make()
            difference = _difference(decoder, tokens, expected)
        except Exception as error:  # a model with an attention of its own may fail in any way
            logger.info("model %s: %s", loaded.name, f"{type(error).__name__}: {error}"[:300])
            difference = float("inf")
        if difference <= TOLERANCE.get(expected.dtype, HALF_TOLERANCE):
            return decoder
        model.set_attn_implementation(own)
    raise ModelError(f"model {loaded.name!r}: the engine cannot reproduce what a {type(model).__name__} computes")


def _candidates(loaded: LoadedModel, slots: int) -> Iterator[Callable[[], Decoder]]:
    model = loaded.model
    if isinstance(_memory(model), ShaRnnCache):
        yield lambda: ShaRnnSlots(model, slots)
        return
    parameters = inspect.signature(model.forward).parameters
    if "position_ids" in parameters and "past_key_values" in parameters:
        yield lambda: KeyValueSlots(model, slots, padded=loaded.device.startswith("cuda"))
    yield lambda: AloneSlots(model, slots)


@torch.inference_mode()
def _memory(model: Any) -> Any:
    """What the model carries from token to token."""
    return model(torch.zeros(1, 1, dtype=torch.long, device=model.device), use_cache=True).past_key_values


@torch.inference_mode()
def _probe(model: Any) -> tuple[list[int], Tensor]:
    """Tokens, and the logits after each that the model computes in one go by its own attention."""
    count = 40
    numbers = torch.randint(model.config.vocab_size, (1, count), generator=torch.Generator().manual_seed(0))
    logits = model(numbers.to(model.device), use_cache=False).logits[0]
    return numbers[0].tolist(), logits


def _difference(decoder: Decoder, tokens: list[int], expected: Tensor) -> float:
    """How far the decoder's logits are from these, as a part of their range; another text is beside it meanwhile."""
    slot, other = decoder.slots - 1, 0
    worst = 0.0
    for which in {slot, other}:
        decoder.start(which, tokens)
    done = 0
    while done < len(tokens) - 3:  # the last three are stepped
        size = decoder.cut(len(tokens) - 3 - done)
        if not size:
            break
        piece = tokens[done : done + size]
        pieces = [Piece(slot, done, piece)]
        if other != slot and decoder.places > 1:
            pieces.insert(0, Piece(other, done, piece[::-1]))
        logits = decoder.read(pieces)[-1]
        done += size
        worst = max(worst, float((logits - expected[done - 1]).abs().max()))
    for place in range(done, len(tokens)):
        row = torch.zeros(decoder.slots, dtype=torch.long)
        row[slot] = tokens[place]
        logits = decoder.step(row, sorted({slot, other} if decoder.places > 1 else {slot}))[slot]
        worst = max(worst, float((logits - expected[place]).abs().max()))
    for which in {slot, other}:
        decoder.release(which)
    return worst / max(float(expected.max() - expected.min()), 1e-6)
