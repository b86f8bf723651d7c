"""Sparsity: a model loses more and more of its weights; what that does to its perplexity and to what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from .base import Inputs, Kind, RunContext
from .one_shot_work import Work, check_text

if TYPE_CHECKING:
    from demos.models import Demo, Run

MOST_TOKENS = 400
# Where the slider stops, in per cent: finer where it gets interesting.
STOPS = (0, 10, 20, 30, 40, 50, 60, 65, 70, 75, 80, 85, 90, 95, 98)
# The other way is a curve for comparison only.
COMPARED = STOPS[::2]
SAMPLE_TOKENS = 24
MATRICES = 80  # shown, at most


class SparsityInputs(Inputs):
    text: str = Field("", max_length=4000, description="Text on which perplexity is taken")
    prompt: str = Field("", max_length=300, description="Beginning of the sample; empty writes none")
    method: Literal["magnitude", "random"] = Field(
        "magnitude", description="Which weights go first: the smallest, or any"
    )
    scope: Literal["global", "layer"] = Field(
        "global", description="Compared in the whole model, or in each matrix alone"
    )
    sparsity: int = Field(50, ge=0, le=98, description="Per cent of the weights to remove; the slider's first place")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="For weights drawn at random")


class Sparsity(Kind):
    name = "sparsity"
    title = "Sparsity"
    Inputs = SparsityInputs
    headline = "text"
    further_limits: ClassVar = {"tokens": ("Tokens of the text", MOST_TOKENS)}

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        check_text(demo, inputs, "text", MOST_TOKENS)

    def output_depends_on(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        return {name: value for name, value in inputs.items() if name != "seed" or inputs["method"] == "random"}

    def run(self, context: RunContext) -> dict[str, Any]:
        from demos.lens.pruning import Level, Plan, Thinning

        inputs = context.inputs
        stops = sorted({*STOPS, inputs["sparsity"]})
        levels: list[dict[str, Any]] = []
        other: list[list[float]] = []
        matrices: list[list[Any]] = []
        maps: dict[int, bytes] = {}

        def output() -> dict[str, Any]:
            named = {"method": inputs["method"], "scope": inputs["scope"]}
            return {**named, "levels": levels, "other": other, "matrices": matrices}

        class Thinner(Work):
            def so_far(self) -> dict[str, Any]:
                return output()

        work = Thinner(context)
        context.log.started()

        def on_level(level: Level) -> None:
            percent = round(level.sparsity * 100)
            if not matrices:
                matrices.extend([m.name, m.size, len(m.grid), len(m.grid[0])] for m in level.matrices[:MATRICES])
            cells = [share for m in level.matrices[:MATRICES] for row in m.grid for share in row]
            maps[percent] = bytes(round(share * 255) for share in cells)
            levels.append({"sparsity": percent, **_level(level)})
            context.log.emit("level", levels[-1], key=str(percent))
            context.log.progress(len(levels) + len(other), len(stops) + len(COMPARED), "Pruning")

        def on_other(level: Level) -> None:
            other.append([round(level.sparsity * 100), number(level.perplexity)])
            context.log.progress(len(levels) + len(other), len(stops) + len(COMPARED), "The other way, for comparison")

        shares = tuple(stop / 100 for stop in stops)
        common: dict[str, Any] = {"scope": inputs["scope"], "sparsities": shares, "seed": inputs["seed"]}
        sample = SAMPLE_TOKENS if inputs["prompt"] else 0
        plan = Plan(method=inputs["method"], prompt=inputs["prompt"], sample_tokens=sample, **common)
        work.do(Thinning(context.model, inputs["text"], plan, on_level))
        for (
            percent,
            cells,
        ) in maps.items():  # only now: the engine's thread, which tells of levels, waits for no database
            context.parts.put(f"left-{percent}", cells)
        common["sparsities"] = tuple(stop / 100 for stop in COMPARED)
        compared = Plan(method="random" if inputs["method"] == "magnitude" else "magnitude", sample_tokens=0, **common)
        work.do(Thinning(context.model, inputs["text"], compared, on_other))
        return output()

    def shown(self, run: Run) -> dict[str, Any]:
        output = run.output or {}
        levels = [
            {**level, "of": f"{level['left']:,} of {level['size']:,}", "words": _words(level["perplexity"])}
            for level in output.get("levels", [])
        ]
        chosen = next((level for level in levels if level["sparsity"] == run.inputs["sparsity"]), None)
        chosen = chosen or (levels[0] if levels else None)
        return {
            "levels": levels,
            "chosen": chosen,
            "prompt": run.inputs["prompt"],
            "output": output,
            "data_id": f"sparsity-{run.pk}",
        }

    def outcome(self, run: Run) -> str:
        levels = (run.output or {}).get("levels", [])
        chosen = next((level for level in levels if level["sparsity"] == run.inputs["sparsity"]), None)
        if chosen is None or not levels:
            return ""
        whole = _words(levels[0]["perplexity"])
        return f"perplexity {whole} whole, {_words(chosen['perplexity'])} without {chosen['sparsity']} % of the weights"


def _level(level: Any) -> dict[str, Any]:
    return {
        "perplexity": number(level.perplexity),
        "sample": level.sample,
        "size": sum(m.size for m in level.matrices),
        "left": sum(m.kept for m in level.matrices),
        "kept": [m.kept for m in level.matrices[:MATRICES]],
    }


def number(perplexity: float) -> float:
    """Four digits, and never infinite."""
    return float(f"{min(perplexity, 1e300):.4g}")


def _words(perplexity: float) -> str:
    if perplexity >= 1e7:
        return f"{perplexity:.1e}"
    return f"{perplexity:,.0f}" if perplexity >= 100 else f"{perplexity:.1f}"
