"""A GPU worker on another machine needs the addresses of database and broker, and nothing of the site's folder."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from miniconf.broker import socket_url
from miniconf.processes import commands
from tests.running import ROOT, Site, clean_environment

pytestmark = pytest.mark.stack


def slots(stack: Site) -> int:
    """Places of all GPU workers together, as the site's metrics say."""
    request = urllib.request.Request(f"{stack.url}/metrics", headers={"Authorization": "Bearer secret-of-prometheus"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        found = re.findall(r"^miniconf_demo_worker_slots(?:\{.*\})? ([0-9.]+)$", answer.read().decode(), re.MULTILINE)
    return sum(int(float(value)) for value in found)


def wait_for(stack: Site, wanted: int) -> None:
    until = time.monotonic() + 120
    while slots(stack) != wanted:
        assert time.monotonic() < until, (slots(stack), wanted)
        time.sleep(0.5)


def test_a_worker_joins_by_addresses_alone_and_leaves(stack: Site, tmp_path: Path) -> None:
    before = slots(stack)
    assert before > 0
    worker = subprocess.Popen(
        commands.gpu_worker("gpu@elsewhere"),
        cwd=ROOT,
        env=clean_environment(
            MINICONF_DATA=tmp_path,
            DATABASE_URL=f"sqlite:///{stack.data}/miniconf.sqlite3",
            REDIS_URL=socket_url(stack.data / "broker"),
            SECRET_KEY=(stack.data / "secret_key").read_text(),
            ENGINE_SLOTS=5,
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(stack, before + 5)
    finally:
        worker.terminate()
        worker.wait(60)
    wait_for(stack, before)
