"""Training a small language model on one machine, from text to a usable checkpoint.

Truncated back-propagation through time over a stream of shuffled documents, the state carried from segment
to segment. The learning rate warms up and follows a cosine to the end of the run, whose end is a number of
steps or of minutes, whichever comes first: on a slow machine a run of a given length still anneals.
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from .sha_rnn import ShaRnnCache, ShaRnnConfig, ShaRnnForCausalLM


@dataclass
class Recipe:
    """How to train; the defaults are those of the shipped checkpoint (two cores, about two hours)."""

    hidden_size: int = 320
    num_hidden_layers: int = 4
    memory_size: int = 512
    dropout: float = 0.0
    batch_size: int = 16
    segment: int = 64  # tokens per row and step
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    clip: float = 1.0
    forget_rate: float = 0.02  # share of rows that start with an empty state: generation starts with one, too
    steps: int = 10_000
    minutes: float = math.inf
    seed: int = 0
    device: str = "cpu"


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    epoch: int = 0
    column: int = 0


Report = Callable[[dict[str, float]], None]


class Trainer:
    """Trains one model into `folder`; a run cut short goes on from its last checkpoint with `resume`."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        tokenizer: PreTrainedTokenizerFast,
        documents: list[np.ndarray],
        held_out: list[np.ndarray],
        held_out_bytes: int,
    ) -> None:
        self.folder, self.recipe, self.tokenizer = folder, recipe, tokenizer
        self.documents, self.held_out, self.held_out_bytes = documents, held_out, held_out_bytes
        torch.manual_seed(recipe.seed)
        config = ShaRnnConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.num_hidden_layers,
            memory_size=recipe.memory_size,
            dropout=recipe.dropout,
            lstm_residual=True,
            initializer_range=0.03,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        self.model = ShaRnnForCausalLM(config).to(recipe.device)
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=recipe.learning_rate,
            betas=(0.9, 0.98),
        )
        self.progress = Progress()

    def resume(self) -> bool:
        """Take up the last checkpoint in `folder`; False when there is none."""
        file = self.folder / "training_state.pt"
        if not file.exists():
            return False
        state = torch.load(file, map_location=self.recipe.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        return True

    def checkpoint(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress),
        }
        partial = self.folder / "training_state.pt.part"
        torch.save(state, partial)
        partial.replace(self.folder / "training_state.pt")

    def train(self, report: Report, every: int = 50, checkpoint_every: int = 1000) -> float:
        """Run to the end of the recipe; returns bits per byte on the held-out text."""
        recipe, progress = self.recipe, self.progress
        cache = ShaRnnCache(self.model.config)
        losses: list[float] = []
        last = time.monotonic()
        self.model.train()
        for segment in self._segments():
            rate = self._learning_rate()
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            inputs, targets = segment[:, :-1], segment[:, 1:]
            logits = self.model(inputs, past_key_values=cache).logits
            loss = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            cache.detach()
            cache.forget(torch.rand(recipe.batch_size, device=inputs.device) < recipe.forget_rate)
            losses.append(loss.item())
            now = time.monotonic()
            progress.seconds += now - last
            last = now
            progress.step += 1
            if progress.step % every == 0:
                speed = recipe.batch_size * recipe.segment * progress.step / progress.seconds
                report(
                    {
                        "step": progress.step,
                        "minutes": progress.seconds / 60,
                        "loss": sum(losses) / len(losses),
                        "rate": rate,
                        "tokens_per_second": speed,
                    }
                )
                losses = []
            if progress.step % checkpoint_every == 0:
                self.checkpoint()
                report({"step": progress.step, "held_out_bits_per_byte": self.bits_per_byte(documents=60)})
                last = time.monotonic()  # evaluation does not count towards the minutes
            if self.share_done() >= 1:
                break
        self.checkpoint()
        return self.bits_per_byte()

    def share_done(self) -> float:
        """How much of the run is behind, 0 to 1."""
        return max(self.progress.step / self.recipe.steps, self.progress.seconds / 60 / self.recipe.minutes)

    def _learning_rate(self) -> float:
        warm = min(1.0, (self.progress.step + 1) / self.recipe.warmup_steps)
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.share_done())))
        return self.recipe.learning_rate * warm * (0.02 + 0.98 * cosine)

    def _segments(self) -> Iterator[Tensor]:
        """Segments (batch, segment + 1) of the shuffled stream, each row a text running on; neighbours share a token."""
        recipe, progress = self.recipe, self.progress
        while True:
            order = np.random.default_rng(recipe.seed + progress.epoch).permutation(len(self.documents))
            stream = np.concatenate([self.documents[i] for i in order])
            columns = len(stream) // recipe.batch_size
            if columns <= recipe.segment:
                raise ValueError(
                    f"the training text has {len(stream)} tokens; {recipe.batch_size} rows of segments of "
                    f"{recipe.segment} need more than {recipe.batch_size * recipe.segment}"
                )
            rows = torch.from_numpy(stream[: columns * recipe.batch_size].astype(np.int64).reshape(-1, columns))
            while progress.column + recipe.segment < columns:
                start = progress.column
                progress.column += recipe.segment
                yield rows[:, start : start + recipe.segment + 1].to(recipe.device)
            progress.epoch, progress.column = progress.epoch + 1, 0

    @torch.no_grad()
    def bits_per_byte(self, documents: int | None = None) -> float:
        """Code length of the held-out documents in bits per byte of UTF-8, the end of each document included."""
        chosen = self.held_out[:documents]
        size = self.held_out_bytes * sum(map(len, chosen)) / sum(map(len, self.held_out))
        self.model.eval()
        bits = 0.0
        for start in range(0, len(chosen), 16):
            batch = chosen[start : start + 16]
            end = self.tokenizer.eos_token_id
            longest = max(map(len, batch)) + 1
            ids = torch.full((len(batch), longest), -100)
            for row, document in zip(ids, batch, strict=True):
                row[: len(document)] = torch.from_numpy(document.astype(np.int64))
                row[len(document)] = end
            mask = ids != -100
            logits = self.model(
                ids.masked_fill(~mask, end).to(self.recipe.device), attention_mask=mask.to(self.recipe.device)
            ).logits
            bits += F.cross_entropy(
                logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten().to(logits.device), reduction="sum"
            ).item() / math.log(2)
        self.model.train()
        return bits / size

    def save(self, card: str) -> None:
        """Write the finished checkpoint: half-precision safetensors, tokenizer, model card."""
        self.model.model.collapse_gates()
        self.model.half().save_pretrained(self.folder)
        self.model.float()
        self.tokenizer.save_pretrained(self.folder)
        (self.folder / "README.md").write_text(card, encoding="utf-8")


def compressor_bits(documents: list[str]) -> dict[str, float]:
    """Bits per byte of general compressors on the same text, for the model card."""
    text = "\n".join(documents).encode()
    sizes = {
        "gzip -9": len(gzip.compress(text, 9)),
        "bz2 -9": len(bz2.compress(text, 9)),
        "xz -9": len(lzma.compress(text, preset=9)),
    }
    return {name: 8 * size / len(text) for name, size in sizes.items()}


def model_card(trainer: Trainer, bits: float, data: list[str], held_out: list[str]) -> str:
    """README of a checkpoint: what it is, what it was trained on and how well it predicts text it has not seen."""
    recipe, config, progress = trainer.recipe, trainer.model.config, trainer.progress
    weights = sum(p.numel() for p in trainer.model.parameters())
    tokens = progress.step * recipe.batch_size * recipe.segment
    rows = "\n".join(f"| {name} | {value:.2f} |" for name, value in compressor_bits(held_out).items())
    return f"""# SHA-RNN, {weights / 1e6:.1f} M weights

A SHA-RNN (Merity 2019, arXiv:1911.11423): {config.num_hidden_layers} blocks of width {config.hidden_size}, one attention
head in block {config.attention_layers[0] + 1} with a memory of {config.memory_size} tokens, {config.vocab_size} byte-level
BPE pieces. It continues titles and abstracts of papers on machine learning and language. What it writes reads like an
abstract and is made up.

* Trained on: {", ".join(data)} (titles and abstracts; one document in twenty, chosen by its hash, held out).
* Recipe: `manage.py train_lm`, {progress.step:,} steps of {recipe.batch_size} x {recipe.segment} tokens
  ({tokens / 1e6:.1f} M tokens), AdamW, peak learning rate {recipe.learning_rate}, cosine to the end, gradient norm at most
  {recipe.clip}, {progress.seconds / 60:.0f} minutes on {recipe.device}.
* Differs from the released code in a residual connection around each LSTM (`lstm_residual`).

Bits per byte on the {len(held_out):,} held-out documents:

| | bits per byte |
| --- | ---: |
| this model | {bits:.2f} |
{rows}

`training_log.jsonl` holds the curve.
"""


def append_log(folder: Path, record: dict[str, float]) -> None:
    """One line of JSON per report, so that curves can be drawn later."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "training_log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
