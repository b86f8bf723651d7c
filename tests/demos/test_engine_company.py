"""One request, bit for bit the same whoever else is being served: lengths, places and moments of the others."""

import pytest
import torch
from transformers import AutoTokenizer

from demos.engine import Engine, GenerationRequest
from demos.engine.serving import PREFILL_BUDGET
from demos.zoo.sha_rnn import ShaRnnConfig, ShaRnnForCausalLM
from tests.demos.endless import endless


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def long_memory(tiny_model, tmp_path_factory):
    """A SHA-RNN whose ring has several sizes in use, unlike the tiny one's."""
    folder = tmp_path_factory.mktemp("models") / "long"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(4)
    config = ShaRnnConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=3,
        memory_size=1000,
        dropout=0.0,
        lstm_residual=True,
        initializer_range=0.3,
    )
    ShaRnnForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def engine(long_memory):
    engine = Engine(slots=5)
    engine.load("model", long_memory)
    yield engine
    engine.stop()


def submit(engine, prompt, seed=0, new=40, **fields):
    tokens = []
    request = GenerationRequest("model", prompt, max_new_tokens=new, seed=seed, top_p=0.9, **fields)
    return engine.submit(request, tokens.extend, prompt_limit=2000), tokens


def seen(tokens):
    return [(t.id, t.probability, t.alternatives) for t in tokens]


@pytest.mark.parametrize("words", [1, 9, 70, 150])
def test_long_and_short_neighbours_change_no_bit(engine, words):
    prompt = "We study number " * words
    alone, expected = submit(engine, prompt, alternatives=3)
    alone.result(60)
    first = [submit(engine, "language " * n, seed=n, new=150) for n in (400, 3)]
    middle = submit(engine, prompt, alternatives=3)
    last = [submit(engine, "naïve " * n, seed=n, new=30, temperature=1.5) for n in (20, 1, 130, 60)]
    again = submit(engine, prompt, alternatives=3)
    for handle, _ in [*first, middle, *last, again]:
        handle.result(120)
    assert seen(middle[1]) == seen(expected)
    assert seen(again[1]) == seen(expected)


def test_a_long_prompt_is_read_in_pieces_between_the_steps_of_others(engine):
    """Its reader waits through several turns, in each of which the running text gets its token."""
    writing, tokens = endless(engine, "model")
    begun, first = [], []
    request = GenerationRequest("model", "We study number " * 300, max_new_tokens=3, seed=1)
    prompt = len(engine._models["model"].loaded.tokenizer(request.prompt)["input_ids"])
    reading = engine.submit(
        request, lambda new: first.append(len(tokens)), lambda: begun.append(len(tokens)), prompt_limit=4000
    )
    assert reading.result(120).new_tokens == 3
    writing.cancel()
    writing.result(60)
    assert first[0] - begun[0] >= prompt // PREFILL_BUDGET - 1 >= 2
