"""Outguess the model: who knows better how the paper's abstract goes on, in bits.

Shannon's game with stakes, on the words of the very paper the page is about. The model reads along; who plays
puts a share on a guess for each word and leaves the rest to the model. All prices are those of demos/lens/betting.py, and
what all players of the same passage would pay together is taken from their finished runs.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from pydantic import Field

from .base import InputError, Inputs, Kind, Options, RunContext, RunFailed
from .masks import in_order
from .one_shot_work import Work, check_text

if TYPE_CHECKING:
    from demos.models import Demo, Run

MOST_WORDS = 30
MOST_TOKENS = 400
# Players whose guesses are pooled, the newest of them.
MOST_PLAYERS = 200
STAKES = (0, 10, 30, 50, 70, 90)  # per cent; all of it would cost everything, once


class OutguessOptions(Options):
    passage: str = Field("", max_length=2000, description="Text to play with; empty takes the paper's abstract")
    given: int = Field(14, ge=3, le=60, description="Words that are shown at the beginning")
    words: int = Field(12, ge=3, le=MOST_WORDS, description="Words to be guessed")


class OutguessInputs(Inputs):
    passage: str = Field("", max_length=4000, description="Text to play with; left open, it is the demo's")
    guesses: list[str] = Field(
        default_factory=list, max_length=MOST_WORDS, description="What you think comes next, word by word; may be empty"
    )
    stakes: list[int] = Field(
        default_factory=list,
        max_length=MOST_WORDS,
        description="Per cent put on each guess, 0 to 90; the rest is the model's",
    )


class Outguess(Kind):
    name = "outguess"
    title = "Outguess the model"
    Inputs = OutguessInputs
    Options = OutguessOptions
    headline = "passage"

    def form(self, demo: Demo) -> dict[str, Any]:
        options = self.options_for(demo)
        given, words = split_passage(text_of(demo, options), options)
        return {
            "given": given,
            "words": [{"before": word["before"], "text": word["text"]} for word in words],
            "count": len(words),
            "stakes": STAKES,
            "words_id": f"outguess-{demo.pk}",
        }

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        options = self.options_for(demo)
        inputs["passage"] = inputs["passage"].strip() or text_of(demo, options)
        given, words = split_passage(inputs["passage"], options)
        if not words:
            if demo.paper_id is None and not inputs["passage"]:
                return  # nothing to play with yet; `run` says so
            raise InputError("passage", f"is too short; expected more than {options.given + 3} words")
        check_text(demo, {"passage": given + "".join(w["before"] + w["text"] for w in words)}, "passage", MOST_TOKENS)
        inputs["guesses"] = in_order(inputs["guesses"])
        for name in ("guesses", "stakes"):
            if len(inputs[name]) > len(words):
                raise InputError(name, f"are {len(inputs[name])} for {len(words)} words")
        if any(len(guess) > 60 for guess in inputs["guesses"]):
            raise InputError("guesses", "has one of more than 60 characters; expected words")
        if any(not 0 <= stake <= max(STAKES) for stake in inputs["stakes"]):
            raise InputError("stakes", f"must be from 0 to {max(STAKES)} per cent")

    def output_depends_on(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        return None  # others have played meanwhile

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.betting import WordChances, price, same_word
        from demos.lens.words import Word

        work = Work(context)
        context.log.started()
        given, words = split_passage(context.inputs["passage"], context.options)
        if not words:
            raise RunFailed("There is no text to play with: the paper has no abstract that is long enough")
        spans, place = [], len(given)
        text = given
        for word in words:
            place = len(text) + len(word["before"])
            text += word["before"] + word["text"]
            spans.append(Word(word["text"], place, place + len(word["text"])))
        chances = work.do(WordChances(context.model, text, tuple(spans)))
        count = len(words)
        guesses = [*context.inputs["guesses"], *[""] * count][:count]
        stakes = [*context.inputs["stakes"], *[50] * count][:count]
        rows = []
        for word, chance, guess, stake in zip(words, chances, guesses, stakes, strict=True):
            right = bool(guess.strip()) and same_word(guess, word["text"])
            staked = stake / 100 if guess.strip() else 0.0
            rows.append(
                {
                    "before": word["before"],
                    "word": word["text"],
                    "guess": guess.strip(),
                    "stake": round(100 * staked),
                    "right": right,
                    "model": round(chance.bits, 4),
                    "you": round(price(model=chance.probability, right=right, stake=staked), 4),
                    "beginnings": [[text, round(p, 4)] for text, p in chance.beginnings],
                }
            )
        return {"given": given, "words": rows, **_together(context, given, rows), "model": context.model}

    def shown(self, run: Run) -> dict[str, Any]:
        output = run.output or {}
        rows = output.get("words", [])
        if not rows:
            return {}
        model, you = sum(row["model"] for row in rows), sum(row["you"] for row in rows)
        top = max(max(row["model"], row["you"]) for row in rows)
        return {
            "given": output["given"],
            "rows": [
                {
                    **row,
                    "model_share": round(row["model"] / top, 4),
                    "you_share": round(row["you"] / top, 4),
                    "model_bits": f"{row['model']:.1f}",
                    "you_bits": f"{row['you']:.1f}",
                    "expected": ", ".join(f"{text}… {round(100 * p)} %" for text, p in row["beginnings"]),
                }
                for row in rows
            ],
            "model": f"{model:.1f}",
            "you": f"{you:.1f}",
            "gain": round(model - you, 1),
            "gained": f"{abs(model - you):.1f}",
            "factor": _factor(model - you),
            "right": sum(row["right"] for row in rows),
            "count": len(rows),
            "per_word": (f"{model / len(rows):.2f}", f"{you / len(rows):.2f}"),
            "players": output["players"],
            "together": f"{output['together']:.1f}" if output["players"] > 1 else "",
            "together_per_word": f"{output['together'] / len(rows):.2f}",
            "better_than": output["better_than"],
            "model_name": output["model"],
        }

    def outcome(self, run: Run) -> str:
        rows = (run.output or {}).get("words", [])
        if not rows:
            return ""
        model, you = sum(row["model"] for row in rows), sum(row["you"] for row in rows)
        right = sum(row["right"] for row in rows)
        verdict = (
            "beat the model"
            if you < model - 0.05
            else "lost to the model"
            if you > model + 0.05
            else "drew with the model"
        )
        return f"{verdict} the model: {you:.1f} against {model:.1f} bits for {len(rows)} words, {right} guessed"


def text_of(demo: Demo, options: OutguessOptions) -> str:
    """What is played with: the demo's own passage, or the abstract of its paper."""
    text = options.passage.strip()
    if not text and demo.paper_id is not None and demo.paper is not None:
        text = " ".join(demo.paper.abstract.split())
    return text


def split_passage(text: str, options: OutguessOptions) -> tuple[str, list[dict[str, str]]]:
    """(what is shown, the words to be guessed with the signs before each); no words where the text is too short."""
    found = list(re.finditer(r"\w+(?:['’.\-]\w+)*", text))
    if len(found) < options.given + 3:
        return "", []
    first = found[options.given - 1].end()
    words, done = [], first
    for word in found[options.given : options.given + options.words]:
        words.append({"before": text[done : word.start()], "text": word[0]})
        done = word.end()
    return text[:first], words


def _together(context: RunContext, given: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What all players of this passage pay together, this one included, and how many of them this one is ahead of."""
    from demos.lens.betting import pooled
    from demos.models import Run

    mine = sum(row["you"] for row in rows)
    prices = [[row["you"]] for row in rows]
    players, behind = 1, 0
    words = [row["word"] for row in rows]
    earlier = Run.objects.filter(
        demo__kind=Outguess.name,
        demo__model=context.model,
        inputs__passage=context.inputs["passage"],
        state=Run.State.SUCCEEDED,
        is_stored=False,
    ).order_by("-created_at")
    for output in earlier.values_list("output", flat=True)[:MOST_PLAYERS]:
        theirs = (output or {}).get("words", [])
        if (output or {}).get("given") != given or [row["word"] for row in theirs] != words:
            continue  # the passage was cut elsewhere
        players += 1
        behind += sum(row["you"] for row in theirs) > mine
        for all_prices, row in zip(prices, theirs, strict=True):
            all_prices.append(row["you"])
    return {
        "players": players,
        "better_than": behind,
        "together": round(sum(pooled(one) for one in prices), 4),
    }


def _factor(bits: float) -> str:
    """How much likelier the text became: 3.2 bits -> "9 times"."""
    times = 2.0 ** min(abs(bits), 60)
    return f"{times:,.0f} times" if times >= 3 else f"{times:.1f} times" if math.isfinite(times) else ""
