"""One search for small changes of a text that change what a classifier says of it; any classifier, three ways of changing.

After TextAttack (Morris et al. 2020, arXiv:2005.05909): a goal (another label), a transformation (characters as in
DeepWordBug and Pruthi et al. 2019; words that a masked model finds likely as in BAE; the steepest ascent of the loss
over the embeddings as in HotFlip), constraints, and a greedy search over the words, the most important first. This module
has no model: `Victim` asks one.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from .words import Word, replaced, words_of

Transformation = Literal["characters", "masked-lm", "gradient"]

MOST_QUERIES = 600
MOST_WORDS = 200
PER_WORD = 12  # changes of one word that are tried
BATCH = 12

# Words whose exchange says little about a classifier and much about grammar.
_FUNCTION_WORDS = """
a an the and or but nor if of in on at to for from by with as is are was were be been being am do
does did has have had it its this that these those there he she they we you i his her their our your
not no than then so such which who whom whose what when where how can could may might must shall
should will would
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
_NEIGHBOURS = {
    left + right for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for left, right in itertools.pairwise(row)
}
KEYS = {
    letter: "".join(sorted({pair[1 - i] for pair in _NEIGHBOURS for i in (0, 1) if pair[i] == letter}))
    for letter in "abcdefghijklmnopqrstuvwxyz"
}
# Letters of other scripts that look the same.
TWINS = {"a": "а", "c": "с", "e": "е", "i": "і", "o": "о", "p": "р", "s": "ѕ", "x": "х", "y": "у"}


class Victim(Protocol):
    """The models an attack asks. `propose` is needed for words from a masked model or by gradient only."""

    def classify(self, texts: Sequence[str]) -> list[dict[str, float]]: ...

    def propose(self, text: str, word: Word, label: str) -> list[str]: ...


@dataclass(frozen=True)
class Constraints:
    """`change` is the largest share of words that may be changed; `keep` are words that must stay; `budget` counts texts
    that the classifier is asked about."""

    budget: int = 200
    change: float = 0.2
    keep: frozenset[str] = frozenset()
    shortest: int = 4  # letters of a word that may be changed
    keep_ends: bool = True  # first and last letter stay: people read on as if nothing was
    twins: bool = False  # letters of other scripts that look the same


@dataclass(frozen=True)
class Try:
    """One text the classifier was asked about, word `place` exchanged; `confidence` is what the first label has now."""

    number: int
    place: int
    before: str
    after: str
    label: str
    confidence: float
    taken: bool


@dataclass(frozen=True)
class Outcome:
    """How it ended: "flipped" (another label), "budget", "resisted" (nothing left to change), or "stopped"."""

    result: str
    text: str
    label: str
    confidence: float  # of the first label, before
    new_label: str
    new_confidence: float  # of the new label, after
    changes: dict[int, str]
    queries: int
    importance: list[float] = field(default_factory=list)


class _Spent(Exception):
    """No queries are left."""


class Search:
    """One attack on one text; `run` it once."""

    def __init__(
        self,
        victim: Victim,
        text: str,
        transformation: Transformation,
        constraints: Constraints,
        *,
        seed: int = 0,
        on_tries: Callable[[list[Try]], None] = lambda tries: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.victim, self.text, self.transformation, self.rules = victim, text, transformation, constraints
        self.words = words_of(text)[:MOST_WORDS]
        self.random = random.Random(seed)
        self.on_tries, self.stopped = on_tries, stopped
        self.queries = 0
        self.changes: dict[int, str] = {}

    def run(self) -> Outcome:
        first = self.victim.classify([self.text])[0]
        self.queries = 1
        self.label = _first(first)
        self.start = self.now = first[self.label]
        importance: list[float] = []
        result = "resisted"
        try:
            importance = self._importance()
            order = sorted(self._open_places(), key=lambda place: -importance[place])
            for place in order:
                if self.stopped():
                    result = "stopped"
                    break
                if len(self.changes) >= self.most_changes:
                    break
                if self._change(place):
                    result = "flipped"
                    break
        except _Spent:
            result = "budget"
        text = replaced(self.text, self.changes, self.words)
        last = self.victim.classify([text])[0] if self.changes else first
        label = _first(last)
        return Outcome(
            result, text, self.label, self.start, label, last[label], dict(self.changes), self.queries, importance
        )

    @property
    def most_changes(self) -> int:
        return max(1, math.floor(self.rules.change * len(self.words) + 1e-9))

    def _open_places(self) -> list[int]:
        """Words that may be changed."""
        return [
            place
            for place, word in enumerate(self.words)
            if len(word.text) >= self.rules.shortest
            and word.text.casefold() not in self.rules.keep
            and word.text.casefold() not in FUNCTION_WORDS
            and any(c.isalpha() for c in word.text)
        ]

    def _importance(self) -> list[float]:
        """How much of the label's confidence goes with each word: the text without it."""
        places = self._open_places()
        found = [0.0] * len(self.words)
        texts = [replaced(self.text, {place: ""}, self.words) for place in places]
        for place, chances in zip(places, self._ask(texts), strict=False):
            found[place] = self.start - chances[self.label]
        return found

    def _change(self, place: int) -> bool:
        """Try changes of one word and take the best that helps; True when the label flips."""
        old = self.words[place].text
        asked: list[tuple[str, dict[str, float]]] = []
        spent: _Spent | None = None
        flips: list[tuple[str, dict[str, float]]] = []
        candidates = self._candidates(place)
        for start in range(0, len(candidates), BATCH):
            batch = candidates[start : start + BATCH]
            texts = [replaced(self.text, {**self.changes, place: new}, self.words) for new in batch]
            try:
                for new, chances in zip(batch, self._ask(texts), strict=False):
                    asked.append((new, chances))
            except _Spent as end:
                spent = end
            flips = [(new, chances) for new, chances in asked if _first(chances) != self.label]
            if flips or spent or self.stopped():
                break
        taken = None
        if flips:  # of several the one that differs least to the eye
            taken = min(flips, key=lambda flip: (distance(old, flip[0]), flip[1][self.label]))
        elif asked and min(chances[self.label] for _, chances in asked) < self.now - 1e-6:
            taken = min(asked, key=lambda one: one[1][self.label])
        first = self.queries - len(asked) + 1
        self.on_tries(
            [
                Try(first + i, place, old, new, _first(chances), chances[self.label], (new, chances) == taken)
                for i, (new, chances) in enumerate(asked)
            ]
        )
        if taken is not None:
            self.changes[place], self.now = taken[0], taken[1][self.label]
        if spent and not flips:
            raise spent
        return bool(flips)

    def _ask(self, texts: list[str]) -> Iterable[dict[str, float]]:
        """The classifier's answers, as many as the budget allows. Raises _Spent after them if some are missing."""
        for start in range(0, len(texts), BATCH):
            left = self.rules.budget - self.queries
            batch = texts[start : start + min(BATCH, max(left, 0))]
            if batch:
                self.queries += len(batch)
                yield from self.victim.classify(batch)
            if left < len(texts[start : start + BATCH]):
                raise _Spent

    def _candidates(self, place: int) -> list[str]:
        word = self.words[place]
        if self.transformation == "characters":
            found = character_changes(word.text, self.rules, self.random)
        else:
            text = replaced(self.text, self.changes, self.words)
            shift = sum(len(new) - len(self.words[p].text) for p, new in self.changes.items() if p < place)
            here = Word(word.text, word.start + shift, word.end + shift)
            found = [_cased_as(word.text, new) for new in self.victim.propose(text, here, self.label)]
        unique = dict.fromkeys(
            new for new in found if new and new.casefold() not in (word.text.casefold(), *self.rules.keep)
        )
        return list(unique)[:PER_WORD]


def character_changes(word: str, rules: Constraints, chance: random.Random) -> list[str]:
    """Slips of the fingers: two letters swapped, one left out, doubled, or hit beside its key."""
    first, last = (1, len(word) - 1) if rules.keep_ends else (0, len(word))
    inner = [i for i in range(first, last) if word[i].isalpha()]
    found = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in inner if i + 1 < last and word[i] != word[i + 1]]
    found += [word[:i] + word[i + 1 :] for i in inner]
    found += [word[:i] + word[i] * 2 + word[i + 1 :] for i in inner]
    for i in inner:
        for key in KEYS.get(word[i].lower(), ""):
            found.append(word[:i] + (key.upper() if word[i].isupper() else key) + word[i + 1 :])
    chance.shuffle(found)
    if rules.twins:
        found = [word[:i] + TWINS[word[i]] + word[i + 1 :] for i in inner if word[i] in TWINS] + found
    return found


def distance(first: str, second: str) -> int:
    """Letters to be inserted, deleted or exchanged (Levenshtein)."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def _first(chances: dict[str, float]) -> str:
    """The likeliest class."""
    return max(chances, key=lambda name: chances[name])


def _cased_as(pattern: str, word: str) -> str:
    if pattern.isupper() and len(pattern) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if pattern[:1].isupper() else word
