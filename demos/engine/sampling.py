"""Choosing the next token of each slot: every request with its own settings and random numbers."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .request import GenerationRequest

# Draws outside of the top-p set are drawn again, so often at most; then the row is sorted once. Both are exact.
MOST_DRAWS = 8
# The largest number below 1 in single precision: a draw must fall below the whole mass.
ALMOST_ONE = 1 - 2**-24


@dataclass
class Settings:
    """One request's way of choosing, with its stream of uniform random numbers."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    alternatives: int = 0
    numbers: random.Random = field(default_factory=random.Random)

    @classmethod
    def of(cls, request: GenerationRequest) -> Settings:
        return cls(
            request.temperature,
            request.top_k,
            request.top_p,
            request.repetition_penalty,
            request.alternatives,
            random.Random(request.seed),
        )

    def uniform(self) -> float:
        return min(self.numbers.random(), ALMOST_ONE)


IDLE = Settings(temperature=0.0)  # of a row that nobody uses


@dataclass(frozen=True)
class Choice:
    """A chosen token, its probability before any setting, and the likeliest tokens (id, probability)."""

    token: int
    probability: float
    alternatives: list[tuple[int, float]]


class Sampler:
    """Settings of all slots. A row's choice depends on its own logits and settings only."""

    def __init__(self, slots: int) -> None:
        self.settings: list[Settings | None] = [None] * slots
        self.seen: Tensor | None = None  # (S, V) tokens of each text so far, kept once somebody asks for a penalty

    def take(self, slot: int, settings: Settings, context: list[int], vocabulary: int, device: torch.device) -> None:
        """`context` is what the repetition penalty counts as said already."""
        self.settings[slot] = settings
        if settings.repetition_penalty != 1:
            if self.seen is None:
                self.seen = torch.zeros(len(self.settings), vocabulary, dtype=torch.bool, device=device)
            self.seen[slot] = False
            self.seen[slot, torch.tensor(context, dtype=torch.long, device=device)] = True

    def release(self, slot: int) -> None:
        self.settings[slot] = None

    def choose(self, logits: Tensor, slots: list[int]) -> list[Choice]:
        """logits (R, V), one row for each of `slots`, all of which have been taken."""
        settings = [s for slot in slots if (s := self.settings[slot]) is not None]
        logits, wanted = logits.float(), len(slots)
        if logits.is_cuda and len(slots) < len(self.settings):
            logits, settings, slots = self._filled_up(logits, settings, slots)
        total = logits.logsumexp(-1, keepdim=True)
        chosen = self._tokens(logits, settings, slots)
        probabilities = (logits.gather(-1, chosen[:, None]) - total).exp()[:, 0].tolist()
        tokens = chosen.tolist()
        most = max(s.alternatives for s in settings)
        alternatives: list[list[tuple[int, float]]] = [[] for _ in slots]
        if most:
            best, ids = logits.topk(min(most, logits.shape[-1]))
            rows = zip(ids.tolist(), (best - total).exp().tolist(), settings, strict=True)
            alternatives = [list(zip(i, p, strict=True))[: s.alternatives] for i, p, s in rows]
        for slot, s, token in zip(slots, settings, tokens, strict=True):
            if s.repetition_penalty != 1 and self.seen is not None:
                self.seen[slot, token] = True
        return [Choice(*row) for row in zip(tokens, probabilities, alternatives, strict=True)][:wanted]

    def _filled_up(
        self, logits: Tensor, settings: list[Settings], slots: list[int]
    ) -> tuple[Tensor, list[Settings], list[int]]:
        """A row for every slot: a GPU sums over a row in an order that differs with their number."""
        rows = logits.new_zeros(len(self.settings), logits.shape[-1])
        rows[: len(slots)] = logits
        idle = [slot for slot in range(len(self.settings)) if slot not in slots]
        return rows, settings + [IDLE] * len(idle), slots + idle

    def _tokens(self, logits: Tensor, settings: list[Settings], slots: list[int]) -> Tensor:
        if any(s.repetition_penalty != 1 for s in settings):
            assert self.seen is not None
            penalty = logits.new_tensor([s.repetition_penalty for s in settings])[:, None]
            penalized = torch.where(logits < 0, logits * penalty, logits / penalty)
            seen = self.seen[slots] & (penalty != 1)
            logits = torch.where(seen, penalized, logits)
        chosen = logits.argmax(-1)
        open_rows = [row for row, s in enumerate(settings) if s.temperature > 0 and not s.top_k]
        if open_rows and logits.is_cuda:  # as many rows as ever
            drawn = [s if s.temperature > 0 and not s.top_k else IDLE for s in settings]
            chosen[open_rows] = draw(logits, drawn)[open_rows]
        elif open_rows:
            chosen[open_rows] = draw(logits[open_rows], [settings[row] for row in open_rows])
        for row, s in enumerate(settings):
            if s.temperature > 0 and s.top_k:
                chosen[row] = draw_among(logits[row], s, s.top_k)
        return chosen


def draw(logits: Tensor, settings: list[Settings]) -> Tensor:
    """A token for each row of logits (R, V), top-p only: invert the cumulative distribution at a uniform number.

    Top-p keeps the smallest set of likeliest tokens whose probability reaches p (Holtzman et al. 2020,
    arXiv:1904.09751). A token belongs to it if the likelier ones weigh less than p together, so a draw from the
    whole distribution is kept if that holds and repeated if not: nothing has to be sorted.
    """
    temperature = logits.new_tensor([s.temperature or 1.0 for s in settings])[:, None]
    probabilities = (logits / temperature).softmax(-1)
    cumulative = probabilities.cumsum(-1)
    mass = cumulative[:, -1:].contiguous()
    last = torch.searchsorted(cumulative, mass)  # the last token that adds to the mass
    u = logits.new_tensor([s.uniform() for s in settings])[:, None]
    picked = torch.minimum(torch.searchsorted(cumulative, u * mass, right=True), last)
    if all(s.top_p >= 1 for s in settings):
        return picked[:, 0]
    above = torch.where(probabilities > probabilities.gather(-1, picked), probabilities, 0).sum(-1)
    outside = above >= logits.new_tensor([s.top_p if s.top_p < 1 else 2.0 for s in settings])
    for row in outside.nonzero()[:, 0].tolist():
        s, mine = settings[row], probabilities[row]
        for _ in range(MOST_DRAWS - 1):
            place = torch.searchsorted(cumulative[row], s.uniform() * mass[row, 0], right=True)
            token = torch.minimum(place, last[row, 0])
            if float(torch.where(mine > mine[token], mine, 0).sum()) < s.top_p:
                picked[row, 0] = token
                break
        else:
            picked[row, 0] = draw_among(logits[row], s, logits.shape[-1])
    return picked[:, 0]


def draw_among(logits: Tensor, s: Settings, k: int) -> Tensor:
    """A token of the `k` likeliest of logits (V,), then of the top-p set among these."""
    best, tokens = logits.topk(min(k, logits.shape[-1]))
    cumulative = (best / s.temperature).softmax(-1).cumsum(-1)
    last = len(tokens) - 1
    if s.top_p < 1:
        last = min(int(torch.searchsorted(cumulative, s.top_p)), last)
    place = int(torch.searchsorted(cumulative, s.uniform() * float(cumulative[last]), right=True))
    return tokens[min(place, last)]
