"""Search, typeahead and list pages over 10,000 real papers, on SQLite and on PostgreSQL.

    .venv/bin/python -m benchmarks.search [--papers 10000] [--rounds 5] [--data ../shared/data/papers.jsonl.gz]

Both databases are thrown away afterwards. Each line gives p50 and p95 over all questions and rounds, and over the best
round of each question, which says more on a machine that is busy with other things. Searches are compared to the same
queries as bare SQL without any ranking, `SELECT id ... WHERE document matches`, in the same run and in turns: the ratio
says what relevance, folding and Django cost. Pages are whole answers of the site's own middleware and templates,
in process; bytes are those of the largest, compressed.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.programme import PAPERS, load

ROOT = Path(__file__).resolve().parent.parent
QUERIES = [
    "attention", "transformer", "graph neural networks", "deep learning", "reinforcement", "bayesian inference",
    "neural net", "yoshua bengio", "bengio attention", "variational autoencoder", "monte carlo", "gan", "bert",
    "kernel methods", "convex optimization", "word embeddings", "machine translation low resource", "dropout",
    "stochastic gradient descent", "k means", "policy gradient", "question answering", "online learning regret",
    "adversarial", "gaussian process", "sparse", "causal", "language model", "convolutional", "learning",
    '"generative adversarial nets"', "atention is all you need", "poincare", "images", "data", "the", "li", "a",
]  # fmt: skip
TYPED = ["at", "att", "atten", "gr", "graph", "graph neu", "rein", "ben", "bengio", "yo", "lea", "deep le", "ma", "co"]
PAGES = [
    "/papers/", "/papers/?size=mini", "/papers/?size=detail", "/papers/?page=200", "/papers/?sort=newest",
    "/papers/?sort=time", "/papers/?sort=shuffle&seed=7", "/papers/?kind=Oral&size=mini", "/papers/?day=2027-05-04",
    "/papers/?search=attention", "/papers/?search=learning&size=detail", "/papers/?search=graph&kind=Poster",
]  # fmt: skip


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began)


def measured(rounds: int, *actions: Callable[[str], object], asked: list[str]) -> list[list[list[float]]]:
    """Milliseconds by action, question and round; the actions take turns. Once before for the caches."""
    times: list[list[list[float]]] = [[[] for _ in asked] for _ in actions]
    for turn in range(-1, rounds):
        for n, question in enumerate(asked):
            for action, kept in zip(actions, times, strict=True):
                took = timed(lambda: action(question))  # noqa: B023  called at once
                if turn >= 0:
                    kept[n].append(took)
    return times


def quantiles(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


def summary(name: str, times: list[list[float]], bare: list[list[float]] | None = None) -> None:
    p50, p95 = quantiles([took for of_one in times for took in of_one])
    best50, best95 = quantiles([min(of_one) for of_one in times])
    line = f"  {name:<22} p50 {p50:6.1f} ms, p95 {p95:6.1f} ms; best rounds {best50:6.1f}, {best95:6.1f}"
    if bare:
        bare50, bare95 = quantiles([took for of_one in bare for took in of_one])
        line += f"; bare SQL {bare50:5.1f}, {bare95:5.1f}, ratio {p50 / bare50:4.1f}, {p95 / bare95:4.1f}"
    print(line, flush=True)


def measure(data: Path, papers: int, rounds: int) -> None:
    """In a process of its own, whose settings name the database."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "miniconf.settings"
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from papers.listing import choices
    from papers.search import search
    from papers.search_terms import for_postgresql, for_sqlite, terms
    from papers.spelling import nearest_spelling
    from papers.suggest import suggest

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    call_command("migrate", verbosity=0)
    took = timed(lambda: load(data, papers)) / 1000
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    print(f"{connection.vendor}: {papers:,} papers loaded and indexed in {took:.1f} s", flush=True)

    def bare(query: str) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                sql, match = (
                    "SELECT paper_id FROM papers_search WHERE document @@ to_tsquery('simple', %s)",
                    for_postgresql,
                )
            else:
                sql, match = "SELECT rowid FROM papers_search WHERE papers_search MATCH %s", for_sqlite
            cursor.execute(sql, [match(terms(query))])
            cursor.fetchall()

    ours, theirs = measured(rounds, search, bare, asked=QUERIES)
    summary("search", ours, theirs)
    tracks = choices().track_names
    summary("typeahead", *measured(rounds, lambda typed: suggest(typed, tracks=tracks), asked=TYPED))
    wrong = ["atention", "trasnformer", "convolutoinal netwroks", "deeplearning", "yosua bengio"]
    summary("did you mean", *measured(rounds, nearest_spelling, asked=wrong))
    client = Client()
    largest = max(len(gzip.compress(client.get(path).content)) for path in PAGES)
    summary("list pages", *measured(rounds, client.get, asked=PAGES))
    headers = {"HX-Request": "true"}
    summary("results alone (htmx)", *measured(rounds, lambda path: client.get(path, headers=headers), asked=PAGES))
    print(f"  largest list page      {largest:,} bytes compressed (aim below 60,000)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PAPERS)
    parser.add_argument("--papers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        measure(args.data, args.papers, args.rounds)
        return
    from tests.postgres import throw_away_server

    for server in (contextlib.nullcontext(None), throw_away_server()):
        with server as url, tempfile.TemporaryDirectory(prefix="miniconf-bench-") as folder:
            env = {**os.environ, "MINICONF_DATA": folder, "SECRET_KEY": secrets.token_hex(32), "LOG_LEVEL": "ERROR"}
            env.pop("DATABASE_URL", None)
            env |= {"DATABASE_URL": url} if url else {}
            command = [sys.executable, "-m", "benchmarks.search", "--here", "--data", str(args.data)]
            command += ["--papers", str(args.papers), "--rounds", str(args.rounds)]
            subprocess.run(command, cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    main()
