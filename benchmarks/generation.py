"""Generation through the whole platform against other servers of models and against the engine alone, for a crowd.

    .venv/bin/python -m benchmarks.generation [--people 16] [--requests 2] [--rounds 5] [--peers PYTHON]

A GPT-2 of 12.4 M random weights, prompts of 32 tokens, 64 new ones, greedy; each person sends so many requests, one after
the other. The platform is a site of its own (HTTP, Django, Celery, broker, event streams) with one worker on one thread.
`--peers` names a Python with gradio and openai installed besides torch and transformers: then `transformers serve
--continuous-batching` and Gradio as it comes run beside it, on as many threads as they like. All are up for the whole
time and are measured in turn in each round, by the same kind of reader on the same machine. Printed are medians over the
rounds and of the ratios within each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.site import ROOT, free_port, temporary_site
from tests.running import processes_of

WORDS, PROMPT, NEW, SLOTS = 4096, 32, 64, 16
DEMOS = """
- slug: bench
  kind: generate
  title: Benchmark
  model: bench
  limits: {max_new_tokens: 400, prompt_tokens: 512}
"""


def make_model(folder: Path) -> None:
    """The model of the peers' own measurements: one word is one token, and it never stops by itself."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    sizes = {"vocab_size": WORDS, "n_positions": 512, "n_embd": 384, "n_layer": 6, "n_head": 6}
    model = GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=0, eos_token_id=None, pad_token_id=0)).eval()
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    model.save_pretrained(folder)
    raw = Tokenizer(models.WordLevel({f"w{i}": i for i in range(WORDS)}, unk_token="w0"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=raw, unk_token="w0", pad_token="w0").save_pretrained(folder)


def prompts(person: int, requests: int, turn: int) -> list[str]:
    numbers = random.Random(1000 * turn + person)
    return [" ".join(f"w{numbers.randrange(1, WORDS)}" for _ in range(PROMPT)) for _ in range(requests)]


@dataclass
class Tally:
    """What a crowd saw in one turn."""

    seconds: float = 0.0
    tokens: int = 0
    bytes: int = 0
    firsts: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        return self.tokens / self.seconds


Ask = Callable[[httpx.AsyncClient, str, Tally], Any]


async def crowd(ask: Ask, url: str, people: int, requests: int, turn: int) -> Tally:
    """Everybody asks at once, each so many times."""
    tally = Tally()

    async def person(web: httpx.AsyncClient, number: int) -> None:
        for prompt in prompts(number, requests, turn):
            await ask(web, prompt, tally)

    limits = httpx.Limits(max_connections=4 * people)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as web:
        start = time.perf_counter()
        await asyncio.gather(*[person(web, number) for number in range(people)])
        tally.seconds = time.perf_counter() - start
    if tally.tokens != people * requests * NEW:
        raise RuntimeError(f"{url} gave {tally.tokens} tokens instead of {people * requests * NEW}")
    return tally


async def ask_platform(web: httpx.AsyncClient, prompt: str, tally: Tally) -> None:
    start, first, event = time.perf_counter(), None, ""
    inputs = {"prompt": prompt, "max_new_tokens": NEW, "temperature": 0, "seed": 1}
    body, wanted = {"inputs": inputs, "fresh": True}, {"Accept": "text/event-stream"}
    async with web.stream("POST", "/api/v1/demos/bench/runs", json=body, headers=wanted) as stream:
        if stream.status_code != 200:
            raise RuntimeError(f"the site refused a run: {stream.status_code} {(await stream.aread())[:300]!r}")
        async for line in stream.aiter_lines():
            tally.bytes += len(line.encode()) + 1
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: ") and event == "tokens":
                first = first or time.perf_counter()
                tally.tokens += len(json.loads(line[6:])["items"])
            elif line.startswith("data: ") and event == "done":
                if json.loads(line[6:])["state"] != "succeeded":
                    raise RuntimeError(f"a run failed: {line}")
                break
    tally.firsts.append((first or time.perf_counter()) - start)


def ask_serve(model: str) -> Ask:
    async def ask(web: httpx.AsyncClient, prompt: str, tally: Tally) -> None:
        start, first, said = time.perf_counter(), None, ""
        body = {"model": model, "prompt": prompt, "max_tokens": NEW, "temperature": 0, "stream": True}
        async with web.stream("POST", "/v1/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                tally.bytes += len(line.encode()) + 1
                if line.startswith("data:") and "[DONE]" not in line:
                    message = json.loads(line[5:])
                    text = message["choices"][0]["text"] if message.get("choices") else ""
                    if text:
                        first = first or time.perf_counter()
                        said += text
        tally.tokens += len(said.split())
        tally.firsts.append((first or time.perf_counter()) - start)

    return ask


async def ask_gradio(web: httpx.AsyncClient, prompt: str, tally: Tally) -> None:
    start, first, name, said = time.perf_counter(), None, "", ""
    call = "/gradio_api/call/generate"
    event = (await web.post(call, json={"data": [prompt]})).json()["event_id"]
    async with web.stream("GET", f"{call}/{event}") as answer:
        async for line in answer.aiter_lines():
            tally.bytes += len(line.encode()) + 1
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:") and name in ("generating", "complete"):
                first = first or time.perf_counter()
                if name == "complete":
                    said = json.loads(line[5:])[0]
            elif line.startswith("data:") and name == "error":
                raise RuntimeError(line)
    tally.tokens += len(said.split())
    tally.firsts.append((first or time.perf_counter()) - start)


class Alone:
    """The engine in this process, on one thread, with the platform's slots: no server, nobody to tell."""

    def __init__(self, folder: Path) -> None:
        import torch

        from demos.engine import Engine

        torch.set_num_threads(1)
        self.engine = Engine(slots=SLOTS)
        self.engine.load("bench", folder)

    def crowd(self, people: int, requests: int, turn: int) -> Tally:
        from demos.engine import GenerationRequest

        tally = Tally()

        def person(number: int) -> None:
            for prompt in prompts(number, requests, turn):
                request = GenerationRequest("bench", prompt, NEW, temperature=0.0)
                written = self.engine.submit(request).result(600).new_tokens
                with counting:
                    tally.tokens += written

        counting = threading.Lock()
        threads = [threading.Thread(target=person, args=(number,)) for number in range(people)]
        start, busy = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tally.seconds = time.perf_counter() - start
        tally.cpu = {"all": time.process_time() - busy}
        return tally


@contextmanager
def server(command: list[str], url: str, ready: str, **environment: str) -> Iterator[tuple[str, int]]:
    """(its address, its process)."""
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 300
        while True:
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{' '.join(command[:4])} did not start")
            try:
                if httpx.get(url + ready, timeout=3).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.5)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(20)


def processor_seconds(data: str, peers: dict[str, int]) -> dict[str, float]:
    """Processor time so far of a site's processes, by what they are, and of the peers' servers."""
    names = {"uvicorn": "web", "broker": "broker", "-Q gpu": "worker", **{f"peer {name}": name for name in peers}}
    found: dict[str, float] = {}
    for pid, line in [*processes_of(data).items(), *((pid, f"peer {name}") for name, pid in peers.items())]:
        name = next((name for word, name in names.items() if word in line), "rest")
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


@contextmanager
def bench_site(folder: Path, model: Path, **more: str) -> Iterator[str]:
    """A site whose one demo is the benchmark's; its data lie in `folder`/data."""
    programme = folder / "programme"
    programme.mkdir()
    (programme / "demos.yml").write_text(DEMOS)
    (programme / "conference.yml").write_text("name: Benchmark\nsource: benchmark\n")
    settings = {"SAMPLE": "0", "MODELS_DIR": str(model.parent), **more}
    with temporary_site(imports=[programme], data=folder / "data", **settings) as url:
        until = time.monotonic() + 120
        while "loaded: bench" not in httpx.get(f"{url}/readyz", timeout=10).json()["models"]["detail"]:
            if time.monotonic() > until:
                raise SystemExit("the site's worker did not load the model")
            time.sleep(0.5)
        yield url


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--requests", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", help="a Python that has gradio and openai")
    parser.add_argument("--only", choices=["serve", "gradio"], help="one of the peers instead of both")
    parser.add_argument("--peer-threads", type=int, default=0, help="torch threads of the peers; 0: as they like")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="miniconf-generation-") as name, ExitStack() as stack:
        folder = Path(name)
        model = folder / "models" / "bench"
        make_model(model)
        alone = Alone(model)
        site = stack.enter_context(bench_site(folder, model))
        data = str(folder / "data")
        ways: dict[str, tuple[Ask, str]] = {"platform": (ask_platform, site)}
        pids: dict[str, int] = {}
        offline = {"HF_HUB_OFFLINE": "1"}
        if args.peer_threads:
            offline |= {"OMP_NUM_THREADS": str(args.peer_threads), "MKL_NUM_THREADS": str(args.peer_threads)}
        if args.peers and args.only != "gradio":
            port = free_port()
            blocks = args.people * ((PROMPT + NEW) // 32 + 2)
            command = [args.peers, "-m", "transformers.cli.transformers", "serve", str(model), "--device", "cpu"]
            command += ["--attn-implementation", "sdpa", "--host", "127.0.0.1", "--port", str(port)]
            command += ["--continuous-batching", "--cb-block-size", "32", "--cb-num-blocks", str(blocks)]
            command += ["--cb-max-batch-tokens", "256"]
            url, pids["transformers serve"] = stack.enter_context(
                server(command, f"http://127.0.0.1:{port}", "/health", **offline)
            )
            ways["transformers serve"] = (ask_serve(str(model)), url)
        if args.peers and args.only != "serve":
            port = free_port()
            command = [args.peers, "-m", "benchmarks.gradio_peer", str(model), str(port), str(NEW)]
            quiet = {"GRADIO_ANALYTICS_ENABLED": "False", **offline}
            url, pids["gradio"] = stack.enter_context(server(command, f"http://127.0.0.1:{port}", "/config", **quiet))
            ways["gradio"] = (ask_gradio, url)
        measure(args, ways, alone, data, pids)


def measure(
    args: argparse.Namespace, ways: dict[str, tuple[Ask, str]], alone: Alone, data: str, pids: dict[str, int]
) -> None:
    seen: dict[str, list[Tally]] = {name: [] for name in [*ways, "engine alone"]}
    for turn in range(-1, args.rounds):  # the first one warms up
        for name, (ask, url) in ways.items():
            before = processor_seconds(data, pids)
            tally = asyncio.run(crowd(ask, url, args.people, 1 if turn < 0 else args.requests, turn))
            tally.cpu = {what: total - before.get(what, 0.0) for what, total in processor_seconds(data, pids).items()}
            tally.cpu["all"] = (
                tally.cpu[name] if name in pids else sum(v for k, v in tally.cpu.items() if k not in pids)
            )
            if turn >= 0:
                seen[name].append(tally)
        tally = alone.crowd(args.people, args.requests, turn)
        if turn >= 0:
            seen["engine alone"].append(tally)
            print(" ".join(f"{name} {tallies[-1].speed:.0f}" for name, tallies in seen.items()), file=sys.stderr)
    print(f"{args.people} people, {args.requests} requests each, {NEW} tokens each, {args.rounds} rounds, medians")
    for name, tallies in seen.items():
        firsts = [first for tally in tallies for first in tally.firsts]
        ratios = sorted(ours.speed / other.speed for ours, other in zip(seen["platform"], tallies, strict=True))
        line = f"  {name:20} {statistics.median(t.speed for t in tallies):6.0f} tokens/s"
        if firsts:
            line += f", first token p50 {percentile(firsts, 0.5):.2f} s, p95 {percentile(firsts, 0.95):.2f} s"
            line += f", {statistics.median(t.bytes / t.tokens for t in tallies):.0f} bytes a token"
        busy = statistics.median(1000 * t.cpu["all"] / t.tokens for t in tallies)
        line += f", {busy:.2f} processor seconds for 1,000"
        if name != "platform":
            line += f"; platform / this {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(line)
    per = {
        what: statistics.median(1000 * t.cpu.get(what, 0.0) / t.tokens for t in seen["platform"])
        for what in ("web", "broker", "worker")
    }
    print("  of the platform's: " + ", ".join(f"{what} {seconds:.2f}" for what, seconds in per.items()))


if __name__ == "__main__":
    main()
