"""A PostgreSQL server of one's own for a test run: started from an installed binary, in a temporary folder, thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from miniconf.broker import die_with_parent
from tests.running import free_port


def binary_folder() -> Path | None:
    """Where `initdb` and `postgres` are: Debian's newest, or those on PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = installed[-1] if installed else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then it runs as its own user, or as nobody."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return {}


@contextmanager
def throw_away_server() -> Iterator[str]:
    """Run a server until the block ends; yields the URL of its (empty) database `miniconf`. RuntimeError if it fails."""
    binaries = binary_folder()
    if binaries is None:
        raise RuntimeError("no PostgreSQL: install postgresql, or set TEST_DATABASE_URL")
    owner = _owner()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="miniconf-postgres-") as folder:
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        data = Path(folder) / "data"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "miniconf", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **owner,
        )
        fast = [f"-c{setting}" for setting in ("fsync=off", "synchronous_commit=off", "full_page_writes=off")]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder, *fast],
                stdout=log,
                stderr=log,
                cwd=folder,
                preexec_fn=die_with_parent(),
                **owner,
            )
        try:
            _create_database(port, server, Path(folder) / "log")
            yield f"postgres://miniconf@127.0.0.1:{port}/miniconf"
        finally:
            server.send_signal(2)  # SIGINT: end connections, then stop
            server.wait(20)


def _create_database(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    until = time.monotonic() + 30
    while True:
        try:
            where = f"host=127.0.0.1 port={port} user=miniconf dbname=postgres"
            with psycopg.connect(where, autocommit=True) as connection:
                connection.execute("create database miniconf")
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text(errors='replace')[-500:]}") from error
            time.sleep(0.1)
