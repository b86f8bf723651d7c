"""Generation through the whole platform against the bare model's batched loop.

    .venv/bin/python -m benchmarks.generation [--clients 16] [--tokens 64] [--rounds 5] [--url URL]

Starts a site of its own (temporary data, the sample conference) unless --url names one. In each round the clients
all start a run at once over HTTP and read its server-sent events; then the same model, one thread, no platform,
writes as many tokens for a batch of the same size. Printed: medians over rounds of tokens/s, of their ratio, and the
time to the first token.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time

import httpx
import torch

from benchmarks.site import temporary_site
from demos.engine import GenerationRequest
from demos.engine.loading import load_model
from demos.engine.sampling import Sampler, Settings
from demos.zoo.sha_rnn import ShaRnnCache

PROMPT = "Attention is not all you need\n\nWe propose"
DEMO = "sha-rnn-generate"


async def one_client(web: httpx.AsyncClient, seed: int, tokens: int) -> tuple[int, float, float]:
    """(tokens received, seconds to the first, seconds to the end)."""
    start = time.perf_counter()
    inputs = {"prompt": PROMPT, "max_new_tokens": tokens, "temperature": 0.9, "top_p": 0.95, "seed": seed}
    answer = await web.post(f"/api/v1/demos/{DEMO}/runs", json={"inputs": inputs})
    if answer.status_code != 202:
        raise RuntimeError(f"the site refused a run: {answer.status_code} {answer.text[:300]}")
    first, count, event = None, 0, ""
    async with web.stream("GET", answer.json()["links"]["events"]) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: ") and event == "token":
                first = first or time.perf_counter() - start
                count += 1
            elif line.startswith("data: ") and event == "done":
                state = json.loads(line[6:])["state"]
                if state != "succeeded":
                    raise RuntimeError(f"a run ended as {state}: {line}")
                break
    return count, first or 0.0, time.perf_counter() - start


async def crowd(url: str, clients: int, tokens: int, seed: int) -> tuple[float, list[float], int]:
    """(tokens/s of all together, seconds to each client's first token, tokens)."""
    limits = httpx.Limits(max_connections=2 * clients)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as web:
        await asyncio.gather(*[web.get("/healthz") for _ in range(clients)])  # connections are open
        start = time.perf_counter()
        results = await asyncio.gather(*[one_client(web, seed + i, tokens) for i in range(clients)])
        seconds = time.perf_counter() - start
    total = sum(count for count, _, _ in results)
    return total / seconds, [first for _, first, _ in results], total


@torch.inference_mode()
def bare(loaded, clients: int, tokens: int) -> float:
    """tokens/s of a plain batched loop over the same model: prompts read together, then one step for all."""
    ids = torch.tensor([loaded.tokenizer(PROMPT)["input_ids"]] * clients)
    sampler = Sampler(clients)
    for seed in range(clients):
        settings = Settings.of(GenerationRequest("", PROMPT, temperature=0.9, top_p=0.95, seed=seed))
        sampler.take(seed, settings, [], loaded.model.config.vocab_size, ids.device)
    start = time.perf_counter()
    cache = ShaRnnCache(loaded.model.config)
    for _ in range(tokens):
        logits = loaded.model(ids, past_key_values=cache, logits_to_keep=1).logits[:, -1]
        ids = torch.tensor([[choice.token] for choice in sampler.choose(logits, list(range(clients)))])
    return clients * tokens / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--url", help="a running site with the sample conference; by default one is started")
    args = parser.parse_args()

    from miniconf.settings import MODELS_DIR

    torch.set_num_threads(1)
    loaded = load_model("sha-rnn", MODELS_DIR / "sha-rnn", "cpu")
    with temporary_site(args.url) as url:
        asyncio.run(crowd(url, args.clients, args.tokens, 10_000))  # warm up both
        bare(loaded, args.clients, args.tokens)
        platform, alone, ratios, firsts = [], [], [], []
        for turn in range(args.rounds):
            speed, first, _ = asyncio.run(crowd(url, args.clients, args.tokens, 100 * turn))
            limit = bare(loaded, args.clients, args.tokens)
            platform.append(speed)
            alone.append(limit)
            ratios.append(speed / limit)
            firsts += first
    firsts.sort()
    print(f"{args.clients} clients, {args.tokens} tokens each, {args.rounds} rounds, medians")
    print(f"  platform            {statistics.median(platform):8.0f} tokens/s")
    print(f"  bare batched loop   {statistics.median(alone):8.0f} tokens/s")
    print(f"  ratio               {statistics.median(ratios):8.2f}   (from {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"  first token         p50 {firsts[len(firsts) // 2]:.2f} s, p95 {firsts[int(len(firsts) * 0.95)]:.2f} s")


if __name__ == "__main__":
    main()
