"""Model cards: the README of a checkpoint."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from . import samples
from .curves import training_curves
from .families import Family
from .recipe import Progress, Recipe

CAUSAL = "bits per byte of held-out text"
MASKED = "bits per byte of hidden words in held-out text"


@dataclass(frozen=True)
class Run:
    """A training run that has come to its end."""

    folder: Path
    family: Family
    recipe: Recipe
    progress: Progress
    model: Any
    tokenizer: PreTrainedTokenizerFast
    data: list[str]  # names of the files
    notes: tuple[str, ...] = ()  # further lines of the recipe


def write_card(
    run: Run,
    figures: dict[str, float],
    held_out: int,
    compressors: dict[str, float],
    records: list[dict[str, float]],
) -> None:
    """README.md, loss.png and held_out.png: what the model is, what it was trained on, how well it predicts new text.

    `figures` are those of the whole held-out text, `held_out` documents; `records` the run's reports.
    """
    family, recipe, progress = run.family, run.recipe, run.progress
    bits = figures["held_out_bits_per_byte"]
    curves = training_curves(
        run.folder, family.title, records, {} if family.masked else compressors, MASKED if family.masked else CAUSAL
    )
    pictures = "\n".join(f"![{path.stem}]({path.name})" for path in curves)
    weights = sum(p.numel() for p in run.model.parameters())
    optimizer = {"adamw": "AdamW", "lamb": "LAMB"}[recipe.optimizer]
    trained = (
        f"{progress.step:,} steps, {progress.tokens / 1e6:.1f} M tokens, {optimizer}, peak learning rate "
        f"{recipe.learning_rate}, cosine to the end, gradient norm at most {recipe.clip}, "
        f"{progress.seconds / 60:.0f} minutes of computing on {recipe.device.split(':')[0]} "
        f"({progress.tokens / max(1, progress.seconds):,.0f} tokens/s)"
    )
    if family.masked:
        result = (
            f"On the {held_out:,} held-out documents, 15 % of the tokens hidden: it names "
            f"{figures['held_out_found']:.1%} of them at first guess and needs {bits:.2f} bits for each byte of them. "
            "It sees the text on both sides, so that this is no code length; as compressors, on the whole text:"
        )
        rows = ""
    else:
        result = f"Bits per byte on the {held_out:,} held-out documents:"
        rows = f"| this model | {bits:.2f} |\n"
    rows += "\n".join(f"| {name} | {value:.2f} |" for name, value in compressors.items())
    recipe_lines = [f"Recipe: `manage.py train_lm --model {family.name}`, {trained}.", *run.notes]
    files = ", ".join(run.data)
    about = family.about(run.model, recipe).replace("\n", " ")
    card = f"""# {family.title}, {weights / 1e6:.1f} M weights

{textwrap.fill(about, 118)}

{_point(f"Trained on: {files} (titles and abstracts; one document in twenty, chosen by its hash, held out).")}
{"".join(_point(line) + chr(10) for line in recipe_lines)}
{textwrap.fill(result, 118)}

| | bits per byte |
| --- | ---: |
{rows}

{samples.for_card(run.model, run.tokenizer, masked=family.masked)}

{pictures}

`training_log.jsonl` holds the curves' numbers.
"""
    (run.folder / "README.md").write_text(card, encoding="utf-8")


def _point(text: str) -> str:
    return textwrap.fill(text, 118, initial_indent="* ", subsequent_indent="  ")
