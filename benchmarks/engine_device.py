"""The engine on a GPU against `transformers`' continuous batching and against what the memory's speed allows.

    .venv/bin/python -m benchmarks.engine_device [--device cuda] [--shapes gpt2 1b] [--slots 32] [--requests 96] [--rounds 5]
        [--unrecorded] [--save NAME]

Random weights in the shapes of GPT-2 (124 M) and of a Llama with 1.1 B, in bfloat16 on CUDA; prompts of 32 to 256 tokens,
32 to 256 new ones, the likeliest token each time. In each round: the engine with recorded passes (CUDA graphs), with
--unrecorded the engine without, and continuous batching on a copy of the weights, with as many places. The bound is a step
that does nothing but read all weights, and the keys and values of full slots, once from memory, at the speed that copying
a large tensor reaches. With --save the figures are kept as JSON in benchmarks/results/. `--device cpu --shapes tiny` shows
that it works where there is no GPU.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, LlamaConfig

from benchmarks.engine import SHA_RNN, Mix, by_continuous, by_engine, workload
from demos.engine import Engine
from demos.engine.loading import load_model, pick_dtype

MIX = Mix((32, 256), (32, 256), {"temperature": 0.0})
RESULTS = Path(__file__).parent / "results"
SHAPES: dict[str, Callable[[int], Any]] = {
    "tiny": lambda words: GPT2Config(vocab_size=words, n_embd=64, n_layer=2, n_head=4, n_positions=1024),
    "gpt2": lambda words: GPT2Config(vocab_size=50257, n_embd=768, n_layer=12, n_head=12, n_positions=1024),
    "1b": lambda words: LlamaConfig(
        vocab_size=32000,
        hidden_size=2048,
        intermediate_size=5632,
        num_hidden_layers=22,
        num_attention_heads=32,
        num_key_value_heads=4,
        max_position_embeddings=2048,
    ),
}


def write_shape(name: str, folder: Path, dtype: torch.dtype) -> Path:
    tokenizer = AutoTokenizer.from_pretrained(SHA_RNN)
    tokenizer.save_pretrained(folder)
    config = SHAPES[name](len(tokenizer))
    config.bos_token_id = config.eos_token_id = config.pad_token_id = 0
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config, dtype=dtype).save_pretrained(folder)
    return folder


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def memory_speed(device: str) -> float:
    """Bytes per second that are read when a large tensor is copied (as many are written)."""
    size = 2**30 if device.startswith("cuda") else 2**27
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(10):
        wait(device)
        start = time.perf_counter()
        target.copy_(source)
        wait(device)
        seconds.append(time.perf_counter() - start)
    return 2 * size / statistics.median(seconds)


def measure(name: str, device: str, slots: int, count: int, rounds: int, unrecorded: bool) -> dict[str, Any]:
    dtype = pick_dtype("auto", device)
    with tempfile.TemporaryDirectory() as place:
        folder = write_shape(name, Path(place), dtype)
        engines = {}
        for way, graphs in (("engine", True), *([("engine without graphs", False)] if unrecorded else [])):
            engine = Engine(slots=slots, device=device, dtype=dtype, graphs=graphs)
            engine.load("model", folder)
            served = engine._models["model"]
            served.loaded = dataclasses.replace(served.loaded, ends=frozenset())
            engines[way] = engine
        peer = load_model("peer", folder, device, dtype=dtype)
    requests = workload(peer, count, MIX)
    tokens = sum(r.max_new_tokens for r in requests)
    ways: dict[str, Callable[[], float]] = {}

    def timed(engine: Engine) -> float:
        start = time.perf_counter()
        by_engine(engine, requests)
        return time.perf_counter() - start

    for way, engine in engines.items():
        ways[way] = lambda engine=engine: timed(engine)  # type: ignore[misc]
    ways["continuous batching"] = lambda: by_continuous(peer, requests, slots)[0][0]
    for way, work in ways.items():  # said at once: whoever hangs is known
        print(f"{name}: {way} warmed up in {work():.1f} s", flush=True)
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            rates[way].append(tokens / work())
            print(f"{name}: {way} {rates[way][-1]:,.0f} tokens/s", flush=True)
    config = peer.model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = config.hidden_size // config.num_attention_heads
    average = (sum(MIX.prompt) + sum(MIX.new)) // 2
    kept = 2 * config.num_hidden_layers * heads * width * average * dtype.itemsize * slots
    speed = memory_speed(device)
    steps = getattr(engines["engine"]._models["model"].decoder, "steps", None)
    result = {
        "shape": name,
        "parameters": peer.parameters,
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else platform.processor() or "cpu",
        "torch": torch.__version__,
        "dtype": str(dtype),
        "slots": slots,
        "requests": count,
        "tokens": tokens,
        "recorded": bool(steps is not None and steps.graph is not None),
        "tokens_per_second": {way: [round(rate, 1) for rate in found] for way, found in rates.items()},
        "memory_bytes_per_second": round(speed),
        "bound_tokens_per_second": round(slots * speed / (peer.bytes + kept), 1),
    }
    for engine in engines.values():
        engine.stop()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--shapes", nargs="*", choices=list(SHAPES), default=["gpt2", "1b"])
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--requests", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--unrecorded", action="store_true", help="the engine without recorded passes, too")
    parser.add_argument("--save", metavar="NAME", help="keep the figures in benchmarks/results/NAME.json")
    args = parser.parse_args()
    if args.device == "cpu":
        torch.set_num_threads(1)
    results = []
    for shape in args.shapes:
        result = measure(shape, args.device, args.slots, args.requests, args.rounds, args.unrecorded)
        results.append(result)
        medians = {way: statistics.median(found) for way, found in result["tokens_per_second"].items()}
        weights = f"{result['parameters'] / 1e6:,.0f} M weights, {result['dtype']}"
        print(f"{shape}: {weights}, {args.slots} slots, {result['device']}")
        for way, rate in medians.items():
            ratio = f"   engine/this {medians['engine'] / rate:.2f}" if way != "engine" else ""
            print(
                f"  {way:22} {rate:9,.0f} tokens/s, {rate / result['bound_tokens_per_second']:.2f} of the bound{ratio}"
            )
        print(
            f"  bound by memory        {result['bound_tokens_per_second']:9,.0f} tokens/s; recorded: {result['recorded']}"
        )
    if args.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{args.save}.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
