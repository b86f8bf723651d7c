"""manage.py train_lm: from files to a checkpoint that the engine serves."""

import json

import pytest
from django.core.management import CommandError, call_command

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
