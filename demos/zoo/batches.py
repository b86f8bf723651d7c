"""Batches of token ids: rows of a running text for models with a state, whole documents for those without.

Both orders depend on the seed and the place in the run alone, so a run taken up again reads what it would have read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .recipe import Progress, Recipe

IGNORED = -100  # what cross_entropy leaves out


@dataclass(frozen=True)
class Batch:
    inputs: Tensor  # (B, T)
    targets: Tensor  # (B, T), IGNORED where nothing is predicted
    mask: Tensor | None  # (B, T) bool, real tokens; None when all are
    tokens: int  # tokens of text in it


class CorpusTooSmall(ValueError):
    """There is not enough text for one batch."""


def running_text(documents: list[np.ndarray], recipe: Recipe, progress: Progress) -> Iterator[Batch]:
    """Segments of the shuffled stream, each row a text running on from the batch before."""
    while True:
        order = np.random.default_rng(recipe.seed + progress.epoch).permutation(len(documents))
        stream = np.concatenate([documents[i] for i in order])
        columns = len(stream) // recipe.batch_size
        if columns <= recipe.segment:
            raise CorpusTooSmall(
                f"the training text has {len(stream)} tokens; {recipe.batch_size} rows of segments of "
                f"{recipe.segment} need more than {recipe.batch_size * recipe.segment}"
            )
        rows = torch.from_numpy(stream[: columns * recipe.batch_size].astype(np.int64).reshape(-1, columns))
        while progress.column + 1 < columns:
            start = progress.column
            end = min(start + _segment(recipe, progress), columns - 1)
            if end - start < recipe.segment // 4:
                break  # the rest of an epoch is not worth a step
            progress.column = end
            inputs, targets = rows[:, start:end].to(recipe.device), rows[:, start + 1 : end + 1].to(recipe.device)
            yield Batch(inputs, targets, None, inputs.numel())
        progress.epoch, progress.column = progress.epoch + 1, 0


def _segment(recipe: Recipe, progress: Progress) -> int:
    if not recipe.vary_segment:
        return recipe.segment
    draw = np.random.default_rng((recipe.seed, progress.epoch, progress.column))
    around = recipe.segment if draw.random() < 0.95 else recipe.segment / 2
    return max(5, round(draw.normal(around, 5)))


def whole_documents(
    documents: list[np.ndarray], recipe: Recipe, progress: Progress, end_of_text: int, pad: int
) -> Iterator[Batch]:
    """Documents of similar length together, the end of each predicted, too.

    A batch holds about batch_size * segment tokens: many short documents or few long ones. Documents longer than a
    segment are cut into pieces.
    """
    pieces = [
        document[start : start + recipe.segment]
        for document in documents
        for start in range(0, len(document), recipe.segment)
    ]
    ends = np.cumsum([-(-len(document) // recipe.segment) for document in documents]) - 1
    is_end = np.zeros(len(pieces), dtype=bool)
    is_end[ends] = True
    while True:
        draw = np.random.default_rng(recipe.seed + progress.epoch)
        order = draw.permutation(len(pieces))
        # Sorted within pools, so that rows of a batch are about as long and the order of lengths stays random.
        pools = [sorted(order[i : i + 2000], key=lambda p: len(pieces[p])) for i in range(0, len(order), 2000)]
        groups = [group for pool in pools for group in _groups(pool, pieces, recipe)]
        draw.shuffle(groups)
        for group in groups[progress.column :]:
            progress.column += 1
            yield _padded([pieces[p] for p in group], [bool(is_end[p]) for p in group], recipe, end_of_text, pad)
        progress.epoch, progress.column = progress.epoch + 1, 0


def _groups(pool: list[int], pieces: list[np.ndarray], recipe: Recipe) -> Iterator[list[int]]:
    group: list[int] = []
    for piece in pool:  # ascending, so the newest piece is the longest of its group
        if group and len(pieces[piece]) * (len(group) + 1) > recipe.batch_size * recipe.segment:
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _padded(pieces: list[np.ndarray], is_end: list[bool], recipe: Recipe, end_of_text: int, pad: int) -> Batch:
    longest = max(map(len, pieces))
    inputs = torch.full((len(pieces), longest), pad)
    targets = torch.full((len(pieces), longest), IGNORED)
    mask = torch.zeros(len(pieces), longest, dtype=torch.bool)
    for row, (piece, last) in enumerate(zip(pieces, is_end, strict=True)):
        ids = torch.from_numpy(piece.astype(np.int64))
        inputs[row, : len(ids)] = ids
        targets[row, : len(ids) - 1] = ids[1:]
        if last:
            targets[row, len(ids) - 1] = end_of_text
        mask[row, : len(ids)] = True
    device = recipe.device
    return Batch(inputs.to(device), targets.to(device), mask.to(device), int(mask.sum()))


def hide_tokens(batch: Batch, mask_token: int, words: int, share: float, draw: torch.Generator) -> Batch:
    """The masked-LM task (Devlin et al. 2018): `share` of the tokens are to be found again.

    Of these 80 % show the mask token, 10 % a random one of the first `words`, 10 % themselves. The first token of a row
    marks where the text begins and is never hidden. Every row hides at least one.
    """
    assert batch.mask is not None
    device = batch.inputs.device
    eligible = batch.mask.clone()
    eligible[:, 0] = False
    chance = torch.rand(batch.inputs.shape, generator=draw).to(device).masked_fill(~eligible, 2.0)
    hidden = chance < share
    hidden.scatter_(1, chance.argmin(1, keepdim=True), True)
    hidden &= eligible
    kind = torch.rand(batch.inputs.shape, generator=draw).to(device)
    other = torch.randint(words, batch.inputs.shape, generator=draw).to(device)
    inputs = torch.where(hidden & (kind < 0.8), mask_token, batch.inputs)
    inputs = torch.where(hidden & (kind >= 0.9), other, inputs)
    return Batch(inputs, batch.inputs.masked_fill(~hidden, IGNORED), batch.mask, batch.tokens)
