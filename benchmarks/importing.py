"""How long importing takes for each paper, at one and at ten thousand papers: it should be the same.

    python -m benchmarks.importing [--sizes 1000 10000] [--rounds 3]

Real papers (titles, abstracts, authors) are written as a Mini-Conf folder with a session for every five of them; each
round imports it into an empty database in a process of its own, then once more unchanged, then with one abstract in a
hundred corrected. Printed: milliseconds for each paper, their ratio between the sizes (medians of the rounds), and the
most memory the process held. The bare rate is that of reading the same CSV file and inserting its rows with one
statement each into an SQLite table.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .programme import PAPERS, read_papers

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("first", "again", "corrected")
# Runs in the measured process: the time of the import alone, without starting Python and Django.
IMPORT = """
import json, resource, sys, time
import django
django.setup()
from pathlib import Path
from papers.importers import import_programme
began = time.perf_counter()
report = import_programme(Path(sys.argv[1]))
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "changes": report.changes}))
"""


def write_folder(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir()
    with (folder / "papers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["UID", "title", "authors", "abstract", "keywords", "sessions"])
        for n, row in enumerate(rows):
            authors, keywords = "|".join(row["authors"][:30]), "|".join(row["keywords"][:10])
            writer.writerow([f"p{n}", row["title"][:500], authors, row["abstract"], keywords, f"Session {n // 5}"])
    calendar = [
        {
            "title": f"Session {n}",
            "start": f"2027-05-{3 + n % 5:02}T{9 + n % 8:02}:00:00+00:00",
            "end": f"2027-05-{3 + n % 5:02}T{10 + n % 8:02}:00:00+00:00",
            "location": None,
            "link": f"https://example.org/papers.html?session=Session+{n}&filter=keywords",
            "category": "time",
            "calendarId": "---",
        }
        for n in range((len(rows) + 4) // 5)
    ]
    (folder / "main_calendar.json").write_text(json.dumps(calendar), encoding="utf-8")


def measure(folder: Path, data: Path) -> dict[str, float]:
    environment = {**os.environ, "MINICONF_DATA": str(data), "DJANGO_SETTINGS_MODULE": "miniconf.settings"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(folder)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def bare(folder: Path) -> float:
    """Seconds to read the CSV file and to insert its rows, and nothing else."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place, (folder / "papers.csv").open(encoding="utf-8", newline="") as file:
        database = sqlite3.connect(Path(place, "bare.sqlite3"))
        database.execute("CREATE TABLE papers (uid PRIMARY KEY, title, authors, abstract, keywords, sessions)")
        for row in csv.reader(file):
            database.execute("INSERT INTO papers VALUES (?, ?, ?, ?, ?, ?)", row)
        database.commit()
        database.close()
    return time.perf_counter() - began


def corrected(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "abstract": f"{row['abstract']} Corrected."}


def one_round(rows: list[dict[str, Any]]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        folder, data = Path(place, "big"), Path(place, "data")
        write_folder(folder, rows)
        environment = {**os.environ, "MINICONF_DATA": str(data)}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
        found = {"bare": bare(folder)}
        for step in STEPS:
            if step == "corrected":
                shutil.rmtree(folder)
                write_folder(folder, [corrected(row) if n % 100 == 0 else row for n, row in enumerate(rows)])
            measured = measure(folder, data)
            found[step], found[f"{step} peak"] = measured["seconds"], measured["peak"]
        return {name: 1000 * value / len(rows) if "peak" not in name else value for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path, default=PAPERS)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    results: dict[int, dict[str, float]] = {}
    for size in options.sizes:
        rows = read_papers(options.papers, size)
        rounds = [one_round(rows) for _ in range(options.rounds)]
        results[size] = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
        people = len({author for row in rows for author in row["authors"][:30]})
        print(f"\n{size:,} papers, {people:,} people, {(size + 4) // 5:,} sessions;", end=" ")
        print(f"ms for each paper, medians of {options.rounds}")
        for step in STEPS:
            found = results[size]
            print(
                f"  {step:<10}{found[step]:8.2f}   {found[step] / found['bare']:6.1f} x the bare insert"
                f"   at most {found[f'{step} peak']:,.0f} MB"
            )
    small, large = min(options.sizes), max(options.sizes)
    for step in STEPS:
        ratio = results[large][step] / results[small][step]
        print(f"{step}: a paper takes {ratio:.2f} of the time at {large:,} that it takes at {small:,}")


if __name__ == "__main__":
    main()
