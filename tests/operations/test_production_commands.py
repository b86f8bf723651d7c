"""The commands of docker-compose.yml against a real PostgreSQL and a real Redis, without containers.

Host names, ports and paths of the containers are replaced by those of this machine; nothing else is.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from miniconf.broker import die_with_parent, server_binary
from tests.operations.compose import services
from tests.postgres import binary_folder, throw_away_server
from tests.running import CI, ROOT, clean_environment, free_port

pytestmark = pytest.mark.stack
SECRETS = {"SECRET_KEY": "a-secret-of-more-than-fifty-letters-0123456789-abcdefghijk", "POSTGRES_PASSWORD": "secret"}


class Containers:
    """Starts services of docker-compose.yml as plain processes."""

    def __init__(self, folder: Path, *, database: str, redis_port: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.redis_port = redis_port
        self.services = services(SECRETS)
        self.static = folder / "collected"
        self.moved = {
            "DATABASE_URL": database,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "SITE_URL": f"http://localhost:{self.port}",
            # From the image: Dockerfile's ENV.
            "MINICONF_DATA": str(folder / "data"),
            "STATIC_ROOT": str(self.static),
            "PORT": str(self.port),
        }
        self.said = ""
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, name: str) -> dict[str, str]:
        return {**clean_environment(), **self.services[name].get("environment", {}), **self.moved}

    def command(self, name: str) -> list[str]:
        moved = {"python": sys.executable, "0.0.0.0": "127.0.0.1", "8000": str(self.port)}
        moved |= {"/tmp/schedule": str(self.folder / "schedule")}
        return [moved.get(word, word) for word in self.services[name]["command"]]

    def run(self, name: str) -> str:
        """A service that ends by itself."""
        done = subprocess.run(
            self.command(name), cwd=ROOT, env=self.environment(name), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.command(name),
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),
            )

    def healthy(self, name: str) -> bool:
        """What the service's own health check says."""
        check = self.services[name]["healthcheck"]["test"][1:]
        command = [sys.executable if word == "python" else word for word in check]
        return subprocess.run(command, cwd=ROOT, env=self.environment(name), timeout=30).returncode == 0

    def wait_healthy(self, name: str, seconds: float = 120) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.healthy(name):
                return True
            if self.running[name].poll() is not None:
                break
            time.sleep(0.5)
        raise AssertionError(f"{name} is not healthy: {(self.folder / f'{name}.log').read_text()[-3000:]}")

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """The site as Compose runs it: prepared, and each of its processes started."""
    if binary_folder() is None:
        reason = "no PostgreSQL: install postgresql"
        pytest.fail(reason) if CI else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("compose")
    with ExitStack() as stack:
        database = stack.enter_context(throw_away_server())
        redis_port = stack.enter_context(redis_server(folder))
        containers = Containers(folder, database=database, redis_port=redis_port)
        stack.callback(containers.stop)
        build = [sys.executable, "manage.py", "collectstatic", "--noinput"]  # the image's build step
        subprocess.run(build, cwd=ROOT, env=containers.environment("web"), check=True, capture_output=True)
        containers.said = containers.run("prepare")
        for name in ("web", "worker", "gpu", "beat"):
            containers.start(name)
        yield containers


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """Compose's broker: Debian's Redis where it is installed, with the arguments that Compose gives."""
    port = free_port()
    binary = shutil.which("redis-server") or shutil.which("valkey-server") or server_binary()
    arguments = services(SECRETS)["redis"]["command"][1:]
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen(
            [binary, *arguments, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)],
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(),
        )
    try:
        yield port
    finally:
        server.terminate()
        server.wait(10)


def ready(containers: Containers) -> tuple[int, dict[str, dict[str, object]]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{containers.port}/readyz", timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_prepare_makes_the_tables_in_postgresql(containers: Containers) -> None:
    assert "postgresql" in containers.said
    where = urlsplit(containers.moved["DATABASE_URL"])
    with psycopg.connect(f"host={where.hostname} port={where.port} user={where.username} dbname=miniconf") as database:
        applied = database.execute("select count(*) from django_migrations where app = 'papers'").fetchone()
    assert applied is not None
    assert applied[0] >= 1


@pytest.mark.parametrize("name", ["web", "worker", "gpu", "beat"])
def test_each_service_becomes_healthy_by_its_own_check(containers: Containers, name: str) -> None:
    assert containers.wait_healthy(name)


def test_the_site_is_ready_and_serves_pages_and_static_files(containers: Containers) -> None:
    until = time.monotonic() + 120
    while (answer := ready(containers))[0] != 200 and time.monotonic() < until:
        time.sleep(0.5)
    assert answer[0] == 200, answer
    assert [name for name, check in answer[1].items() if check["ok"]] == [
        *("database", "broker", "default_worker", "scheduler", "gpu_worker", "models")
    ]
    with urllib.request.urlopen(f"http://127.0.0.1:{containers.port}/", timeout=20) as response:
        page = response.read().decode()
    style = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert style is not None
    with urllib.request.urlopen(f"http://127.0.0.1:{containers.port}{style[1]}", timeout=20) as response:
        assert response.headers["Cache-Control"] == "max-age=315360000, public, immutable"


def test_preparing_a_second_time_changes_nothing(containers: Containers) -> None:
    assert "up to date" in containers.run("prepare")


def test_the_check_of_a_stopped_service_fails(containers: Containers) -> None:
    containers.running["beat"].terminate()
    containers.running["beat"].wait(20)
    until = time.monotonic() + 30  # what it announced expires
    while containers.healthy("beat") and time.monotonic() < until:
        time.sleep(0.5)
    assert not containers.healthy("beat")
    assert ready(containers)[0] == 503
