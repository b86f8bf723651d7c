"""What a text looks like inside a model: one interface for all models that attend, and for those that do something else.

`Look` is one-shot work; its result, a `Reading`, has a `Map` for each way in which tokens look at tokens (an encoder's,
a decoder's, one at the other), or `Kernels` for a model without attention.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from demos.engine.loading import LoadedModel
from demos.engine.one_shot import LONGEST_MAP, OneShot, text_ids
from demos.engine.request import RequestError
from demos.engine.slot_attention import implementation

from .kernels import Kernels, kernels_of

LONGEST_LINES = 128  # tokens up to which lines between them can be told apart
MOST_HIDDEN = 16
GUESSES = 5


@dataclass(frozen=True)
class Map:
    """Attention of each of `rows` to the `columns`, one (H, rows, columns) tensor for each of `layers`."""

    name: str  # "self", "encoder", "decoder" or "cross"
    rows: list[str]
    columns: list[str]
    layers: list[int]
    weights: list[Tensor]

    @property
    def heads(self) -> int:
        return int(self.weights[0].shape[0])

    @property
    def causal(self) -> bool:
        """Whether nothing looks ahead: told by the weights, not by the model's name."""
        return len(self.rows) == len(self.columns) and not any(bool(w.triu(1).any()) for w in self.weights)


@dataclass(frozen=True)
class Guess:
    """What the model expects at a place of the text: (text, probability), the likeliest first."""

    place: int
    words: list[tuple[str, float]]


@dataclass(frozen=True)
class Reading:
    """How a model reads a text; `hidden` says what was done with the tokens that were to be hidden."""

    ids: list[int]
    tokens: list[str]
    maps: list[Map] = field(default_factory=list)
    kernels: Kernels | None = None
    guesses: list[Guess] = field(default_factory=list)
    hidden: str = ""


@dataclass(frozen=True)
class Look(OneShot):
    """Read a text and keep what attends to what. Tokens at `hidden` (counted with the special ones) are kept from the model.

    `further` are ids of tokens behind the text: what the model wrote, or, for an encoder-decoder, what its decoder reads
    behind its start token. There, `target` is the same as a text.
    """

    text: str
    hidden: tuple[int, ...] = ()
    further: tuple[int, ...] = ()
    target: str = ""
    most: int = LONGEST_MAP

    def work(self, loaded: LoadedModel) -> Generator[None, None, Reading]:
        ids = text_ids(loaded, self.text, self.most)
        if len(self.hidden) > MOST_HIDDEN:
            raise RequestError(f"{len(self.hidden)} tokens are to be hidden; expected at most {MOST_HIDDEN}")
        for place in self.hidden:
            if not 0 <= place < len(ids):
                raise RequestError(f"token {place} is to be hidden; the text has {len(ids)}, counted from 0")
        pair = loaded.model.config.is_encoder_decoder
        if not pair:
            ids = [*ids, *self.further][: self.most]
        tokens = pieces(loaded, ids)
        places = sorted(set(self.hidden))
        read = _masked(loaded, ids, places)
        kernels, output = kernels_of(loaded, read or ids)
        if kernels is not None:
            yield
            guesses = _likeliest(loaded, output, places)
            return Reading(ids, tokens, kernels=kernels, guesses=guesses, hidden="mask" if read else "")
        with implementation(loaded.model, "eager" if loaded.attention == "sdpa" else loaded.attention):
            if pair:
                maps, way, guesses = self._pair(loaded, ids, tokens), "attention_mask" if self.hidden else "", []
            else:
                maps, way, guesses = self._alone(loaded, ids, tokens)
        yield
        return Reading(ids, tokens, maps, guesses=guesses, hidden=way)

    def _alone(self, loaded: LoadedModel, ids: list[int], tokens: list[str]) -> tuple[list[Map], str, list[Guess]]:
        """Models of one stack: what they hide tokens with depends on what they have."""
        places = sorted(set(self.hidden))
        kept = list(range(len(ids)))
        inputs: dict[str, Any] = {}
        way = ""
        if masked := _masked(loaded, ids, places):
            ids, way = masked, "mask"
        elif places and _leaves_out(loaded):
            kept, way = [i for i in kept if i not in places], "left out"
            if not kept:
                raise RequestError("all tokens are to be hidden; expected one that stays")
        elif places:
            way = "attention_mask"
            inputs["attention_mask"] = torch.tensor([[int(i not in places) for i in range(len(ids))]])
            inputs["position_ids"] = torch.arange(len(ids))[None]
        inputs["input_ids"] = torch.tensor([[ids[i] for i in kept]])
        output = loaded.model(**{k: v.to(loaded.model.device) for k, v in inputs.items()}, output_attentions=True)
        weights = _weights(loaded, output.attentions)
        if way == "left out":
            weights = [_spread(w, kept, len(ids)) for w in weights]
        elif way == "attention_mask":
            weights = [_blank(w, places) for w in weights]
        maps = [Map("self", tokens, tokens, _numbers(loaded, len(weights)), weights)]
        return maps, way, _likeliest(loaded, output, places)

    def _pair(self, loaded: LoadedModel, ids: list[int], tokens: list[str]) -> list[Map]:
        model = loaded.model
        start = model.config.decoder_start_token_id
        given = loaded.tokenizer(self.target)["input_ids"] if self.target else self.further
        written = [start if start is not None else model.config.bos_token_id, *given][: self.most]
        seen = torch.tensor([[int(i not in self.hidden) for i in range(len(ids))]], device=model.device)
        output = model(
            input_ids=torch.tensor([ids], device=model.device),
            attention_mask=seen,
            decoder_input_ids=torch.tensor([written], device=model.device),
            output_attentions=True,
        )
        own = pieces(loaded, written)
        maps = []
        for name, rows, columns, theirs in (
            ("encoder", tokens, tokens, output.encoder_attentions),
            ("decoder", own, own, output.decoder_attentions),
            ("cross", own, tokens, output.cross_attentions),
        ):
            weights = _weights(loaded, theirs)
            if name == "encoder" and self.hidden:
                weights = [_blank(w, sorted(self.hidden)) for w in weights]
            maps.append(Map(name, rows, columns, list(range(len(weights))), weights))
        return maps


def pieces(loaded: LoadedModel, ids: list[int]) -> list[str]:
    """Each token as text; continued word pieces keep their sign."""
    raw = loaded.tokenizer.convert_ids_to_tokens(ids)
    decode = loaded.tokenizer.decode
    return [
        sign if sign is not None and sign.startswith("##") else decode([token])
        for token, sign in zip(ids, raw, strict=True)
    ]


def movement(before: Map, after: Map) -> list[list[float]]:
    """For each layer and head how much of the attention moved, 0 to 1: half the sum of differences, mean over the rows.

    Rows of tokens that are not there any more are left out.
    """
    moved = []
    for old, new in zip(before.weights, after.weights, strict=True):
        there = new.sum(-1) > 0.5
        share = (old - new).abs().sum(-1) / 2
        moved.append([float(s[t].mean()) if bool(t.any()) else 0.0 for s, t in zip(share, there, strict=True)])
    return moved


def strongest(map_: Map, most: int = 3) -> list[list[tuple[int, float]]]:
    """For each row what it looks at most, over all layers and heads alike: (column, share)."""
    mean = torch.stack(map_.weights).mean((0, 1))
    best = mean.topk(min(most, mean.shape[1]))
    return [
        [(column, share) for column, share in zip(columns, shares, strict=True) if share > 0]
        for columns, shares in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def _weights(loaded: LoadedModel, given: Any) -> list[Tensor]:
    found = [w[0].float().cpu() for w in given or () if w is not None]
    if not found:
        raise RequestError(f"model {loaded.name!r} gives no attention weights")
    return found


def _numbers(loaded: LoadedModel, count: int) -> list[int]:
    """Which layers attend: all, or those that a model with few heads names."""
    named = getattr(loaded.model.config, "attention_layers", None)
    if isinstance(named, list) and len(named) == count and all(isinstance(n, int) for n in named):
        return sorted(named)
    return list(range(count))


def _leaves_out(loaded: LoadedModel) -> bool:
    """A recurrent state knows no mask that keeps a token's place: the text is read without it."""
    return "position_ids" not in inspect.signature(loaded.model.forward).parameters


def _spread(weights: Tensor, kept: list[int], size: int) -> Tensor:
    """(H, k, k) of the kept tokens -> (H, size, size), nothing where a token was left out."""
    whole = torch.zeros(weights.shape[0], size, size)
    where = torch.tensor(kept)
    whole[:, where[:, None], where[None, :]] = weights
    return whole


def _blank(weights: Tensor, places: list[int]) -> Tensor:
    """What a hidden token looks at means nothing."""
    blank = weights.clone()
    blank[:, places] = 0
    return blank


def _masked(loaded: LoadedModel, ids: list[int], places: list[int]) -> list[int]:
    """The tokens with the model's own mask at these places; nothing where it has none, or none are to be hidden."""
    mask = loaded.tokenizer.mask_token_id if not loaded.writes else None
    return [mask if i in places else token for i, token in enumerate(ids)] if places and mask is not None else []


def _likeliest(loaded: LoadedModel, output: Any, places: list[int]) -> list[Guess]:
    """What a model that fills masks expects at them."""
    if not places or loaded.purpose != "fills masks":
        return []
    best, tokens = output.logits[0, places].float().softmax(-1).topk(GUESSES)
    decode = loaded.tokenizer.decode
    return [
        Guess(place, [(decode([t]), p) for t, p in zip(row, chances, strict=True)])
        for place, row, chances in zip(places, tokens.tolist(), best.tolist(), strict=True)
    ]
