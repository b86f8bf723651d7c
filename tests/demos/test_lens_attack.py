"""Attacks: honest queries, kept constraints, real flips, gradients equal to numeric ones."""

import itertools
import random

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForSequenceClassification

from demos.engine import Classification
from demos.lens.attack import Constraints, Search, character_changes, distance
from demos.lens.gradients import Steepest, slope
from demos.lens.masks import GuessWords, Hidden
from demos.lens.words import words_of
from tests.demos.lens_models import direct

TEXT = (
    "We study several naïve models of language, speech and vision, and show that number seven models them best of all."
)


class Victim:
    """The engine's models, and a count of what they were asked."""

    def __init__(self, engine, proposer="gradient"):
        self.engine, self.proposer, self.asked = engine, proposer, []

    def classify(self, texts):
        self.asked += texts
        return self.engine.run(Classification("bert-classes", tuple(texts))).result(60)

    def propose(self, text, word, label):
        assert text[word.start : word.end] == word.text or self.proposer == "mask"
        if self.proposer == "gradient":
            steep = self.engine.run(Steepest("bert-classes", text, word.start, word.end, label)).result(60)
            return [new for new, _ in steep]
        (place,) = self.engine.run(GuessWords("bert-mask", text, (Hidden(word.start, word.end),), most=20)).result(60)
        return [new for new, _ in place.words if new.isalpha() and len(new) > 1]


@pytest.mark.parametrize("method", ["characters", "gradient", "masked-lm"])
def test_what_an_attack_reports_is_what_the_classifier_says(lens_engine, method):
    tries = []
    victim = Victim(lens_engine, "mask" if method == "masked-lm" else "gradient")
    rules = Constraints(budget=90, change=0.3, keep=frozenset({"language"}))
    outcome = Search(victim, TEXT, method, rules, on_tries=tries.extend).run()
    words = words_of(TEXT)
    assert 1 < outcome.queries <= 90
    assert len(victim.asked) <= outcome.queries + 1  # the changed text is looked at once more at the end
    assert len(outcome.changes) <= 0.3 * len(words)
    for place, new in outcome.changes.items():
        assert words[place].text not in ("language", "of", "and")
        assert new != words[place].text
        if method == "characters":
            assert distance(words[place].text, new) <= 2
            assert (new[0], new[-1]) == (words[place].text[0], words[place].text[-1])
    first, last = victim.classify([TEXT, outcome.text])
    assert max(first, key=first.get) == outcome.label
    assert first[outcome.label] == pytest.approx(outcome.confidence, abs=1e-4)
    assert last[outcome.new_label] == pytest.approx(outcome.new_confidence, abs=1e-4)
    assert (outcome.result == "flipped") == (outcome.label != outcome.new_label)
    assert [t.number for t in tries] == sorted(t.number for t in tries)
    assert {t.place: t.after for t in tries if t.taken} == outcome.changes
    # Each change that was kept lowered the confidence.
    kept = [outcome.confidence, *(t.confidence for t in tries if t.taken)]
    assert all(later < earlier for earlier, later in itertools.pairwise(kept))


def test_the_budget_and_a_stop_end_it(lens_engine):
    victim = Victim(lens_engine)
    outcome = Search(victim, TEXT, "characters", Constraints(budget=14, change=0.9)).run()
    assert outcome.queries == 14
    assert outcome.result in ("budget", "flipped")
    stopped = Search(victim, TEXT, "characters", Constraints(), stopped=lambda: True).run()
    assert (stopped.result, stopped.changes, stopped.text) == ("stopped", {}, TEXT)


def test_slips_of_the_fingers():
    rules = Constraints()
    found = character_changes("language", rules, random.Random(0))
    assert {"lnaguage", "lnguage", "laanguage", "lsnguage"} <= set(found)
    assert all(word[0] == "l" and word[-1] == "e" and distance("language", word) <= 2 for word in found)
    twins = character_changes("paper", Constraints(twins=True), random.Random(0))
    assert any(ord(letter) > 1000 for letter in twins[0])
    assert distance("kitten", "sitting") == 3


def test_gradients_equal_finite_differences(lens_engine, lens_folders):
    loaded = next(model for model in lens_engine.models() if model.name == "bert-classes")
    ids = loaded.tokenizer(TEXT)["input_ids"]
    with torch.inference_mode():
        gradient, table = slope(loaded, ids, 1)
    model, _ = direct(AutoModelForSequenceClassification, lens_folders["bert-classes"])
    model = model.double()
    inputs = table[torch.tensor([ids])].double()

    def loss(embedded):
        with torch.no_grad():
            return float(F.cross_entropy(model(inputs_embeds=embedded).logits, torch.tensor([1])))

    for place, dimension in ((0, 0), (3, 5), (7, 11)):
        step = torch.zeros_like(inputs)
        step[0, place, dimension] = 1e-4
        numeric = (loss(inputs + step) - loss(inputs - step)) / 2e-4
        assert float(gradient[place, dimension]) == pytest.approx(numeric, rel=2e-2, abs=1e-5)
    assert all(p.grad is None for p in loaded.model.parameters())
