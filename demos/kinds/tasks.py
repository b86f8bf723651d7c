"""The standard tasks, each a kind: classify, entities, answer, summarize, translate, and classes nobody trained for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from .base import InputError, Inputs, Kind, RunCancelled, RunContext, RunFailed
from .one_shot_work import LONGEST_SECONDS, Work, check_text

if TYPE_CHECKING:
    from demos.models import Demo, Run

MOST_TOKENS = 512
MOST_LABELS = 20


class TextInputs(Inputs):
    text: str = Field("", max_length=6000, description="Text to read")


class Task(Kind):
    """What the tasks have in common."""

    headline = "text"
    further_limits: ClassVar = {"tokens": ("Tokens of the text", MOST_TOKENS)}

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        check_text(demo, inputs, "text", MOST_TOKENS)


class Classify(Task):
    name = "classify"
    title = "Classification"
    Inputs = TextInputs

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.engine import Classification

        context.log.started()
        (chances,) = Work(context).do(Classification(context.model, (context.inputs["text"],)))
        rows = sorted(chances.items(), key=lambda row: -row[1])
        return {"labels": [[label, round(p, 5)] for label, p in rows]}

    def shown(self, run: Run) -> dict[str, Any]:
        return {"bars": bars((run.output or {}).get("labels", []))}

    def outcome(self, run: Run) -> str:
        labels = (run.output or {}).get("labels", [])
        return f"{labels[0][0]} ({percent(labels[0][1])})" if labels else ""


class Entities(Task):
    name = "entities"
    title = "Entities"
    Inputs = TextInputs

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.tasks import Entities as Find

        context.log.started()
        found = Work(context).do(Find(context.model, context.inputs["text"]))
        return {"entities": [[e.start, e.end, e.label, round(e.score, 5)] for e in found]}

    def shown(self, run: Run) -> dict[str, Any]:
        rows = [(s, e, f"{label} {percent(p)}") for s, e, label, p in (run.output or {}).get("entities", [])]
        return {"pieces": marked(run.inputs["text"], rows), "found": len(rows)}

    def outcome(self, run: Run) -> str:
        text = run.inputs["text"]
        return ", ".join(f"{text[s:e]} ({label})" for s, e, label, _ in (run.output or {}).get("entities", [])[:8])


class AnswerInputs(TextInputs):
    question: str = Field("", max_length=300, description="Question that the text answers")


class Answer(Task):
    name = "answer"
    title = "Question answering"
    Inputs = AnswerInputs
    headline = "question"

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        question = check_text(demo, inputs, "question", 100)
        check_text(demo, inputs, "text", MOST_TOKENS - question)

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.tasks import FindAnswers

        context.log.started()
        found = Work(context).do(FindAnswers(context.model, context.inputs["question"], context.inputs["text"]))
        return {"answers": [[a.start, a.end, round(a.score, 5)] for a in found]}

    def shown(self, run: Run) -> dict[str, Any]:
        answers, text = (run.output or {}).get("answers", []), run.inputs["text"]
        return {
            "pieces": marked(text, [(s, e, "") for s, e, _ in answers[:1]]),
            "bars": bars([[text[s:e], p] for s, e, p in answers]),
        }

    def outcome(self, run: Run) -> str:
        answers = (run.output or {}).get("answers", [])
        return run.inputs["text"][answers[0][0] : answers[0][1]] if answers else ""


class RewriteInputs(TextInputs):
    max_new_tokens: int = Field(80, ge=1, le=256, description="Tokens to write at most")


class Rewrite(Task):
    """A text goes in, another comes out: what an encoder-decoder was trained to do."""

    Inputs = RewriteInputs

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.engine import GenerationRequest, RequestError, Token

        loaded = next((model for model in context.engine.models() if model.name == context.model), None)
        if loaded is not None and not loaded.model.config.is_encoder_decoder:
            raise RunFailed(f"Model {context.model!r} has no encoder; expected one that turns a text into another")
        written: list[str] = []

        def on_tokens(tokens: list[Token]) -> None:
            written.extend(token.text for token in tokens)
            context.log.tokens(
                [
                    {"i": t.index, "id": t.id, "text": t.text, "p": round(t.probability or 0, 5), "top": []}
                    for t in tokens
                ]
            )

        inputs = context.inputs
        try:
            request = GenerationRequest(
                context.model, inputs["text"], max_new_tokens=inputs["max_new_tokens"], temperature=0
            )
            handle = context.engine.submit(request, on_tokens, context.log.started)
        except RequestError as error:
            raise RunFailed(str(error)) from error
        context.watch_cancel(handle.cancel)
        try:
            finished = handle.result(LONGEST_SECONDS)
        except TimeoutError:
            handle.cancel()
            raise RunFailed(f"the model was not done after {LONGEST_SECONDS} seconds") from None
        output = {"text": "".join(written).strip(), "new_tokens": finished.new_tokens, "finish_reason": finished.reason}
        if finished.reason == "cancelled":
            raise RunCancelled(output)
        if finished.reason == "error":
            raise RunFailed(f"the model failed while writing: {finished.error}")
        return output

    def shown(self, run: Run) -> dict[str, Any]:
        return {"written": (run.output or {}).get("text", "")}


class Summarize(Rewrite):
    name = "summarize"
    title = "Summarization"


class Translate(Rewrite):
    name = "translate"
    title = "Translation"


class ZeroShotInputs(TextInputs):
    template: str = Field(
        "{text}\n\nThis paper is about {label}.",
        max_length=600,
        description="What the model reads: {text} and {label} stand for the text and each of the labels",
    )
    labels: str = Field(
        "language, vision, speech", max_length=600, description="Answers to choose from, with commas between"
    )
    neutral: str = Field(
        "", max_length=60, description='Text without content, such as "N/A", to weigh labels against; empty: none'
    )


class ZeroShot(Task):
    name = "zero-shot"
    title = "Zero-shot"
    Inputs = ZeroShotInputs

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        check_text(demo, inputs, "text", MOST_TOKENS - 100)
        template = inputs["template"]
        if template.count("{text}") != 1 or template.count("{label}") != 1:
            raise InputError("template", "must have {text} and {label}, each once")
        check_text(demo, {"template": template}, "template", 90)
        labels = split_labels(inputs["labels"])
        if not 2 <= len(labels) <= MOST_LABELS:
            raise InputError("labels", f"are {len(labels)}; expected 2 to {MOST_LABELS}, with commas between")

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.tasks import ZeroShot as Weigh
        from demos.lens.tasks import shares

        inputs = context.inputs
        context.log.started()
        labels = tuple(split_labels(inputs["labels"]))
        job = Weigh(context.model, inputs["text"], inputs["template"], labels, inputs["neutral"])
        scores = Work(context).do(job)
        rows = [
            [s.label, round(share, 5), round(s.logprob, 4), s.tokens, None if s.base is None else round(s.base, 4)]
            for s, share in zip(scores, shares(scores), strict=True)
        ]
        return {"labels": sorted(rows, key=lambda row: -row[1])}

    def shown(self, run: Run) -> dict[str, Any]:
        rows = (run.output or {}).get("labels", [])
        return {
            "bars": bars([row[:2] for row in rows]),
            "scores": [
                {
                    "label": label,
                    "logprob": f"{logprob:.2f}",
                    "tokens": tokens,
                    "base": None if base is None else f"{base:.2f}",
                }
                for label, _, logprob, tokens, base in rows
            ],
            "weighed": bool(run.inputs["neutral"]),
            "template": run.inputs["template"],
        }

    def outcome(self, run: Run) -> str:
        labels = (run.output or {}).get("labels", [])
        return f"{labels[0][0]} ({percent(labels[0][1])})" if labels else ""


def split_labels(text: str) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(label.strip() for label in text.replace("\n", ",").split(",") if label.strip()))


def percent(share: float) -> str:
    value = share * 100
    return "< 0.1 %" if value < 0.1 else f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def bars(rows: list[list[Any]]) -> list[dict[str, Any]]:
    return [{"label": label, "share": round(p, 4), "percent": percent(p)} for label, p in rows]


def marked(text: str, spans: list[tuple[int, int, str]]) -> list[dict[str, str]]:
    """The text in pieces; those at `spans` have a mark."""
    pieces: list[dict[str, str]] = []
    done = 0
    for start, end, mark in sorted(spans):
        pieces += [{"text": text[done:start]}, {"text": text[start:end], "mark": mark or "answer"}]
        done = end
    return [*pieces, {"text": text[done:]}]
