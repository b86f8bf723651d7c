"""manage.py convert_checkpoint: the authors' names, and the same outputs as the equations of their papers.

The references below are written from the papers, one step after the other, and read the released names directly.
"""

import json
import math

import pytest
import torch
import torch.nn.functional as F
from django.core.management import CommandError, call_command
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSequenceClassification

from demos.zoo import converting

CLOSE = {"atol": 2e-5, "rtol": 1e-4}
WORDS, WIDTH = 23, 12


def random_state(shapes, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=draw) * 0.4 for name, shape in shapes.items()}


def lstm_steps(x, w_in, w_across, b_in, b_across):
    """x (T, E) -> (T, H): one cell, step by step."""
    size = w_across.shape[1]
    h, c, outputs = torch.zeros(size), torch.zeros(size), []
    for row in x:
        i, f, g, o = (w_in @ row + b_in + w_across @ h + b_across).split(size)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs)


# SHA-RNN


def sha_rnn_state(blocks=3, collapsed=False):
    shapes = {"encoder.weight": (WORDS, WIDTH), "decoder.bias": (WORDS,)}
    for i in range(blocks):
        at = f"blocks.{i}."
        for norm in ("lnstart", "lnmid", "lnmem", "lnout", "lnff", "lnxff"):
            shapes |= {f"{at}{norm}.weight": (WIDTH,), f"{at}{norm}.bias": (WIDTH,)}
        shapes |= {f"{at}rnn.weight_{kind}_l0": (4 * WIDTH, WIDTH) for kind in ("ih", "hh")}
        shapes |= {f"{at}rnn.bias_{kind}_l0": (4 * WIDTH,) for kind in ("ih", "hh")}
        shapes |= {f"{at}ff.linear1.weight": (4 * WIDTH, WIDTH), f"{at}ff.linear1.bias": (4 * WIDTH,)}
    at = f"blocks.{blocks - 2}.attn."
    shapes |= {f"{at}{name}": (1, 1, WIDTH) for name in ("qs", "ks", "vs", "r_gate")} | {f"{at}qkvs": (1, 3, WIDTH)}
    shapes |= {f"{at}q.weight": (WIDTH, WIDTH), f"{at}q.bias": (WIDTH,)}
    shapes |= {f"{at}qln.weight": (WIDTH,), f"{at}qln.bias": (WIDTH,)}
    if not collapsed:
        shapes |= {f"{at}vq.l1.weight": (2 * WIDTH, WIDTH), f"{at}vq.l1.bias": (2 * WIDTH,)}
    state = random_state(shapes)
    return state | {"decoder.weight": state["encoder.weight"]}


def sha_rnn_reference(state, ids, memory=None):
    """Logits (T, V) for one text, from section 3 of the paper."""

    def norm(name, x):
        return F.layer_norm(x, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], 1e-12)

    hidden = state["encoder.weight"][ids]
    for i in range(3):
        at = f"blocks.{i}."
        hidden = norm(f"{at}lnstart", hidden)
        hidden = lstm_steps(
            hidden, *(state[f"{at}rnn.{n}_l0"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        )
        if f"{at}attn.qs" in state:
            rows, hidden = norm(f"{at}lnmem", hidden), norm(f"{at}lnmid", hidden)
            query = F.linear(hidden, state[f"{at}attn.q.weight"], state[f"{at}attn.q.bias"])
            query = torch.sigmoid(state[f"{at}attn.qs"][0, 0]) * norm(f"{at}attn.qln", query)
            value_gate = state[f"{at}attn.vs"][0, 0]
            if f"{at}attn.vq.l1.weight" in state:
                both = state[f"{at}attn.vq.l1.weight"] @ torch.sigmoid(value_gate) + state[f"{at}attn.vq.l1.bias"]
                value_gate = torch.sigmoid(both[WIDTH:]) * torch.tanh(both[:WIDTH])
            keys = torch.sigmoid(state[f"{at}attn.ks"][0, 0]) * rows
            mixed = []
            for t in range(len(ids)):
                first = 0 if memory is None else max(0, t - memory)
                weights = torch.softmax(keys[first : t + 1] @ query[t] / math.sqrt(WIDTH), 0)
                mixed.append(weights @ (value_gate * rows[first : t + 1]))
            hidden = hidden + torch.stack(mixed)
        boom = F.linear(norm(f"{at}lnxff", hidden), state[f"{at}ff.linear1.weight"], state[f"{at}ff.linear1.bias"])
        boom = boom * torch.sigmoid(1.702 * boom)
        hidden = norm(f"{at}lnff", hidden) + sum(boom.split(WIDTH, -1))
    return F.linear(hidden, state["decoder.weight"], state["decoder.bias"])


@pytest.mark.parametrize("collapsed", [False, True])
def test_a_released_sha_rnn_computes_what_its_paper_says(tmp_path, collapsed):
    state = sha_rnn_state(collapsed=collapsed)
    torch.save(state, tmp_path / "enwik8.pt")
    symbols = ["<eos>", *[str(byte) for byte in range(97, 97 + WORDS - 1)]]
    (tmp_path / "symbols.json").write_text(json.dumps(symbols))
    out = tmp_path / "out"
    call_command(
        "convert_checkpoint", tmp_path / "enwik8.pt", model="sha-rnn", output=out, symbols=tmp_path / "symbols.json"
    )
    model = AutoModelForCausalLM.from_pretrained(out).eval()
    assert model.config.attention_layers == [1]
    assert model.config.memory_size == 5000
    tokenizer = converting.PreTrainedTokenizerFast.from_pretrained(out)
    ids = tokenizer("hello\nthere")["input_ids"]
    assert ids == [8, 5, 12, 12, 15, 0, 20, 8, 5, 18, 5]
    assert tokenizer.decode(ids) == "hello\nthere"
    with torch.inference_mode():
        torch.testing.assert_close(model(torch.tensor([ids])).logits[0], sha_rnn_reference(state, ids), **CLOSE)


@torch.inference_mode()
def test_the_memory_reaches_as_far_back_as_is_asked_for(tmp_path):
    state = sha_rnn_state()
    torch.save(state, tmp_path / "a.pt")
    call_command("convert_checkpoint", tmp_path / "a.pt", model="sha-rnn", output=tmp_path / "out", memory_size=4)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    ids = [3, 7, 1, 1, 9, 20, 4, 5, 6, 2]
    torch.testing.assert_close(model(torch.tensor([ids])).logits[0], sha_rnn_reference(state, ids, 4), **CLOSE)


# BiGS

BIGS = {
    "vocab_size": WORDS, "hidden_size": WIDTH, "num_hidden_layers": 2, "intermediate_size": 20, "num_ssm": 5,
    "max_position_embeddings": 16, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1,
    "pad_token_id": 0, "model_type": "BiGS",
}  # fmt: skip


def bigs_state(classes=0):
    inner, states = BIGS["intermediate_size"], BIGS["num_ssm"]
    shapes = {"word": (WORDS, WIDTH), "position": (16, WIDTH), "token_type": (2, WIDTH)}
    shapes = {f"bigs.embeddings.{name}_embeddings.weight": shape for name, shape in shapes.items()}
    shapes |= {"bigs.embeddings.LayerNorm.weight": (WIDTH,), "bigs.embeddings.LayerNorm.bias": (WIDTH,)}
    for i in range(2):
        at = f"bigs.encoder.layer.{i}."
        shapes |= {f"{at}LayerNorm.weight": (WIDTH,), f"{at}LayerNorm.bias": (WIDTH,)}
        for name in ("du_forward", "du_backward", "duc_forward", "duc_backward"):
            shapes |= {f"{at}{name}.weight": (WIDTH, WIDTH), f"{at}{name}.bias": (WIDTH,)}
        for name, sizes in {"dv": (inner, WIDTH), "dol": (inner, WIDTH), "do": (WIDTH, inner)}.items():
            shapes |= {f"{at}{name}.weight": sizes, f"{at}{name}.bias": sizes[:1]}
        for name in ("fs4", "bs4"):
            shapes |= {f"{at}{name}.D": (1,), f"{at}{name}.kernel.C": (states, 2), f"{at}{name}.kernel.log_step": (1,)}
            shapes |= {f"{at}{name}.kernel.A_re": (states,), f"{at}{name}.kernel.A_im": (states,)}
    shapes |= {"bigs.pooler.dense.weight": (WIDTH, WIDTH), "bigs.pooler.dense.bias": (WIDTH,)}
    if classes:
        shapes |= {"classifier.weight": (classes, WIDTH), "classifier.bias": (classes,)}
    else:
        for name in ("dense", "LayerNorm"):
            weight = (WIDTH, WIDTH) if name == "dense" else (WIDTH,)
            at = f"cls.predictions.transform.{name}"
            shapes |= {f"{at}.weight": weight, f"{at}.bias": (WIDTH,)}
        shapes |= {"cls.predictions.bias": (WORDS,)}
    state = random_state(shapes)
    for name in state:
        if name.endswith("A_im"):
            state[name] = math.pi * torch.arange(states) + 0.1 * state[name]
    if not classes:
        state["cls.predictions.decoder.weight"] = state["bigs.embeddings.word_embeddings.weight"]
        state["cls.predictions.decoder.bias"] = state["cls.predictions.bias"]
    return state | {"bigs.embeddings.position_ids": torch.arange(16)[None]}


def bigs_hidden(state, ids):
    """Hidden states (T, E) of one text, from sections 3 and 4 of the paper; the state spaces run as recurrences."""

    def linear(name, x):
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def norm(name, x):
        return F.layer_norm(x, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], 1e-12)

    def space(name, inputs):
        """x' = A x + B u discretised by zero-order hold with B = 1: the state is carried from token to token."""
        pole = torch.complex(state[f"{name}.kernel.A_re"].clamp(max=-1e-4), state[f"{name}.kernel.A_im"]).to(
            torch.complex128
        )
        step = state[f"{name}.kernel.log_step"].double().exp()
        keep, take = torch.exp(step * pole), (torch.exp(step * pole) - 1) / pole
        read = torch.view_as_complex(state[f"{name}.kernel.C"]).to(torch.complex128)
        memory = torch.zeros(WIDTH, len(pole), dtype=torch.complex128)
        outputs = []
        for u in inputs.double():
            memory = keep * memory + take * u[:, None]
            outputs.append((memory @ read).real + state[f"{name}.D"] * u)
        return torch.stack(outputs).float()

    at = "bigs.embeddings."
    hidden = state[f"{at}word_embeddings.weight"][ids] + state[f"{at}position_embeddings.weight"][: len(ids)]
    hidden = norm(f"{at}LayerNorm", hidden + state[f"{at}token_type_embeddings.weight"][0])
    for i in range(2):
        at = f"bigs.encoder.layer.{i}."
        x = norm(f"{at}LayerNorm", hidden)
        v = F.gelu(linear(f"{at}dv", x))
        forward = space(f"{at}fs4", F.gelu(linear(f"{at}du_forward", x)))
        backward = space(f"{at}bs4", F.gelu(linear(f"{at}du_backward", x.flip(0))))
        both = linear(f"{at}duc_forward", forward) * linear(f"{at}duc_backward", backward).flip(0)
        hidden = hidden + linear(f"{at}do", F.gelu(linear(f"{at}dol", both)) * v)
    return hidden


def write_bigs(folder, state, **config):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(BIGS | config))
    torch.save(state, folder / "pytorch_model.bin")
    return folder


IDS = [3, 7, 1, 1, 9, 20, 4]


@torch.inference_mode()
def test_a_released_bigs_computes_what_its_paper_says(tmp_path):
    state = bigs_state()
    source = write_bigs(tmp_path / "theirs", state)
    # This folder holds no tokenizer; the shipped one stands in for BERT's.
    call_command(
        "convert_checkpoint", source, model="bigs", output=tmp_path / "out", tokenizer_from="demos/checkpoints/sha-rnn"
    )
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "out").eval()
    hidden = bigs_hidden(state, IDS)
    at = "cls.predictions.transform."
    hidden = F.gelu(F.linear(hidden, state[f"{at}dense.weight"], state[f"{at}dense.bias"]))
    hidden = F.layer_norm(hidden, (WIDTH,), state[f"{at}LayerNorm.weight"], state[f"{at}LayerNorm.bias"], 1e-12)
    expected = F.linear(hidden, state["cls.predictions.decoder.weight"], state["cls.predictions.bias"])
    torch.testing.assert_close(model(torch.tensor([IDS])).logits[0], expected, **CLOSE)


@torch.inference_mode()
def test_a_released_bigs_with_a_classifier_keeps_its_classes(tmp_path):
    state = bigs_state(classes=3)
    labels = {"id2label": {"0": "a", "1": "b", "2": "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}
    source = write_bigs(tmp_path / "theirs", state, **labels)
    call_command(
        "convert_checkpoint", source, model="bigs", output=tmp_path / "out", tokenizer_from="demos/checkpoints/sha-rnn"
    )
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    pooled = F.linear(
        bigs_hidden(state, IDS).mean(0), state["bigs.pooler.dense.weight"], state["bigs.pooler.dense.bias"]
    )
    expected = F.linear(torch.tanh(pooled), state["classifier.weight"], state["classifier.bias"])
    torch.testing.assert_close(model(torch.tensor([IDS])).logits[0], expected, **CLOSE)
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}


# AWD-LSTM


@torch.inference_mode()
def test_a_released_awd_lstm_computes_what_its_paper_says(tmp_path):
    shapes = {"encoder.weight": (WORDS, WIDTH), "decoder.bias": (WORDS,)}
    for i, (inner, outer) in enumerate([(WIDTH, 17), (17, 17), (17, WIDTH)]):
        shapes |= {
            f"rnns.{i}.module.weight_ih_l0": (4 * outer, inner),
            f"rnns.{i}.weight_hh_l0_raw": (4 * outer, outer),
        }
        shapes |= {f"rnns.{i}.module.bias_ih_l0": (4 * outer,), f"rnns.{i}.module.bias_hh_l0": (4 * outer,)}
    state = random_state(shapes)
    state["decoder.weight"] = state["encoder.weight"]
    torch.save(state, tmp_path / "ptb.pt")
    call_command("convert_checkpoint", tmp_path / "ptb.pt", model="awd-lstm", output=tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out", pointer="none").eval()
    hidden = state["encoder.weight"][IDS]
    for i in range(3):
        at = f"rnns.{i}."
        across = state[f"{at}weight_hh_l0_raw"]
        hidden = lstm_steps(
            hidden,
            state[f"{at}module.weight_ih_l0"],
            across,
            state[f"{at}module.bias_ih_l0"],
            state[f"{at}module.bias_hh_l0"],
        )
    expected = F.linear(hidden, state["decoder.weight"], state["decoder.bias"])
    torch.testing.assert_close(model(torch.tensor([IDS])).logits[0], expected, **CLOSE)


# What is refused


def test_a_pickled_model_is_not_run(tmp_path):
    torch.save([torch.nn.Linear(2, 2)], tmp_path / "whole.pt")
    with pytest.raises(CommandError, match=r"holds more than tensors and could run code; .* save the state dict alone"):
        call_command("convert_checkpoint", tmp_path / "whole.pt", model="sha-rnn", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_or_a_missing_parameter_is_named(tmp_path):
    state = sha_rnn_state()
    torch.save(state | {"blocks.0.attn.k.weight": torch.zeros(2)}, tmp_path / "a.pt")
    with pytest.raises(
        CommandError, match=r"a parameter 'blocks\.0\.attn\.k\.weight', which this architecture does not"
    ):
        call_command("convert_checkpoint", tmp_path / "a.pt", model="sha-rnn", output=tmp_path / "out")
    del state["blocks.0.lnxff.bias"]
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(CommandError, match=r"lacks \['model\.blocks\.0\.norm_boom\.bias'\]"):
        call_command("convert_checkpoint", tmp_path / "a.pt", model="sha-rnn", output=tmp_path / "out")
