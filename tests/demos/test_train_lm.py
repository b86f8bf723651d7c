"""manage.py train_lm: from files to a checkpoint that the engine serves."""

import json
import math
import re
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command
from PIL import Image
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from demos.engine import Engine, GenerationRequest
from demos.zoo import corpus


@pytest.fixture
def papers(tmp_path):
    path = tmp_path / "papers.jsonl"
    words = ["model", "data", "language", "attention", "memory", "recurrent", "loss", "token"]
    records = [
        {"title": f"On {words[i % 8]} {i}", "abstract": " ".join(words[(i * j) % 8] for j in range(1, 40)) + "."}
        for i in range(200)
    ]
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return path


def train(papers, output, **options):
    sizes = {"hidden_size": 16, "layers": 2, "steps": 6, "vocab_size": 300, "threads": 1, "device": "cpu"}
    call_command("train_lm", data=[papers], output=output, **{**sizes, **options})


def test_a_checkpoint_comes_out_that_the_engine_serves(papers, tmp_path):
    train(papers, tmp_path / "out")
    engine = Engine(slots=1)
    engine.load("new", tmp_path / "out")
    finished = engine.submit(GenerationRequest("new", "On model", max_new_tokens=3)).result(60)
    engine.stop()
    assert finished.reason in ("length", "stop")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "bits per byte" in card
    assert str(tmp_path) not in card


@pytest.mark.parametrize(
    ("model", "kind", "options"),
    [
        ("gpt", AutoModelForCausalLM, {"tokenizer": "bytes", "config": ["n_head=2"]}),
        ("bigs", AutoModelForMaskedLM, {"config": ["intermediate_size=24"], "words_from": True}),
        ("awd-lstm", AutoModelForCausalLM, {"optimizer": "lamb", "config": ['pointer="sentinel"', "inner_size=24"]}),
    ],
)
def test_each_family_ends_with_a_model_and_its_card(papers, tmp_path, model, kind, options):
    out = tmp_path / "out"
    if options.get("words_from"):
        shipped = Path("demos/checkpoints/sha-rnn")
        options = options | {"words_from": shipped, "tokenizer_from": shipped}
    train(papers, out, model=model, steps=50, precision="bf16", segment=64, **options)
    loaded = kind.from_pretrained(out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert loaded.config.vocab_size == len(tokenizer)
    assert (
        tokenizer.decode(tokenizer("On attention: 20 %")["input_ids"], skip_special_tokens=True) == "On attention: 20 %"
    )
    card = (out / "README.md").read_text()
    assert re.search(r"\| xz -9 after the training text \| \d\.\d\d \|", card)
    assert ("[MASK]" in card) == (model == "bigs")
    assert re.search(r"50 steps, .* (AdamW|LAMB), peak", card.replace("\n", " "))
    assert Image.open(out / "loss.png").size == (1280, 800)


def test_held_out_bits_are_the_models_cross_entropy(papers, tmp_path):
    """The figure on the card, from the saved checkpoint by a plain forward pass over each document."""
    out = tmp_path / "out"
    train(papers, out, steps=20)
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval(),
        AutoTokenizer.from_pretrained(out),
    )
    _, held_out = corpus.read_corpus([papers])
    nats = 0.0
    for document in held_out:
        ids = torch.tensor([[*tokenizer(document)["input_ids"], tokenizer.eos_token_id]])
        with torch.inference_mode():
            nats += torch.nn.functional.cross_entropy(model(ids[:, :-1]).logits[0], ids[0, 1:], reduction="sum").item()
    bits = nats / math.log(2) / sum(len(document.encode()) for document in held_out)
    assert f"| this model | {bits:.2f} |" in (out / "README.md").read_text()


def test_a_run_by_the_clock_ends(papers, tmp_path):
    train(papers, tmp_path / "out", steps=10**6, clock_minutes=0.02)
    assert "steps" in (tmp_path / "out" / "README.md").read_text()


def test_resuming_goes_on_where_the_last_run_stopped(papers, tmp_path, capsys):
    train(papers, tmp_path / "out", steps=4)
    train(papers, tmp_path / "out", steps=8, resume=True)
    assert "going on from step 4" in capsys.readouterr().out


def test_a_malformed_line_is_named(papers, tmp_path):
    papers.write_text(papers.read_text().replace('"abstract"', '"summary"', 1))
    with pytest.raises(CommandError, match=r"papers\.jsonl, line 1: expected an object with title and abstract"):
        train(papers, tmp_path / "out")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"nowhere\.jsonl: cannot be read"):
        train(tmp_path / "nowhere.jsonl", tmp_path / "out")


def test_every_run_holds_out_the_same_documents():
    documents = [f"document {i}" for i in range(1000)]
    train_one, held_one = corpus.split_documents(documents)
    train_two, held_two = corpus.split_documents(reversed(documents + documents))
    assert sorted(held_one) == sorted(held_two)
    assert sorted(train_one) == sorted(train_two)
    assert 20 < len(held_one) < 100
