"""Training a small language model on one machine, from text to a usable checkpoint.

The learning rate warms up and follows a cosine to the end of the run, which is a number of steps, tokens or minutes,
whichever comes first: on a slow machine a run of a given length still anneals.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from . import evaluation
from .batches import Batch, hide_tokens, running_text, whole_documents
from .evaluation import HeldOut, MaskedFigures
from .families import Family
from .optimizers import build_optimizer
from .recipe import Progress, Recipe

LOG = "training_log.jsonl"
STATE = "training_state.pt"
SAMPLE = 60  # held-out documents that stand for all while training

Report = Callable[[dict[str, float]], None]


class Trainer:
    """Trains one model into `folder`; a run cut short goes on from its last checkpoint with `resume`."""

    def __init__(
        self,
        folder: Path,
        family: Family,
        recipe: Recipe,
        tokenizer: PreTrainedTokenizerFast,
        documents: list[np.ndarray],
        held_out: HeldOut,
    ) -> None:
        self.folder, self.family, self.recipe, self.tokenizer = folder, family, recipe, tokenizer
        self.documents, self.held_out = documents, held_out
        torch.manual_seed(recipe.seed)
        self.model: Any = family.build(recipe, tokenizer).to(recipe.device)
        self.optimizer = build_optimizer(self.model, recipe, family.own_rates)
        self.scaler = torch.amp.GradScaler(recipe.device, enabled=recipe.precision == "fp16")
        self.progress = Progress()

    def resume(self) -> bool:
        """Take up the last checkpoint in `folder`; False when there is none."""
        file = self.folder / STATE
        if not file.exists():
            return False
        state = torch.load(file, map_location=self.recipe.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        shares = [group["share"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, share in zip(self.optimizer.param_groups, shares, strict=True):
            group["share"] = share
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        self.progress = Progress(**state["progress"])
        if math.isfinite(self.recipe.clock_minutes):  # the rest of the schedule is stretched over them
            self.progress.clock = self.progress.share(self.recipe)
        return True

    def checkpoint(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "progress": asdict(self.progress),
        }
        partial = self.folder / f"{STATE}.part"
        torch.save(state, partial)
        partial.replace(self.folder / STATE)

    def train(
        self, report: Report, every: int = 50, evaluate_every: int = 500, checkpoint_seconds: float = 180
    ) -> None:
        """Run to the end of the recipe. A run that is there already does nothing."""
        recipe, progress, family = self.recipe, self.progress, self.family
        clock = time.monotonic if recipe.device.startswith("cuda") else time.process_time
        state = family.new_state(self.model)
        losses: list[float] = []
        last, saved, first = clock(), time.monotonic(), progress.tokens
        started = progress.seconds
        began, clock_before = time.monotonic(), progress.clock
        self.model.train()
        batches = self._batches()
        while progress.share(recipe) < 1:
            batch = next(batches)
            rate = self._set_rate(batch)
            with self._precision():
                loss, entropy, state = family.loss(self.model, batch, state)
            self._step(loss)
            if state is not None:
                forget = torch.rand(len(batch.inputs), device=batch.inputs.device) < recipe.forget_rate
                state = family.carry(state, forget)
            losses.append(entropy.item())
            now = clock()
            progress.seconds += now - last
            last = now
            elapsed = (time.monotonic() - began) / 60 / recipe.clock_minutes
            progress.clock = clock_before + (1 - clock_before) * elapsed
            progress.step += 1
            progress.tokens += batch.tokens
            if progress.step % every == 0:
                report(
                    {
                        "step": progress.step,
                        "tokens": progress.tokens,
                        "minutes": progress.seconds / 60,
                        "loss": sum(losses) / len(losses),
                        "rate": rate,
                        "tokens_per_second": (progress.tokens - first) / max(1e-9, progress.seconds - started),
                    }
                )
                losses = []
            if progress.step % evaluate_every == 0:
                report({"step": progress.step, "tokens": progress.tokens, **self.figures(SAMPLE)})
            if time.monotonic() - saved > checkpoint_seconds:
                self.checkpoint()
                saved = time.monotonic()
            last = clock()  # evaluation and saving do not count towards the minutes
        self.checkpoint()

    def _set_rate(self, batch: Batch) -> float:
        rate = self.progress.learning_rate(self.recipe)
        if self.recipe.vary_segment and self.recipe.scale_rate:
            rate *= batch.inputs.shape[1] / self.recipe.segment
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        return rate

    def _precision(self) -> AbstractContextManager[Any]:
        kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
        if self.recipe.precision not in kinds:
            return nullcontext()
        return torch.autocast(self.recipe.device.split(":")[0], dtype=kinds[self.recipe.precision])

    def _step(self, loss: torch.Tensor) -> None:
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)

    def _batches(self) -> Iterator[Batch]:
        recipe, tokenizer = self.recipe, self.tokenizer
        if self.family.stateful:
            yield from running_text(self.documents, recipe, self.progress)
            return
        words = len(tokenizer) - len(tokenizer.all_special_ids)
        for batch in whole_documents(
            self.documents, recipe, self.progress, tokenizer.eos_token_id, tokenizer.pad_token_id
        ):
            if self.family.masked:
                draw = torch.Generator().manual_seed(recipe.seed * 1_000_003 + self.progress.step)
                batch = hide_tokens(batch, tokenizer.mask_token_id, words, self.family.hidden_share, draw)
            yield batch

    def figures(self, documents: int | None = None) -> dict[str, float]:
        """What the model makes of the held-out text, or of its first documents."""
        held_out = self.held_out if documents is None else self.held_out.first(documents)
        if self.family.masked:
            masked: MaskedFigures = evaluation.masked_figures(
                self.family, self.model, self.tokenizer, held_out, self.recipe
            )
            return {"held_out_bits_per_byte": masked.bits_per_byte, "held_out_found": masked.found}
        bits = evaluation.bits_per_byte(self.family, self.model, self.tokenizer, held_out, self.recipe)
        return {"held_out_bits_per_byte": bits}

    def save(self) -> None:
        """Write the finished checkpoint: half-precision safetensors and tokenizer."""
        self.family.finish(self.model)
        save_model(self.model, self.folder, half=True)
        self.tokenizer.save_pretrained(self.folder)


def save_model(model: Any, folder: Path, *, half: bool) -> None:
    """Write safetensors; `half` rounds the weights, also those in memory, but for what the model wants exact."""
    exact = tuple(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    if half:
        for name, weight in model.named_parameters():
            if not any(part in name for part in exact):
                weight.data = weight.data.half()
    model.save_pretrained(folder)
    model.float()


@torch.no_grad()
def take_words(model: Any, tokenizer: PreTrainedTokenizerFast, folder: Path) -> int:
    """Start from the word vectors of another model, for the pieces both know; returns how many.

    Where this model is narrower, they are turned to their principal axes and cut; their mean and spread become those
    that this model starts with.
    """
    from transformers import AutoModelForCausalLM

    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).get_input_embeddings().weight
    known = PreTrainedTokenizerFast.from_pretrained(folder).get_vocab()
    own = model.get_input_embeddings().weight
    width = own.shape[1]
    if theirs.shape[1] < width:
        raise ValueError(f"{folder} has word vectors of {theirs.shape[1]} numbers; this model needs at least {width}")
    centred = theirs - theirs.mean(0)
    if theirs.shape[1] > width:
        _, _, axes = torch.linalg.svd(centred, full_matrices=False)
        centred = centred @ axes[:width].T
    centred = centred * (own.std() / centred.std())
    pairs = [(number, known[piece]) for piece, number in tokenizer.get_vocab().items() if piece in known]
    mine, there = (torch.tensor(side, device=own.device) for side in zip(*pairs, strict=True))
    own[mine] = centred.to(own.device)[there]
    return len(pairs)


def append_log(folder: Path, record: dict[str, float]) -> None:
    """One line of JSON per report."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def read_log(folder: Path) -> list[dict[str, float]]:
    """The reports of a run. What a run that was cut short reported after its last checkpoint is left out."""
    records: list[dict[str, float]] = []
    if (folder / LOG).exists():
        for line in (folder / LOG).read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            while records and records[-1]["step"] > record["step"]:
                records.pop()
            records.append(record)
    return records
