"""Which decoder suits a loaded model: told by what the model shows and does, not by its name."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ..model_files import ModelError
from ..zoo.awd_lstm import AwdLstmCache
from ..zoo.sha_rnn import ShaRnnCache
from .alone import AloneSlots
from .awd_lstm import AwdLstmSlots
from .decoder import Decoder, NoSlots, Piece
from .encoder_decoder import EncoderDecoderSlots
from .key_value import KeyValueSlots, start_token
from .loading import LoadedModel
from .packed import packed_twin
from .recurrent import ShaRnnSlots
from .reread import RereadSlots

logger = logging.getLogger(__name__)

# Logits of a probe may differ from the model's own by this much of their range: sums in another order, nothing more.
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-6}
HALF_TOLERANCE = 6e-2


def choose_decoder(loaded: LoadedModel, slots: int, *, graphs: bool = False, packed: bool = False) -> Decoder:
    """The fastest decoder that reproduces the model's own logits. Raises ModelError where there is none.

    `packed`: it may take a copy of the matrices, laid out for this machine.
    """
    if not loaded.writes:
        return NoSlots()
    own = loaded.model.config._attn_implementation
    try:
        tokens, expected = _probe(loaded.model)
    except Exception as error:  # whatever a model raises for two tokens, it cannot be served
        raise ModelError(f"model {loaded.name!r} does not run: {type(error).__name__}: {error}"[:500]) from error
    for model in _ways_to_lie(loaded, packed):
        for make in _candidates(model, slots, graphs):
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


def _ways_to_lie(loaded: LoadedModel, packed: bool) -> Iterator[Any]:
    """The model, before it one with packed matrices. A packed one that fails in the faster ways is given up for good."""
    if packed:
        try:
            yield packed_twin(loaded.model)
        except Exception as error:  # a model that cannot be copied
            logger.info("model %s is not packed: %s", loaded.name, f"{type(error).__name__}: {error}"[:300])
    yield loaded.model


def _candidates(model: Any, slots: int, graphs: bool) -> Iterator[Callable[[], Decoder]]:
    if model.config.is_encoder_decoder:
        yield lambda: EncoderDecoderSlots(model, slots)
        yield lambda: AloneSlots(model, slots)
        return
    memory = _memory(model)
    if isinstance(memory, ShaRnnCache):
        yield lambda: ShaRnnSlots(model, slots)
        return
    if isinstance(memory, AwdLstmCache):
        yield lambda: AwdLstmSlots(model, slots)
        return
    parameters = inspect.signature(model.forward).parameters
    if "position_ids" in parameters and "past_key_values" in parameters:
        cuda = model.device.type == "cuda"
        if cuda:
            yield lambda: KeyValueSlots(model, slots, padded=True, graphs=graphs, kernel=True)
        yield lambda: KeyValueSlots(model, slots, padded=cuda, graphs=graphs and cuda)
    yield lambda: AloneSlots(model, slots)
    yield lambda: RereadSlots(model, slots)


@torch.inference_mode()
def _memory(model: Any) -> Any:
    """What the model carries from token to token; None for one that carries nothing, or in a way of its own."""
    if "use_cache" not in inspect.signature(model.forward).parameters:
        return None
    output = model(torch.ones(1, 1, dtype=torch.long, device=model.device), use_cache=True)
    return getattr(output, "past_key_values", None)


PROBE = 40  # tokens: more than a piece, and some that are stepped


@torch.inference_mode()
def _probe(model: Any) -> tuple[list[int], Tensor]:
    """Tokens, and the logits after each that the model computes in one go by its own attention.

    An encoder reads all of them, its decoder goes over them again behind its start token.
    """
    vocabulary = model.get_input_embeddings().weight.shape[0]
    drawn = torch.randint(vocabulary, (PROBE,), generator=torch.Generator().manual_seed(0)).tolist()
    ids = torch.tensor([drawn], device=model.device)
    if not model.config.is_encoder_decoder:
        caches = "use_cache" in inspect.signature(model.forward).parameters
        return drawn, model(ids, **({"use_cache": False} if caches else {})).logits[0]
    written = torch.tensor([[start_token(model), *drawn[:-1]]], device=model.device)
    return drawn, model(input_ids=ids, decoder_input_ids=written, use_cache=False).logits[0]


def _difference(decoder: Decoder, tokens: list[int], expected: Tensor) -> float:
    """How far the decoder's logits are from these, as a part of their range; another text is beside it meanwhile."""
    slot, other = decoder.slots - 1, 0
    reading = decoder.start(slot, tokens)
    beside = decoder.start(other, tokens[::-1]) if other != slot else []
    fed = reading if len(reading) == len(tokens) else [*reading, *tokens[:-1]]
    if beside:
        beside = [*beside, *tokens[::-1]][: len(fed)]
    worst, done = 0.0, 0
    while size := decoder.cut(max(0, len(fed) - 3 - done)) if len(fed) - 3 > done else 0:  # the last three are stepped
        logits = decoder.read([Piece(slot, done, fed[done : done + size])])[0]
        if beside:
            decoder.read([Piece(other, done, beside[done : done + size])])
        done += size
        worst = max(worst, float((logits - expected[done - 1]).abs().max()))
    for place in range(done, len(fed)):
        row = torch.zeros(decoder.slots, dtype=torch.long)
        row[slot] = fed[place]
        if beside:
            row[other] = beside[place]
        logits = decoder.step(row, [other, slot] if beside else [slot])[slot]
        worst = max(worst, float((logits - expected[place]).abs().max()))
    for which in {slot, other}:
        decoder.release(which)
    return worst / max(float(expected.max() - expected.min()), 1e-6)
