"""Stopping and starting again on the same data: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.running import Site

pytestmark = pytest.mark.stack
RUNS = 20  # more than the engine has places


def api(site: Site, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{site.url}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        found: dict[str, Any] = json.load(response)
    return found


def states(site: Site, runs: list[str]) -> list[str]:
    return [api(site, f"runs/{run}")["state"] for run in runs]


def shell(site: Site, code: str) -> None:
    done = site.manage("shell", "--no-imports", "-c", f"from papers.models import Paper; {code}")
    assert done.returncode == 0, done.stderr


def test_a_restart_loses_no_run_and_leaves_the_organizers_changes_alone(tmp_path: Path) -> None:
    demo = "demos/sha-rnn-generate/runs"
    with Site(data=tmp_path, RUNS_AT_ONCE_PER_PERSON=RUNS, RUN_RATE_ANONYMOUS="100/minute") as first:
        first.wait_until_ready()
        assert sorted(first.links) == ["attendee", "author", "organizer"]
        papers = [paper["uid"] for paper in api(first, "papers?limit=2")["items"]]
        count = api(first, "papers")["count"]
        shell(first, f"Paper.objects.get(uid={papers[0]!r}).delete()")
        shell(first, f"Paper.objects.filter(uid={papers[1]!r}).update(title='Changed by the organizer')")
        inputs = {"prompt": "We present", "max_new_tokens": 400, "temperature": 0.8}
        runs = [api(first, demo, {"inputs": {**inputs, "seed": seed}})["id"] for seed in range(RUNS)]
        until = time.monotonic() + 60
        while "running" not in states(first, runs) and time.monotonic() < until:
            time.sleep(0.05)
        before = states(first, runs)
        assert first.stop() == 0
        assert first.processes() == {}
    assert "running" in before, "the site was to be stopped in the middle of its work"

    with Site(data=tmp_path) as second:
        second.wait_until_ready()
        assert "loading the sample conference" not in second.text
        assert second.links.keys() == first.links.keys()
        assert api(second, "papers")["count"] == count - 1
        assert second.get(f"/api/v1/papers/{papers[0]}")[0] == 404
        assert api(second, f"papers/{papers[1]}")["title"] == "Changed by the organizer"
        until = time.monotonic() + 120
        while {"running", "queued"} & set(found := states(second, runs)) and time.monotonic() < until:
            time.sleep(0.5)
        assert found == ["succeeded"] * RUNS
