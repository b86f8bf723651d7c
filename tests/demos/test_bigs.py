"""BiGS: padding leaves no trace, kernels are what the model convolves with, both ways of convolving agree."""

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification

from demos.zoo.bigs import BigsConfig, BigsForMaskedLM, BigsForSequenceClassification, modeling_bigs
from demos.zoo.training import save_model

CLOSE = {"atol": 2e-5, "rtol": 1e-4}
WORDS = 30
CONFIG = {
    "vocab_size": WORDS, "hidden_size": 16, "num_hidden_layers": 3, "intermediate_size": 24, "state_size": 8,
    "max_position_embeddings": 32, "initializer_range": 0.3, "dropout": 0.0,
}  # fmt: skip


@pytest.fixture
def model():
    torch.manual_seed(0)
    return BigsForMaskedLM(BigsConfig(**CONFIG)).eval()


def text(rows, length, seed=1):
    return torch.randint(1, WORDS, (rows, length), generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_padding_leaves_no_trace(model, side):
    long, short = text(1, 12), text(1, 7, seed=2)
    left = {"left": 5, "right": 0, "both": 2}[side]
    padded = torch.zeros(1, 12, dtype=torch.long)
    padded[:, left : left + 7] = short
    batch = torch.cat([long, padded])
    logits = model(batch, attention_mask=(batch != 0).long()).logits
    torch.testing.assert_close(logits[0], model(long).logits[0], **CLOSE)
    torch.testing.assert_close(logits[1][padded[0] != 0], model(short).logits[0], **CLOSE)


@torch.inference_mode()
def test_long_texts_are_convolved_by_fourier_transform_to_the_same_effect(model, monkeypatch):
    ids = text(2, 20)
    product = model(ids).logits
    monkeypatch.setattr(modeling_bigs, "LONGEST_PRODUCT", 0)
    torch.testing.assert_close(model(ids).logits, product, **CLOSE)


@torch.inference_mode()
def test_kernels_are_the_response_to_one_token(model):
    kernels = model(text(1, 9), output_kernels=True).kernels
    assert [kernel.shape for kernel in kernels] == [(2, 9)] * 3
    assert model(text(1, 9)).kernels is None
    layer = model.model.layers[1]
    pulse = torch.zeros(1, 9, 1)
    pulse[0, 4] = 1
    forward = modeling_bigs.convolve(pulse, layer.forward_space.kernel(9), backward=False)[0, :, 0]
    backward = modeling_bigs.convolve(pulse, layer.backward_space.kernel(9), backward=True)[0, :, 0]
    torch.testing.assert_close(forward, torch.cat([torch.zeros(4), kernels[1][0, :5]]))
    torch.testing.assert_close(backward, torch.cat([kernels[1][1, :5].flip(0), torch.zeros(4)]))


@torch.inference_mode()
def test_every_token_is_read_from_both_sides(model):
    ids = text(1, 10)
    before = model(ids).logits
    ids[0, 5] = ids[0, 5] % (WORDS - 1) + 1
    changed = (model(ids).logits - before).abs().amax(-1)[0] > 1e-6
    assert changed.all()


@torch.inference_mode()
@pytest.mark.parametrize("half", [False, True])
def test_a_saved_model_computes_the_same(model, tmp_path, half):
    ids = text(2, 12)
    frequencies = model.model.layers[0].forward_space.kernel_frequency.clone()
    save_model(model, tmp_path, half=half)
    loaded = AutoModelForMaskedLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    torch.testing.assert_close(loaded(ids).logits, model(ids).logits, **CLOSE)
    assert loaded.model.layers[0].forward_space.kernel_frequency.equal(frequencies)  # never rounded
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


def test_the_loss_counts_the_hidden_tokens_alone(model):
    ids = text(2, 12)
    labels = torch.full_like(ids, -100)
    labels[0, 3], labels[1, 7] = ids[0, 3], ids[1, 7]
    output = model(ids, labels=labels)
    logits = torch.stack([output.logits[0, 3], output.logits[1, 7]])
    torch.testing.assert_close(output.loss, torch.nn.functional.cross_entropy(logits, labels[labels >= 0]))


def test_a_classifier_ignores_padding_and_takes_embeddings(tmp_path):
    torch.manual_seed(0)
    BigsForSequenceClassification(BigsConfig(**CONFIG, num_labels=3)).save_pretrained(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    short = text(1, 6)
    padded = torch.cat([torch.zeros(1, 3, dtype=torch.long), short], 1)
    logits = model(padded, attention_mask=(padded != 0).long()).logits
    torch.testing.assert_close(logits, model(short).logits, **CLOSE)
    embeddings = model.get_input_embeddings()(short).detach().requires_grad_()
    again = model(inputs_embeds=embeddings, labels=torch.tensor([1]))
    torch.testing.assert_close(again.logits, logits, **CLOSE)
    again.loss.backward()
    assert (embeddings.grad.norm(dim=-1) > 0).all()


def test_too_long_a_text_is_refused(model):
    with pytest.raises(ValueError, match="the text has 33 tokens; this model reads at most 32"):
        model(text(1, 33))
