"""The paper map with 10,000 papers: frame times in Chromium against an empty canvas, bytes, and the worker's time.

    python -m benchmarks.paper_map [--papers papers.jsonl.gz] [--count 10000] [--rounds 3]

Frames are counted while a mouse drags the map and a wheel zooms it, and in the same run while the same hands move over a
canvas of the same size that is only cleared. `--papers` names a file of real ones, one JSON object with title, abstract,
authors, keywords and track or venue a line; else texts are made of random words of forty subjects.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.site import ROOT, free_port

SEED = """
import json
from papers.models import Authorship, Keyword, Paper, Person, Track
rows = [json.loads(line) for line in open({path!r}, encoding="utf-8")]
def names(of):
    return sorted({{name for row in rows for name in of(row)}})
tracks = {{n: Track.objects.create(name=n, slug=f"t{{i}}") for i, n in enumerate(names(lambda r: [r["track"]]))}}
Keyword.objects.bulk_create([Keyword(name=n) for n in names(lambda r: r["keywords"])], batch_size=500)
authors = names(lambda r: r["authors"])
Person.objects.bulk_create([Person(name=n, slug=f"a{{i}}") for i, n in enumerate(authors)], batch_size=500)
keywords = dict(Keyword.objects.values_list("name", "pk"))
people = dict(Person.objects.values_list("name", "pk"))
papers = Paper.objects.bulk_create(
    [Paper(uid=f"p{{i:05}}", title=r["title"], abstract=r["abstract"], track=tracks[r["track"]])
     for i, r in enumerate(rows)], batch_size=500)
link = Paper.keywords.through
link.objects.bulk_create(
    [link(paper_id=p.pk, keyword_id=keywords[k]) for p, r in zip(papers, rows) for k in r["keywords"]], batch_size=500)
Authorship.objects.bulk_create(
    [Authorship(paper_id=p.pk, person_id=people[a], position=n) for p, r in zip(papers, rows)
     for n, a in enumerate(r["authors"])], batch_size=500)
"""
EMPTY = """<!doctype html><title>Empty canvas</title><style>canvas{position:absolute;left:40px;top:40px}</style>
<canvas></canvas><script>
const canvas = document.querySelector("canvas"), context = canvas.getContext("2d");
let waiting = false;
const draw = () => { if (waiting) return; waiting = true; requestAnimationFrame(() => {
  waiting = false; context.clearRect(0, 0, canvas.width, canvas.height); }); };
for (const name of ["pointermove", "wheel"]) canvas.addEventListener(name, (e) => { e.preventDefault(); draw(); });
</script>"""
# Intervals between frames, and how long scripts took in each.
RECORDER = """
window.frames_ = []; window.script_ = []; window.recording_ = false;
const ask = window.requestAnimationFrame.bind(window);
let spent = 0, drawn = 0;
window.requestAnimationFrame = (callback) => ask((now) => {
  const began = performance.now();
  callback(now);
  spent += performance.now() - began;
  drawn = 1;
});
let last = 0;
const tick = (now) => {
  // A frame in which nothing was drawn (no event came) says nothing.
  if (window.recording_ && last && drawn) { window.frames_.push(now - last); window.script_.push(spent); }
  drawn = spent = 0; last = now; ask(tick);
};
ask(tick);
"""


def made_up(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(4, 9))) for _ in range(6000)]
    for n in range(count):
        subject = n % 40
        own = words[subject * 100 : subject * 100 + 150]
        text = chance.choices(own, k=70) + chance.choices(words, k=60)
        chance.shuffle(text)
        yield {
            "title": " ".join(chance.choices(own, k=4) + chance.choices(words, k=5)).capitalize(),
            "abstract": " ".join(text),
            "authors": [f"{a.capitalize()} {b.capitalize()}" for a, b in zip(text[:3], text[3:6], strict=True)],
            "keywords": sorted(set(chance.choices(own[:20], k=4))),
            "track": f"Track {subject % 12}",
        }


def real(path: Path, count: int) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    random.Random(0).shuffle(rows)
    for row in itertools.islice(rows, count):
        yield {
            "title": row["title"].replace("\0", "")[:500],
            "abstract": row["abstract"].replace("\0", ""),
            "authors": list(dict.fromkeys(name[:200] for name in row["authors"] if name.strip())),
            "keywords": sorted({name[:200] for name in row["keywords"] if name.strip()}),
            "track": row["venue"][:200],
        }


@contextmanager
def site(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """A web process on a database with these papers, their neighbours and places computed."""
    with tempfile.TemporaryDirectory(prefix="miniconf-bench-") as folder:
        port, path = free_port(), Path(folder) / "papers.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows))
        env = {**os.environ, "MINICONF_DATA": folder, "PORT": str(port)}
        for command in (["migrate"], ["collectstatic", "--noinput"], ["shell", "-c", SEED.format(path=str(path))]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True, capture_output=True)
        computed = subprocess.run(
            [sys.executable, "manage.py", "compute_similarity"],
            cwd=ROOT, env=env, check=True, capture_output=True, text=True,
        )  # fmt: skip
        print(computed.stdout.strip())
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "miniconf.asgi:application", "--port", str(port), "--log-level", "error"],
            cwd=ROOT, env=env, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        url = f"http://localhost:{port}"
        try:
            for _ in range(300):
                try:
                    httpx.get(f"{url}/papers/map/", timeout=10)
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield url
        finally:
            server.terminate()
            server.wait(10)


def bytes_of(url: str, path: str) -> int:
    with httpx.stream("GET", url + path, headers={"Accept-Encoding": "gzip"}, timeout=60) as answer:
        return sum(len(chunk) for chunk in answer.iter_raw())


def hands(page: Page, what: str) -> tuple[list[float], list[float]]:
    """Move the mouse over the page's canvas for some seconds; intervals of frames and time in scripts, milliseconds."""
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.evaluate("frames_ = []; script_ = []; recording_ = true")
    if what == "drag":
        page.mouse.down()
        for n in range(240):
            page.mouse.move(x + 120 * ((n % 60) / 60 - 0.5), y + 80 * ((n % 40) / 40 - 0.5))
        page.mouse.up()
    else:
        for n in range(160):
            page.mouse.wheel(0, -40 if n % 80 < 40 else 40)
    page.evaluate("recording_ = false")
    return page.evaluate("frames_.slice(2)"), page.evaluate("script_.slice(2)")


def figures(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=20)
    return f"p50 {statistics.median(values):5.1f}, p95 {cuts[18]:5.1f} ms"


def frames(browser: Browser, url: str, rounds: int) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    context.add_init_script(RECORDER)
    page, empty = context.new_page(), context.new_page()
    page.goto(f"{url}/papers/map/")
    page.wait_for_selector("[data-map][data-state=ready]")
    page.wait_for_load_state("networkidle")
    size = page.evaluate("(() => { const c = document.querySelector('canvas'); return [c.width, c.height]; })()")
    empty.set_content(EMPTY)
    empty.evaluate("([w, h]) => { const c = document.querySelector('canvas'); c.width = w; c.height = h; }", size)
    empty.evaluate(RECORDER)
    for what in ("drag", "zoom"):
        ours: list[float] = []
        script: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            page.bring_to_front()
            intervals, spent = hands(page, what)
            ours += intervals
            script += spent
            empty.bring_to_front()
            theirs += hands(empty, what)[0]
        print(
            f"{what}: a frame every {figures(ours)} ({len(ours)} frames), of which scripts {figures(script)}; "
            f"empty canvas {figures(theirs)}"
        )
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    rows = real(args.papers, args.count) if args.papers else made_up(args.count)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with site(rows) as url, sync_playwright() as playwright:
        sizes = {path: bytes_of(url, f"/papers/map/{path}") for path in ("points/", "titles/")}
        print(f"compressed: points {sizes['points/']:,} bytes, then titles {sizes['titles/']:,}; aim below 600,000")
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        frames(browser, url, args.rounds)
        browser.close()


if __name__ == "__main__":
    main()
