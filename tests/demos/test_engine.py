"""The engine: everybody's requests in one batch, each as if alone."""

import math
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from demos.engine import Engine, GenerationRequest, RequestError
from demos.engine.loading import ModelError, load_model
from demos.engine.sampling import Sampler, Settings
from tests.demos.endless import endless


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """As in a worker: with several threads the library cuts up sums as it sees fit from step to step."""
    torch.set_num_threads(1)


@pytest.fixture
def folder(tiny_model):
    return tiny_model


@pytest.fixture
def engine(folder):
    engine = Engine(slots=4)
    engine.load("tiny", folder)
    yield engine
    engine.stop()


def run(engine, **fields):
    tokens = []
    request = GenerationRequest(**{"model": "tiny", "prompt": "We study", "max_new_tokens": 30, **fields})
    return engine.submit(request, tokens.extend), tokens


def test_greedy_output_equals_generate_token_for_token(engine, folder):
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for prompt in ("We study", "", "number 7 — naïve", "x" * 150):
        handle, tokens = run(engine, prompt=prompt, temperature=0, max_new_tokens=60)
        finished = handle.result(60)
        ids = tokenizer(prompt, return_tensors="pt")
        expected = model.generate(**ids, max_new_tokens=60, do_sample=False, pad_token_id=0)[
            0, ids["input_ids"].shape[1] :
        ]
        stopped = expected[-1] == tokenizer.eos_token_id
        assert [t.id for t in tokens] == expected[: -1 if stopped else None].tolist()
        assert finished.reason == ("stop" if stopped else "length")


def test_the_same_request_gives_the_same_tokens_in_any_company(engine):
    alone, tokens_alone = run(engine, seed=5)
    alone.result(60)
    crowd = [run(engine, seed=seed, prompt="We " * (seed + 1), max_new_tokens=10 + seed) for seed in range(6)]
    again, tokens_again = run(engine, seed=5)
    for handle, _ in [*crowd, (again, None)]:
        handle.result(60)
    assert [(t.id, t.probability) for t in tokens_again] == [(t.id, t.probability) for t in tokens_alone]


def test_requests_from_many_threads_at_once_are_served_by_one_loop(engine):
    alone, tokens_alone = run(engine, seed=5)
    alone.result(60)
    fresh = Engine(slots=4)
    fresh._models = engine._models  # the same weights; its loop has not started
    at_once = threading.Barrier(12)

    def ask(_):
        at_once.wait()
        handle, tokens = run(fresh, seed=5)
        handle.result(60)
        return tokens

    with ThreadPoolExecutor(12) as threads:
        everybody = list(threads.map(ask, range(12)))
    fresh.stop()
    assert everybody == [tokens_alone] * 12


def test_a_stopped_engine_cancels_what_comes_later(engine):
    engine.stop()
    handle, tokens = run(engine)
    assert (handle.result(10).reason, tokens) == ("cancelled", [])


def test_more_requests_than_slots_are_all_served(engine):
    requests = [run(engine, seed=seed, max_new_tokens=8, temperature=0.7) for seed in range(11)]
    finished = [handle.result(60) for handle, _ in requests]
    assert [f.new_tokens for f in finished] == [len(tokens) for _, tokens in requests]
    assert {f.reason for f in finished} <= {"length", "stop"}


def test_joined_texts_are_the_decoded_output(engine, folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    handle, tokens = run(engine, temperature=1.5, seed=11, max_new_tokens=80)
    handle.result(60)
    assert "".join(t.text for t in tokens) == tokenizer.decode([t.id for t in tokens], skip_special_tokens=True)


def test_probabilities_and_alternatives_equal_the_softmax(engine, folder):
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    handle, tokens = run(engine, seed=2, alternatives=4, max_new_tokens=5)
    handle.result(60)
    ids = tokenizer("We study")["input_ids"]
    with torch.inference_mode():
        for token in tokens:
            probabilities = model(torch.tensor([ids])).logits[0, -1].softmax(-1)
            assert token.probability == pytest.approx(float(probabilities[token.id]), rel=1e-4)
            best = probabilities.topk(4)
            assert [p for _, p in token.alternatives] == pytest.approx(best.values.tolist(), rel=1e-4)
            assert [t for t, _ in token.alternatives] == [tokenizer.decode([i]) for i in best.indices.tolist()]
            ids.append(token.id)


def test_a_cancelled_request_ends_and_frees_its_slot(engine):
    writing = [endless(engine, "tiny", seed=seed) for seed in range(4)]
    waiting, _ = run(engine, max_new_tokens=3)
    for handle, _ in writing:
        handle.cancel()
    for handle, tokens in writing:
        finished = handle.result(60)
        assert finished.reason == "cancelled"
        assert finished.new_tokens == len(tokens)
    assert waiting.result(60).reason == "length"
    assert engine.load_figures() == (0, 0)


def test_stopping_the_engine_cancels_what_is_left(folder):
    engine = Engine(slots=1)
    engine.load("tiny", folder)
    writing, _ = endless(engine, "tiny")
    waiting = [run(engine, seed=seed)[0] for seed in range(2)]
    engine.stop()
    assert {handle.result(60).reason for handle in (writing, *waiting)} == {"cancelled"}


def test_requests_that_can_never_be_served_are_refused_at_once(engine):
    with pytest.raises(RequestError, match="no model 'other'"):
        run(engine, model="other")
    with pytest.raises(RequestError, match="reads at most 512"):
        run(engine, prompt="We study " * 600)


def test_a_failing_model_ends_its_requests_and_the_engine_lives_on(engine):
    served = engine._models["tiny"]
    step, served.decoder.step = served.decoder.step, lambda tokens, slots: torch.zeros(1)[5]
    finished = run(engine)[0].result(60)
    assert finished.reason == "error"
    assert finished.error.startswith("IndexError")
    served.decoder.step = step
    assert run(engine)[0].result(60).reason in ("length", "stop")


def test_a_folder_without_safetensors_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match=r"holds no \.safetensors weights"):
        load_model("bad", tmp_path, "cpu")
    with pytest.raises(ModelError, match="there is no folder"):
        load_model("bad", tmp_path / "nowhere", "cpu")


# --- sampling --------------------------------------------------------------------------------------------------------


def reference_distribution(logits, temperature, top_k, top_p):
    """Top-k, then top-p, written the slow and obvious way."""
    probabilities = (logits.double() / temperature).softmax(-1)
    order = probabilities.argsort(descending=True)
    if top_k:
        order = order[:top_k]
    kept, mass = [], 0.0
    total = float(probabilities[order].sum())
    for token in order.tolist():
        kept.append(token)
        mass += float(probabilities[token]) / total
        if mass >= top_p:
            break
    weights = probabilities[kept]
    return dict(zip(kept, (weights / weights.sum()).tolist(), strict=True))


def chosen(logits, settings):
    """The tokens of all rows."""
    sampler = Sampler(len(settings))
    for row, one in enumerate(settings):
        sampler.take(row, one, [], logits.shape[-1], logits.device)
    return [choice.token for choice in sampler.choose(logits, list(range(len(settings))))]


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, 0, 1.0), (0.7, 5, 1.0), (1.3, 0, 0.9), (1.0, 300, 0.95), (1.0, 20, 0.5), (5.0, 0, 0.2), (1.0, 1, 1.0)],
)
def test_draws_follow_the_filtered_distribution(temperature, top_k, top_p):
    """Counts over many draws: nothing outside of the set, and the spread that chance explains inside of it."""
    logits = torch.randn(300, generator=torch.Generator().manual_seed(4)) * 2
    expected = reference_distribution(logits, temperature, top_k, top_p)
    rows, rounds = 500, 16
    numbers = random.Random(9)
    counts = Counter()
    for _ in range(rounds):
        settings = [Settings(temperature, top_k, top_p, numbers=random.Random(numbers.random())) for _ in range(rows)]
        counts.update(chosen(logits.expand(rows, -1), settings))
    draws = rows * rounds
    assert set(counts) <= set(expected)
    distance = sum((counts[token] - draws * p) ** 2 / (draws * p) for token, p in expected.items())
    assert distance < len(expected) + 5 * math.sqrt(2 * len(expected))  # chi square, five standard deviations


def test_rows_with_different_settings_do_not_disturb_each_other():
    logits = torch.randn(4, 500, generator=torch.Generator().manual_seed(1))
    kinds = [(0.0, 0, 1.0, 1.0), (1.0, 3, 1.0, 1.0), (1.0, 0, 0.3, 1.0), (1.0, 0, 1.0, 1.5)]

    def settings(row):
        return Settings(*kinds[row], numbers=random.Random(row))

    together = chosen(logits, [settings(row) for row in range(4)])
    assert together == [chosen(logits[row][None], [settings(row)])[0] for row in range(4)]
    assert together[0] == int(logits[0].argmax())


def test_temperature_zero_ignores_the_seed():
    logits = torch.tensor([[0.1, math.pi, 2.0]])
    assert chosen(logits, [Settings(0.0, numbers=random.Random(1))]) == [1]


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", math.nan), ("temperature", -1.0), ("top_p", 0.0), ("top_k", -1), ("stop", ("",))],
)
def test_settings_no_model_can_work_with_are_refused_by_name(engine, field, value):
    with pytest.raises(RequestError, match=field):
        run(engine, **{field: value})
