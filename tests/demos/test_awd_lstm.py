"""AWD-LSTM: its state, its pointers against their papers' equations, and how it is served."""

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from demos.engine import Engine, GenerationRequest
from demos.engine.awd_lstm import AwdLstmSlots
from demos.zoo.awd_lstm import AwdLstmConfig, AwdLstmForCausalLM

CLOSE = {"atol": 2e-5, "rtol": 1e-4}
WORDS, WINDOW = 20, 6
DROPOUTS = ("dropout", "dropout_between", "dropout_input", "dropout_words", "dropout_recurrent")


def build(pointer, **settings):
    torch.manual_seed(0)
    config = AwdLstmConfig(
        vocab_size=WORDS,
        hidden_size=12,
        inner_size=20,
        pointer=pointer,
        pointer_window=WINDOW,
        cache_share=0.3,
        **settings,
    )
    return AwdLstmForCausalLM(config).eval()


@pytest.fixture(params=["none", "cache", "sentinel"])
def model(request):
    return build(request.param, cache_theta=2.0)


def text(rows, length, seed=1):
    return torch.randint(1, WORDS, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def vocabulary(model, ids):
    """The LSTMs' outputs (T, E) of one text and the softmax over the vocabulary (T, V)."""
    hidden = model.model(ids).last_hidden_state[0]
    return hidden, model.lm_head(hidden).softmax(-1)


@torch.inference_mode()
@pytest.mark.parametrize("waits", [False, True])
def test_the_continuous_cache_is_that_of_its_paper(waits):
    """Grave et al. 2016, equations 2 and 3: the pairs (h_i, x_i+1) before t, weighed by exp(theta h_t h_i)."""
    model = build("cache", cache_theta=2.0, cache_waits=waits)
    ids = text(1, 15)
    hidden, words = vocabulary(model, ids)
    expected = words.clone()
    for t in range(15):
        first = max(0, t - WINDOW)
        if t == first or (waits and t <= WINDOW):
            continue
        weights = torch.softmax(2.0 * hidden[first:t] @ hidden[t], 0)
        pointed = torch.zeros(WORDS)
        for weight, word in zip(weights, ids[0, first + 1 : t + 1], strict=True):
            pointed[word] += weight
        expected[t] = 0.7 * words[t] + 0.3 * pointed
    torch.testing.assert_close(model(ids).logits[0].exp(), expected, **CLOSE)


@torch.inference_mode()
def test_the_pointer_sentinel_is_that_of_its_paper():
    """Merity et al. 2016, section 2: the sentinel competes with the last words; what it wins goes to the vocabulary."""
    model = build("sentinel")
    ids = text(1, 15)
    hidden, words = vocabulary(model, ids)
    for t, found in enumerate(model(ids).logits[0].exp()):
        first = max(0, t - WINDOW + 1)
        query = torch.tanh(model.pointer.query(hidden[t]))
        scores = [math.exp(query @ row) for row in [*hidden[first : t + 1], model.pointer.sentinel]]
        weights = [score / sum(scores) for score in scores]
        expected = weights[-1] * words[t]
        for weight, word in zip(weights, ids[0, first : t + 1].tolist(), strict=False):
            expected[word] += weight
        torch.testing.assert_close(found, expected, **CLOSE)


@torch.inference_mode()
@pytest.mark.parametrize("cuts", [[1] * 18, [7, 1, 10]])
def test_segments_with_carried_state_equal_one_long_pass(model, cuts):
    ids = text(2, 18)
    cache, pieces = None, []
    for piece in ids.split(cuts, dim=1):
        output = model(piece, past_key_values=cache)
        cache = output.past_key_values
        pieces.append(output.logits)
    torch.testing.assert_close(torch.cat(pieces, 1), model(ids).logits, **CLOSE)


@torch.inference_mode()
@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_batches_equal_single_rows(model, side):
    long, short = text(1, 12), text(1, 7, seed=2)
    pad = torch.zeros(1, 5, dtype=torch.long)
    padded = torch.cat([pad, short] if side == "left" else [short, pad], 1)
    batch = torch.cat([long, padded])
    mask = (batch != 0).long()
    output = model(batch, attention_mask=mask)
    torch.testing.assert_close(output.logits[0], model(long).logits[0], **CLOSE)
    torch.testing.assert_close(output.logits[1][padded[0] != 0], model(short).logits[0], **CLOSE)
    if side == "left":  # and what is carried on is the same, too
        more = text(2, 3, seed=3)
        followed = model(more, past_key_values=output.past_key_values).logits[1]
        alone = model(torch.cat([short, more[1:]], 1)).logits[0, -3:]
        torch.testing.assert_close(followed, alone, **CLOSE)


@torch.inference_mode()
def test_generate_with_and_without_cache_agree(model):
    options = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    ids = text(1, 6)
    expected = model.generate(ids, use_cache=False, **options).tolist()
    assert model.generate(ids, **options).tolist() == expected
    beams = {"num_beams": 3, **options}
    assert model.generate(ids, **beams).tolist() == model.generate(ids, use_cache=False, **beams).tolist()


@torch.inference_mode()
def test_a_forgotten_row_starts_a_new_text(model):
    cache = model(text(2, 9)).past_key_values
    cache.forget(torch.tensor([False, True]))
    ids = text(2, 5, seed=4)
    logits = model(ids, past_key_values=cache).logits
    torch.testing.assert_close(logits[1], model(ids[1:]).logits[0], **CLOSE)
    assert not torch.allclose(logits[0], model(ids[:1]).logits[0], atol=1e-3)


@pytest.mark.parametrize("dropped", DROPOUTS)
def test_each_dropout_drops_while_training_alone(dropped):
    model = build("none", **dict.fromkeys(DROPOUTS, 0.0) | {dropped: 0.5})
    ids = text(2, 6)
    plain = model(ids).logits
    model.train()
    assert not torch.allclose(model(ids).logits, plain, atol=1e-4)
    model.eval()
    torch.testing.assert_close(model(ids).logits, plain)


def test_the_engine_writes_what_generate_writes(model, tmp_path):
    tokenizer = PreTrainedTokenizerFast.from_pretrained("demos/checkpoints/sha-rnn")
    torch.manual_seed(1)
    config = AwdLstmConfig(
        vocab_size=len(tokenizer), hidden_size=12, inner_size=20, pointer=model.config.pointer, pointer_window=10
    )
    AwdLstmForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    engine = Engine(slots=3)
    engine.load("awd", tmp_path)
    assert type(engine._models["awd"].decoder) is AwdLstmSlots
    prompts = ["We propose a model of language", "Recurrent networks " * 30, "On"]
    written = [[] for _ in prompts]
    handles = [
        engine.submit(GenerationRequest("awd", prompt, max_new_tokens=24, temperature=0), tokens.extend)
        for prompt, tokens in zip(prompts, written, strict=True)
    ]
    for handle in handles:
        handle.result(120)
    engine.stop()
    own = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    for prompt, tokens in zip(prompts, written, strict=True):
        ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        expected = own.generate(ids, max_new_tokens=24, do_sample=False, pad_token_id=0)[0, ids.shape[1] :]
        assert [token.id for token in tokens] == [token for token in expected.tolist() if token != 0]


def test_an_unknown_pointer_is_refused():
    with pytest.raises(ValueError, match="pointer 'finger' is unknown; expected one of none, cache, sentinel"):
        AwdLstmConfig(pointer="finger")
