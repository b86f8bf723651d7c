"""A model with some of its weights set to nought: on a copy, never on the weights that others are served with.

After Han et al. 2015 (arXiv:1506.02626) and Frankle and Carbin 2019 (arXiv:1803.03635): the smallest weights go first, in
the whole model or in each matrix alike, or as many drawn at random. Matrices and recurrent weights are pruned; embeddings,
biases and norms are not.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from demos.engine.loading import LoadedModel
from demos.engine.one_shot import OneShot, text_ids
from demos.engine.request import RequestError

Method = Literal["magnitude", "random"]
Scope = Literal["global", "layer"]

LONGEST = 512  # tokens of the text that perplexity is taken on
MOST_BYTES = 1 << 30  # a copy of larger models would take the others' memory
GRID = 24  # a matrix is shown as at most so many squares in each direction


@dataclass(frozen=True)
class Matrix:
    """How much of one matrix is left: `kept` of `size` weights, and the share in each field of a grid, row by row."""

    name: str
    size: int
    kept: int
    rows: int
    columns: int
    grid: list[list[float]]


@dataclass(frozen=True)
class Level:
    """A model of which `sparsity` of the weights that may go are gone."""

    sparsity: float
    perplexity: float
    sample: str
    matrices: list[Matrix]


@dataclass(frozen=True)
class Plan:
    """What to prune at which shares, and what to look at. A `sample` continues the text's first tokens, greedily."""

    method: Method = "magnitude"
    scope: Scope = "global"
    sparsities: tuple[float, ...] = (0.0, 0.5, 0.9)
    seed: int = 0
    sample_tokens: int = 24
    prompt: str = ""


class Pruned:
    """A copy of a model whose weights can be thinned out to any share, again and again, always from the original."""

    def __init__(self, loaded: LoadedModel, *, method: Method, scope: Scope, seed: int = 0) -> None:
        if loaded.bytes > MOST_BYTES:
            raise RequestError(
                f"model {loaded.name!r} has {loaded.bytes / 2**20:.0f} MiB of weights; "
                f"pruning works on a copy and takes at most {MOST_BYTES / 2**20:.0f}"
            )
        self.original = {name: weight.detach() for name, weight in prunable(loaded.model)}
        self.model = copy.deepcopy(loaded.model)
        if loaded.attention != self.model.config._attn_implementation:
            self.model.set_attn_implementation(loaded.attention)
        self.copies = dict(prunable(self.model))
        if not self.copies:
            raise RequestError(f"model {loaded.name!r} has no matrices to prune")
        self.method, self.scope = method, scope
        generator = torch.Generator().manual_seed(seed)
        # The larger the score, the longer a weight stays. Random ones are drawn once: what goes at 10 % is gone at 20 %.
        self.scores = {
            name: weight.abs().float().cpu() if method == "magnitude" else torch.rand(weight.shape, generator=generator)
            for name, weight in self.original.items()
        }
        flat = [s.flatten() for s in self.scores.values()]
        pools = [torch.cat(flat)] if scope == "global" else flat
        self.order = [pool.sort().values for pool in pools]

    @torch.no_grad()
    def prune(self, sparsity: float) -> list[Matrix]:
        """Set `sparsity` of the weights to nought, the others to what they were; tells what is left where."""
        if not 0 <= sparsity < 1:
            raise RequestError(f"sparsity is {sparsity}; expected a share from 0 to below 1")
        bounds = [self._bound(pool, sparsity) for pool in self.order]
        left = []
        for place, (name, scores) in enumerate(self.scores.items()):
            keep = scores >= bounds[place if self.scope == "layer" else 0]
            original = self.original[name]
            self.copies[name].copy_(original * keep.to(original))
            left.append(Matrix(name, keep.numel(), int(keep.sum()), keep.shape[0], keep.shape[1], _grid(keep)))
        return left

    @staticmethod
    def _bound(pool: Tensor, sparsity: float) -> float:
        """The score from which on weights stay."""
        return float(pool[min(len(pool) - 1, math.floor(len(pool) * sparsity + 1e-9))])


def prunable(model: torch.nn.Module) -> list[tuple[str, Tensor]]:
    """The weights that pruning may take, each once: matrices of two dimensions that are no embedding and no output layer."""
    embeddings = {
        id(module.weight)
        for module in (model.get_input_embeddings(), model.get_output_embeddings())  # type: ignore[operator]
        if module is not None
    } | {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
    found: dict[int, tuple[str, Tensor]] = {}
    for name, weight in model.named_parameters():
        if weight.dim() == 2 and min(weight.shape) > 1 and id(weight) not in embeddings:
            found.setdefault(id(weight), (name, weight))
    return list(found.values())


@dataclass(frozen=True)
class Thinning(OneShot):
    """Perplexity on a text, a sample and what is left at each share of a plan; `on_level` is told of each at once."""

    text: str
    plan: Plan
    on_level: Any = None

    def work(self, loaded: LoadedModel) -> Generator[None, None, list[Level]]:
        if not loaded.writes or loaded.model.config.is_encoder_decoder:
            raise RequestError(f"model {loaded.name!r} {loaded.purpose}; perplexity takes one that only reads on")
        ids = text_ids(loaded, self.text, LONGEST)
        if len(ids) < 2:
            raise RequestError("perplexity takes a text of at least two tokens")
        prompt: list[int] = loaded.tokenizer(self.plan.prompt)["input_ids"] if self.plan.sample_tokens else []
        pruned = Pruned(loaded, method=self.plan.method, scope=self.plan.scope, seed=self.plan.seed)
        yield
        levels = []
        for sparsity in self.plan.sparsities:
            matrices = pruned.prune(sparsity)
            yield
            bits = perplexity(pruned.model, ids)
            yield
            sample = yield from greedy(pruned.model, prompt, self.plan.sample_tokens if prompt else 0, loaded.ends)
            text = loaded.tokenizer.decode(sample, skip_special_tokens=True)
            levels.append(Level(sparsity, bits, text, matrices))
            if self.on_level is not None:
                self.on_level(levels[-1])
        return levels


def perplexity(model: Any, ids: list[int]) -> float:
    """The exponential of the mean cross-entropy of every token but the first."""
    read = torch.tensor([ids], device=model.device)
    logits = model(read, use_cache=False).logits[0, :-1].float()
    loss = float(F.cross_entropy(logits, read[0, 1:]))
    return math.exp(loss) if loss < 700 else math.inf


def greedy(model: Any, prompt: list[int], count: int, ends: frozenset[int]) -> Generator[None, None, list[int]]:
    """The likeliest token, `count` times; a turn for each."""
    written: list[int] = []
    past, read = None, prompt
    while len(written) < count:
        output = model(torch.tensor([read], device=model.device), past_key_values=past, use_cache=True)
        past = output.past_key_values
        token = int(output.logits[0, -1].argmax())
        if token in ends:
            break
        written.append(token)
        read = [token]
        yield
    return written


def _grid(keep: Tensor) -> list[list[float]]:
    rows, columns = keep.shape
    small = F.adaptive_avg_pool2d(keep[None, None].float(), (min(rows, GRID), min(columns, GRID)))
    return [[round(share, 3) for share in row] for row in small[0, 0].tolist()]
