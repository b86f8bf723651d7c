"""The standard tasks as one-shot work: names in a text, the answer to a question, and classes that nobody trained for."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch

from demos.engine.loading import LoadedModel
from demos.engine.one_shot import LONGEST_MAP, OneShot
from demos.engine.request import RequestError
from demos.engine.slot_attention import implementation
from demos.engine.whole_texts import expect

from .words import encode, tokens_within

MOST_LABELS = 20
LONGEST_ANSWER = 40  # tokens
ANSWERS = 3


@dataclass(frozen=True)
class Entity:
    """text[start:end] is a `label`; `score` is the mean probability of its tokens' labels."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True)
class Entities(OneShot):
    """Names in a text, under a model that labels tokens (B-X, I-X, O, or X alone)."""

    text: str

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[Entity]]:
        expect(loaded, "labels tokens")
        ids, spans = _bounded(loaded, self.text)
        with implementation(loaded.model, loaded.attention):
            logits = loaded.model(torch.tensor([ids], device=loaded.model.device)).logits[0].float()
        yield
        best, labels = logits.softmax(-1).max(-1)
        names = [loaded.model.config.id2label[i] for i in labels.tolist()]
        return joined(names, best.tolist(), spans, self.text)


def joined(labels: list[str], scores: list[float], spans: list[tuple[int, int]], text: str) -> list[Entity]:
    """Neighbouring tokens of one name are one entity; pieces of a word go with its first token."""
    found: list[tuple[str, list[float], int, int]] = []
    for label, score, (start, end) in zip(labels, scores, spans, strict=True):
        if end <= start:
            continue
        while start < end and text[start].isspace():
            start += 1
        begins, _, name = label.rpartition("-")
        last = found[-1] if found else None
        inside = (
            last is not None and last[3] == start and start > 0 and text[start - 1].isalnum() and text[start].isalnum()
        )
        if last is not None and inside:
            found[-1] = (last[0], last[1], last[2], end)  # the middle of a word
        elif last is not None and last[0] == name and begins != "B" and not text[last[3] : start].strip():
            found[-1] = (name, [*last[1], score], last[2], end)
        else:
            found.append((name, [score], start, end))
    return [
        Entity(start, end, label, sum(scores) / len(scores))
        for label, scores, start, end in found
        if label not in ("O", "")
    ]


@dataclass(frozen=True)
class Answer:
    """text[start:end], with the probability of its beginning times that of its end."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class FindAnswers(OneShot):
    """The likeliest answers to a question, as pieces of a text."""

    question: str
    text: str

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[Answer]]:
        expect(loaded, "finds answers in texts")
        read = loaded.tokenizer(self.question, self.text, return_offsets_mapping=True, return_tensors="pt")
        offsets, parts = read.pop("offset_mapping")[0].tolist(), read.sequence_ids(0)
        limit = min(LONGEST_MAP, loaded.window or LONGEST_MAP)
        if len(offsets) > limit:
            raise RequestError(f"question and text have {len(offsets)} tokens; expected at most {limit}")
        with implementation(loaded.model, loaded.attention):
            output = loaded.model(**{k: v.to(loaded.model.device) for k, v in read.items()})
        yield
        inside = [i for i, part in enumerate(parts) if part == 1]
        if not inside:
            raise RequestError("the text is empty; expected one in which the answer can be found")
        begin = output.start_logits[0].float().cpu()[inside].softmax(0)
        end = output.end_logits[0].float().cpu()[inside].softmax(0)
        scores = torch.triu(begin[:, None] * end[None, :]).tril(LONGEST_ANSWER - 1)
        answers: list[Answer] = []
        for flat in scores.flatten().argsort(descending=True).tolist():
            first, last = divmod(flat, len(inside))
            start, stop = offsets[inside[first]][0], offsets[inside[last]][1]
            start += len(self.text[start:stop]) - len(self.text[start:stop].lstrip())
            if all(stop <= a.start or start >= a.end for a in answers):  # the next best that is another place
                answers.append(Answer(start, stop, float(scores[first, last])))
            if len(answers) == ANSWERS or scores[first, last] <= 0:
                break
        return answers


@dataclass(frozen=True)
class LabelScore:
    """`logprob` (natural) of the label where the template has it, over its `tokens` tokens; `base` without the text."""

    label: str
    logprob: float
    tokens: int
    base: float | None = None


@dataclass(frozen=True)
class ZeroShot(OneShot):
    """How likely each label is where a template has it: "{text}\\nThis paper is about {label}."

    A causal model reads up to the label's end, and the log-probabilities of the label's tokens are summed; a model that
    fills masks reads the whole template with as many masks. With `neutral`, such as "N/A", each label is also
    scored with that in place of the text (Zhao et al. 2021, arXiv:2102.09690): what a label owes to the template alone.
    """

    text: str
    template: str
    labels: tuple[str, ...]
    neutral: str = ""

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[LabelScore]]:
        if not (loaded.writes and not loaded.model.config.is_encoder_decoder) and loaded.purpose != "fills masks":
            raise RequestError(
                f"model {loaded.name!r} {loaded.purpose}; expected one that continues texts or fills masks"
            )
        if not 2 <= len(self.labels) <= MOST_LABELS:
            raise RequestError(f"{len(self.labels)} labels are given; expected 2 to {MOST_LABELS}")
        scores = []
        for label in self.labels:
            logprob, count = label_logprob(loaded, self.template, self.text, label)
            yield
            base = None
            if self.neutral:
                base, _ = label_logprob(loaded, self.template, self.neutral, label)
                yield
            scores.append(LabelScore(label, logprob, count, base))
        return scores


def label_logprob(loaded: LoadedModel, template: str, text: str, label: str) -> tuple[float, int]:
    """Summed log-probability of the label's tokens in the filled template, and how many they are. Raises RequestError."""
    whole, start = fill(template, text, label)
    ids, spans = _bounded(loaded, whole if loaded.purpose == "fills masks" else whole[: start + len(label)])
    places = tokens_within(spans, start, start + len(label))
    if not places or places[0] == 0:
        raise RequestError(f"label {label!r} has no token with something before it; put it behind a few words")
    read = list(ids)
    shift = 1
    if loaded.purpose == "fills masks":
        shift = 0
        for place in places:
            read[place] = loaded.tokenizer.mask_token_id
    with implementation(loaded.model, loaded.attention):
        logits = _logits(loaded, read)
    chances = logits[[place - shift for place in places]].log_softmax(-1)
    return float(chances.gather(1, torch.tensor([ids[p] for p in places])[:, None]).sum()), len(places)


def fill(template: str, text: str, label: str) -> tuple[str, int]:
    """The template with text and label in their places, and where the label begins. Raises RequestError."""
    if template.count("{label}") != 1 or template.count("{text}") != 1:
        raise RequestError("the template needs {text} and {label}, each once")
    before, after = template.split("{label}")
    before, after = before.replace("{text}", text), after.replace("{text}", text)
    return before + label + after, len(before)


def shares(scores: list[LabelScore]) -> list[float]:
    """The labels' probabilities among themselves; where a base is known, of what the text adds to it."""
    logs = [s.logprob - (s.base or 0.0) for s in scores]
    top = max(logs)
    weights = [math.exp(log - top) for log in logs]
    return [weight / sum(weights) for weight in weights]


def _bounded(loaded: LoadedModel, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    ids, spans = encode(loaded.tokenizer, text)
    limit = min(LONGEST_MAP, loaded.window or LONGEST_MAP)
    if not 1 <= len(ids) <= limit:
        raise RequestError(f"the text has {len(ids)} tokens; expected 1 to {limit}")
    return ids, spans


def _logits(loaded: LoadedModel, ids: list[int]) -> Any:
    options = {"use_cache": False} if loaded.writes else {}
    return loaded.model(torch.tensor([ids], device=loaded.model.device), **options).logits[0].float().cpu()
