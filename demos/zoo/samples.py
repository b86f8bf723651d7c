"""What a model writes or fills in, for its card."""

from __future__ import annotations

from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

OPENINGS = ["Attention", "We propose a recurrent", "On the convergence of"]
RIDDLES = [
    "We train a neural [MASK] on a large corpus of text.",
    "The attention mechanism allows the [MASK] to focus on relevant words of the input [MASK].",
    "We prove an upper [MASK] on the regret of the algorithm.",
]


@torch.inference_mode()
def continuations(
    model: Any, tokenizer: PreTrainedTokenizerFast, openings: list[str] = OPENINGS, seed: int = 1
) -> list[str]:
    """Titles and abstracts from their first words, drawn at temperature 0.7 from the 40 likeliest pieces."""
    texts = []
    for number, opening in enumerate(openings):
        torch.manual_seed(seed + number)
        ids = tokenizer(opening, return_tensors="pt")["input_ids"].to(model.device)
        room = (getattr(model.config, "n_positions", None) or 10_000) - ids.shape[1]
        written = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=min(130, room),
            do_sample=True,
            temperature=0.7,
            top_k=40,
            pad_token_id=tokenizer.pad_token_id,
        )
        texts.append(tokenizer.decode(written[0], skip_special_tokens=True))
    return texts


@torch.inference_mode()
def fillings(
    model: Any, tokenizer: PreTrainedTokenizerFast, riddles: list[str] = RIDDLES, best: int = 3
) -> list[tuple[str, list[list[str]]]]:
    """For each text the likeliest pieces of each of its hidden words."""
    found = []
    for riddle in riddles:
        ids = tokenizer(riddle.replace("[MASK]", tokenizer.mask_token), return_tensors="pt")["input_ids"]
        ids = ids.to(model.device)
        logits = model(ids).logits[0][ids[0] == tokenizer.mask_token_id]
        found.append((riddle, [[tokenizer.decode([i]).strip() for i in row.topk(best).indices] for row in logits]))
    return found


def for_card(model: Any, tokenizer: PreTrainedTokenizerFast, *, masked: bool) -> str:
    """A section of the model card."""
    if masked:
        rows = [
            f"| {riddle} | {'; '.join(', '.join(words) for words in places)} |"
            for riddle, places in fillings(model, tokenizer)
        ]
        return "What it puts in, the likeliest first:\n\n| text | |\n| --- | --- |\n" + "\n".join(rows)
    quoted = ["\n".join(f"> {line}".rstrip() for line in text.splitlines()) for text in continuations(model, tokenizer)]
    return (
        "What it writes (temperature 0.7, the 40 likeliest pieces, not selected). All of it is made up:\n\n"
        + "\n\n---\n\n".join(quoted)
    )
