"""Runs on a whole site with two GPU workers while processes are killed: the viewer sees every token once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from miniconf.processes import commands
from miniconf_client.demos import Demos, Run
from tests.running import ROOT, Site

PROMPT = "Attention is not all you need\n\nWe propose"
LONG = {"prompt": PROMPT, "seed": 77, "max_new_tokens": 300, "temperature": 1.0}
PATIENCE = 180.0  # seconds; the machine may be busy


def until(what: Any, seconds: float = PATIENCE) -> Any:
    """Wait for a true value of `what()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} was not seen in {seconds} s")


class Workers:
    """The site's GPU workers as they announce themselves."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.redis = redis.Redis(unix_socket_path=f"{site.data}/broker/broker.sock", decode_responses=True)

    def announced(self) -> list[dict[str, Any]]:
        try:
            keys = list(self.redis.scan_iter("demos:worker:*"))
            return [json.loads(value) for value in (self.redis.mget(keys) if keys else []) if value]
        except redis.RedisError:
            return []

    def ready(self) -> list[dict[str, Any]]:
        """Those that live and have the model."""
        return [w for w in self.announced() if "sha-rnn" in w["models"] and os.path.exists(f"/proc/{pid_of(w)}")]

    def holder(self, run: Run) -> dict[str, Any] | None:
        return next((w for w in self.ready() if run.id in w["runs"]), None)

    def kill_holder(self, run: Run, site: Demos, *, but: str = "") -> str:
        """Kill the worker that runs it, as soon as it has begun: one that dies before that is no suspect. Its name."""

        def begun() -> dict[str, Any] | None:
            holder = self.holder(run)
            return holder if holder and holder["name"] != but and site.find(run.id).state == "running" else None

        holder = until(begun)
        os.kill(pid_of(holder), signal.SIGKILL)
        return str(holder["name"])


def pid_of(worker: dict[str, Any]) -> int:
    return int(worker["name"].rsplit("-", 2)[1])


@pytest.fixture(scope="module")
def workers(stack: Site) -> Iterator[Workers]:
    """Two of them: the site's own, and one that is started again whenever it ends, as the site's own is."""
    ended = threading.Event()
    command = commands.gpu_worker("second@test")
    running: list[subprocess.Popen[bytes]] = []

    def keep_running() -> None:
        while not ended.is_set():
            running[:] = [subprocess.Popen(command, cwd=ROOT, env=stack.env, stderr=subprocess.DEVNULL)]
            running[0].wait()
            ended.wait(0.5)

    keeper = threading.Thread(target=keep_running, daemon=True)
    keeper.start()
    found = Workers(stack)
    until(lambda: len(found.ready()) == 2)
    yield found
    ended.set()
    running[0].terminate()
    keeper.join(20)


@pytest.fixture(scope="module")
def site(stack: Site) -> Iterator[Demos]:
    done = stack.manage("create_token", "attendee@example.org")
    assert done.returncode == 0, done.stderr
    with Demos(stack.url, token=done.stdout.split()[-1], patience=PATIENCE) as client:
        yield client


@pytest.fixture(scope="module")
def expected(site: Demos, workers: Workers) -> dict[str, Any]:
    return site.run("sha-rnn-generate", **LONG, fresh=True).result()


def watch(run: Run, after: int, fault: Any) -> list[Any]:
    """All events of the run; `fault()` happens when so many tokens have been seen."""
    seen: list[Any] = []
    for event in run.events():
        seen.append(event)
        if fault is not None and sum(e.type == "token" for e in seen) > after:
            fault()
            fault = None
    assert fault is None, "the run was over before the fault"
    return seen


def assert_whole(events: list[Any], run: Run, expected: dict[str, Any]) -> None:
    """Every number once and in order, every token once, and the text that the run would have given anyway."""
    numbers = [event.n for event in events if event.n is not None]
    assert numbers == list(range(1, len(expected["tokens"]) + 4))
    assert [event.data["id"] for event in events if event.type == "token"] == [token[0] for token in expected["tokens"]]
    assert run.result() == expected


def test_a_run_whose_worker_is_killed_goes_on_at_another_one(
    site: Demos, workers: Workers, expected: dict[str, Any]
) -> None:
    run = site.run("sha-rnn-generate", **LONG, fresh=True)
    killed: list[str] = []
    events = watch(run, 20, lambda: killed.append(workers.kill_holder(run, site)))
    assert_whole(events, run, expected)
    until(lambda: len(workers.ready()) == 2)
    assert killed[0] not in {worker["name"] for worker in workers.ready()}


def test_a_run_that_kills_its_worker_twice_is_failed_and_not_tried_again(site: Demos, workers: Workers) -> None:
    """Which here is done for it, twice."""
    run = site.run("sha-rnn-generate", **LONG, fresh=True)
    first = workers.kill_holder(run, site)
    workers.kill_holder(run, site, but=first)
    until(lambda: site.find(run.id).state == "failed")
    assert "stopped 2 times" in site.find(run.id).shown["error"]
    until(lambda: len(workers.ready()) == 2)


def test_a_run_survives_the_broker(site: Demos, workers: Workers, expected: dict[str, Any]) -> None:
    run = site.run("sha-rnn-generate", **LONG, fresh=True)
    broker = workers.site.find(f"{workers.site.data}/broker")
    events = watch(run, 20, lambda: os.kill(broker, signal.SIGKILL))
    assert_whole(events, run, expected)
    until(lambda: len(workers.ready()) == 2)


def test_a_run_survives_the_web_process(site: Demos, workers: Workers, expected: dict[str, Any]) -> None:
    run = site.run("sha-rnn-generate", **LONG, fresh=True)
    web = workers.site.find("uvicorn")
    events = watch(run, 20, lambda: os.kill(web, signal.SIGKILL))
    assert_whole(events, run, expected)


def test_workers_are_started_anew_without_losing_a_run(site: Demos, workers: Workers, expected: dict[str, Any]) -> None:
    """As the organizers' page does it: each finishes what it has, then ends, and is started again."""
    before = {worker["name"] for worker in until(workers.ready)}
    runs = [site.run("sha-rnn-generate", **LONG, fresh=True) for _ in range(6)]
    for name in before:
        workers.redis.hset("demos:orders", name, "restart")
    assert [run.result() for run in runs] == [expected] * 6
    until(lambda: len(workers.ready()) == 2 and not before & {worker["name"] for worker in workers.ready()})


def test_nothing_is_left_running(site: Demos, workers: Workers) -> None:
    """After all of the above."""
    until(lambda: not any(worker["runs"] for worker in workers.ready()))
    code = "from demos.models import Run; print(Run.objects.filter(state__in=['queued', 'running']).count())"
    assert workers.site.manage("shell", "--no-imports", "-c", code).stdout.split()[-1] == "0"
