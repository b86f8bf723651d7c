"""The engine alone (no Django, no broker) against a bare batched loop and against `generate()` one by one.

    .venv/bin/python -m benchmarks.engine [--models sha-rnn gpt2] [--requests 16] [--rounds 5] [--threads 1]
    .venv/bin/python -m benchmarks.engine --against-continuous [--requests 48]

Requests of mixed lengths (prompts of 8 to 64 tokens, 16 to 128 new ones), sampled with temperature 0.9 and top-p 0.95.
`bare` pads all prompts to one batch, reads them at once and steps until the longest is done; `generate` serves one
after the other. With --against-continuous (prompts of 32 tokens, 8 to 120 new ones, the likeliest token each time) the peer
is continuous batching as `transformers` does it, with as many places and the same tokens out. Counted are the tokens that
were asked for. Each round runs all ways; printed are medians of tokens per second of processor time (which other work on the
machine disturbs least) and of wall time, of the ratios within a round, of the time to a first token, and what the model's
matrix products alone would allow.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from demos.engine import Engine, GenerationRequest, Token
from demos.engine.loading import LoadedModel, load_model
from demos.engine.sampling import Sampler, Settings

SHA_RNN = Path(__file__).parents[1] / "demos" / "checkpoints" / "sha-rnn"
WORDS = "We propose a neural model of language that reads text and attends to what it has seen"


def gpt2_shape(folder: Path) -> Path:
    """12.4 M random weights: 6 layers of width 384, 6 heads, 4,096 pieces (the SHA-RNN's tokenizer)."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(SHA_RNN)
    tokenizer.save_pretrained(folder)
    sizes = {"vocab_size": len(tokenizer), "n_positions": 512, "n_embd": 384, "n_layer": 6, "n_head": 6}
    ends: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    GPT2LMHeadModel(GPT2Config(**sizes, **ends)).save_pretrained(folder)
    return folder


@dataclasses.dataclass(frozen=True)
class Mix:
    """Prompts and outputs of so many tokens, from and to."""

    prompt: tuple[int, int]
    new: tuple[int, int]
    settings: dict[str, Any]


SAMPLED = Mix((8, 64), (16, 128), {"temperature": 0.9, "top_p": 0.95})
GREEDY = Mix((32, 32), (8, 120), {"temperature": 0.0})


def workload(loaded: LoadedModel, count: int, mix: Mix = SAMPLED) -> list[GenerationRequest]:
    numbers = random.Random(5)
    words = WORDS.split()
    requests = []
    for seed in range(count):
        length = numbers.randint(*mix.prompt)
        text = " ".join(numbers.choice(words) for _ in range(80))
        prompt = loaded.tokenizer.decode(loaded.tokenizer(text)["input_ids"][:length])
        requests.append(GenerationRequest("model", prompt, numbers.randint(*mix.new), seed=seed, **mix.settings))
    return requests


def by_engine(engine: Engine, requests: list[GenerationRequest], written: list[list[int]] | None = None) -> list[float]:
    """Seconds to each request's first token; the ids go into `written`."""
    firsts: dict[int, float] = {}
    start = time.perf_counter()

    def note(n: int) -> Callable[[list[Token]], None]:
        def first(tokens: list[Token]) -> None:
            firsts.setdefault(n, time.perf_counter() - start)
            if written is not None:
                written[n] += [token.id for token in tokens]

        return first

    handles = [engine.submit(r, note(n)) for n, r in enumerate(requests)]
    finished = [handle.result(600) for handle in handles]
    if [f.new_tokens for f in finished] != [r.max_new_tokens for r in requests]:
        raise RuntimeError(f"the engine gave other lengths than asked for: {finished}")
    return list(firsts.values())


@torch.inference_mode()
def by_bare_loop(loaded: LoadedModel, requests: list[GenerationRequest]) -> None:
    texts = [loaded.tokenizer(r.prompt)["input_ids"] for r in requests]
    width = max(map(len, texts))
    ids = torch.tensor([[0] * (width - len(t)) + t for t in texts])
    mask = torch.tensor([[0] * (width - len(t)) + [1] * len(t) for t in texts])
    sampler, slots = Sampler(len(texts)), list(range(len(texts)))
    for slot, request in enumerate(requests):
        sampler.take(slot, Settings.of(request), [], loaded.model.config.vocab_size, ids.device)
    past, positions = None, mask.cumsum(1).sub(1).clamp(min=0)
    for _ in range(max(r.max_new_tokens for r in requests)):
        output = loaded.model(
            ids, attention_mask=mask, position_ids=positions, past_key_values=past, use_cache=True, logits_to_keep=1
        )
        past = output.past_key_values
        ids = torch.tensor([[choice.token] for choice in sampler.choose(output.logits[:, -1], slots)])
        mask = torch.cat([mask, torch.ones_like(ids)], 1)
        positions = positions[:, -1:] + 1


@torch.inference_mode()
def by_generate(loaded: LoadedModel, requests: list[GenerationRequest]) -> None:
    for r in requests:
        ids = loaded.tokenizer(r.prompt, return_tensors="pt")["input_ids"]
        loaded.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=r.max_new_tokens,
            min_new_tokens=r.max_new_tokens,
            do_sample=True,
            temperature=r.temperature,
            top_p=r.top_p,
            top_k=0,
            pad_token_id=0,
        )


def by_continuous(
    loaded: LoadedModel, requests: list[GenerationRequest], places: int
) -> tuple[tuple[float, float], list[list[int]]]:
    """((seconds, of processor time), tokens) of `transformers`' own continuous batching; setting up is not counted."""
    from transformers import ContinuousBatchingConfig, GenerationConfig

    texts = [loaded.tokenizer(r.prompt)["input_ids"] for r in requests]
    room = max(len(t) + r.max_new_tokens for t, r in zip(texts, requests, strict=True))
    config = ContinuousBatchingConfig(
        page_size=32,
        num_blocks=places * (room // 32 + 2),
        max_batch_tokens=256,
        max_requests_per_batch=places,
        allow_block_sharing=False,
        auto_switch_to_flash=False,
    )
    settings = GenerationConfig(do_sample=False, eos_token_id=-1, pad_token_id=0, max_new_tokens=1)
    made: dict[str, list[int]] = {}
    with loaded.model.continuous_batching_context_manager(
        generation_config=settings, continuous_batching_config=config, warmup=loaded.device.startswith("cuda")
    ) as manager:
        start, busy = time.perf_counter(), time.process_time()
        names = [
            manager.add_request(t, max_new_tokens=r.max_new_tokens, eos_token_id=-1)
            for t, r in zip(texts, requests, strict=True)
        ]
        while len(made) < len(requests):
            result = manager.get_result(timeout=1)
            if result is None and not manager.is_running():
                raise RuntimeError("continuous batching stopped")
            if result is not None and result.error:
                raise RuntimeError(result.error)
            if result is not None and result.is_finished():
                made[result.request_id] = list(result.generated_tokens)
        spent = (time.perf_counter() - start, time.process_time() - busy)
    loaded.model.set_attn_implementation(loaded.attention)
    return spent, [made[name] for name in names]


def compare_continuous(folder: Path, count: int, rounds: int) -> None:
    """Engine and continuous batching in turn, on copies of the same weights; both must write the same tokens."""
    engine = Engine(slots=16)
    engine.load("model", folder)
    served = engine._models["model"]
    served.loaded = dataclasses.replace(served.loaded, ends=frozenset())
    peer = load_model("peer", folder, "cpu")
    requests = workload(peer, count, GREEDY)
    tokens = sum(r.max_new_tokens for r in requests)
    written: list[list[int]] = [[] for _ in requests]
    by_engine(engine, requests, written)
    alike = sum(mine == theirs for mine, theirs in zip(written, by_continuous(peer, requests, 16)[1], strict=True))
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    firsts: list[float] = []
    for _ in range(rounds):
        start, busy = time.perf_counter(), time.process_time()
        firsts += by_engine(engine, requests)
        ours.append((time.perf_counter() - start, time.process_time() - busy))
        theirs.append(by_continuous(peer, requests, 16)[0])
    engine.stop()
    bound = matrix_bound(peer, 16)
    firsts.sort()
    print(f"gpt2: {count} requests, {tokens} tokens, {rounds} rounds, {torch.get_num_threads()} threads, medians")
    print(f"  the same tokens for {alike} of {count} requests")
    for name, figures in (("engine", ours), ("continuous", theirs)):
        wall, cpu = (statistics.median(tokens / f[i] for f in figures) for i in (0, 1))
        print(f"  {name:10} {wall:7.0f} tokens per second, {cpu:7.0f} per CPU second")
    for i, clock in enumerate(("second", "CPU second")):
        ratios = sorted(t[i] / o[i] for o, t in zip(ours, theirs, strict=True))
        print(f"  engine/continuous per {clock}: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    share = statistics.median(tokens / o[1] for o in ours) / bound
    print(f"  matrix products alone, 16 rows: {bound:.0f} tokens per CPU second; the engine reaches {share:.2f} of it")
    print(f"  first token p50 {firsts[len(firsts) // 2]:.3f} s, p95 {firsts[int(len(firsts) * 0.95)]:.3f} s")


def matrix_bound(loaded: LoadedModel, rows: int) -> float:
    """tokens/s if a step of `rows` texts were nothing but its matrix products."""
    embeddings = {id(m.weight) for m in loaded.model.modules() if isinstance(m, torch.nn.Embedding)}
    head = loaded.model.get_output_embeddings().weight
    weights = [w for w in loaded.model.parameters() if w.dim() == 2 and id(w) not in embeddings]
    weights = [w.T.contiguous() if type(loaded.model).__name__.startswith("GPT2") else w for w in weights]
    inputs = {w.shape[1]: torch.randn(rows, w.shape[1]) for w in [*weights, head]}
    seconds = []
    with torch.inference_mode():
        for _ in range(40):
            start = time.process_time()
            for w in [*weights, head]:
                torch.nn.functional.linear(inputs[w.shape[1]], w)
            seconds.append(time.process_time() - start)
    return rows / statistics.median(seconds)


def measure(name: str, folder: Path, count: int, rounds: int) -> None:
    engine = Engine(slots=16)
    engine.load("model", folder)
    served = engine._models["model"]
    served.loaded = dataclasses.replace(served.loaded, ends=frozenset())
    peer = load_model("peer", folder, "cpu")  # a copy: the engine prepares its own in its own way
    requests = workload(peer, count)
    tokens = sum(r.max_new_tokens for r in requests)
    firsts: list[float] = []
    ways: dict[str, Callable[[], object]] = {
        "engine": lambda: firsts.extend(by_engine(engine, requests)),
        "bare": lambda: by_bare_loop(peer, requests),
        "generate": lambda: by_generate(peer, requests),
    }
    by_engine(engine, requests)
    by_bare_loop(peer, requests)
    cpu: dict[str, list[float]] = {way: [] for way in ways}
    wall: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            start, busy = time.perf_counter(), time.process_time()
            work()
            cpu[way].append(tokens / (time.process_time() - busy))
            wall[way].append(tokens / (time.perf_counter() - start))
    bound = matrix_bound(peer, 16)
    engine.stop()
    firsts.sort()
    print(f"{name}: {count} requests, {tokens} tokens, {rounds} rounds, {torch.get_num_threads()} threads, medians")
    for way in ways:
        ratios = sorted(e / v for e, v in zip(cpu["engine"], cpu[way], strict=True))
        ratio = f"   engine/{way} {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(
            f"  {way:10} {statistics.median(cpu[way]):7.0f} tokens per CPU second, {statistics.median(wall[way]):7.0f} "
            f"per second{ratio if way != 'engine' else ''}"
        )
    share = statistics.median(cpu["engine"]) / bound
    print(f"  matrix products alone, 16 rows: {bound:.0f} tokens per CPU second; the engine reaches {share:.2f} of it")
    print(f"  first token p50 {firsts[len(firsts) // 2]:.3f} s, p95 {firsts[int(len(firsts) * 0.95)]:.3f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", choices=["sha-rnn", "gpt2"], default=["sha-rnn", "gpt2"])
    parser.add_argument("--requests", type=int, default=None)
    parser.add_argument("--against-continuous", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        if args.against_continuous:
            compare_continuous(gpt2_shape(Path(folder) / "gpt2"), args.requests or 48, args.rounds)
            return
        for name in args.models:
            place = SHA_RNN if name == "sha-rnn" else gpt2_shape(Path(folder) / name)
            measure(name, place, args.requests or 16, args.rounds)


if __name__ == "__main__":
    main()
