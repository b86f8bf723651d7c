"""Two hundred people at one worker, and thousands of runs after each other: waiting times, fairness, memory.

    .venv/bin/python -m benchmarks.crowd [--people 200] [--runs 5000]

The model of benchmarks.generation on a site of its own. First everybody asks for 64 tokens at the same moment, and one
person more asks for as many as all others together have asked for before them; each is one account. Printed: how long
people waited by the order in which they came, against the place that they were told first, and how long that one person
waited. Then so many runs of 4 tokens are run by 16 people, and the memory of each kind of process is printed after each
tenth of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from benchmarks.generation import NEW, bench_site, make_model, percentile, prompts
from benchmarks.site import ROOT
from tests.running import clean_environment, processes_of

MAKE = """
from miniconf.accounts.models import ApiToken, User
for n in range({people}):
    user = User.objects.create(email=f"crowd{{n}}@example.org", name=f"crowd {{n}}")
    print("token", ApiToken.issue(user, "benchmark")[1])
"""


def make_people(data: Path, people: int, **settings: str) -> list[str]:
    environment = clean_environment(MINICONF_DATA=data, **settings)
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", MAKE.format(people=people)]
    said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    return [line.split()[1] for line in said.splitlines() if line.startswith("token")]


async def one_run(
    web: httpx.AsyncClient, token: str, prompt: str, new: int
) -> tuple[float, int | None, list[int] | None]:
    """(seconds until it began, the place and the wait that were told first)."""
    headers = {"Authorization": f"Bearer {token}"}
    body = {"inputs": {"prompt": prompt, "max_new_tokens": new, "temperature": 0, "seed": 1}, "fresh": True}
    start = time.perf_counter()
    answer = await web.post("/api/v1/demos/bench/runs", json=body, headers=headers)
    answer.raise_for_status()
    run, event, began = answer.json(), "", None
    async with web.stream("GET", run["links"]["events"], headers=headers) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: "):
                told = json.loads(line[6:])
                if event == "tokens" or (event == "state" and told["state"] == "running"):
                    began = began or time.perf_counter() - start
                elif event == "done":
                    if told["state"] != "succeeded":
                        raise RuntimeError(f"a run ended as {told['state']}: {told['error']}")
                    break
    return began or 0.0, run["position"], run["wait"]


async def rush(url: str, tokens: list[str], greedy: int) -> None:
    """Everybody at once; the first of them asks `greedy` times."""
    limits = httpx.Limits(max_connections=4 * len(tokens))
    async with httpx.AsyncClient(base_url=url, timeout=1200, limits=limits) as web:
        start = time.perf_counter()
        many = [asyncio.ensure_future(one_run(web, tokens[0], prompts(0, 1, n)[0], NEW)) for n in range(greedy)]
        await asyncio.sleep(0.2)
        others = [asyncio.ensure_future(one_run(web, t, prompts(n, 1, 0)[0], NEW)) for n, t in enumerate(tokens[1:], 1)]
        theirs = await asyncio.gather(*others)
        seconds_of_all = time.perf_counter() - start
        its = await asyncio.gather(*many)
    waited = [began for began, _, _ in theirs]
    served = NEW * (len(theirs) + greedy) / (time.perf_counter() - start)
    print(
        f"{len(theirs)} people with one run each and one with {greedy}, all at once: all {len(theirs) + len(its)} served"
    )
    print(f"  {served:.0f} tokens/s; the people were served within {seconds_of_all:.0f} s")
    print(
        f"  people waited p5 {percentile(waited, 0.05):.1f}, p50 {percentile(waited, 0.5):.1f}, "
        f"p95 {percentile(waited, 0.95):.1f}, at most {max(waited):.1f} s; "
        f"that one for its runs p50 {percentile([b for b, _, _ in its], 0.5):.1f}, at most {max(b for b, _, _ in its):.1f} s"
    )
    told = [(began, wait) for began, _, wait in theirs if wait is not None]
    if told:
        inside = sum(wait[0] <= began <= wait[1] for began, wait in told) / len(told)
        off = statistics.median(abs(began - sum(wait) / 2) / max(began, 1.0) for began, wait in told)
        print(
            f"  {len(told)} were told an estimate at once: {inside:.0%} began within it; off by {off:.0%} at the median"
        )


async def many_runs(url: str, data: Path, tokens: list[str], runs: int) -> None:
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as web:
        for tenth in range(10):
            start = time.perf_counter()

            async def person(token: str, count: int, turn: int) -> None:
                for n in range(count):
                    await one_run(web, token, f"w{turn} w{n}", 4)

            each = runs // 10 // len(tokens)
            await asyncio.gather(*[person(token, each, tenth) for token in tokens])
            speed = each * len(tokens) / (time.perf_counter() - start)
            sizes = " ".join(f"{what} {size / 1024:.0f}" for what, size in sorted(memory(data).items()))
            print(f"  {(tenth + 1) * each * len(tokens):6} runs, {speed:5.1f}/s; MB: {sizes}", flush=True)


def memory(data: Path) -> dict[str, int]:
    """Resident kilobytes by kind of process."""
    names = {"uvicorn": "web", "broker.sock": "broker", "-Q gpu": "gpu worker", "-Q default": "default worker"}
    found: dict[str, int] = {}
    for pid, line in processes_of(str(data)).items():
        name = next((name for word, name in names.items() if word in line), None)
        if name is None:
            continue
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        found[name] = found.get(name, 0) + int(status.split("VmRSS:")[1].split()[0])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--greedy", type=int, default=100, help="runs of the one person who asks for many")
    parser.add_argument("--runs", type=int, default=5000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="miniconf-crowd-") as name:
        folder = Path(name)
        make_model(folder / "models" / "bench")
        generous = {"RUN_RATE_PERSON": "100000/minute", "RUNS_AT_ONCE_PER_PERSON": "1000"}
        with bench_site(folder, folder / "models" / "bench", **generous) as url:
            tokens = make_people(folder / "data", args.people + 1)
            asyncio.run(rush(url, tokens[:17], 1))  # warms up: the speed of the model is known then
            asyncio.run(rush(url, tokens, args.greedy))
            if args.runs:
                asyncio.run(many_runs(url, folder / "data", tokens[:16], args.runs))


if __name__ == "__main__":
    main()
