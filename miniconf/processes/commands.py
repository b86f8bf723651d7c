"""Command lines of the site's processes. The supervisor starts them; docker-compose.yml repeats them (a test compares)."""

from __future__ import annotations

import sys
from pathlib import Path


def web(*bind: str) -> list[str]:
    """A web process; `bind` says where it listens: `--fd N`, or `--host H --port P`."""
    return [
        *(sys.executable, "-m", "uvicorn", "miniconf.asgi:application", *bind),
        *("--loop", "uvloop", "--http", "httptools"),
        # Frames are small and encoded once for everybody: compressing them for each socket costs 2.5 times the processor.
        *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "131072"),
        *("--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "2"),
    ]


def default_worker(node: str = "default@%h") -> list[str]:
    return _worker("default", node, threads=4)


def gpu_worker(node: str = "gpu@%h") -> list[str]:
    """Takes many runs at once: each waits in a thread while the process's one engine batches them."""
    return _worker("gpu", node, threads=64)


def beat(schedule: Path, node: str = "beat@%h") -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "miniconf", "beat", "-n", node),
        *("--schedule", str(schedule), "--loglevel", "INFO"),
    ]


def _worker(queue: str, node: str, *, threads: int) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "miniconf", "worker", "-Q", queue, "-n", node),
        *("-P", "threads", "-c", str(threads), "--without-gossip", "--without-mingle", "--loglevel", "INFO"),
    ]
