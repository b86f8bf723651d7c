"""The schedule of 2,000 sessions against a bare Django view that renders the same rows with a minimal template.

    .venv/bin/python -m benchmarks.schedule [--rounds 5] [--seconds 3]

A conference of five days with 400 sessions each (twenty rooms, 2,400 presentations) is imported into a temporary site.
`wrk` asks the site and the bare view (benchmarks/schedule_peer.py, under the same server, on the same database) in
turns. Printed for each view: requests/s for a member, whose page is rendered for each request, and for a visitor, whose
page is kept; the ratio of both to the bare view of the day; and the compressed bytes of the page.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import tempfile
from pathlib import Path

import httpx

from benchmarks.pages import session_of_member, uvicorn, wrk
from benchmarks.site import temporary_site

FIRST = dt.date(2027, 6, 7)
DAYS, ROOMS, TIMES, PAPERS = 5, 20, 20, 600
KINDS = ("oral", "poster", "qa", "social", "workshop")
SUBJECTS = (
    "Attention",
    "Recurrence",
    "Retrieval",
    "Evaluation",
    "Multilingual models",
    "Speech",
    "Dialogue",
    "Parsing",
)


def write_conference(folder: Path) -> None:
    """The site's own format: JSON is YAML, too."""
    (folder / "papers").mkdir(parents=True)
    (folder / "conference.yml").write_text(json.dumps({"name": "Large", "source": "large", "timezone": "UTC"}))
    for n in range(PAPERS):
        subject = SUBJECTS[n % len(SUBJECTS)]
        paper = {
            "uid": f"P{n:03}",
            "title": f"On {subject.lower()} and what follows from it in practice, part {n}",
            "authors": [{"name": f"Author Number{n % 97}"}],
        }
        (folder / "papers" / f"{n:03}.yml").write_text(json.dumps(paper))
    sessions = []
    for day in range(DAYS):
        for time in range(TIMES):
            start = dt.datetime.combine(FIRST, dt.time(), dt.UTC) + dt.timedelta(days=day, hours=3, minutes=45 * time)
            for room in range(ROOMS):
                n = (day * TIMES + time) * ROOMS + room
                sessions.append(
                    {
                        "uid": f"S{n:04}",
                        "title": f"{SUBJECTS[n % len(SUBJECTS)]}: session {n}",
                        "kind": KINDS[room % len(KINDS)],
                        "starts_at": start.isoformat(),
                        "ends_at": (start + dt.timedelta(minutes=40)).isoformat(),
                        "room": f"Room {room + 1}",
                        "track": SUBJECTS[room % len(SUBJECTS)],
                        "papers": [f"P{(n * 7 + k) % PAPERS:03}" for k in range(6 if room % 5 == 0 else 0)],
                    }
                )
    (folder / "sessions.yml").write_text(json.dumps(sessions))


def compressed(url: str, path: str, **headers: str) -> int:
    with httpx.stream("GET", url + path, headers={"Accept-Encoding": "gzip", **headers}, timeout=60) as answer:
        answer.raise_for_status()
        return sum(len(chunk) for chunk in answer.iter_raw())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="miniconf-schedule-") as kept:
        folder, data = Path(kept) / "conference", Path(kept) / "data"
        write_conference(folder)
        with temporary_site(imports=[folder], MINICONF_DATA=str(data)) as site:
            member = session_of_member(site, {"MINICONF_DATA": str(data), "PORT": site.rsplit(":", 1)[1]})
            day = f"{FIRST + dt.timedelta(days=1)}"
            database = str(data / "miniconf.sqlite3")
            with uvicorn(
                "benchmarks.schedule_peer:application", "--factory", path=f"/day/{day}/", BENCH_DATABASE=database
            ) as bare:
                measure(site, bare, day, member, rounds=args.rounds, seconds=args.seconds)


def measure(site: str, bare: str, day: str, member: str, *, rounds: int, seconds: int) -> None:
    views = {name: f"/schedule/?view={name}&day={day}" for name in ("day", "week", "agenda")}
    ours: dict[tuple[str, str], list[float]] = {(name, who): [] for name in views for who in ("member", "visitor")}
    ratios: dict[tuple[str, str], list[float]] = {key: [] for key in ours}
    theirs = []
    for _ in range(rounds):
        theirs.append(wrk(f"{bare}/day/{day}/", seconds))
        for (name, who), found in ours.items():
            found.append(wrk(site + views[name], seconds, **({"Cookie": member} if who == "member" else {})))
            ratios[name, who].append(found[-1] / theirs[-1])
    size = compressed(bare, f"/day/{day}/")
    print(f"bare view of the day: {statistics.median(theirs):6.0f}/s, {size:,} bytes compressed (200 sessions)")
    for (name, who), found in ours.items():
        size = compressed(site, views[name], **({"Cookie": member} if who == "member" else {}))
        print(
            f"{name:6} {who:7} {statistics.median(found):6.0f}/s, ratio {statistics.median(ratios[name, who]):5.2f} "
            f"({min(ratios[name, who]):.2f} to {max(ratios[name, who]):.2f}), {size:,} bytes compressed"
        )


if __name__ == "__main__":
    main()
