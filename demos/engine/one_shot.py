"""Work that is done once instead of token by token, in turn with the steps of running texts.

`work` calls the model as its authors do: a plain forward pass over one text, so that results equal direct calls.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .loading import LoadedModel, no_memory, out_of_memory, release_memory
from .request import RequestError
from .slot_attention import implementation

LONGEST_TEXT = 4096  # tokens
LONGEST_MAP = 512  # attention maps grow with the square
# Tokens scored between two steps of running texts: full logits of a piece are (PIECE, V).
PIECE = 256


class Cancelled(RuntimeError):
    """The work was stopped before it was done."""


@dataclass(frozen=True)
class OneShot(ABC):
    """One piece of work with `model`."""

    model: str

    @abstractmethod
    def work(self, loaded: LoadedModel) -> Generator[None, None, Any]:
        """Do it on the engine's thread, yielding between pieces no longer than a few steps. Raises RequestError."""


class OneShotHandle:
    """Work that has been handed to the engine."""

    def __init__(self, job: OneShot) -> None:
        self.job = job
        self.cancelled = threading.Event()
        self._pieces: Generator[None, None, Any] | None = None
        self._done = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def cancel(self) -> None:
        """Stop before the next piece; `result` then raises Cancelled."""
        self.cancelled.set()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result. Raises TimeoutError, Cancelled, or what went wrong."""
        if not self._done.wait(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value

    def advance(self, loaded: LoadedModel) -> bool:
        """On the engine's thread: do the next piece; True when there is no more."""
        if self.cancelled.is_set():
            self.fail(Cancelled("the work was cancelled"))
            return True
        try:
            if self._pieces is None:
                self._pieces = self.job.work(loaded)
            with torch.inference_mode():
                next(self._pieces)
        except StopIteration as end:
            self._value = end.value
            self._done.set()
            return True
        except Exception as error:  # what the work did wrong ends the work, not the engine
            if out_of_memory(error):
                self.fail(RequestError(no_memory(loaded.name)))
                del error
                release_memory()
            else:
                self.fail(error)
            return True
        return False

    def fail(self, error: BaseException) -> None:
        if self._pieces is not None:
            self._pieces.close()
        self._error = error
        self._done.set()


@dataclass(frozen=True)
class Score:
    """One token of a given text; `logprob` is None for the first, of which nothing was known."""

    id: int
    text: str
    logprob: float | None
    rank: int | None


@dataclass(frozen=True)
class Surprisal(OneShot):
    """Log-probability (natural) and rank, 0 the likeliest, of every token of a text under a causal model."""

    text: str

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[Score]]:
        if not loaded.writes:
            raise RequestError(f"model {loaded.name!r} {loaded.purpose}; expected one that writes texts")
        ids = text_ids(loaded, self.text, LONGEST_TEXT)
        if loaded.model.config.is_encoder_decoder:
            raise RequestError(f"model {loaded.name!r} has an encoder; surprisal takes one that only reads on")
        scores = [Score(ids[0], loaded.tokenizer.decode([ids[0]]), None, None)]
        past: Any = None
        for start in range(0, len(ids) - 1, PIECE):
            piece = ids[start : min(start + PIECE, len(ids) - 1)]
            with implementation(loaded.model, loaded.attention):
                output = loaded.model(
                    torch.tensor([piece], device=loaded.model.device), past_key_values=past, use_cache=len(ids) > PIECE
                )
            past = output.past_key_values
            scores += _scores(loaded, output.logits[0].float(), ids[start + 1 : start + 1 + len(piece)])
            yield
        return scores


def _scores(loaded: LoadedModel, logits: Tensor, targets: list[int]) -> list[Score]:
    wanted = torch.tensor(targets, device=logits.device)[:, None]
    own = logits.gather(-1, wanted)
    logprobs = (own - logits.logsumexp(-1, keepdim=True))[:, 0].tolist()
    ranks = (logits > own).sum(-1).tolist()
    rows = zip(targets, logprobs, ranks, strict=True)
    return [Score(token, loaded.tokenizer.decode([token]), logprob, rank) for token, logprob, rank in rows]


@dataclass(frozen=True)
class AttentionMaps:
    """Attention weights of a text; `weights` holds one (heads, tokens, tokens) tensor for each layer that attends."""

    tokens: list[str]
    weights: list[Tensor]


@dataclass(frozen=True)
class Attention(OneShot):
    """The attention maps of a text, of all layers or of some; for models with an encoder, the encoder's."""

    text: str
    layers: tuple[int, ...] | None = None

    def work(self, loaded: LoadedModel) -> Generator[None, None, AttentionMaps]:
        ids = text_ids(loaded, self.text, LONGEST_MAP)
        model = loaded.model.get_encoder() if loaded.model.config.is_encoder_decoder else loaded.model
        name = "eager" if loaded.attention == "sdpa" else loaded.attention
        with implementation(loaded.model, name):
            maps = model(torch.tensor([ids], device=loaded.model.device), output_attentions=True).attentions
        if not maps:
            raise RequestError(f"model {loaded.name!r} gives no attention weights")
        outside = [layer for layer in self.layers or () if not 0 <= layer < len(maps)]
        if outside:
            raise RequestError(f"layer {outside[0]} is asked for; model {loaded.name!r} attends in {len(maps)} layers")
        yield
        chosen = range(len(maps)) if self.layers is None else self.layers
        tokens = [loaded.tokenizer.decode([token]) for token in ids]
        return AttentionMaps(tokens, [maps[layer][0].float().cpu() for layer in chosen])


def text_ids(loaded: LoadedModel, text: str, most: int) -> list[int]:
    """Tokens of a text that is to be read whole. Raises RequestError with the numbers."""
    ids: list[int] = loaded.tokenizer(text)["input_ids"]
    if not ids:
        raise RequestError("the text is empty; expected at least one token")
    limit = min(most, loaded.window or most)
    if len(ids) > limit:
        raise RequestError(f"the text has {len(ids)} tokens; expected at most {limit}")
    return ids
