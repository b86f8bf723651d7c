"""manage.py train_classifier: from records to a classifier, and what it is compared with."""

import json
import re

import pytest
import torch
from django.core.management import CommandError, call_command
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from demos.zoo import classification, corpus

LABELS = ["Theory=COLT", "Language=ACL,EMNLP"]


@pytest.fixture
def papers(tmp_path):
    path = tmp_path / "papers.jsonl"
    venues = {"COLT": "regret bound convex", "ACL": "parsing words syntax", "EMNLP": "translation words text"}
    records = []
    for i in range(240):
        venue = list(venues)[i % 3]
        words = venues[venue].split()
        abstract = " ".join(f"{words[(i * j) % 3]} of {i * j % 97}" for j in range(1, 20))
        records.append({"title": f"Paper {i}", "abstract": abstract, "venue": venue})
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return path


def train(papers, output, **options):
    sizes = {"hidden_size": 16, "layers": 1, "rounds": 3, "vocab_size": 350, "threads": 1, "label": LABELS}
    call_command("train_classifier", data=[papers], output=output, **{**sizes, **options})


def test_a_classifier_comes_out_that_knows_the_fields(papers, tmp_path):
    out = tmp_path / "out"
    train(papers, out, rounds=6, learning_rate=5e-3)
    model = AutoModelForSequenceClassification.from_pretrained(out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert model.config.id2label == {0: "Theory", 1: "Language"}
    classes = {"Theory": ["COLT"], "Language": ["ACL", "EMNLP"]}
    _, held_out = classification.read_papers([papers], "venue", classes)
    ids = [tokenizer(text, return_tensors="pt", truncation=True, max_length=96) for text in held_out.texts]
    with torch.inference_mode():
        found = [int(model(**one).logits.argmax()) for one in ids]
    accuracy = sum(a == b for a, b in zip(found, held_out.labels, strict=True)) / len(found)
    assert accuracy > 0.8
    card = (out / "README.md").read_text()
    assert f"| this model | {accuracy:.1%} |" in card
    assert re.search(r"\| TF-IDF .* \| \d+\.\d% \|", card)


def test_its_embeddings_take_a_gradient(papers, tmp_path):
    train(papers, tmp_path / "out", rounds=0.2)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    embeddings = model.get_input_embeddings()(torch.tensor([[0, 5, 9]])).detach().requires_grad_()
    model(inputs_embeds=embeddings, labels=torch.tensor([0])).loss.backward()
    assert (embeddings.grad.norm(dim=-1) > 0).all()


def test_held_out_papers_are_those_of_train_lm(papers):
    _, documents = corpus.read_corpus([papers])
    _, held_out = classification.read_papers([papers], "venue", {"All": ["COLT", "ACL", "EMNLP"]})
    assert held_out.texts == documents


def test_what_is_missing_is_named(papers, tmp_path):
    with pytest.raises(CommandError, match="no paper to train on has a venue of the class 'Music'"):
        train(papers, tmp_path / "out", label=["Music=ISMIR"])
    with pytest.raises(CommandError, match="line 1: expected an object with title, abstract and track"):
        train(papers, tmp_path / "out", field="track")
    with pytest.raises(CommandError, match="--label Music: expected NAME=VALUE"):
        train(papers, tmp_path / "out", label=["Music"])
