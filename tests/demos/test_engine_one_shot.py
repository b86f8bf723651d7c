"""Work that is done once, and looks into running texts: equal to direct calls, and nobody else's business."""

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from demos.engine import (
    Attention,
    AttentionCapture,
    Engine,
    GenerationRequest,
    OneShot,
    RequestError,
    Steering,
    Surprisal,
)
from demos.engine.one_shot import Cancelled

TEXT = "We study number 7 — naïve models of language."


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folders(tiny_model, tmp_path_factory):
    """A recurrent model and one of keys and values, with the same tokenizer."""
    path = tmp_path_factory.mktemp("models") / "gpt2"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.save_pretrained(path)
    torch.manual_seed(2)
    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), tokenizer.eos_token_id)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=48, n_layer=3, n_head=4, n_positions=700, initializer_range=0.3, **ends
    )
    GPT2LMHeadModel(config).save_pretrained(path)
    return {"sha-rnn": tiny_model, "gpt2": path}


@pytest.fixture(scope="module")
def engine(folders):
    engine = Engine(slots=4)
    for name, folder in folders.items():
        engine.load(name, folder)
    yield engine
    engine.stop()


def submit(engine, prompt="We study", **fields):
    tokens = []
    request = GenerationRequest(**{"model": "gpt2", "prompt": prompt, "max_new_tokens": 30, **fields})
    return engine.submit(request, tokens.extend), tokens


def direct(folder, attention=None):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation=attention).eval()


@pytest.mark.parametrize("name", ["sha-rnn", "gpt2"])
@pytest.mark.parametrize("times", [1, 40])
def test_surprisal_equals_the_cross_entropy(engine, folders, name, times):
    text = (TEXT + " ") * (times if name == "gpt2" else min(times, 5))
    if times > 1 and name == "gpt2":
        text = text[:1200]
    scores = engine.run(Surprisal(name, text)).result(60)
    ids = AutoTokenizer.from_pretrained(folders[name])(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logits = direct(folders[name])(ids).logits[0, :-1]
    expected = -functional.cross_entropy(logits, ids[0, 1:], reduction="none")
    assert [score.id for score in scores] == ids[0].tolist()
    assert scores[0].logprob is None
    assert [s.logprob for s in scores[1:]] == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-4)
    best = logits.argmax(-1)
    assert [s.rank == 0 for s in scores[1:]] == (best == ids[0, 1:]).tolist()


def test_attention_maps_equal_those_of_eager_attention(engine, folders):
    maps = engine.run(Attention("gpt2", TEXT, layers=(2, 0))).result(60)
    ids = AutoTokenizer.from_pretrained(folders["gpt2"])(TEXT, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = direct(folders["gpt2"], "eager")(ids, output_attentions=True).attentions
    assert len(maps.tokens) == ids.shape[1]
    for mine, layer in zip(maps.weights, (2, 0), strict=True):
        torch.testing.assert_close(mine, expected[layer][0])


def test_the_one_head_of_a_sha_rnn_is_seen_too(engine, folders):
    maps = engine.run(Attention("sha-rnn", TEXT)).result(60)
    ids = AutoTokenizer.from_pretrained(folders["sha-rnn"])(TEXT, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = direct(folders["sha-rnn"])(ids, output_attentions=True).attentions
    torch.testing.assert_close(maps.weights, [layer[0] for layer in expected])


def test_one_shot_work_between_steps_changes_no_running_text(engine):
    alone, expected = submit(engine, seed=5)
    alone.result(60)
    running, tokens = submit(engine, seed=5)
    jobs = [engine.run(Attention("gpt2", TEXT)) for _ in range(3)] + [engine.run(Surprisal("gpt2", TEXT))]
    for job in jobs:
        job.result(60)
    running.result(60)
    assert tokens == expected


class Endless(OneShot):
    def work(self, loaded):
        while True:
            yield


class Broken(OneShot):
    def work(self, loaded):
        yield
        raise ZeroDivisionError("nothing to divide by")


def test_work_is_cancelled_between_its_pieces_and_others_go_on(engine):
    endless = engine.run(Endless("gpt2"))
    handle, tokens = submit(engine, max_new_tokens=5)
    handle.result(60)
    endless.cancel()
    with pytest.raises(Cancelled):
        endless.result(60)
    assert len(tokens) <= 5


def test_work_that_fails_says_so_and_the_engine_lives_on(engine):
    with pytest.raises(ZeroDivisionError):
        engine.run(Broken("gpt2")).result(60)
    assert submit(engine)[0].result(60).reason in ("length", "stop")


def test_work_that_cannot_be_done_is_refused_with_the_numbers(engine):
    with pytest.raises(RequestError, match="no model 'other'"):
        engine.run(Surprisal("other", TEXT))
    with pytest.raises(RequestError, match="expected at most 700"):
        engine.run(Surprisal("gpt2", TEXT * 80)).result(60)
    with pytest.raises(RequestError, match="attends in 3 layers"):
        engine.run(Attention("gpt2", TEXT, layers=(3,))).result(60)


# --- hooks -----------------------------------------------------------------------------------------------------------


def test_steering_equals_a_hook_on_the_bare_model(engine, folders):
    vector = torch.randn(48, generator=torch.Generator().manual_seed(1)) * 3
    plain, unsteered = submit(engine, TEXT, temperature=0)
    steered, tokens = submit(engine, TEXT, temperature=0, hooks=(Steering(1, vector),))
    beside, same = submit(engine, TEXT, temperature=0)
    for handle in (plain, steered, beside):
        handle.result(60)
    model = direct(folders["gpt2"])
    model.transformer.h[1].register_forward_hook(lambda module, inputs, output: output + vector)
    ids = AutoTokenizer.from_pretrained(folders["gpt2"])(TEXT, return_tensors="pt")["input_ids"]
    expected = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=30, do_sample=False)
    written = expected[0, ids.shape[1] :].tolist()
    assert [t.id for t in tokens] == [token for token in written if token != model.config.eos_token_id]
    assert same == unsteered
    assert tokens != unsteered


def test_captured_attention_equals_eager_attention(engine, folders):
    capture = AttentionCapture(2)
    handle, tokens = submit(engine, TEXT, seed=3, hooks=(capture,))
    beside, _ = submit(engine, seed=4)
    handle.result(60)
    beside.result(60)
    ids = AutoTokenizer.from_pretrained(folders["gpt2"])(TEXT)["input_ids"] + [t.id for t in tokens]
    with torch.inference_mode():
        output = direct(folders["gpt2"], "eager")(torch.tensor([ids]), output_attentions=True)
    covered = 0
    for start, weights in capture.spans:
        assert start == covered
        covered += weights.shape[1]
        expected = output.attentions[2][0, :, start:covered, :covered]
        torch.testing.assert_close(weights, expected, rtol=1e-3, atol=1e-5)
    assert covered >= len(ids) - 1


def test_hooks_into_what_is_not_there_end_that_request_with_a_sentence(engine):
    finished = submit(engine, hooks=(AttentionCapture(9),))[0].result(60)
    assert (finished.reason, finished.error) == ("error", "layer 9 is asked for; this model has 3, counted from 0")
    finished = submit(engine, model="sha-rnn", hooks=(AttentionCapture(0),))[0].result(60)
    assert finished.error == "this model cannot be looked into while it writes"


# --- stop strings ----------------------------------------------------------------------------------------------------


def test_a_stop_string_ends_the_output_wherever_tokens_meet(engine):
    """Every piece of what would be written, cut anywhere, works as a stop string."""
    handle, tokens = submit(engine, seed=8, max_new_tokens=25)
    handle.result(60)
    text = "".join(t.text for t in tokens)
    assert len(text) > 20
    for start, end in [(3, 4), (5, 9), (7, 13), (10, 20), (len(text) - 3, len(text))]:
        stop = text[start:end]
        handle, cut = submit(engine, seed=8, max_new_tokens=25, stop=(stop, "never written \x00"))
        finished = handle.result(60)
        assert "".join(t.text for t in cut) == text[: text.find(stop)]
        assert finished.reason == "stop"


def test_a_stop_string_that_never_comes_holds_nothing_back(engine):
    handle, expected = submit(engine, seed=8, max_new_tokens=25)
    handle.result(60)
    text = "".join(t.text for t in expected)
    handle, tokens = submit(engine, seed=8, max_new_tokens=25, stop=(text[-2:] + "\x00", text[5:9] + "\x00"))
    assert handle.result(60).reason == "length"
    assert "".join(t.text for t in tokens) == text
