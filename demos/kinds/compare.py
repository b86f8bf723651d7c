"""Compare: two or three models on one prompt (writing) or one text (reading), side by side, with the same seed."""

from __future__ import annotations

import secrets
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from demos.coding.words import bits_of_spans, pieces, spans_of
from demos.token_count import count_tokens, most_tokens
from demos.token_text import percent, shade, visible

from .base import InputError, Inputs, RunCancelled, RunContext, RunFailed
from .several import LONGEST_SECONDS, SeveralModels, Work

if TYPE_CHECKING:
    from demos.models import Demo, Run

# Differences of a word's bits: upper bounds of the classes d0 (much easier for the second) to d7; above is d8.
DIFFERENCES = (-6, -3, -1.5, -0.5, 0.5, 1.5, 3, 6)


PROMPT_TOKENS = 512  # to be gone on from; texts that are only read may be longer


class CompareInputs(Inputs):
    prompt: str = Field("", max_length=4000, description="Text to continue, or to read")
    mode: Literal["generate", "read"] = Field("generate", description="Continue the text, or read it")
    models: list[str] = Field(default_factory=list, max_length=3, description="Two or three of the demo's models")
    max_new_tokens: int = Field(60, ge=1, le=200, description="Tokens each writes at most")
    temperature: float = Field(0.8, ge=0, le=2, description="0 takes the likeliest token each time")
    top_p: float = Field(0.95, gt=0, le=1, description="Keep the likeliest tokens that together reach this probability")
    seed: int | None = Field(None, ge=0, le=2**32 - 1, description="The same for all; left out, one is drawn")


class Compare(SeveralModels):
    name = "compare"
    title = "Compare"
    any_signs = True
    Inputs = CompareInputs
    seeded = True
    fewest = 2
    most = 3

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        super().check(demo, inputs)
        if inputs["mode"] == "read" and not inputs["prompt"].strip():
            raise InputError("prompt", "is empty; expected a text to read")
        if inputs["mode"] == "generate":
            for model in inputs["models"]:
                tokens, most = count_tokens(model, inputs["prompt"]), most_tokens(model, PROMPT_TOKENS)
                if tokens > most:
                    raise InputError("prompt", f"has {tokens} tokens for {model}, which reads at most {most}")
        if inputs["seed"] is None:
            inputs["seed"] = secrets.randbelow(2**31)

    def output_depends_on(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        if inputs["mode"] == "read":
            return {name: inputs[name] for name in ("prompt", "mode", "models")}
        return super().output_depends_on(inputs)

    def run(self, context: RunContext) -> dict[str, Any]:
        work = Work(context)
        return self._read(context, work) if context.inputs["mode"] == "read" else self._write(context, work)

    def _write(self, context: RunContext, work: Work) -> dict[str, Any]:
        from demos.engine import GenerationRequest, RequestError

        inputs, names = context.inputs, context.inputs["models"]
        keep = ("prompt", "max_new_tokens", "temperature", "top_p", "seed")
        writers = [_Writer(context.log, stream) for stream in range(len(names))]
        handles = []
        try:
            for writer, model in zip(writers, names, strict=True):
                request = GenerationRequest(model=model, alternatives=5, **{name: inputs[name] for name in keep})
                handles.append(context.engine.submit(request, writer.take, writer.start))
                work.watch(handles[-1].cancel)
            finished = [handle.result(LONGEST_SECONDS) for handle in handles]
        except (RequestError, TimeoutError) as error:
            for handle in handles:
                handle.cancel()
            raise RunFailed(str(error) or f"the models were not done after {LONGEST_SECONDS} seconds") from error
        failed = next((ended.error for ended in finished if ended.reason == "error"), None)
        if failed is not None:
            raise RunFailed(f"a model failed while writing: {failed}")
        output: dict[str, Any] = {
            "mode": "generate",
            "models": [
                {"model": model, **writer.result(), "finish_reason": ended.reason}
                for model, writer, ended in zip(names, writers, finished, strict=True)
            ],
            "texts": [],
        }
        if any(ended.reason == "cancelled" for ended in finished):
            raise RunCancelled(output)
        for writer, model in zip(writers, names, strict=True):
            output["texts"].append({"by": model, **self._costs(work, names, inputs["prompt"], writer.text)})
        return output

    def _read(self, context: RunContext, work: Work) -> dict[str, Any]:
        inputs, names = context.inputs, context.inputs["models"]
        context.log.started()
        costs = self._costs(work, names, "", inputs["prompt"], log=context.log, tokens=True)
        models = [{"model": model, **reading} for model, reading in zip(names, costs.pop("readings"), strict=True)]
        return {"mode": "read", "models": models, "texts": [{"by": None, **costs}]}

    def _costs(
        self, work: Work, names: list[str], before: str, text: str, *, log: Any = None, tokens: bool = False
    ) -> dict[str, Any]:
        """What `text`, which stands behind `before`, costs each model: bits of each word and per byte."""
        from demos.coding.reading import Reading

        spans = spans_of(text)
        found: dict[str, Any] = {"words": [text[a:b] for a, b in spans], "bits": [], "bits_per_byte": []}
        readings = []
        for place, model in enumerate(names):
            if log is not None:
                log.progress(place, len(names), "Models that have read it")
            began = time.monotonic()
            read = work.do(Reading(model=model, text=before + text, top=5 if tokens else 0))
            took = time.monotonic() - began
            own = [t for t in read if t.end > len(before) and t.bits is not None]
            placed = [(max(0, t.start - len(before)), t.end - len(before), t.bits) for t in own]
            by_word = bits_of_spans(text, placed, spans) if text else []
            found["bits"].append([round(bits, 3) for bits in by_word])
            per_byte = sum(t.bits for t in own) / max(1, len(text.encode()))
            found["bits_per_byte"].append(round(per_byte, 4))
            if tokens:
                words = pieces(text, [(t.start, t.end) for t in read])
                rows = [
                    [word, None if t.bits is None else round(t.bits, 3), [[other, round(p, 5)] for other, p in t.top]]
                    for word, t in zip(words, read, strict=True)
                ]
                readings.append(
                    {"tokens": rows, "seconds": round(took, 3), "tokens_per_second": _rate(len(rows), took)}
                )
                if log is not None:
                    log.emit("read", {"model": model, "bits_per_byte": found["bits_per_byte"][-1]}, key=model)
        return {**found, "readings": readings} if tokens else found

    def shown(self, run: Run) -> dict[str, Any]:
        output = run.output or {}
        if not output.get("models"):
            return {}
        reads = output["mode"] == "read"
        names = [model["model"] for model in output["models"]]
        columns = [
            {
                **model,
                "place": place,
                "count": len(model["tokens"]),
                "bits_per_byte": output["texts"][0 if reads else place]["bits_per_byte"][place]
                if output["texts"]
                else None,
                "tokens": [_shown(token, reads) for token in model["tokens"]],
            }
            for place, model in enumerate(output["models"])
        ]
        texts = [
            {
                **text,
                "costs": list(zip(names, text["bits_per_byte"], strict=True)),
                "differences": _differences(text, names),
            }
            for text in output["texts"]
        ]
        return {"mode": output["mode"], "columns": columns, "texts": texts, "names": names}

    def outcome(self, run: Run) -> str:
        texts = (run.output or {}).get("texts") or []
        if not texts:
            return ""
        names = [model["model"] for model in run.output["models"]]  # type: ignore[index]
        if texts[0]["by"] is None:
            costs = zip(names, texts[0]["bits_per_byte"], strict=True)
            return ", ".join(f"{name} {bits:.2f} bits per byte" for name, bits in costs)
        return " · ".join(f"{text['by']}: {''.join(text['words'])[:70]}" for text in texts)


class _Writer:
    """One model's stream. Its methods are called on the engine's thread."""

    def __init__(self, log: Any, stream: int) -> None:
        self.log, self.stream = log, stream
        self.tokens: list[list[Any]] = []
        self.began = self.first = self.last = 0.0

    def start(self) -> None:
        self.began = time.monotonic()
        self.log.started()

    def take(self, new: list[Any]) -> None:
        self.last = time.monotonic()
        self.first = self.first or self.last
        events = []
        for token in new:
            probability = round(token.probability, 5)
            top = [[text, round(p, 5)] for text, p in token.alternatives]
            self.tokens.append([token.text, probability, top])
            events.append({"i": token.index, "id": token.id, "text": token.text, "p": probability, "top": top})
        self.log.tokens(events, stream=self.stream)

    @property
    def text(self) -> str:
        return "".join(token[0] for token in self.tokens)

    def result(self) -> dict[str, Any]:
        took = self.last - self.began
        return {
            "text": self.text,
            "tokens": self.tokens,
            "seconds": round(took, 3),
            "first_token_seconds": round(self.first - self.began, 3),
            "tokens_per_second": _rate(len(self.tokens), took),
        }


def _rate(tokens: int, seconds: float) -> float:
    return round(tokens / seconds, 1) if seconds > 0 else 0.0


def _shown(token: list[Any], reads: bool) -> dict[str, Any]:
    """A token with its shade; of a text that was read, costs are told in bits, of one that was written in per cent."""
    text, value, top = token
    probability = 2.0**-value if reads and value is not None else value
    if probability is None:
        return {"text": text, "shade": 9, "title": "not foretold"}
    others = ", ".join(f"{visible(other)} {percent(p)}" for other, p in top)
    cost = f"{value:.1f} bits" if reads else percent(probability)
    return {"text": text, "shade": shade(probability), "title": f"{cost}. {others}" if others else cost}


def _differences(text: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """The first model against each other one: for each word by how many bits it was harder for the first."""
    first = text["bits"][0]
    found = []
    for name, other in zip(names[1:], text["bits"][1:], strict=True):
        words = [
            {
                "text": word,
                "class": bisect_right(DIFFERENCES, a - b),
                "title": f"{names[0]} {a:.1f}, {name} {b:.1f} bits",
            }
            for word, a, b in zip(text["words"], first, other, strict=True)
        ]
        easier = sum(a < b - 0.5 for a, b in zip(first, other, strict=True))
        harder = sum(a > b + 0.5 for a, b in zip(first, other, strict=True))
        most = sorted(zip(text["words"], first, other, strict=True), key=lambda row: row[1] - row[2])
        found.append(
            {
                "name": name,
                "words": words,
                "easier": easier,
                "harder": harder,
                "gains": [(word.strip(), b - a) for word, a, b in most[:5] if b - a > 0.5],
                "losses": [(word.strip(), a - b) for word, a, b in most[::-1][:5] if a - b > 0.5],
            }
        )
    return found
