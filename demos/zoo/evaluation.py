"""How well a model predicts text it has not seen, in bits per byte, and what compressors make of the same text."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from .batches import IGNORED, hide_tokens, whole_documents
from .families import Family
from .recipe import Progress, Recipe

ROWS = 16
PIECE = 512  # tokens a model with a state reads at once
HIDDEN_SHARE = 0.15  # of the tokens, in the masked-LM task


@dataclass(frozen=True)
class HeldOut:
    """Text that is never trained on, encoded, and its size in bytes of UTF-8."""

    documents: list[np.ndarray]
    size: int

    def first(self, count: int) -> HeldOut:
        """The first documents; their size is reckoned by their share of the tokens."""
        chosen = self.documents[:count]
        return HeldOut(chosen, round(self.size * sum(map(len, chosen)) / max(1, sum(map(len, self.documents)))))


@torch.no_grad()
def bits_per_byte(
    family: Family, model: Any, tokenizer: PreTrainedTokenizerFast, held_out: HeldOut, recipe: Recipe
) -> float:
    """Code length of the documents in bits per byte, the end of each document included.

    A model without a state reads windows that overlap by half: every token but the first window's is predicted from
    at least half a window.
    """
    was_training = model.training
    model.eval()
    bits = 0.0
    ordered = sorted(held_out.documents, key=len)  # rows of similar length: little padding
    for start in range(0, len(ordered), ROWS):
        inputs, targets = _rows(ordered[start : start + ROWS], tokenizer.eos_token_id)
        state = family.new_state(model)
        window = PIECE if family.stateful else recipe.segment
        step = window if family.stateful else max(1, window // 2)
        begin, done = 0, 0
        while done < inputs.shape[1]:
            piece = slice(begin, begin + window)
            wanted = targets[:, piece].clone()
            wanted[:, : done - begin] = IGNORED
            alive = (wanted != IGNORED).any(1)
            bits += _piece_bits(family, model, inputs[:, piece], wanted, alive, state, recipe.device)
            done = begin + window
            begin += step
    model.train(was_training)
    return bits / math.log(2) / held_out.size


def _piece_bits(
    family: Family, model: Any, inputs: Tensor, wanted: Tensor, alive: Tensor, state: Any, device: str
) -> float:
    """Nats of one piece. Rows that have ended are left out where the model has no state to keep in step."""
    if not family.stateful:
        inputs, wanted = inputs[alive], wanted[alive]
        if not len(inputs):
            return 0.0
    logits, _ = family.logits(model, inputs.to(device), None, state)
    return F.cross_entropy(
        logits.flatten(0, 1).float(), wanted.to(logits.device).flatten(), ignore_index=IGNORED, reduction="sum"
    ).item()


def _rows(documents: list[np.ndarray], end_of_text: int) -> tuple[Tensor, Tensor]:
    longest = max(map(len, documents))
    inputs = torch.full((len(documents), longest), end_of_text)
    targets = torch.full((len(documents), longest), IGNORED)
    for row, document in enumerate(documents):
        ids = torch.from_numpy(document.astype(np.int64))
        inputs[row, : len(ids)] = ids
        targets[row, : len(ids) - 1] = ids[1:]
        targets[row, len(ids) - 1] = end_of_text
    return inputs, targets


@dataclass(frozen=True)
class MaskedFigures:
    """The masked-LM task on held-out text."""

    bits_per_byte: float  # bits to name the hidden tokens, for each byte of them; no code length of the whole text
    found: float  # share of the hidden tokens that the model names first


@torch.no_grad()
def masked_figures(
    family: Family, model: Any, tokenizer: PreTrainedTokenizerFast, held_out: HeldOut, recipe: Recipe
) -> MaskedFigures:
    """Every run hides the same tokens."""
    was_training = model.training
    model.eval()
    draw = torch.Generator().manual_seed(1)
    words = len(tokenizer) - len(tokenizer.all_special_ids)
    lengths = torch.tensor([len(tokenizer.decode([i]).encode()) for i in range(len(tokenizer))])
    nats, size, found, hidden = 0.0, 0, 0, 0
    progress = Progress()
    for batch in whole_documents(held_out.documents, recipe, progress, tokenizer.eos_token_id, tokenizer.pad_token_id):
        if progress.epoch:
            break
        batch = hide_tokens(batch, tokenizer.mask_token_id, words, HIDDEN_SHARE, draw)
        logits, _ = family.logits(model, batch.inputs, batch.mask, None)
        wanted = batch.targets != IGNORED
        targets, logits = batch.targets[wanted], logits[wanted].float()
        nats += F.cross_entropy(logits, targets, reduction="sum").item()
        found += int((logits.argmax(-1) == targets).sum())
        size += int(lengths[targets.cpu()].sum())
        hidden += len(targets)
    model.train(was_training)
    return MaskedFigures(nats / math.log(2) / max(1, size), found / max(1, hidden))


def compressor_bits(documents: list[str], training: list[str]) -> dict[str, float]:
    """Bits per byte of general compressors on the same text.

    The last has read the training text before: what the held-out text adds to an archive of both. Its dictionary of 64 MB
    holds all of a small corpus.
    """
    text = "\n".join(documents).encode()
    before = "\n".join(training).encode()
    sizes = {
        "gzip -9": len(gzip.compress(text, 9)),
        "bz2 -9": len(bz2.compress(text, 9)),
        "xz -9": len(lzma.compress(text, preset=9)),
        "xz -9 after the training text": len(lzma.compress(before + text, preset=9))
        - len(lzma.compress(before, preset=9)),
    }
    return {name: 8 * size / len(text) for name, size in sizes.items()}
