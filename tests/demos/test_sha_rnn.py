"""SHA-RNN as a `transformers` model: segments, padding, generate(), saving."""

import pytest
import torch
from transformers import AutoModelForCausalLM

import demos.zoo  # noqa: F401  registers the model
from demos.zoo.sha_rnn import ShaRnnConfig, ShaRnnForCausalLM

WORDS = 61
CLOSE = {"atol": 1e-5, "rtol": 1e-4}


@pytest.fixture(params=[False, True], ids=["released", "residual"])
def model(request):
    torch.manual_seed(0)
    config = ShaRnnConfig(
        vocab_size=WORDS,
        hidden_size=24,
        num_hidden_layers=3,
        memory_size=9,
        dropout=0.0,
        lstm_residual=request.param,
        initializer_range=0.3,
    )
    return ShaRnnForCausalLM(config).eval()


def text(rows, length, seed=1):
    return torch.randint(1, WORDS, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
@pytest.mark.parametrize("cuts", [[30], [1] * 30, [7, 1, 17, 5]])
def test_segments_with_carried_state_equal_one_long_pass(model, cuts):
    ids = text(2, 30)
    cache, pieces = None, []
    for piece in ids.split(cuts, dim=1):
        output = model(piece, past_key_values=cache)
        cache = output.past_key_values
        pieces.append(output.logits)
    torch.testing.assert_close(torch.cat(pieces, 1), model(ids).logits, **CLOSE)


@torch.inference_mode()
@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_batches_equal_single_rows(model, side):
    long, short = text(1, 9), text(1, 5, seed=2)
    pad = torch.zeros(1, 4, dtype=torch.long)
    padded = torch.cat([pad, short] if side == "left" else [short, pad], 1)
    batch = torch.cat([long, padded])
    logits = model(batch, attention_mask=(batch != 0).long()).logits
    torch.testing.assert_close(logits[0], model(long).logits[0], **CLOSE)
    torch.testing.assert_close(logits[1][padded[0] != 0], model(short).logits[0], **CLOSE)


@torch.inference_mode()
def test_the_head_sees_the_memory_and_not_beyond(model):
    ids = text(1, 20)
    changed = ids.clone()
    changed[0, 4] = changed[0, 4] % (WORDS - 1) + 1
    weights = model(ids, output_attentions=True).attentions[0][0, 0]
    assert weights.shape == (20, 20)
    torch.testing.assert_close(weights.sum(-1), torch.ones(20))
    seen = (weights > 0).nonzero()
    assert (seen[:, 0] - seen[:, 1]).max() == 9
    assert (seen[:, 1] <= seen[:, 0]).all()


@torch.inference_mode()
def test_generate_with_and_without_cache_agree(model):
    ids = text(1, 6)
    options = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    with_cache = model.generate(ids, **options)
    assert with_cache.shape == (1, 26)
    assert with_cache.tolist() == model.generate(ids, use_cache=False, **options).tolist()


@torch.inference_mode()
def test_generate_gives_left_padded_rows_the_text_they_get_alone(model):
    long, short = text(1, 9), text(1, 5, seed=2)
    batch = torch.cat([long, torch.cat([torch.zeros(1, 4, dtype=torch.long), short], 1)])
    options = {"max_new_tokens": 15, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    together = model.generate(batch, attention_mask=(batch != 0).long(), **options)
    assert together[1, 9:].tolist() == model.generate(short, **options)[0, 5:].tolist()


@torch.inference_mode()
def test_beam_search_keeps_states_and_rows_together(model):
    ids = text(1, 6)
    options = {"max_new_tokens": 10, "num_beams": 3, "pad_token_id": 0, "eos_token_id": None}
    assert model.generate(ids, **options).tolist() == model.generate(ids, use_cache=False, **options).tolist()


@torch.inference_mode()
def test_a_saved_model_with_collapsed_gates_computes_the_same(model, tmp_path):
    ids = text(2, 12)
    before = model(ids).logits
    model.model.collapse_gates()
    model.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(loaded(ids).logits, before, **CLOSE)
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


def test_loss_equals_cross_entropy_of_the_shifted_text(model):
    ids = text(2, 12)
    output = model(ids, labels=ids)
    expected = torch.nn.functional.cross_entropy(output.logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    torch.testing.assert_close(output.loss, expected)


def test_a_row_of_nothing_but_padding_is_refused(model):
    with pytest.raises(ValueError, match="every row of a batch needs at least one token"):
        model(torch.zeros(2, 3, dtype=torch.long), attention_mask=torch.tensor([[1, 1, 1], [0, 0, 0]]))


def test_a_head_outside_the_blocks_is_refused():
    with pytest.raises(ValueError, match="are not among the 2 blocks"):
        ShaRnnConfig(num_hidden_layers=2, attention_layers=[2])
