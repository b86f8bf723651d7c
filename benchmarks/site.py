"""A site of its own for a benchmark: temporary data folder, free port, the sample conference."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.running import Site

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def temporary_site(
    url: str | None = None, *, imports: list[Path] | None = None, data: Path | None = None, **extra: str
) -> Iterator[str]:
    """Yields the address of a ready site; ends it afterwards. With `url`, that site is used and left alone.

    `data` is its folder; by default it is a temporary one.
    """
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="miniconf-bench-") as temporary:
        port = free_port()
        # Limits are for people; a benchmark is a crowd at one address.
        generous = {"RUN_RATE_ANONYMOUS": "100000/minute", "RUNS_AT_ONCE_PER_PERSON": "1000", "RUN_QUEUE_LIMIT": "1000"}
        env = {**os.environ, "MINICONF_DATA": str(data or temporary), "PORT": str(port), **generous, **extra}
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", process)
            for folder in imports or []:
                subprocess.run(
                    [sys.executable, "manage.py", "import_programme", str(folder)], cwd=ROOT, env=env, check=True
                )
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        if process.poll() is not None:
            raise SystemExit(f"the site did not start:\n{process.stdout.read().decode() if process.stdout else ''}")
        try:
            if httpx.get(f"{url}/readyz", timeout=3).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise SystemExit("the site was not ready after two minutes")


def until_web_answers(site: Site) -> Site:
    """For benchmarks of the web process alone: models that are still loading are not waited for."""
    site.wait_for("Ctrl-C stops everything")
    for _ in range(600):
        with suppress(OSError):
            if site.get("/healthz")[0] == 200:
                return site
        time.sleep(0.5)
    raise SystemExit(f"the site does not answer:\n{site.text}")
