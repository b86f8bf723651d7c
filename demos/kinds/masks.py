"""The mask game: words of a text are hidden; the model guesses, and so does who plays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from .base import InputError, Inputs, Kind, Options, RunContext
from .one_shot_work import Work, check_text

if TYPE_CHECKING:
    from demos.models import Demo, Run

MOST_TOKENS = 256
MOST_HIDDEN = 12
# "[word]" hides a word; "[]" and "[MASK]" are places of which nobody knows the truth.
HIDDEN = re.compile(r"\[([^\[\]\n]{0,60})\]")


class MaskOptions(Options):
    others: list[str] = Field(default_factory=list, max_length=3, description="More models that play, by name")


class MaskInputs(Inputs):
    text: str = Field(
        "", max_length=2000, description="Text; words in [brackets] are hidden, [] is a place without a truth"
    )
    guesses: list[str] = Field(
        default_factory=list,
        max_length=MOST_HIDDEN,
        description="Your guess for each hidden word, in order; may be empty",
    )


class Masks(Kind):
    name = "masks"
    title = "Mask game"
    Inputs = MaskInputs
    Options = MaskOptions
    headline = "text"
    further_limits: ClassVar = {"tokens": ("Tokens of the text", MOST_TOKENS)}

    def models_of(self, demo: Demo) -> list[str]:
        return [demo.model, *self.options_for(demo).others]

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        check_text(demo, inputs, "text", MOST_TOKENS)
        found = HIDDEN.findall(inputs["text"])
        if not 1 <= len(found) <= MOST_HIDDEN:
            raise InputError("text", f"hides {len(found)} words; put 1 to {MOST_HIDDEN} of them in [brackets]")
        inputs["guesses"] = in_order(inputs["guesses"])
        if len(inputs["guesses"]) > len(found):
            raise InputError("guesses", f"are {len(inputs['guesses'])} for {len(found)} hidden words")
        long = next((guess for guess in inputs["guesses"] if len(guess) > 60), None)
        if long is not None:
            raise InputError("guesses", f"has {long[:20]!r}… with {len(long)} characters; expected a word")
        inputs["guesses"] = [guess.strip() for guess in inputs["guesses"]]

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.masks import GuessWords, Hidden

        work = Work(context)
        context.log.started()
        text, words = uncovered(context.inputs["text"])
        guesses = [*context.inputs["guesses"], *[""] * len(words)][: len(words)]
        players = []
        for done, model in enumerate(context.models):
            context.log.progress(done, len(context.models), f"{model} guesses")
            hidden = tuple(Hidden(start, end, guess) for (start, end, _), guess in zip(words, guesses, strict=True))
            found = work.do(GuessWords(model, text, hidden))
            players.append(
                {
                    "model": model,
                    "places": [
                        {
                            "tokens": one.tokens,
                            "words": [[word, round(p, 5)] for word, p in one.words],
                            "truth": round(one.truth, 6) if known else None,
                            "rank": one.rank if known else None,
                            "theirs": None if one.theirs is None else round(one.theirs, 6),
                        }
                        for one, (_, _, known) in zip(found, words, strict=True)
                    ],
                }
            )
            context.log.emit("player", players[-1], key=model)
        return {
            "text": text,
            "hidden": [[start, end, known] for start, end, known in words],
            "guesses": guesses,
            "players": players,
            "score": score(text, words, guesses, players),
        }

    def shown(self, run: Run) -> dict[str, Any]:
        output = run.output or {}
        if not output:
            return {}
        text, places, done = output["text"], [], 0
        pieces: list[dict[str, Any]] = []
        for number, (start, end, known) in enumerate(output["hidden"]):
            truth = text[start:end] if known else ""
            guess = output["guesses"][number]
            pieces.append({"before": text[done:start], "number": number + 1, "truth": truth, "guess": guess})
            done = end
            places.append(
                {
                    "number": number + 1,
                    "truth": truth,
                    "guess": guess,
                    "right": bool(known and guess and same(guess, truth)),
                    "models": [_shown_place(player, number, truth) for player in output["players"]],
                }
            )
        return {"pieces": pieces, "rest": text[done:], "places": places, "score": output["score"]}

    def outcome(self, run: Run) -> str:
        rows = (run.output or {}).get("score", [])
        known = sum(bool(known) for _, _, known in (run.output or {}).get("hidden", []))
        return ", ".join(f"{row['who']}: {row['right']} of {known}" for row in rows) if known else ""


def uncovered(text: str) -> tuple[str, list[tuple[int, int, bool]]]:
    """The text without brackets, and for each hidden word its span and whether it is known what stands there.

    Where it is not known a word of one token takes the place; the models see a mask there.
    """
    parts: list[str] = []
    spans: list[tuple[int, int, bool]] = []
    done = length = 0
    for found in HIDDEN.finditer(text):
        word = found[1].strip()
        known = bool(word) and word.upper() not in ("MASK", "?")
        parts += [text[done : found.start()], word if known else "the"]
        length += found.start() - done
        spans.append((length, length + len(parts[-1]), known))
        length += len(parts[-1])
        done = found.end()
    return "".join([*parts, text[done:]]), spans


def in_order(guesses: list[str]) -> list[str]:
    """One for each place; a form without a script sends all of them in one line, with commas between."""
    return guesses[0].split(",") if len(guesses) == 1 and "," in guesses[0] else guesses


def same(guess: str, truth: str) -> bool:
    return guess.strip().casefold() == truth.strip().casefold()


def score(
    text: str, words: list[tuple[int, int, bool]], guesses: list[str], players: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Who found how many of the words that are known at the first try; the visitor only where there is a guess."""
    known = [number for number, (_, _, known) in enumerate(words) if known]
    rows = []
    if any(guesses):
        right = sum(bool(guesses[n]) and same(guesses[n], text[words[n][0] : words[n][1]]) for n in known)
        rows.append({"who": "You", "right": right, "of": len(known)})
    for player in players:
        firsts = [player["places"][n]["words"][0][0] for n in known]
        right = sum(same(first, text[words[n][0] : words[n][1]]) for first, n in zip(firsts, known, strict=True))
        rows.append({"who": player["model"], "right": right, "of": len(known)})
    return rows


def _shown_place(player: dict[str, Any], number: int, truth: str) -> dict[str, Any]:
    place = player["places"][number]
    top = max((p for _, p in place["words"]), default=1.0) or 1.0
    return {
        "model": player["model"],
        "words": [
            {
                "text": word,
                "percent": percent(p),
                "share": round(p / top, 3),
                "right": bool(truth) and same(word, truth),
            }
            for word, p in place["words"]
        ],
        "truth": None if place["truth"] is None else percent(place["truth"]),
        "rank": place["rank"],
        "theirs": None if place["theirs"] is None else percent(place["theirs"]),
        "tokens": place["tokens"],
    }


def percent(share: float) -> str:
    value = share * 100
    if value < 0.01:
        return "< 0.01 %"
    return f"{value:.2f} %" if value < 1 else f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"
