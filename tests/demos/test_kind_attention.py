"""Attention on pages: the parts hold what the model computed, the table says it in words, and hiding shows what moves."""

import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

from demos.kinds.base import RunCancelled, RunFailed
from demos.lens.packing import unpack
from tests.demos.lens_models import direct

pytestmark = pytest.mark.django_db
TEXT = "We study number 7 — naïve models of language."


@torch.inference_mode()
def test_each_layer_is_a_part_that_equals_the_models_own(run_kind, lens_folders):
    ran = run_kind("attention", "bert", text=TEXT)
    model, tokenizer = direct(AutoModel, lens_folders["bert"], attn_implementation="eager")
    expected = model(tokenizer(TEXT, return_tensors="pt")["input_ids"], output_attentions=True).attentions
    (view,) = ran.output["views"]
    assert (view["name"], view["layers"], view["heads"], view["causal"]) == ("self", [0, 1, 2], 4, False)
    for place, theirs in enumerate(expected):
        mine = unpack(ran.part(f"self-{place}"))
        assert float((mine - theirs[0]).abs().max()) <= 1 / 255 + 1e-6
        assert torch.equal(mine.mul(255).round().sum(-1), torch.full(mine.shape[:2], 255.0))
    assert unpack(ran.part("self-small")).shape[0] == 12
    mean = torch.stack(expected)[:, 0].mean((0, 1))
    for row, looks in enumerate(view["strongest"]):
        assert looks[0] == [int(mean[row].argmax()), pytest.approx(float(mean[row].max()), abs=1e-3)]
    assert "as a table" in ran.page()


@torch.inference_mode()
def test_what_hidden_tokens_move(run_kind, lens_folders):
    ran = run_kind("attention", "bert-mask", text=TEXT, hidden=[4, 2, 2])
    assert ran.output["hidden"] == [2, 4]
    before, after = unpack(ran.part("self-1")), unpack(ran.part("self-1-hidden"))
    moved = ran.output["views"][0]["moved"][1]
    assert moved == pytest.approx(((before - after).abs().sum(-1) / 2).mean(-1).tolist(), abs=0.02)
    model, tokenizer = direct(AutoModelForMaskedLM, lens_folders["bert-mask"])
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    ids[0, [2, 4]] = tokenizer.mask_token_id
    chances = model(ids).logits[0].softmax(-1)
    for guess in ran.output["guesses"]:
        assert [p for _, p in guess["words"]] == pytest.approx(
            chances[guess["place"]].topk(5).values.tolist(), abs=1e-4
        )
    assert "What moved" in ran.page()


@torch.inference_mode()
@pytest.mark.parametrize("name", ["gpt2", "sha-rnn"])
def test_what_was_looked_at_while_writing_also_where_nobody_can_watch(run_kind, lens_folders, name):
    ran = run_kind("attention", name, text="We study", new_tokens=6)
    wrote = ran.log.of("wrote")
    assert len(wrote) == ran.output["written"] > 0
    assert [event["key"] for event in wrote] == [str(i) for i in range(len(wrote))]
    model, tokenizer = direct(
        AutoModelForCausalLM, lens_folders[name], attn_implementation="eager" if name == "gpt2" else None
    )
    prompt = tokenizer("We study", return_tensors="pt")["input_ids"]
    ids = model.generate(prompt, max_new_tokens=len(wrote), do_sample=False)
    expected = model(ids, output_attentions=True).attentions
    for place, theirs in enumerate(expected):
        assert float((unpack(ran.part(f"self-{place}")) - theirs[0]).abs().max()) <= 1 / 255 + 1e-5
    if name == "gpt2":  # the engine's hook saw it happen
        last = torch.stack(expected)[:, 0].mean((0, 1))[-2]
        assert wrote[-1]["at"][0] == [int(last.argmax()), pytest.approx(float(last.max()), abs=2e-3)]
    else:
        assert wrote[-1]["at"] == []


def test_an_encoder_decoder_writes_what_its_decoder_reads(run_kind):
    ran = run_kind("attention", "bart", text=TEXT)
    names = [view["name"] for view in ran.output["views"]]
    assert names == ["encoder", "decoder", "cross"]
    cross = ran.output["views"][2]
    assert len(cross["rows"]) == len(ran.log.of("wrote")) + 1
    assert unpack(ran.part("cross-0")).shape == (4, len(cross["rows"]), len(cross["columns"]))
    assert "From the decoder to the encoder" in ran.page()
    given = run_kind("attention", "bart", text=TEXT, target="models of speech")
    assert given.log.of("wrote") == []


@torch.inference_mode()
def test_kernels_where_there_is_no_attention(run_kind, lens_folders):
    ran = run_kind("attention", "bigs", text=TEXT)
    model, tokenizer = direct(AutoModelForMaskedLM, lens_folders["bigs"])
    kernels = torch.stack(model(tokenizer(TEXT, return_tensors="pt")["input_ids"], output_kernels=True).kernels)
    assert ran.output["views"] == []
    for direction, name in enumerate(("forward", "backward")):
        found = torch.tensor(ran.output["kernels"][name])
        torch.testing.assert_close(found, kernels[:, direction], rtol=1e-3, atol=1e-6)
    assert "Reach of the kernels" in ran.page()


def test_what_cannot_be_read_is_refused(refused, run_kind):
    assert "is empty" in refused("attention", "bert", text="  ")["text"]
    assert "the text has" in refused("attention", "bert", text=TEXT, hidden=[400])["hidden"]
    assert "cannot be combined" in refused("attention", "gpt2", text=TEXT, hidden=[1], new_tokens=3)["hidden"]
    assert "at most" in refused("attention", "bert", text="model " * 600)["text"]
    with pytest.raises(RunFailed, match="does not write"):
        run_kind("attention", "bert", text=TEXT, new_tokens=3)
    with pytest.raises(RunCancelled):
        run_kind("attention", "bert", text=TEXT, stop=True)
