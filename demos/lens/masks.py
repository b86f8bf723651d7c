"""Words hidden from a masked language model, and how good its guesses are, and somebody else's.

A hidden word is replaced by as many masks as it has tokens, so a long word tells its length; all words are hidden at
once, and a word's probability is the product over its masks. What somebody else guessed is judged by the model only
where it has as many tokens.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from demos.engine.loading import LoadedModel
from demos.engine.one_shot import LONGEST_MAP, OneShot
from demos.engine.request import RequestError
from demos.engine.slot_attention import implementation
from demos.engine.whole_texts import expect

from .words import encode, tokens_within

MOST_HIDDEN = 20
# Of a word of several tokens, combinations of so many of the likeliest at each mask are ranked.
DEEP = 6


@dataclass(frozen=True)
class Hidden:
    """text[start:end] is hidden; `guess` is what somebody else thinks stands there, "" for no guess."""

    start: int
    end: int
    guess: str = ""


@dataclass(frozen=True)
class Guessed:
    """The model's guesses (word, probability), the likeliest first, and the probability it gave to the truth.

    `rank` of the truth counts from 1, and is None where the word has several tokens. `theirs` is the probability it gave
    to the other's guess, None where that has another number of tokens or there is none.
    """

    tokens: int
    words: list[tuple[str, float]]
    truth: float
    rank: int | None
    theirs: float | None


@dataclass(frozen=True)
class GuessWords(OneShot):
    """What a model that fills masks expects in place of some words."""

    text: str
    hidden: tuple[Hidden, ...]
    most: int = 5

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[Guessed]]:
        expect(loaded, "fills masks")
        mask = loaded.tokenizer.mask_token_id
        if mask is None:
            raise RequestError(f"the tokenizer of model {loaded.name!r} has no mask")
        if not 1 <= len(self.hidden) <= MOST_HIDDEN:
            raise RequestError(f"{len(self.hidden)} words are hidden; expected 1 to {MOST_HIDDEN}")
        ids, spans = encode(loaded.tokenizer, self.text)
        limit = min(LONGEST_MAP, loaded.window or LONGEST_MAP)
        if len(ids) > limit:
            raise RequestError(f"the text has {len(ids)} tokens; model {loaded.name!r} reads at most {limit}")
        places = [tokens_within(spans, hidden.start, hidden.end) for hidden in self.hidden]
        for hidden, found in zip(self.hidden, places, strict=True):
            if not found:
                raise RequestError(f"model {loaded.name!r} has no token for {self.text[hidden.start : hidden.end]!r}")
        read = list(ids)
        for place in itertools.chain.from_iterable(places):
            read[place] = mask
        with implementation(loaded.model, loaded.attention):
            logits = loaded.model(torch.tensor([read], device=loaded.model.device)).logits[0].float().cpu()
        yield
        chances = logits.log_softmax(-1)
        return [
            self._guessed(loaded, chances[found], [ids[place] for place in found], hidden)
            for hidden, found in zip(self.hidden, places, strict=True)
        ]

    def _guessed(self, loaded: LoadedModel, chances: Tensor, truth: list[int], hidden: Hidden) -> Guessed:
        """`chances` (masks, V) are logarithms."""
        own = float(chances.gather(1, torch.tensor(truth)[:, None]).sum())
        rank = int((chances[0] > chances[0, truth[0]]).sum()) + 1 if len(truth) == 1 else None
        theirs = None
        if hidden.guess:
            other = self.text[: hidden.start] + hidden.guess + self.text[hidden.end :]
            ids, spans = encode(loaded.tokenizer, other)
            tokens = [ids[i] for i in tokens_within(spans, hidden.start, hidden.start + len(hidden.guess))]
            if len(tokens) == len(truth):
                theirs = math.exp(float(chances.gather(1, torch.tensor(tokens)[:, None]).sum()))
        decode = loaded.tokenizer.decode
        words = [(decode(list(tokens)).strip(), math.exp(p)) for tokens, p in likeliest(chances, self.most)]
        return Guessed(len(truth), words, math.exp(own), rank, theirs)


def likeliest(chances: Tensor, most: int) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest sequences of one token for each row of `chances` (n, V), logarithms, with the sum of each."""
    if len(chances) == 1:
        best = chances[0].topk(min(most, chances.shape[1]))
        return [((token,), p) for token, p in zip(best.indices.tolist(), best.values.tolist(), strict=True)]
    beams: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    for row in chances:
        best = row.topk(min(max(most, DEEP), len(row)))
        steps = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
        longer = (((*tokens, token), p + q) for tokens, p in beams for token, q in steps)
        beams = heapq.nlargest(max(most, DEEP), longer, key=lambda beam: beam[1])
    return beams[:most]
