"""How a causal model reads a text: what each token costs it, and the text coded with its probabilities and decoded again.

Jobs for the engine (`demos.engine.OneShot`); they call the model as its authors do.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from demos.engine.loading import LoadedModel
from demos.engine.one_shot import PIECE, OneShot
from demos.engine.request import RequestError
from demos.engine.slot_attention import implementation

from .container import MARK, Coded
from .ranges import CodeError, Decoder, Encoder

LONGEST = 2048  # tokens that are read at once
LONGEST_CODE = 512  # tokens that are coded, one step of the model each, there and back
# Frequencies add up to this. Each token has at least one, so that no text is impossible: next to nothing for the others.
TOTAL = 1 << 28


@dataclass(frozen=True)
class Read:
    """One token of a text: where it stands, its cost in bits, its rank (0 is the likeliest), and what was likelier.

    `bits` is None for a token of which nothing was known before: the first, where the model has no start sign.
    """

    id: int
    start: int
    end: int
    bits: float | None
    rank: int | None
    entropy: float | None = None
    top: list[tuple[str, float]] = field(default_factory=list)


def pieces_of(loaded: LoadedModel, text: str) -> tuple[list[int], list[tuple[int, int]], int]:
    """Ids, their places in the text, and how many start signs come first. Pieces of one character share its place."""
    given = loaded.tokenizer(text, return_offsets_mapping=True)
    ids: list[int] = given["input_ids"]
    offsets: list[tuple[int, int]] = [tuple(pair) for pair in given["offset_mapping"]]
    special = set(loaded.tokenizer.all_special_ids)
    starts = 0
    while starts < len(ids) and ids[starts] in special and offsets[starts][0] == offsets[starts][1]:
        starts += 1
    ends = len(ids)
    while ends > starts and ids[ends - 1] in special and offsets[ends - 1][0] == offsets[ends - 1][1]:
        ends -= 1
    return ids[:ends], offsets[:ends], starts


def check_causal(loaded: LoadedModel) -> None:
    """Raises RequestError for a model that does not give each next token a probability."""
    if loaded.model.config.is_encoder_decoder or loaded.model.get_output_embeddings() is None:
        raise RequestError(
            f"model {loaded.name!r} does not foretell the next token of a text, so it can give none a cost"
        )


@dataclass(frozen=True)
class Reading(OneShot):
    """What each token of a text costs. `ids` takes the place of the tokenizer's own cutting; they come without places."""

    text: str = ""
    top: int = 0
    ids: tuple[int, ...] = ()

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[Read]]:
        check_causal(loaded)
        if self.ids:
            ids, offsets, starts = list(self.ids), [(0, 0)] * len(self.ids), 0
        else:
            ids, offsets, starts = pieces_of(loaded, self.text)
        limit = min(LONGEST, loaded.window or LONGEST)
        if len(ids) > limit:
            raise RequestError(f"the text has {len(ids)} tokens; model {loaded.name!r} reads at most {limit} at once")
        read = [] if starts else [Read(ids[0], *offsets[0], None, None)] if ids else []
        past: Any = None
        for begin in range(0, len(ids) - 1, PIECE):
            piece = ids[begin : min(begin + PIECE, len(ids) - 1)]
            with implementation(loaded.model, loaded.attention):
                output = loaded.model(
                    torch.tensor([piece], device=loaded.model.device), past_key_values=past, use_cache=len(ids) > PIECE
                )
            past = output.past_key_values
            places = range(begin + 1, begin + 1 + len(piece))
            read += self._costs(loaded, output.logits[0].float(), [(ids[i], offsets[i]) for i in places])
            yield
        return read[max(0, starts - 1) :]  # start signs that follow a start sign are no text either

    def _costs(self, loaded: LoadedModel, logits: Tensor, targets: list[tuple[int, tuple[int, int]]]) -> list[Read]:
        logprobs = logits.log_softmax(-1)
        own = logprobs.gather(-1, torch.tensor([[i] for i, _ in targets], device=logits.device))
        bits = (-own[:, 0] / math.log(2)).tolist()
        ranks = (logprobs > own).sum(-1).tolist()
        entropy = (-(logprobs.exp() * logprobs).nan_to_num().sum(-1) / math.log(2)).tolist()
        tops: list[list[tuple[str, float]]] = [[] for _ in targets]
        if self.top:
            best = logprobs.topk(min(self.top, logprobs.shape[-1]), -1)
            rows = zip(best.indices.tolist(), best.values.exp().tolist(), strict=True)
            tops = [[(loaded.tokenizer.decode([i]), p) for i, p in zip(*row, strict=True)] for row in rows]
        return [
            Read(token, *place, cost, rank, spread, top)
            for (token, place), cost, rank, spread, top in zip(targets, bits, ranks, entropy, tops, strict=True)
        ]


# --- Coding ---------------------------------------------------------------------------------------------------------------


def frequencies(logits: Tensor) -> Tensor:
    """Cumulative frequencies (V + 1,) of a token's logits (V,): integers, so that both ways round in the same way."""
    p = logits.double().softmax(-1)
    counts = (p * (TOTAL - p.shape[-1])).floor().long() + 1
    counts[int(counts.argmax())] += TOTAL - int(counts.sum())
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])


class Stepper:
    """The model one token at a time, the same calls both ways: what is computed differs with how much is read at once."""

    def __init__(self, loaded: LoadedModel, starts: list[int]) -> None:
        self.loaded = loaded
        self.past: Any = None
        vocabulary = int(loaded.model.get_output_embeddings().weight.shape[0])
        self.cumulative = torch.arange(vocabulary + 1)  # nothing is known of a text's first token
        for token in starts:
            self.step(token)

    @property
    def total(self) -> int:
        return int(self.cumulative[-1])

    def share(self, token: int) -> tuple[int, int, int]:
        return int(self.cumulative[token]), int(self.cumulative[token + 1]), self.total

    def find(self, target: int) -> int:
        """The token in whose frequencies `target` lies."""
        return int(torch.searchsorted(self.cumulative, target, right=True)) - 1

    def step(self, token: int) -> None:
        with implementation(self.loaded.model, self.loaded.attention):
            output = self.loaded.model(
                torch.tensor([[token]], device=self.loaded.model.device), past_key_values=self.past, use_cache=True
            )
        self.past = output.past_key_values
        self.cumulative = frequencies(output.logits[0, -1].float()).cpu()


@dataclass(frozen=True)
class Round:
    """A text that went through the coder and back. `bits` is what its tokens cost by the frequencies coded with."""

    coded: Coded
    text: str
    tokens: int
    bits: float
    encode_seconds: float
    decode_seconds: float


def mark_of(loaded: LoadedModel) -> bytes:
    """Tells a model from others: the beginning of a hash of its weights, where they are few, else of some of each."""
    digest = hashlib.sha256()
    for name, weights in sorted(loaded.model.state_dict().items()):
        digest.update(f"{name}{tuple(weights.shape)}".encode())
        digest.update(weights.flatten()[:4096].float().cpu().numpy().tobytes())
    return digest.digest()[:MARK]


# The tokens decoded since the last call, as text, and bits read; and (tokens, bits) while encoding.
OnDecoded = Callable[[str, int], None]
OnEncoded = Callable[[int, int], None]


@dataclass(frozen=True)
class Coding(OneShot):
    """Codes a text with the model's probabilities, and decodes it again from the bytes alone."""

    text: str
    on_encoded: OnEncoded = lambda tokens, bits: None
    on_decoded: OnDecoded = lambda text, bits: None

    def work(self, loaded: LoadedModel) -> Generator[None, None, Round]:
        check_causal(loaded)
        ids, _, starts = pieces_of(loaded, self.text)
        limit = min(LONGEST_CODE, loaded.window or LONGEST_CODE)
        if len(ids) > limit:
            raise RequestError(
                f"the text has {len(ids)} tokens; at most {limit} are coded, each takes two steps of the model"
            )
        began = time.monotonic()
        encoder, stepper, cost = Encoder(), Stepper(loaded, ids[:starts]), 0.0
        for place, token in enumerate(ids[starts:], 1):
            low, high, total = stepper.share(token)
            encoder.encode(low, high, total)
            cost += math.log2(total / (high - low))
            stepper.step(token)
            self.on_encoded(place, encoder.bits)
            yield
        coded = Coded(mark_of(loaded), len(ids) - starts, encoder.finish())
        encoded = time.monotonic()
        text = yield from self.decode(loaded, coded.pack(), ids[:starts])
        return Round(coded, text, coded.tokens, cost, encoded - began, time.monotonic() - encoded)

    def decode(self, loaded: LoadedModel, data: bytes, starts: list[int]) -> Generator[None, None, str]:
        """The text of a file that `Coding` made with the same model. Raises RequestError."""
        try:
            coded = Coded.unpack(data)
        except CodeError as error:
            raise RequestError(str(error)) from error
        if coded.model != mark_of(loaded):
            raise RequestError(f"these bytes were coded with another model than {loaded.name!r}")
        decoder, stepper = Decoder(coded.code), Stepper(loaded, starts)
        found: list[int] = []
        given = ""
        for _ in range(coded.tokens):
            token = stepper.find(decoder.target(stepper.total))
            decoder.take(*stepper.share(token))
            found.append(token)
            stepper.step(token)
            text = loaded.tokenizer.decode(found, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):
                self.on_decoded(text[len(given) :], decoder.bits)
                given = text
            yield
        text = loaded.tokenizer.decode(found, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        if text != given:
            self.on_decoded(text[len(given) :], decoder.bits)
        return str(text)
