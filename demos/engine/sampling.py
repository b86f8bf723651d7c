"""Choosing the next token of each row: every row with its own temperature, top-k, top-p and random numbers."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from .request import GenerationRequest

# Rows are filtered among this many likeliest tokens, and only rows for which that might change the result among more:
# sorting the whole vocabulary for every row costs as much as a small model's step.
SHORTLISTS = (64, 1024)


@dataclass
class Sampler:
    """One request's settings and its stream of uniform random numbers."""

    temperature: float
    top_k: int
    top_p: float
    numbers: random.Random

    @classmethod
    def of(cls, request: GenerationRequest) -> Sampler:
        return cls(request.temperature, request.top_k, request.top_p, random.Random(request.seed))


def choose(logits: Tensor, samplers: list[Sampler]) -> Tensor:
    """logits (R, V) of R rows -> the chosen token of each row, (R,).

    Top-k keeps the k likeliest tokens; top-p then keeps the smallest set of likeliest tokens whose probability
    reaches p (Holtzman et al. 2020, arXiv:1904.09751). A token is drawn by inverting the cumulative distribution,
    likeliest first, at one uniform number per row.
    """
    chosen = logits.argmax(-1)
    rows = [row for row, sampler in enumerate(samplers) if sampler.temperature > 0]
    if not rows:
        return chosen
    drawing = [samplers[row] for row in rows]
    vocabulary = logits.shape[-1]
    temperature = torch.tensor([s.temperature for s in drawing], dtype=torch.float32, device=logits.device)
    scores = logits[rows].float() / temperature[:, None]
    u = torch.tensor([s.numbers.random() for s in drawing], device=logits.device)
    top_p = torch.tensor([s.top_p for s in drawing], device=logits.device)
    top_k = torch.tensor([s.top_k or vocabulary for s in drawing], device=logits.device)

    picked = torch.empty_like(top_k)
    open_rows = torch.arange(len(rows), device=logits.device)
    for size in (*(size for size in SHORTLISTS if size < vocabulary), vocabulary):
        drawn, settled = _pick(scores[open_rows], u[open_rows], top_k[open_rows], top_p[open_rows], size)
        picked[open_rows] = drawn
        open_rows = open_rows[~settled]
        if not len(open_rows):
            break
    chosen[rows] = picked
    return chosen


def _pick(scores: Tensor, u: Tensor, top_k: Tensor, top_p: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Draw among the `size` likeliest of each row; also says for which rows that was enough to be exact."""
    best, tokens = scores.topk(size)
    within_k = torch.arange(size, device=scores.device)[None] < top_k[:, None]
    best = best.masked_fill(~within_k, -torch.inf)
    unlimited = top_k >= scores.shape[-1]
    total = torch.where(unlimited, scores.logsumexp(-1), best.logsumexp(-1))
    cumulative = (best - total[:, None]).exp().cumsum(-1)
    # Without top-k, the end of the nucleus, or else the place of the draw, must lie within the shortlist.
    reached = cumulative[:, -1] >= torch.where(top_p < 1, top_p, u)
    settled = torch.where(unlimited, reached, top_k <= size) | torch.full_like(reached, size == scores.shape[-1])
    end = torch.searchsorted(cumulative, top_p[:, None]).clamp(max=size - 1)
    mass = torch.where(top_p < 1, cumulative.gather(-1, end)[:, 0], torch.ones_like(u))
    place = torch.searchsorted(cumulative, (u * mass)[:, None], right=True)
    place = torch.minimum(place, torch.where(top_p[:, None] < 1, end, size - 1))
    place = torch.minimum(place, (top_k[:, None] - 1).clamp(max=size - 1))
    return tokens.gather(-1, place)[:, 0], settled
