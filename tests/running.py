"""A whole site as an operator starts it (`manage.py up`), for tests that need one."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")  # nothing may be missing then
# What a test run has set for itself and a site of its own must not inherit.
OURS = ("REDIS_URL", "DATABASE_URL", "MINICONF_DATA", "SECRET_KEY", "SITE_URL", "PORT", "HOST", "SAMPLE", "STATIC_ROOT")
LINK = re.compile(r"^\s+(attendee|author|organizer)\s+(http\S+)$", re.MULTILINE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def clean_environment(**settings: object) -> dict[str, str]:
    """This process's environment without the test run's own settings, with those given."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, **{name: str(value) for name, value in settings.items()}}


@cache
def collected_once() -> Path:
    """Static files are collected by the first site of a test run; the others find them unchanged."""
    folder = Path(tempfile.mkdtemp(prefix="miniconf-static-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class Site:
    """`manage.py up` in a process of its own, with what it has said so far."""

    def __init__(
        self, *, data: Path | None = None, port: int | None = None, command: list[str] | None = None, **settings: object
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="miniconf-site-") if data is None else None
        self.data = Path(self._folder.name) if self._folder else Path(str(data))
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        own = {"MINICONF_DATA": self.data, "PORT": self.port, "STATIC_ROOT": collected_once()}
        self.env = clean_environment(**{**own, **settings})
        self._said: list[str] = []
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            command or [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._folder:
            self._folder.cleanup()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._said.append(line)
                self._news.notify_all()

    @property
    def text(self) -> str:
        """Everything said on the console so far."""
        return "".join(self._said)

    @property
    def links(self) -> dict[str, str]:
        """The one-click sign-in link of each role."""
        return dict(LINK.findall(self.text))

    def wait_for(self, said: str, seconds: float = 300) -> str:
        """Wait until the console has said something; returns all of it. Fails when the process ends or time is up."""
        until = time.monotonic() + seconds
        with self._news:
            while said not in self.text:
                left = until - time.monotonic()
                ended = self.process.poll() is not None
                if left <= 0 or (ended and not self._news.wait(1)):
                    what = "ended" if ended else f"did not say so in {seconds} s"
                    raise AssertionError(f"waiting for {said!r}: the site {what}. It said:\n{self.text}")
                self._news.wait(min(left, 1))
            return self.text

    def wait_until_ready(self) -> Site:
        self.wait_for("Ctrl-C stops everything")
        assert "not everything is ready" not in self.text, self.text
        return self

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def readiness(self) -> dict[str, dict[str, object]]:
        checks: dict[str, dict[str, object]] = json.loads(self.get("/readyz")[1])
        return checks

    def manage(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Another command of manage.py beside the running site."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.env, **settings},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def processes(self) -> dict[int, str]:
        """Processes that were started for this site, by id: their command lines."""
        return processes_of(self.env["MINICONF_DATA"])

    def find(self, *words: str) -> int:
        """The one process of this site whose command line has all the words."""
        found = [pid for pid, line in self.processes().items() if all(word in line for word in words)]
        assert len(found) == 1, (words, self.processes())
        return found[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the site as an operator would; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def processes_of(data: str) -> dict[int, str]:
    """Living processes that have the data folder in their environment or command line (the broker rewrites its own)."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue  # it ended meanwhile, or is somebody else's
            if line and (
                f"MINICONF_DATA={data}".encode() in environment or f"{data}/broker" in line
            ):  # a zombie has none
                found[int(entry.name)] = line
    return found


@cache
def migrated_once() -> Path:
    """An SQLite database with all tables and no rows, made once in a test run; static files are collected with it."""
    folder = Path(tempfile.mkdtemp(prefix="miniconf-database-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    env = clean_environment(MINICONF_DATA=folder, STATIC_ROOT=collected_once())
    for command in (["migrate"], ["collectstatic", "--noinput"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True, capture_output=True)
    return folder / "miniconf.sqlite3"


class WebProcess:
    """The web process alone on an empty database, for pages that need no workers.

    `site = WebProcess(data=…)`, fill it with `site.manage(…)`, then `with site: site.url`.
    """

    def __init__(self, *, data: Path, **settings: object) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        own = {"MINICONF_DATA": data, "PORT": self.port, "STATIC_ROOT": collected_once()}
        self.env = clean_environment(**{**own, **settings})
        shutil.copy(migrated_once(), data)
        self._process: subprocess.Popen[bytes] | None = None

    def manage(self, *arguments: str) -> str:
        """A command of manage.py; returns what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, check=True, capture_output=True, text=True)
        return done.stdout

    def __enter__(self) -> WebProcess:
        command = [*("uvicorn", "miniconf.asgi:application"), "--port", str(self.port), "--log-level", "warning"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=self.env, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 180  # a busy machine takes most of a minute to start it
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/papers/", timeout=30).close()
                return self
            except OSError:
                assert self._process.poll() is None, "the web process ended"
                assert time.monotonic() < until, "the web process does not answer"
                time.sleep(0.1)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
