"""A small classifier of papers by field, and what it has to beat."""

from __future__ import annotations

import math
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from . import corpus

# The venues of each field, as they stand in the records.
FIELDS = {
    "Language": [
        "ACL", "ACL Workshops", "COLING", "COLM", "EACL", "EACL Demos", "EMNLP", "EMNLP Demos", "EMNLP Workshops",
        "Findings of EMNLP", "NAACL",
    ],
    "Machine learning": ["ACML", "AUTOML", "ICLR", "ICML", "NeurIPS"],
    "Statistics": ["AISTATS", "UAI"],
    "Learning theory": ["COLT"],
    "Robotics": ["CORL"],
    "Music": ["ISMIR", "ISMIR Late-Breaking Demos"],
    "Social media": ["ICWSM"],
    "Programming languages": ["PLDI"],
}  # fmt: skip
FEW = 600  # a field with fewer papers is read several times in each round


@dataclass(frozen=True)
class Plan:
    """How the classifier is built and trained."""

    hidden_size: int = 128
    layers: int = 2
    heads: int = 4
    longest: int = 96  # tokens of a text that are read
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    dropout: float = 0.1
    minutes: float = 8.0  # of computing; the learning rate follows
    clock_minutes: float = math.inf  # by the clock: where others use the machine, too
    rounds: float = 4.0  # over the papers, at most
    seed: int = 0


@dataclass(frozen=True)
class Papers:
    """Texts and the numbers of their classes."""

    texts: list[str]
    labels: list[int]


def read_papers(paths: list[Path], field: str, classes: dict[str, list[str]]) -> tuple[Papers, Papers]:
    """Papers to train on and held-out ones: the same as in `train_lm`. Raises CorpusError."""
    of_value = {value: number for number, values in enumerate(classes.values()) for value in values}
    parts = Papers([], []), Papers([], [])
    seen: set[str] = set()
    for path in paths:
        for text, value in corpus.read_labelled(path, field):
            if value in of_value and text not in seen:
                seen.add(text)
                part = parts[corpus.held_out(text)]
                part.texts.append(text)
                part.labels.append(of_value[value])
    missing = [name for number, name in enumerate(classes) if number not in parts[0].labels]
    if missing:
        raise corpus.CorpusError(f"no paper to train on has a {field} of the class {missing[0]!r}")
    if not parts[1].texts:
        raise corpus.CorpusError(f"{len(parts[0].texts)} papers are too few: none is held out")
    return parts


def build(plan: Plan, tokenizer: PreTrainedTokenizerFast, classes: list[str]) -> BertForSequenceClassification:
    torch.manual_seed(plan.seed)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=plan.hidden_size,
        num_hidden_layers=plan.layers,
        num_attention_heads=plan.heads,
        intermediate_size=4 * plan.hidden_size,
        hidden_dropout_prob=plan.dropout,
        attention_probs_dropout_prob=plan.dropout,
        max_position_embeddings=512,
        initializer_range=0.05,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(classes)),
        label2id={name: number for number, name in enumerate(classes)},
    )
    return BertForSequenceClassification(config)


def encode(texts: list[str], tokenizer: PreTrainedTokenizerFast, longest: int) -> list[np.ndarray]:
    return [ids[:longest] for ids in corpus.encode(texts, tokenizer)]


def _batch(rows: list[np.ndarray], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.full((len(rows), max(map(len, rows))), pad)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = torch.from_numpy(tokens.astype(np.int64))
        mask[row, : len(tokens)] = 1
    return ids, mask


def _order(labels: np.ndarray, lengths: np.ndarray, plan: Plan, draw: np.random.Generator) -> list[np.ndarray]:
    """Batches of one round: papers of rare fields several times, papers of similar length together."""
    counts = Counter(labels.tolist())
    times = np.array([max(1, min(5, FEW // counts[label])) for label in labels.tolist()])
    order = draw.permutation(np.repeat(np.arange(len(labels)), times))
    pools = [order[start : start + 1024] for start in range(0, len(order), 1024)]
    batches = [
        pool[np.argsort(lengths[pool], kind="stable")][start : start + plan.batch_size]
        for pool in pools
        for start in range(0, len(pool), plan.batch_size)
    ]
    draw.shuffle(batches)
    return batches


def train(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    papers: Papers,
    plan: Plan,
    report: Callable[[float, float], None],
) -> dict[str, float]:
    """`report(share done, loss)` now and then; returns what the run took."""
    rows = encode(papers.texts, tokenizer, plan.longest)
    labels, lengths = np.array(papers.labels), np.array([len(row) for row in rows])
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    draw = np.random.default_rng(plan.seed)
    begun, clock, steps, tokens, share, average = time.process_time(), time.monotonic(), 0, 0, 0.0, 0.0
    in_round = len(_order(labels, lengths, plan, np.random.default_rng(0)))
    model.train()
    while share < 1:
        for chosen in _order(labels, lengths, plan, draw):
            seconds = time.process_time() - begun
            elapsed = time.monotonic() - clock
            share = max(seconds / 60 / plan.minutes, elapsed / 60 / plan.clock_minutes, steps / in_round / plan.rounds)
            if share >= 1:
                break
            rate = plan.learning_rate * min(1.0, (steps + 1) / 100) * (1 - share)
            for group in optimizer.param_groups:
                group["lr"] = rate
            ids, mask = _batch([rows[i] for i in chosen], tokenizer.pad_token_id)
            logits = model(ids, attention_mask=mask).logits
            loss = F.cross_entropy(logits, torch.from_numpy(labels[chosen]))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            steps, tokens = steps + 1, tokens + int(mask.sum())
            average = 0.98 * average + 0.02 * loss.item() if steps > 1 else loss.item()
            if steps % 20 == 0:
                report(share, average)
    model.eval()
    seconds = time.process_time() - begun
    return {"steps": steps, "tokens": tokens, "minutes": seconds / 60, "rounds": steps / in_round}


@torch.inference_mode()
def predict(model: Any, tokenizer: PreTrainedTokenizerFast, texts: list[str], longest: int) -> list[int]:
    """The class the model names for each text."""
    rows = encode(texts, tokenizer, longest)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = [0] * len(rows)
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        ids, mask = _batch([rows[i] for i in chosen], tokenizer.pad_token_id)
        for i, label in zip(chosen, model(ids, attention_mask=mask).logits.argmax(-1).tolist(), strict=True):
            found[i] = label
    return found


def accuracy(found: list[int], labels: list[int]) -> float:
    return sum(a == b for a, b in zip(found, labels, strict=True)) / len(labels)


def baselines(train_papers: Papers, held_out: Papers) -> dict[str, float]:
    """Accuracy of always naming the commonest class, and of logistic regression on TF-IDF of words and pairs."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    commonest = Counter(train_papers.labels).most_common(1)[0][0]
    words = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=50_000, ngram_range=(1, 2)),
        LogisticRegression(C=5, max_iter=200),
    )
    words.fit(train_papers.texts, train_papers.labels)
    return {
        "always the commonest": accuracy([commonest] * len(held_out.labels), held_out.labels),
        "TF-IDF of words and pairs, logistic regression": accuracy(
            words.predict(held_out.texts).tolist(), held_out.labels
        ),
    }


def card(
    model: Any,
    plan: Plan,
    run: dict[str, float],
    data: list[str],
    classes: list[str],
    papers: tuple[Papers, Papers],
    found: list[int],
    others: dict[str, float],
) -> str:
    """The README of the classifier."""
    train_papers, held = papers
    weights = sum(p.numel() for p in model.parameters())
    rows = [f"| this model | {accuracy(found, held.labels):.1%} |"]
    rows += [f"| {name} | {value:.1%} |" for name, value in others.items()]
    trained, told = Counter(train_papers.labels), Counter(held.labels)
    right = Counter(label for label, answer in zip(held.labels, found, strict=True) if label == answer)
    fields = [
        f"| {name} | {trained[i]:,} | {told[i]:,} | {right[i] / told[i]:.0%} |"
        for i, name in enumerate(classes)
        if told[i]
    ]
    newline = "\n"
    about = (
        f"A BERT of {plan.layers} layers of width {plan.hidden_size} that tells from title and abstract (their first "
        f"{plan.longest} tokens) at what kind of venue a paper was published: {', '.join(classes)}. Venues overlap: much "
        "of what stands at a conference on statistics could stand at one on machine learning, and neither model nor reader "
        "can know."
    )
    best = max(others, key=lambda name: others[name])
    verdict = (
        f"{best[0].upper()}{best[1:]} does better: this model is there to be looked into, led astray and played with."
        if others[best] > accuracy(found, held.labels)
        else ""
    )
    return f"""# Field of a paper, {weights / 1e6:.1f} M weights

{textwrap.fill(about, 118)}

* Trained on: {", ".join(data)}, {len(train_papers.texts):,} papers; one in twenty, chosen by its hash, held out.
* Recipe: `manage.py train_classifier`, {run["steps"]:,} steps of {plan.batch_size} papers ({run["rounds"]:.1f} rounds,
  {run["tokens"] / 1e6:.1f} M tokens), AdamW, peak learning rate {plan.learning_rate}, falling to nothing,
  {run["minutes"]:.0f} minutes of computing on cpu.

On the {len(held.texts):,} held-out papers:

| | accuracy |
| --- | ---: |
{newline.join(rows)}

{textwrap.fill(verdict, 118)}

| field | papers | held out | of these found |
| --- | ---: | ---: | ---: |
{newline.join(fields)}
"""
