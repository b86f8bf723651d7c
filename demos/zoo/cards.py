"""Model cards: the README of a checkpoint."""

from __future__ import annotations

from . import training
from .curves import training_curves
from .evaluation import compressor_bits

CAUSAL = "bits per byte of held-out text"
MASKED = "bits per byte of hidden words in held-out text"


def write_card(trainer: training.Trainer, figures: dict[str, float], data: list[str], held_out: list[str]) -> None:
    """README.md, loss.png and held_out.png: what the model is, what it was trained on, how well it predicts new text."""
    folder, family, recipe, progress = trainer.folder, trainer.family, trainer.recipe, trainer.progress
    compressors = compressor_bits(held_out)
    bits = figures["held_out_bits_per_byte"]
    curves = training_curves(
        folder,
        family.title,
        training.read_log(folder),
        {} if family.masked else compressors,
        MASKED if family.masked else CAUSAL,
    )
    pictures = "\n".join(f"![{path.stem}]({path.name})" for path in curves)
    weights = sum(p.numel() for p in trainer.model.parameters())
    optimizer = {"adamw": "AdamW", "lamb": "LAMB"}[recipe.optimizer]
    if family.masked:
        result = (
            f"On the {len(held_out):,} held-out documents, 15 % of the tokens hidden: it names "
            f"{figures['held_out_found']:.1%} of them at first guess and needs\n{bits:.2f} bits for each byte of them. "
            "It sees the text on both sides, so that this is no code length; as compressors, on the whole text:\n"
        )
        rows = ""
    else:
        result = f"Bits per byte on the {len(held_out):,} held-out documents:\n"
        rows = f"| this model | {bits:.2f} |\n"
    rows += "\n".join(f"| {name} | {value:.2f} |" for name, value in compressors.items())
    card = f"""# {family.title}, {weights / 1e6:.1f} M weights

{family.about(trainer.model, recipe)}

* Trained on: {", ".join(data)} (titles and abstracts; one document in twenty, chosen by its hash, held out).
* Recipe: `manage.py train_lm --model {family.name}`, {progress.step:,} steps, {progress.tokens / 1e6:.1f} M tokens,
  {optimizer}, peak learning rate {recipe.learning_rate}, cosine to the end, gradient norm at most {recipe.clip},
  {progress.seconds / 60:.0f} minutes of computing on {recipe.device.split(":")[0]}.

{result}
| | bits per byte |
| --- | ---: |
{rows}

{pictures}

`training_log.jsonl` holds the curves' numbers.
"""
    (folder / "README.md").write_text(card, encoding="utf-8")
