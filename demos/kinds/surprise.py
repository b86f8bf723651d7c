"""Surprise & compress: what each token of a text costs a model, and the text really coded with that and decoded again."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from pydantic import Field

from demos.coding.words import pieces
from demos.token_text import percent, visible

from .base import InputError, Inputs, RunCancelled, RunContext
from .several import SeveralModels, Work

if TYPE_CHECKING:
    from demos.coding.reading import Read
    from demos.models import Demo, Run

TOP = 8
# Upper bounds of the shades b0 (expected) to b8, in bits; above the last one is b9.
BITS = (0.15, 0.5, 1, 2, 3.5, 5, 7, 9, 12)
# GLTR's classes: among the likeliest 10, 100, 1,000, or below.
RANKS = (10, 100, 1000)
RANK_NAMES = ("top 10", "top 100", "top 1,000", "below")
BINS = (1, 2, 4, 8, 16)  # bits


_OPENING = "Language models are surprised by every word; how much, they can say in bits."


class SurpriseInputs(Inputs):
    text: str = Field(_OPENING, min_length=1, max_length=4000, description="Text to read")
    models: list[str] = Field(
        default_factory=list, max_length=4, description="Models that read it; none: all of the demo"
    )
    code: bool = Field(True, description="Code the text with the first model, and decode it again")


class Surprise(SeveralModels):
    name = "surprise"
    title = "Surprise & compress"
    any_signs = True
    headline = "text"
    Inputs = SurpriseInputs

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        super().check(demo, inputs)
        if not inputs["text"].strip():
            raise InputError("text", "is empty; expected a sentence or more")

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.coding.compressors import sizes
        from demos.coding.reading import Coding, Reading

        work, text = Work(context), context.inputs["text"]
        names = context.inputs["models"]
        context.log.started()
        output: dict[str, Any] = {"sizes": sizes(text), "models": [], "coded": None}
        try:
            for place, model in enumerate(names):
                context.log.progress(place, len(names), "Models that have read it")
                read: list[Read] = work.do(Reading(model=model, text=text, top=TOP))
                loaded = work.loaded(model)
                vocabulary = int(loaded.model.get_output_embeddings().weight.shape[0])
                output["models"].append(_account(model, text, read, vocabulary, loaded))
                tops = [[[word, round(p, 5)] for word, p in token.top] for token in read]
                data = json.dumps(tops, ensure_ascii=False, separators=(",", ":")).encode()
                context.parts.put(f"top-{place}.json", data, "application/json")
                context.log.emit("read", {"model": model, "bits": output["models"][-1]["bits"]}, key=model)
            if context.inputs["code"]:
                output["coded"] = self._coded(context, work, names[0], text, Coding)
        except RunCancelled:
            raise RunCancelled(output if output["models"] else {}) from None
        return output

    def _coded(self, context: RunContext, work: Work, model: str, text: str, coding: Any) -> dict[str, Any]:
        steps: list[list[Any]] = []
        expected = max(1, len(text) // 4)

        def decoded(piece: str, bits: int) -> None:
            steps.append([piece, bits])
            context.log.emit("decoded", {"text": piece, "bits": bits})

        job = coding(
            model=model,
            text=text,
            on_encoded=lambda tokens, bits: context.log.progress(tokens, max(tokens, expected), "Tokens coded"),
            on_decoded=decoded,
        )
        done = work.do(job)
        data = done.coded.pack()
        context.parts.put("text.mcac", data)
        context.parts.put("steps.json", json.dumps(steps, ensure_ascii=False).encode(), "application/json")
        return {
            "model": model,
            "bytes": len(data),
            "header": done.coded.header,
            "hex": done.coded.code.hex(),
            "tokens": done.tokens,
            "bits": round(done.bits, 3),
            "restored": done.text == text,
            "encode_seconds": round(done.encode_seconds, 3),
            "decode_seconds": round(done.decode_seconds, 3),
        }

    def shown(self, run: Run) -> dict[str, Any]:
        output = run.output or {}
        if not output.get("models"):
            return {}
        letters = len(run.inputs["text"])
        coded = output["coded"]
        return {
            "models": [_reading(model, place) for place, model in enumerate(output["models"])],
            "sizes": _sizes(output, letters),
            "coded": coded and {**coded, "rows": _hex_rows(coded["hex"]), "code": len(coded["hex"]) // 2},
            "letters": letters,
        }

    def outcome(self, run: Run) -> str:
        output = run.output or {}
        if not output.get("models"):
            return ""
        best = min(output["models"], key=lambda model: model["bits"])
        return (
            f"{output['sizes']['none']:,} bytes become {math.ceil(best['bits'] / 8):,} under {best['model']}, "
            f"{output['sizes']['xz']:,} with xz"
        )


def _account(model: str, text: str, read: list[Read], vocabulary: int, loaded: Any) -> dict[str, Any]:
    """`tokens` are [text, bits, rank]; a token of which nothing was known costs its share of the vocabulary."""
    costs = [math.log2(vocabulary) if token.bits is None else token.bits for token in read]
    words = pieces(text, [(token.start, token.end) for token in read])
    bits = sum(costs)
    return {
        "model": model,
        "tokens": [[word, round(cost, 3), token.rank] for word, cost, token in zip(words, costs, read, strict=True)],
        "bits": round(bits, 3),
        "bits_per_byte": round(bits / len(text.encode()), 4),
        "entropy": round(sum(token.entropy or 0 for token in read) / max(1, len(read)), 3),
        "weights": loaded.bytes,
    }


def bits_shade(bits: float) -> int:
    return bisect_right(BITS, bits)


def rank_class(rank: int | None) -> int:
    return len(RANKS) if rank is None else bisect_right(RANKS, rank)


def _reading(model: dict[str, Any], place: int) -> dict[str, Any]:
    tokens = [
        {
            "text": text,
            "visible": visible(text),
            "bits": bits,
            "shade": bits_shade(bits),
            "rank": None if rank is None else rank + 1,
            "class": rank_class(rank),
            "p": percent(2.0**-bits),
        }
        for text, bits, rank in model["tokens"]
    ]
    count = max(1, len(tokens))
    ranks = [sum(token["class"] == which for token in tokens) for which in range(len(RANK_NAMES))]
    bins = [sum(bisect_right(BINS, token["bits"]) == which for token in tokens) for which in range(len(BINS) + 1)]
    edges = ["0", *map(str, BINS)]
    return {
        **model,
        "place": place,
        "tokens": tokens,
        "count": len(tokens),
        "per_token": model["bits"] / count,
        "ranks": [
            {"name": name, "class": which, "count": ranks[which], "share": 100 * ranks[which] / count}
            for which, name in enumerate(RANK_NAMES)
        ],
        "histogram": [
            {
                "name": f"{edges[which]} – {BINS[which]}" if which < len(BINS) else f"over {BINS[-1]}",
                "count": bins[which],
                "share": 100 * bins[which] / max(1, *bins),
            }
            for which in range(len(bins))
        ],
    }


def _sizes(output: dict[str, Any], letters: int) -> list[dict[str, Any]]:
    """The text's size under each compressor and model, with bars; `weights` are what the model itself takes."""
    whole = output["sizes"]["none"]
    named = [("the text", whole, None), *((n, output["sizes"][n], None) for n in ("gzip", "bz2", "xz", "zstd"))]
    named += [(model["model"], math.ceil(model["bits"] / 8), model["weights"]) for model in output["models"]]
    largest = max(size for _, size, _ in named)
    return [
        {
            "name": name,
            "bytes": size,
            "per_letter": 8 * size / max(1, letters),
            "share": 100 * size / largest,
            "weights": weights,
        }
        for name, size, weights in named
    ]


def _hex_rows(digits: str) -> list[list[str]]:
    """Bytes in rows of sixteen."""
    octets = [digits[place : place + 2] for place in range(0, len(digits), 2)]
    return [octets[place : place + 16] for place in range(0, len(octets), 16)]
