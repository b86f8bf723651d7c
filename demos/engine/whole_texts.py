"""One-shot work of models that read whole texts: words behind masks, classes, vectors.

A job's texts are read in batches of its own, the shortest first, so that what comes out depends on nobody else's work.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .loading import LoadedModel
from .one_shot import LONGEST_MAP, OneShot, text_ids
from .request import RequestError
from .slot_attention import implementation

MOST_TEXTS = 256
# Texts read between two steps of running ones.
BATCH = 8
MOST_WORDS = 100


@dataclass(frozen=True)
class MaskedPlace:
    """What may stand behind one mask: (token id, text, probability), the likeliest first."""

    position: int
    words: list[tuple[int, str, float]]


@dataclass(frozen=True)
class FilledMasks:
    """A text's tokens and, for each mask among them, what the model expects there."""

    ids: list[int]
    tokens: list[str]
    places: list[MaskedPlace]


@dataclass(frozen=True)
class FillMask(OneShot):
    """The likeliest tokens at each mask of a text, written with the tokenizer's own mask sign ("[MASK]", "<mask>").

    With `positions` these tokens are hidden instead, counted with the special ones: a click on a word asks for it.
    """

    text: str
    most: int = 10
    positions: tuple[int, ...] = ()

    def work(self, loaded: LoadedModel) -> Generator[None, None, FilledMasks]:
        expect(loaded, "fills masks")
        if not 1 <= self.most <= MOST_WORDS:
            raise RequestError(f"{self.most} words are asked for at each mask; expected 1 to {MOST_WORDS}")
        mask = loaded.tokenizer.mask_token_id
        if mask is None:
            raise RequestError(f"the tokenizer of model {loaded.name!r} has no mask")
        ids = text_ids(loaded, self.text, LONGEST_MAP)
        for position in self.positions:
            if not 0 <= position < len(ids):
                raise RequestError(f"token {position} is to be hidden; the text has {len(ids)}, counted from 0")
            ids[position] = mask
        places = [i for i, token in enumerate(ids) if token == mask]
        if not places:
            raise RequestError(
                f"the text has no mask; expected {loaded.tokenizer.mask_token} where words are to be found"
            )
        with implementation(loaded.model, loaded.attention):
            logits = loaded.model(torch.tensor([ids], device=loaded.model.device)).logits[0, places].float()
        yield
        best, tokens = logits.softmax(-1).topk(min(self.most, logits.shape[-1]))
        decode = loaded.tokenizer.decode
        return FilledMasks(
            ids,
            [decode([token]) for token in ids],
            [
                MaskedPlace(place, [(token, decode([token]), p) for token, p in zip(row, probabilities, strict=True)])
                for place, row, probabilities in zip(places, tokens.tolist(), best.tolist(), strict=True)
            ],
        )


@dataclass(frozen=True)
class Classification(OneShot):
    """For each text the probabilities of the model's classes: [{"label": probability, ...}, ...].

    Independent classes (problem_type "multi_label_classification") each have their own, others sum to one.
    """

    texts: tuple[str, ...]

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[dict[str, float]]]:
        expect(loaded, "classifies texts")
        config = loaded.model.config
        labels = [str(config.id2label.get(i, i)) for i in range(config.num_labels)]
        several = config.problem_type == "multi_label_classification"
        found: dict[int, dict[str, float]] = {}
        for places, batch in batches(loaded, self.texts):
            with implementation(loaded.model, loaded.attention):
                logits = loaded.model(**batch).logits.float()
            rows = (logits.sigmoid() if several else logits.softmax(-1)).tolist()
            found.update((place, dict(zip(labels, row, strict=True))) for place, row in zip(places, rows, strict=True))
            yield
        return [found[place] for place in range(len(self.texts))]


@dataclass(frozen=True)
class Embeddings(OneShot):
    """For each text a vector of length 1 (texts, E): the mean of what the model makes of its tokens in the last layer."""

    texts: tuple[str, ...]

    def work(self, loaded: LoadedModel) -> Generator[None, None, Tensor]:
        model = loaded.model
        whole = getattr(model, model.base_model_prefix, model)
        reader = model.get_encoder() if model.config.is_encoder_decoder else whole
        found: dict[int, Tensor] = {}
        for places, batch in batches(loaded, self.texts):
            with implementation(model, loaded.attention):
                states = reader(**batch).last_hidden_state.float()
            weights = batch["attention_mask"][:, :, None].to(states)
            means = (states * weights).sum(1) / weights.sum(1)
            rows = torch.nn.functional.normalize(means, dim=-1).cpu()
            found.update(zip(places, rows, strict=True))
            yield
        return torch.stack([found[place] for place in range(len(self.texts))])


def expect(loaded: LoadedModel, purpose: str) -> None:
    """Raises RequestError where the model was made for something else."""
    if loaded.purpose != purpose:
        raise RequestError(f"model {loaded.name!r} {loaded.purpose}; expected one that {purpose}")


def batches(loaded: LoadedModel, texts: tuple[str, ...]) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """(places of texts, their padded tokens), the shortest texts first. Raises RequestError."""
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise RequestError(f"{len(texts)} texts are given; expected 1 to {MOST_TEXTS}")
    read = [text_ids(loaded, text, LONGEST_MAP) for text in texts]
    order = sorted(range(len(read)), key=lambda place: len(read[place]))
    padding = loaded.tokenizer.pad_token_id or 0
    # A model that cannot tell padding by its own token would take a padded row for a longer text.
    size = BATCH if loaded.model.config.pad_token_id is not None else 1
    for first in range(0, len(order), size):
        places = order[first : first + size]
        width = len(read[places[-1]])
        ids = [read[place] + [padding] * (width - len(read[place])) for place in places]
        mask = [[1] * len(read[place]) + [0] * (width - len(read[place])) for place in places]
        device = loaded.model.device
        yield (
            places,
            {
                "input_ids": torch.tensor(ids, device=device),
                "attention_mask": torch.tensor(mask, device=device),
            },
        )
