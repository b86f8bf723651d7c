"""Attack: a search for small changes of a text that make a classifier say something else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from .base import InputError, Inputs, Kind, Options, RunCancelled, RunContext
from .one_shot_work import Work, check_text

if TYPE_CHECKING:
    from demos.lens.words import Word
    from demos.models import Demo, Run

MOST_TOKENS = 256
KEPT_TRIES = 600
RESULTS = {
    "flipped": "The label flipped",
    "resisted": "The classifier resisted",
    "budget": "The budget was spent",
    "stopped": "Stopped",
}


class AttackOptions(Options):
    masked_lm: str = Field(
        "", max_length=200, description="Model that proposes words; without it this way is not offered"
    )


class AttackInputs(Inputs):
    text: str = Field("", max_length=2000, description="Text the classifier reads")
    method: Literal["characters", "masked-lm", "gradient"] = Field("characters", description="What is changed")
    budget: int = Field(150, ge=10, le=600, description="Texts the classifier may be asked about")
    change: int = Field(20, ge=1, le=60, description="Per cent of the words that may be changed")
    keep: str = Field("", max_length=300, description="Words that must stay, with commas between them")
    keep_ends: bool = Field(True, description="First and last letter of a word stay")
    twins: bool = Field(False, description="Also letters of other scripts that look the same")


class Attack(Kind):
    name = "attack"
    title = "Attack"
    Inputs = AttackInputs
    Options = AttackOptions
    headline = "text"
    further_limits: ClassVar = {"tokens": ("Tokens of the text", MOST_TOKENS)}

    def models_of(self, demo: Demo) -> list[str]:
        proposer = self.options_for(demo).masked_lm
        return [demo.model, proposer] if proposer else [demo.model]

    def models_for(self, demo: Demo, inputs: dict[str, Any]) -> list[str]:
        return self.models_of(demo) if inputs["method"] == "masked-lm" else [demo.model]

    def form(self, demo: Demo) -> dict[str, Any]:
        return {"masked_lm": self.options_for(demo).masked_lm}

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        check_text(demo, inputs, "text", MOST_TOKENS)
        if inputs["method"] == "masked-lm" and not self.options_for(demo).masked_lm:
            raise InputError("method", "needs a model that fills masks, and this demo has none")

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.attack import Constraints, Search, Try

        inputs = context.inputs
        tries: list[list[Any]] = []

        class Attacker(Work):
            def so_far(self) -> dict[str, Any]:
                return {"tries": tries, "result": "stopped"}

        work = Attacker(context)
        context.log.started()

        def on_tries(new: list[Try]) -> None:
            rows: list[list[Any]] = [
                [t.number, t.place, t.before, t.after, t.label, round(t.confidence, 4), t.taken] for t in new
            ]
            tries.extend(rows[: KEPT_TRIES - len(tries)])
            if rows:
                context.log.emit("tries", {"tries": rows}, key=str(rows[0][0]))
                context.log.progress(rows[-1][0], inputs["budget"], "Asking the classifier")

        keep = frozenset(word.strip().casefold() for word in inputs["keep"].split(",") if word.strip())
        rules = Constraints(
            budget=inputs["budget"],
            change=inputs["change"] / 100,
            keep=keep,
            keep_ends=inputs["keep_ends"],
            twins=inputs["twins"],
        )
        victim = _Victim(context, work, by_gradient=inputs["method"] == "gradient")
        search = Search(victim, inputs["text"], inputs["method"], rules, on_tries=on_tries, stopped=work.stopped.is_set)
        found = search.run()
        output = {
            "result": found.result,
            "words": [[word.start, word.end] for word in search.words],
            "changes": sorted([place, new] for place, new in found.changes.items()),
            "importance": [round(share, 4) for share in found.importance],
            "label": found.label,
            "confidence": round(found.confidence, 4),
            "new_label": found.new_label,
            "new_confidence": round(found.new_confidence, 4),
            "adversarial": found.text,
            "queries": found.queries,
            "tries": tries,
        }
        if found.result == "stopped":
            raise RunCancelled(output)
        return output

    def shown(self, run: Run) -> dict[str, Any]:
        output = run.output or {}
        if "words" not in output:
            return {}
        changes, text = dict(output["changes"]), run.inputs["text"]
        before, after, done = [], [], 0
        for place, (start, end) in enumerate(output["words"]):
            before.append({"text": text[done:end] if place not in changes else text[done:start]})
            after.append(before[-1])
            if place in changes:
                before.append({"text": text[start:end], "changed": True})
                after.append({"text": changes[place], "changed": True})
            done = end
        rest = {"text": text[done:]}
        return {
            "before": [*before, rest],
            "after": [*after, rest],
            "sentence": RESULTS[output["result"]],
            "flipped": output["result"] == "flipped",
            "label": output["label"],
            "confidence": _percent(output["confidence"]),
            "new_label": output["new_label"],
            "new_confidence": _percent(output["new_confidence"]),
            "queries": output["queries"],
            "changed": len(changes),
            "of": len(output["words"]),
            "tries": [
                {"number": n, "before": old, "after": new, "label": label, "confidence": _percent(p), "taken": taken}
                for n, _, old, new, label, p, taken in output["tries"][:200]
            ],
        }

    def outcome(self, run: Run) -> str:
        output = run.output or {}
        if "label" not in output:
            return ""
        if output["result"] == "flipped":
            changed = f"{len(output['changes'])} changed, {output['queries']} queries"
            return f"{output['label']} → {output['new_label']} with {changed}"
        return f"{RESULTS[output['result']]}: {output['label']} after {output['queries']} queries"


class _Victim:
    """The engine's models as an attack asks them."""

    def __init__(self, context: RunContext, work: Work, *, by_gradient: bool) -> None:
        self.context, self.work, self.by_gradient = context, work, by_gradient

    def classify(self, texts: Sequence[str]) -> list[dict[str, float]]:
        from demos.engine import Classification

        found: list[dict[str, float]] = self.work.do(Classification(self.context.model, tuple(texts)))
        return found

    def propose(self, text: str, word: Word, label: str) -> list[str]:
        if self.by_gradient:
            from demos.lens.gradients import Steepest

            steep = self.work.do(Steepest(self.context.model, text, word.start, word.end, label))
            return [new for new, _ in steep]
        from demos.lens.masks import GuessWords, Hidden

        proposer = self.context.options.masked_lm
        (place,) = self.work.do(GuessWords(proposer, text, (Hidden(word.start, word.end),), most=20))
        return [new for new, _ in place.words if new.isalpha() and len(new) > 1]


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
