"""Shannon's guessing game against a language model, word by word, with stakes: what each word costs in bits.

Shannon 1951 let people guess a text letter by letter; Cover and King 1978 let them bet. Here the opponent is a model:
`WordChances` gives the probability m(w) of each next word, given all before it and the signs that stand before the
word. Somebody who stakes the share s on a guess g and leaves the rest to the model has the probability
q(w) = s [w = g] + (1 - s) m(w), which sums to one over all words, too. So -log2 q(w) is an honest price: who bets
nothing pays what the model pays.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from demos.engine.loading import LoadedModel
from demos.engine.one_shot import LONGEST_MAP, OneShot
from demos.engine.request import RequestError
from demos.engine.slot_attention import implementation

from .words import Word, encode, tokens_within

_LEAD = re.compile(r"^\W*")
MOST_WORDS = 60
BEGINNINGS = 3


@dataclass(frozen=True)
class WordChance:
    """The model's probability of a word, and how it would begin instead: (beginning, probability), likeliest first."""

    probability: float
    beginnings: list[tuple[str, float]]

    @property
    def bits(self) -> float:
        return -math.log2(self.probability)


@dataclass(frozen=True)
class WordChances(OneShot):
    """How likely each of some words of a text is to a causal model that has read what stands before it.

    Tokens are no words: a word's probability is that of its first token among those that may follow the signs before the
    word, times that of its further tokens, times that of a token that begins no further letter.
    """

    text: str
    words: tuple[Word, ...]

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[WordChance]]:
        if not loaded.writes or loaded.model.config.is_encoder_decoder:
            raise RequestError(f"model {loaded.name!r} {loaded.purpose}; the game takes one that only reads on")
        if not 1 <= len(self.words) <= MOST_WORDS:
            raise RequestError(f"{len(self.words)} words are to be guessed; expected 1 to {MOST_WORDS}")
        ids, spans = encode(loaded.tokenizer, self.text)
        limit = min(LONGEST_MAP, loaded.window or LONGEST_MAP)
        if len(ids) > limit:
            raise RequestError(f"the text has {len(ids)} tokens; expected at most {limit}")
        with implementation(loaded.model, loaded.attention):
            output = loaded.model(torch.tensor([ids], device=loaded.model.device), use_cache=False)
        chances = output.logits[0].double().cpu().log_softmax(-1)
        yield
        vocabulary = Vocabulary.of(loaded, chances.shape[-1])
        yield
        return [self._chance(vocabulary, chances, ids, spans, word) for word in self.words]

    def _chance(
        self, vocabulary: Vocabulary, chances: Tensor, ids: list[int], spans: list[tuple[int, int]], word: Word
    ) -> WordChance:
        places = tokens_within(spans, word.start, word.end)
        if not places or places[0] == 0:
            raise RequestError(f"nothing stands before the word {word.text!r}; a guess needs something to go by")
        first, *rest = places
        before = chances[first - 1]
        alike = vocabulary.alike(ids[first])
        total = before[alike].logsumexp(0)
        log = float(before[ids[first]] - total)
        log += sum(float(chances[place - 1, ids[place]]) for place in rest)
        if spans[places[-1]][1] <= word.end and places[-1] + 1 < len(ids):
            log += float(chances[places[-1], vocabulary.ends_word].logsumexp(0))
        best = (before[alike] - total).exp().topk(min(BEGINNINGS, len(alike)))
        beginnings = [
            (vocabulary.texts[int(alike[i])].strip(), float(p)) for p, i in zip(best.values, best.indices, strict=True)
        ]
        return WordChance(math.exp(log), beginnings)


@dataclass(frozen=True)
class Vocabulary:
    """How each token begins: `leads` is what stands before its first letter, None for a token without one."""

    texts: list[str]
    leads: list[str | None]
    ends_word: Tensor  # tokens that begin with anything but a letter

    @classmethod
    def of(cls, loaded: LoadedModel, size: int) -> Vocabulary:
        known = len(loaded.tokenizer)
        special = set(loaded.tokenizer.all_special_ids)
        texts = [loaded.tokenizer.decode([i]) if i < known else "" for i in range(size)]
        leads: list[str | None] = []
        ends = []
        for token, text in enumerate(texts):
            lead = _LEAD.match(text)
            length = lead.end() if lead else 0
            leads.append(None if token in special or length == len(text) else text[:length])
            if token in special or length > 0:
                ends.append(token)
        return cls(texts, leads, torch.tensor(ends))

    def alike(self, token: int) -> Tensor:
        """The tokens that begin a word behind the same signs as this one."""
        lead = self.leads[token]
        found = [i for i, other in enumerate(self.leads) if other == lead and other is not None]
        return torch.tensor(found or [token])


def price(*, model: float, right: bool, stake: float) -> float:
    """What the word costs somebody who staked `stake` on a guess, in bits; `model` is the model's probability of it."""
    return -math.log2((stake if right else 0.0) + (1 - stake) * model)


def pooled(prices: Sequence[float]) -> float:
    """What a word costs all players together, each trusted as much as the others: the mean of their probabilities."""
    return -math.log2(sum(2.0**-bits for bits in prices) / len(prices))


def same_word(guess: str, word: str) -> bool:
    return guess.strip().casefold() == word.casefold()
