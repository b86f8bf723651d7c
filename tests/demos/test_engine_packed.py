"""Matrices laid out for the processor: the same model, and the given one stays as it was."""

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig
from transformers.pytorch_utils import Conv1D

from demos.engine import Engine
from demos.engine.key_value import KeyValueSlots
from demos.engine.packed import SMALLEST, PackedLinear, PackedLstm, can_pack, packed_twin

CONFIGS = {
    "gpt2": GPT2Config(vocab_size=300, n_embd=128, n_layer=2, n_head=4, n_positions=64),
    "llama": LlamaConfig(
        vocab_size=300,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
    ),
}


@pytest.fixture(scope="module", params=CONFIGS)
def model(request):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(CONFIGS[request.param]).eval()


def test_this_machine_can_pack():
    assert can_pack("cpu", torch.float32)
    assert not can_pack("cpu", torch.bfloat16)
    assert not can_pack("cuda", torch.float32)


@torch.inference_mode()
def test_the_twin_computes_the_same_and_leaves_the_model_alone(model):
    ids = torch.arange(20)[None]
    before = {name: type(module) for name, module in model.named_modules()}
    expected = model(ids).logits
    twin = packed_twin(model)
    packed = [m for m in twin.modules() if isinstance(m, PackedLinear)]
    large = [m for m in model.modules() if isinstance(m, nn.Linear | Conv1D) and m.weight.numel() >= SMALLEST]
    assert len(packed) == len(large) > 4
    torch.testing.assert_close(twin(ids).logits, expected, rtol=1e-4, atol=1e-4)
    assert {name: type(module) for name, module in model.named_modules()} == before
    assert torch.equal(model(ids).logits, expected)
    assert {id(p) for p in twin.parameters()} <= {id(p) for p in model.parameters()}, "weights were copied"


@torch.inference_mode()
@pytest.mark.parametrize("sizes", [(384, 1152), (1536, 384), (100, 333)])
def test_a_row_comes_out_the_same_whatever_the_number_of_rows(sizes):
    """From two rows on; a single one may be summed in another order."""
    width, out = sizes
    torch.manual_seed(1)
    layer = PackedLinear(torch.randn(out, width), torch.randn(out))
    row = torch.randn(1, width)
    found = []
    for rows in (2, 3, 7, 16, 33, 128):
        others = torch.randn(rows, width)
        others[rows // 2] = row
        found.append(layer(others)[rows // 2])
    assert all(torch.equal(other, found[0]) for other in found)


@torch.inference_mode()
def test_an_lstm_steps_the_same():
    torch.manual_seed(2)
    lstm = nn.LSTM(64, 96, batch_first=True)
    h, c = torch.randn(2, 5, 96).unbind()
    x = torch.randn(5, 64)
    expected = torch.lstm_cell(x, (h, c), *lstm.all_weights[0])
    torch.testing.assert_close(PackedLstm(lstm).step(x, h, c), expected)
    longer = torch.randn(5, 7, 64)
    assert torch.equal(PackedLstm(lstm)(longer)[0], lstm(longer)[0])


def test_only_models_that_are_small_beside_the_budget_are_packed(tiny_model):
    size = sum(p.numel() * 4 for p in AutoModelForCausalLM.from_pretrained(tiny_model).parameters())
    for budget, packed in ((None, True), (9 * size, True), (7 * size, False)):
        engine = Engine(slots=2, budget=budget)
        engine.load("model", tiny_model)
        served = engine._models["model"]
        linear = [m for m in served.decoder.model.modules() if isinstance(m, PackedLinear | PackedLstm)]
        assert bool(linear) is packed
        assert served.memory == size * (2 if packed else 1)
        assert served.decoder.model is served.loaded.model or packed
        engine.stop()


def test_numbers_of_rows_are_free_with_packed_matrices(model):
    torch.set_num_threads(1)
    decoder = KeyValueSlots(packed_twin(model), 16, padded=False)
    assert decoder.step_sizes == [4, 8, 12, 16]
    assert decoder.read_sizes == [1, 2, 4]
