"""What the views of attention show is what the models computed, for every make of model."""

import subprocess
import sys

import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

from demos.engine import GenerationRequest, RequestError
from demos.lens.packing import HEADER, PacketError, pack, thumbnails, unpack
from demos.lens.reading import Look, movement
from demos.lens.writing import captures, rows_of
from tests.demos.lens_models import direct

TEXT = "We study number 7 — naïve models of language and of speech."
STEP = 1 / 255 + 1e-6


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def look(lens_engine):
    return lambda model, text=TEXT, **fields: lens_engine.run(Look(model, text, **fields)).result(60)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("name", "auto", "causal", "layers"),
    [
        ("sha-rnn", AutoModelForCausalLM, True, [1]),
        ("gpt2", AutoModelForCausalLM, True, [0, 1, 2]),
        ("bert", AutoModel, False, [0, 1, 2]),
        ("bert-mask", AutoModelForMaskedLM, False, [0, 1, 2]),
    ],
)
def test_maps_equal_the_models_own_and_survive_packing(look, lens_folders, name, auto, causal, layers):
    reading = look(name)
    model, tokenizer = direct(auto, lens_folders[name], attn_implementation="eager" if name != "sha-rnn" else None)
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    expected = model(ids, output_attentions=True).attentions
    (map_,) = reading.maps
    assert (map_.name, map_.causal, map_.layers) == ("self", causal, layers)
    assert reading.ids == ids[0].tolist()
    assert len(map_.weights) == len(expected)
    for mine, theirs in zip(map_.weights, expected, strict=True):
        torch.testing.assert_close(mine, theirs[0], atol=1e-5, rtol=1e-4)
        packet = pack(mine)
        back = unpack(packet)
        assert float((back - mine).abs().max()) <= STEP
        assert torch.equal(back.mul(255).round().sum(-1), torch.full(back.shape[:2], 255.0))
        cells = len(ids[0]) * (len(ids[0]) + 1) // 2 if causal else len(ids[0]) ** 2
        assert len(packet) < HEADER.size + cells * map_.heads + 64


def test_many_small_weights_do_not_vanish():
    even = torch.full((2, 512, 512), 1 / 512)
    back = unpack(pack(even))
    assert torch.equal(back.mul(255).round().sum(-1), torch.full((2, 512), 255.0))
    assert float((back.view(2, 512, 16, 32).sum(-1) - 1 / 16).abs().max()) <= STEP


def test_bytes_that_are_no_packet_are_refused():
    packet = pack(torch.eye(4)[None])
    assert torch.equal(unpack(packet), torch.eye(4)[None])
    for wrong in (b"", b"PNG" + packet, packet[: HEADER.size] + pack(torch.eye(5)[None])[HEADER.size :]):
        with pytest.raises(PacketError):
            unpack(wrong)


def test_thumbnails_keep_single_bright_cells():
    dark = torch.zeros(3, 2, 100, 100)
    dark[1, 1, 57, 3] = 1
    small = unpack(thumbnails(list(dark)))
    assert small.shape == (6, 32, 32)
    assert float(small[3].max()) == 1
    assert float(small.sum()) == float(small[3].sum())


@torch.inference_mode()
def test_both_stacks_of_an_encoder_decoder_and_what_joins_them(look, lens_folders):
    model, tokenizer = direct(AutoModelForSeq2SeqLM, lens_folders["bart"], attn_implementation="eager")
    target = tokenizer("models of speech")["input_ids"]
    reading = look("bart", target="models of speech")
    again = look("bart", further=tuple(target))
    assert all(
        torch.equal(a, b)
        for x, y in zip(reading.maps, again.maps, strict=True)
        for a, b in zip(x.weights, y.weights, strict=True)
    )
    source = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    written = torch.tensor([[model.config.decoder_start_token_id, *target]])
    output = model(input_ids=source, decoder_input_ids=written, output_attentions=True)
    encoder, decoder, cross = reading.maps
    assert [m.name for m in reading.maps] == ["encoder", "decoder", "cross"]
    assert (encoder.causal, decoder.causal, cross.causal) == (False, True, False)
    assert (len(cross.rows), len(cross.columns)) == (written.shape[1], source.shape[1])
    for map_, theirs in (
        (encoder, output.encoder_attentions),
        (decoder, output.decoder_attentions),
        (cross, output.cross_attentions),
    ):
        for mine, one in zip(map_.weights, theirs, strict=True):
            torch.testing.assert_close(mine, one[0], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_where_there_is_no_attention_there_are_kernels(look, lens_folders):
    reading = look("bigs")
    model, tokenizer = direct(AutoModelForMaskedLM, lens_folders["bigs"])
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    expected = torch.stack(model(ids, output_kernels=True).kernels)
    assert reading.maps == []
    torch.testing.assert_close(reading.kernels.forward, expected[:, 0])
    torch.testing.assert_close(reading.kernels.backward, expected[:, 1])
    for (near, _), kernel in zip(reading.kernels.reach(), expected[:, 0].abs(), strict=True):
        assert float(kernel[: near + 1].sum() / kernel.sum()) >= 0.9
        assert near == 0 or float(kernel[:near].sum() / kernel.sum()) < 0.9


@torch.inference_mode()
@pytest.mark.parametrize("name", ["bert-mask", "bigs"])
def test_a_hidden_word_is_masked_and_guessed(look, lens_folders, name):
    places = (2, 5)
    reading = look(name, hidden=places)
    model, tokenizer = direct(AutoModelForMaskedLM, lens_folders[name])
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    ids[0, list(places)] = tokenizer.mask_token_id
    best = model(ids).logits[0].softmax(-1)
    assert reading.hidden == "mask"
    assert tuple(guess.place for guess in reading.guesses) == places
    for guess in reading.guesses:
        chances, tokens = best[guess.place].topk(5)
        assert [word for word, _ in guess.words] == [tokenizer.decode([t]) for t in tokens]
        assert [p for _, p in guess.words] == pytest.approx(chances.tolist(), abs=1e-5)


@torch.inference_mode()
def test_models_without_a_mask_do_not_see_a_hidden_token(look, lens_folders):
    """The transformer gives it no attention and keeps everybody's place; the recurrent model reads the text without it."""
    before, after = look("gpt2"), look("gpt2", hidden=(3,))
    assert after.hidden == "attention_mask"
    for weights in after.maps[0].weights:
        assert float(weights[:, :, 3].abs().max()) == 0
        rows = weights.sum(-1)
        assert torch.allclose(rows[:, [*range(3), *range(4, rows.shape[1])]], torch.tensor(1.0), atol=1e-5)
        assert float(rows[:, 3].abs().max()) == 0
    torch.testing.assert_close(after.maps[0].weights[0][:, :3], before.maps[0].weights[0][:, :3])
    moved = movement(before.maps[0], after.maps[0])
    assert len(moved) == 3
    assert all(0 < share <= 1 for layer in moved for share in layer)
    assert movement(before.maps[0], before.maps[0]) == [[0.0] * 4] * 3

    model, tokenizer = direct(AutoModelForCausalLM, lens_folders["sha-rnn"])
    ids = tokenizer(TEXT)["input_ids"]
    without = model(torch.tensor([ids[:3] + ids[4:]]), output_attentions=True).attentions[0][0]
    reading = look("sha-rnn", hidden=(3,))
    assert reading.hidden == "left out"
    shown = reading.maps[0].weights[0]
    kept = [i for i in range(len(ids)) if i != 3]
    torch.testing.assert_close(shown[:, kept][:, :, kept], without, atol=1e-5, rtol=1e-4)
    assert float(shown[:, 3].sum() + shown[:, :, 3].sum()) == 0


@torch.inference_mode()
def test_what_was_looked_at_while_writing(lens_engine, lens_folders):
    hooks = captures(3)
    tokens = []
    request = GenerationRequest("gpt2", "We study", max_new_tokens=12, temperature=0, hooks=tuple(hooks))
    lens_engine.submit(request, tokens.extend).result(60)
    model, tokenizer = direct(AutoModelForCausalLM, lens_folders["gpt2"], attn_implementation="eager")
    ids = [*tokenizer("We study")["input_ids"], *(token.id for token in tokens)][:-1]
    expected = model(torch.tensor([ids]), output_attentions=True).attentions
    for hook, theirs in zip(hooks, expected, strict=True):
        torch.testing.assert_close(rows_of(hook), theirs[0], atol=1e-5, rtol=1e-4)


def test_what_cannot_be_shown_is_said(look):
    with pytest.raises(RequestError, match="token 99 is to be hidden"):
        look("bert", hidden=(99,))
    with pytest.raises(RequestError, match="expected at most 4"):
        look("bert", most=4)
    with pytest.raises(RequestError, match="all tokens"):
        look("sha-rnn", "We", hidden=tuple(range(len(look("sha-rnn", "We").ids))))


def test_the_library_needs_no_django():
    code = (
        "import sys, pkgutil, importlib, demos.lens\n"
        "for m in pkgutil.iter_modules(demos.lens.__path__): importlib.import_module(f'demos.lens.{m.name}')\n"
        "sys.exit(','.join(m for m in ('django', 'demos.models') if m in sys.modules) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
