"""Paper list and paper page against static files of the same size, and against the shape of Mini-Conf's own server.

    .venv/bin/python -m benchmarks.pages [--data ../shared/data/iclr2020] [--rounds 5] [--seconds 2]

FOLDER is a Mini-Conf sitedata folder such as ICLR 2020's; it is imported into a temporary site. Compared, one process
each, all under the same server (uvicorn, uvloop, httptools) except Flask, asked in turns by `wrk` with 16 connections:

* cached      the page for visitors, from memory, compressed; 304: the same, asked whether it has changed
* rendered    the page for visitors without the cache; member: for somebody who has signed in
* static      a file of the very same bytes, compressed beforehand, from this project's static files
* WhiteNoise  the same file through WhiteNoise as WSGI application, and as middleware of Django under ASGI
* Flask       a bare view that renders a page of the same size from papers in memory (Werkzeug's threaded server, as
              Mini-Conf's `make run`)

Printed: medians of requests/s and of the ratios of each round, and the bytes of the first screen of the list.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.site import ROOT, free_port, temporary_site

MEMBER = "attendee@example.org"  # of the sample conference
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


@contextmanager
def flask_peer(folder: Path, list_bytes: int, paper_bytes: int, cards: int) -> Iterator[str]:
    port = free_port()
    peer = multiprocessing.Process(
        target=flask_server, args=(port, folder, list_bytes, paper_bytes, cards), daemon=True
    )
    peer.start()
    try:
        yield _until_it_answers(f"http://127.0.0.1:{port}", "/paper")
    finally:
        peer.terminate()


@contextmanager
def uvicorn(application: str, *options: str, path: str, **environment: str) -> Iterator[str]:
    """An application under the server and with the options of the site itself."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port), *options]
    command += [
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--no-server-header",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
    try:
        yield _until_it_answers(f"http://127.0.0.1:{port}", path)
    finally:
        process.terminate()
        process.wait(20)


def _until_it_answers(url: str, path: str) -> str:
    transport = httpx.HTTPTransport(retries=8)  # half a second, then twice as long each time
    with httpx.Client(base_url=url, transport=transport, timeout=60) as web:
        web.get(path).raise_for_status()
    return url


def wrk(url: str, seconds: int, **headers: str) -> float:
    """requests/s with 16 connections; every answer must be as it should."""
    told = [f"-H{name.replace('_', '-')}: {value}" for name, value in {"Accept_Encoding": "gzip", **headers}.items()]
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", *told, url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"{url}: {output}")
    match = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert match is not None, output
    return float(match[1]) or wrk(url, 2 * seconds, **headers)  # on a busy machine none may come in the time


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


def session_of_member(url: str, environment: dict[str, str]) -> str:
    """The cookie of somebody who has signed in."""
    command = [sys.executable, "manage.py", "sign_in_link", MEMBER]
    said = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    link = re.search(r"http\S+", said.stdout)
    assert link is not None, said.stdout
    with httpx.Client(base_url=url) as web:
        web.get(urlsplit(link[0]).path)
        return "; ".join(f"{name}={value}" for name, value in web.cookies.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "iclr2020")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    args = parser.parse_args()

    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="miniconf-bench-"))) for _ in range(2)]
        data, files = folders
        url = stack.enter_context(temporary_site(imports=[args.data.resolve()], MINICONF_DATA=str(data)))
        same_site = {"MINICONF_DATA": str(data), "PORT": str(urlsplit(url).port)}
        with (args.data / "papers.csv").open(encoding="utf-8-sig", newline="") as file:
            uid = next(csv.DictReader(file))["UID"]
        pages = {"list": "/papers/", "paper": f"/papers/{uid}/"}
        bodies = {name: httpx.get(url + path).raise_for_status().content for name, path in pages.items()}
        for name, body in bodies.items():
            (files / f"{name}.html").write_bytes(body)
            (files / f"{name}.html.gz").write_bytes(gzip.compress(body, 6))
        cards = bodies["list"].count(b'class="paper-card')
        cookie = session_of_member(url, same_site)

        def peer(name: str, *options: str) -> str:
            environment = {"BENCH_FOLDER": str(files)}
            app = f"benchmarks.peers:{name}"
            return stack.enter_context(uvicorn(app, "--factory", *options, path="/static/list.html", **environment))

        no_cache = uvicorn("miniconf.asgi:application", path="/healthz", PAGE_CACHE_SECONDS="0", **same_site)
        rendered = stack.enter_context(no_cache)
        static = peer("own_static")
        wsgi, middleware = peer("whitenoise_wsgi", "--interface", "wsgi"), peer("whitenoise_django")
        bare = stack.enter_context(flask_peer(args.data, len(bodies["list"]), len(bodies["paper"]), cards))

        for name, path in pages.items():
            answer = httpx.get(url + path, headers={"Accept-Encoding": "gzip"})
            etag, size = answer.headers["etag"], int(answer.headers["content-length"])
            ways: dict[str, tuple[str, dict[str, str]]] = {
                "cached": (url + path, {}),
                "cached, 304": (url + path, {"If_None_Match": etag}),
                "rendered": (rendered + path, {}),
                "member": (rendered + path, {"Cookie": cookie}),
                "static": (f"{static}/static/{name}.html", {}),
                "WhiteNoise, WSGI": (f"{wsgi}/static/{name}.html", {}),
                "WhiteNoise, Django": (f"{middleware}/static/{name}.html", {}),
                "Flask": (f"{bare}/{name}", {}),
            }
            rates: defaultdict[str, list[float]] = defaultdict(list)
            for _ in range(args.rounds):
                for way, (address, headers) in ways.items():
                    rates[way].append(wrk(address, args.seconds, **headers))
            print(f"{name}: {len(bodies[name]):,} bytes, {size:,} compressed")
            for way, found in rates.items():
                ratios = [ours / theirs for ours, theirs in zip(rates["cached"], found, strict=True)]
                low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
                compared = "" if way == "cached" else f"   cached is {middle:.2f} times that ({low:.2f} to {high:.2f})"
                print(f"  {way:<20}{statistics.median(found):8,.0f}/s{compared}")
        page, everything = transferred(url, "/papers/")
        print(
            f"first screen of the list, compressed: page {page:,} bytes, with styles and scripts {everything:,} bytes"
        )


if __name__ == "__main__":
    main()
