"""Paper list and paper page against the shape of Mini-Conf's own server: a Flask view that renders a template.

    .venv/bin/python -m benchmarks.pages --data FOLDER [--rounds 5] [--seconds 4]

FOLDER is a Mini-Conf sitedata folder such as ICLR 2020's. It is imported into a temporary site; a bare Flask
application (Werkzeug's threaded server, as Mini-Conf's `make run`) renders pages of the same size from the same
papers held in memory. `wrk` asks both in turns. Printed: medians of requests/s and of their ratio, and the bytes a
browser transfers for the first screen of the list.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import re
import statistics
import subprocess
from pathlib import Path

import httpx

from benchmarks.site import free_port, temporary_site

CARD = """<article class="card"><h3><a href="/papers/{{ p.UID }}">{{ p.title }}</a></h3>
<p>{% for a in p.authors.split("|") %}<a href="/?author={{ a }}">{{ a }}</a>{% endfor %}</p>
<p>{% for k in p.keywords.split("|") %}<a href="/?keyword={{ k }}">{{ k }}</a>{% endfor %}</p></article>
"""
LIST = "<!doctype html><title>Papers</title>{{ frame }}{% for p in papers %}" + CARD + "{% endfor %}"
PAPER = "<!doctype html><title>{{ p.title }}</title>{{ frame }}" + CARD + "<p>{{ p.abstract }}</p>"


def flask_server(port: int, folder: Path, list_bytes: int, paper_bytes: int, cards: int) -> None:
    """Serve /list and /paper, filled up with constant markup to the given sizes."""
    import logging

    from flask import Flask, render_template_string
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with (folder / "papers.csv").open(encoding="utf-8-sig", newline="") as file:
        papers = list(csv.DictReader(file))
    app = Flask(__name__)

    frames = {}
    with app.app_context():
        frames["list"] = "x" * max(0, list_bytes - len(render_template_string(LIST, papers=papers[:cards]).encode()))
        frames["paper"] = "x" * max(0, paper_bytes - len(render_template_string(PAPER, p=papers[0]).encode()))

    @app.route("/list")
    def list_page() -> str:
        return render_template_string(LIST, frame=frames["list"], papers=papers[:cards])

    @app.route("/paper")
    def paper_page() -> str:
        return render_template_string(PAPER, frame=frames["paper"], p=papers[0])

    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


def wrk(url: str, seconds: int) -> float:
    """requests/s with 16 connections; every answer must be 200."""
    output = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{seconds}s", url], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"{url}: {output}")
    match = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert match is not None, output
    return float(match[1])


def transferred(url: str, path: str) -> tuple[int, int]:
    """(compressed bytes of the page alone, of the page with its style sheets and scripts)."""
    headers = {"Accept-Encoding": "gzip"}
    with httpx.Client(base_url=url, headers=headers) as web:
        total = []
        with web.stream("GET", path) as answer:
            page = sum(len(chunk) for chunk in answer.iter_raw())
        html = web.get(path).text
        for asset in sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))):
            with web.stream("GET", asset) as answer:
                total.append(sum(len(chunk) for chunk in answer.iter_raw()))
    return page, page + sum(total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    args = parser.parse_args()

    with temporary_site(imports=[args.data.resolve()]) as url:
        with (args.data / "papers.csv").open(encoding="utf-8-sig", newline="") as file:
            uid = next(csv.DictReader(file))["UID"]
        pages = {"list": "/papers/", "paper": f"/papers/{uid}/"}
        sizes = {name: len(httpx.get(url + path).raise_for_status().content) for name, path in pages.items()}
        cards = httpx.get(url + "/papers/").text.count("<article")
        port = free_port()
        peer = multiprocessing.Process(
            target=flask_server, args=(port, args.data, sizes["list"], sizes["paper"], cards), daemon=True
        )
        peer.start()
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/paper")
                break
            except httpx.HTTPError:
                peer.join(0.1)
        for name, path in pages.items():
            ours, theirs, ratios = [], [], []
            for _ in range(args.rounds):
                ours.append(wrk(url + path, args.seconds))
                theirs.append(wrk(f"http://127.0.0.1:{port}/{name}", args.seconds))
                ratios.append(ours[-1] / theirs[-1])
            print(
                f"{name:6} {sizes[name]:7,} bytes: miniconf {statistics.median(ours):6.0f}/s, "
                f"Flask {statistics.median(theirs):6.0f}/s, ratio {statistics.median(ratios):.2f} "
                f"(from {min(ratios):.2f} to {max(ratios):.2f})"
            )
        peer.terminate()
        page, everything = transferred(url, "/papers/")
        print(
            f"first screen of the list, compressed: page {page:,} bytes, with styles and scripts {everything:,} bytes"
        )


if __name__ == "__main__":
    main()
