"""Pruned copies: the share that was asked for, the perplexity of a direct call, and nobody else's weights."""

import math

import pytest
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from demos.engine import GenerationRequest, RequestError
from demos.lens.pruning import Plan, Thinning, prunable
from tests.demos.lens_models import direct

TEXT = "We study number 7 — naïve models of language. We study number 8 — naïve models of speech."
LEVELS = (0.0, 0.3, 0.9, 0.98)


def written(engine, model):
    tokens = []
    engine.submit(GenerationRequest(model, "We study", max_new_tokens=16, temperature=0), tokens.extend).result(60)
    return [(token.id, token.probability) for token in tokens]


@pytest.mark.parametrize("model", ["gpt2", "sha-rnn"])
@pytest.mark.parametrize("method", ["magnitude", "random"])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_levels_equal_direct_evaluation_of_pruned_weights(lens_engine, lens_folders, model, method, scope):
    before = written(lens_engine, model)
    told = []
    plan = Plan(method=method, scope=scope, sparsities=LEVELS, prompt="We study", sample_tokens=6, seed=5)
    levels = lens_engine.run(Thinning(model, TEXT, plan, told.append)).result(120)
    assert levels == told
    assert written(lens_engine, model) == before, "the shared weights were touched"

    own, tokenizer = direct(AutoModelForCausalLM, lens_folders[model])
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    prompt = tokenizer("We study", return_tensors="pt")["input_ids"]
    names = [name for name, _ in prunable(own)]
    assert names
    assert not any("embed" in name or "wte" in name or "wpe" in name or "lm_head" in name for name in names)
    for level in levels:
        kept = sum(m.kept for m in level.matrices) / sum(m.size for m in level.matrices)
        assert kept == pytest.approx(1 - level.sparsity, abs=0.002)
        if scope == "layer":
            for matrix in level.matrices:
                assert matrix.kept / matrix.size == pytest.approx(1 - level.sparsity, abs=2 / matrix.size + 1e-6)
        for matrix in level.matrices:
            cells = [share for row in matrix.grid for share in row]
            assert sum(cells) / len(cells) == pytest.approx(matrix.kept / matrix.size, abs=0.06)
    if method == "magnitude":
        weights = dict(own.named_parameters())
        with torch.no_grad():
            sizes = torch.cat([weights[name].abs().flatten() for name in names])
            for name in names:
                pool = weights[name].abs().flatten() if scope == "layer" else sizes
                bound = pool.sort().values[math.floor(len(pool) * 0.3 + 1e-9)]
                weights[name].mul_((weights[name].abs() >= bound).float())
            loss = F.cross_entropy(own(ids).logits[0, :-1], ids[0, 1:])
            sample = own.generate(prompt, max_new_tokens=6, do_sample=False)[0, prompt.shape[1] :]
        assert levels[1].perplexity == pytest.approx(math.exp(loss), rel=1e-3)
        assert levels[1].sample == tokenizer.decode(sample, skip_special_tokens=True)


def test_what_goes_early_stays_away(lens_engine):
    plan = Plan(method="random", scope="layer", sparsities=(0.2, 0.6), sample_tokens=0)
    first, second = lens_engine.run(Thinning("gpt2", TEXT, plan)).result(60)
    for fewer, more in zip(second.matrices, first.matrices, strict=True):
        assert all(a <= b for x, y in zip(fewer.grid, more.grid, strict=True) for a, b in zip(x, y, strict=True))
    assert first.sample == ""


@pytest.mark.parametrize(("model", "text"), [("bert-mask", TEXT), ("bart", TEXT), ("gpt2", "")])
def test_what_has_no_perplexity_is_refused(lens_engine, model, text):
    with pytest.raises(RequestError, match="perplexity takes"):
        lens_engine.run(Thinning(model, text, Plan())).result(60)
