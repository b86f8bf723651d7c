"""Tokens: how tokenizers cut a text, and what it costs a model when the text is cut elsewhere.

Cutting happens in the web process, at once; only what it costs goes through the queue.
"""

from __future__ import annotations

import random
import secrets
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from django.conf import settings
from pydantic import BeforeValidator, Field

from demos.coding.words import pieces
from demos.token_text import visible

from .base import InputError, Inputs, RunCancelled, RunContext, RunFailed
from .several import SeveralModels, Work

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from demos.models import Demo, Run

HUES = 6  # colours that pieces take in turn
CURVE = (0, 1, 2, 4, 8, 16, 32, 64)  # numbers of forced splits that are tried
LONGEST = 1000


def _places(value: Any) -> Any:
    """Places as a form sends them: one text, with commas or blanks between numbers."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [word for item in value for word in item.replace(",", " ").split()]
    return value


Places = Annotated[list[Annotated[int, Field(ge=1, le=LONGEST)]], BeforeValidator(_places)]


class TokensInputs(Inputs):
    text: str = Field(
        "Tokenization decides what a model sees: unfathomable, antidisestablishmentarianism, 3.14159.",
        min_length=1,
        max_length=LONGEST,
        description="Text to cut",
    )
    models: list[str] = Field(default_factory=list, max_length=4, description="Whose tokenizers; none: all of the demo")
    splits: Places = Field(
        default_factory=list, max_length=200, description="Places between letters where a cut is forced"
    )
    random_splits: int = Field(
        16, ge=0, le=64, description="Forced cuts at random places, up to this many, for the curve"
    )
    seed: int | None = Field(None, ge=0, le=2**32 - 1, description="Draws the random places; left out, one is drawn")


class Tokens(SeveralModels):
    name = "tokens"
    title = "Tokens"
    any_signs = True
    headline = "text"
    Inputs = TokensInputs
    seeded = True

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        super().check(demo, inputs)
        inputs["splits"] = sorted(set(inputs["splits"]))
        beyond = [place for place in inputs["splits"] if place >= len(inputs["text"])]
        if beyond:
            raise InputError(
                "splits", f"{beyond[0]} is not inside the text, which has {len(inputs['text'])} characters"
            )
        if inputs["seed"] is None:
            inputs["seed"] = secrets.randbelow(2**31)

    def form(self, demo: Demo) -> dict[str, Any]:
        inputs = self.inputs_for(demo)
        models = inputs["models"] or self.models_of(demo)
        return {**super().form(demo), "preview": self.preview(demo, {**inputs, "models": models})}

    def preview(self, demo: Demo, inputs: dict[str, Any]) -> dict[str, Any]:
        """The pieces of each tokenizer, without asking a model."""
        found = []
        for model in inputs["models"]:
            tokenizer = _tokenizer(model)
            if tokenizer is None:
                found.append({"model": model, "missing": True})
                continue
            natural = cut(tokenizer, inputs["text"], [])
            forced = cut(tokenizer, inputs["text"], inputs["splits"]) if inputs["splits"] else None
            found.append(_row(model, tokenizer, inputs["text"], natural, forced))
        return {"tokenizers": found, "letters": len(inputs["text"]), "bytes": len(inputs["text"].encode())}

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.coding.reading import Reading, pieces_of

        inputs, work = context.inputs, Work(context)
        text = inputs["text"]
        rows: list[dict[str, Any]] = []
        drawn = random_places(text, inputs["random_splits"], inputs["seed"])
        cuttings: list[tuple[str, list[int]]] = [("natural", [])]
        if inputs["splits"]:
            cuttings.append(("forced", inputs["splits"]))
        cuttings += [("random", sorted(drawn[:count])) for count in CURVE if 0 < count <= len(drawn)]
        context.log.started()
        total, done = len(cuttings) * len(inputs["models"]), 0
        try:
            for model in inputs["models"]:
                loaded = work.loaded(model)
                starts = loaded_starts(pieces_of(loaded, text))
                costs = []
                for what, places in cuttings:
                    context.log.progress(done, total, "Ways to cut that have been read")
                    ids = [token for part in parts_of(text, places) for token in bare_ids(loaded, part)]
                    read = work.do(Reading(model=model, ids=(*starts, *ids)))
                    bits = sum(token.bits or 0.0 for token in read[-len(ids) :])
                    costs.append(
                        {"cut": what, "splits": len(places), "tokens": len(ids), "bits": round(bits, 3),
                         "bits_per_letter": round(bits / len(text), 4)}
                    )  # fmt: skip
                    context.log.emit("cost", {"model": model, **costs[-1]})
                    done += 1
                rows.append({"model": model, "costs": costs})
        except RunCancelled:
            raise RunCancelled({"models": rows}) from None
        return {"models": rows, "random_places": drawn}

    def shown(self, run: Run) -> dict[str, Any]:
        costs = {row["model"]: row["costs"] for row in (run.output or {}).get("models", [])}
        preview = self.preview(run.demo, run.inputs)
        most = max((cost["bits_per_letter"] for rows in costs.values() for cost in rows), default=1) or 1
        for row in preview["tokenizers"]:
            own = costs.get(row["model"], [])
            natural = next((cost for cost in own if cost["cut"] == "natural"), None)
            row["costs"] = [
                {**cost, "share": 100 * cost["bits_per_letter"] / most,
                 "times": cost["bits"] / natural["bits"] if natural and natural["bits"] else None}
                for cost in own
            ]  # fmt: skip
        return preview

    def outcome(self, run: Run) -> str:
        words = []
        for row in (run.output or {}).get("models", []):
            natural = row["costs"][0] if row["costs"] else None
            worst = max(row["costs"], key=lambda cost: cost["bits"], default=None)
            if natural and worst:
                words.append(
                    f"{row['model']}: {natural['bits_per_letter']:.2f} bits per character, "
                    f"{worst['bits_per_letter']:.2f} with {worst['splits']} forced cuts"
                )
        return " · ".join(words)


def random_places(text: str, count: int, seed: int) -> list[int]:
    """Places inside words, in the order in which they are taken: fewer cuts are the first of more cuts."""
    inside = [place for place in range(1, len(text)) if text[place - 1].isalnum() and text[place].isalnum()]
    random.Random(seed).shuffle(inside)
    return inside[:count]


def parts_of(text: str, places: list[int]) -> list[str]:
    return [text[a:b] for a, b in pairwise([0, *places, len(text)]) if b > a]


def bare_ids(loaded: Any, text: str) -> list[int]:
    ids: list[int] = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ids:
        raise RunFailed(f"the tokenizer of {loaded.name!r} makes nothing of {text[:20]!r}")
    return ids


def loaded_starts(found: tuple[list[int], list[tuple[int, int]], int]) -> list[int]:
    ids, _, starts = found
    return ids[:starts]


# --- In the web process ------------------------------------------------------------------------------------------------


def _tokenizer(model: str) -> Tokenizer | None:
    from demos.model_cards import tokenizer_of
    from demos.model_files import ModelError, local_folder

    try:
        folder = local_folder(model, settings.MODELS_DIR)
    except ModelError:
        return None
    return tokenizer_of(folder) if folder is not None else None


def cut(tokenizer: Tokenizer, text: str, places: list[int]) -> list[tuple[int, int, int]]:
    """(id, start, end) of each token of a text that is cut at `places` first."""
    found, begin = [], 0
    for part in parts_of(text, places):
        coded = tokenizer.encode(part, add_special_tokens=False)
        found += [(i, a + begin, b + begin) for i, (a, b) in zip(coded.ids, coded.offsets, strict=True)]
        begin += len(part)
    return found


def _row(
    model: str,
    tokenizer: Tokenizer,
    text: str,
    natural: list[tuple[int, int, int]],
    forced: list[tuple[int, int, int]] | None,
) -> dict[str, Any]:
    size = len(text.encode())
    return {
        "model": model,
        "vocabulary": tokenizer.get_vocab_size(),
        "tokens": _shown(text, natural),
        "count": len(natural),
        "bytes_per_token": size / max(1, len(natural)),
        "letters_per_token": len(text) / max(1, len(natural)),
        "forced": _shown(text, forced) if forced is not None else None,
        "forced_count": len(forced) if forced is not None else None,
    }


def _shown(text: str, tokens: list[tuple[int, int, int]]) -> list[dict[str, Any]]:
    words = pieces(text, [(start, end) for _, start, end in tokens])
    return [
        {
            "id": token,
            "text": word,
            "visible": visible(word),
            "bytes": len(word.encode()),
            "start": start,
            "end": end,
            "hue": place % HUES,
        }
        for place, ((token, start, end), word) in enumerate(zip(tokens, words, strict=True))
    ]
