"""`manage.py up` with real processes: it starts, mends and stops a whole site."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.running import ROOT, Site

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """An empty site of this module's own, since its processes are killed."""
    with Site(SAMPLE=0) as site:
        yield site.wait_until_ready()


def eventually(holds: Callable[[], object], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.1)
    return False


def test_a_ready_site_runs_one_process_of_each_kind(site: Site) -> None:
    lines = sorted(site.processes().values())
    kinds = ["manage.py up", "valkey-server", "uvicorn miniconf.asgi", "worker -Q gpu", "worker -Q default", " beat "]
    assert [sum(kind in line for line in lines) for kind in kinds] == [1] * 6
    assert len(lines) == 6


def test_readyz_names_each_part_and_healthz_only_this_process(site: Site) -> None:
    assert site.get("/healthz") == (200, b'{"ok": true}')
    status, body = site.get("/readyz")
    assert (status, json.loads(body)) == (
        200,
        {
            "database": {"ok": True, "detail": "answers"},
            "broker": {"ok": True, "detail": "answers"},
            "default_worker": {"ok": True, "detail": '1 worker on the queue "default"'},
            "scheduler": {"ok": True, "detail": "runs"},
            "gpu_worker": {"ok": True, "detail": '1 worker on the queue "gpu"'},
            "models": {"ok": True, "detail": "no demo needs one"},
        },
    )


def test_an_empty_site_says_how_to_make_its_first_organizer(site: Site) -> None:
    assert site.links == {}
    assert f"MINICONF_DATA={site.data} .venv/bin/python manage.py create_organizer you@example.org" in site.text
    made = site.manage("create_organizer", "Chair@Example.org", PORT="")  # the running site says where it is
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[0] == "chair@example.org has an account now, as an organizer."
    assert made.stdout.splitlines()[-1].startswith(f"{site.url}/")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("web", ("uvicorn",)),
        ("gpu worker", ("-Q", "gpu")),
        ("default worker", ("-Q", "default")),
        ("beat", (" beat ",)),
        ("broker", ("valkey-server",)),
    ],
)
def test_a_killed_process_is_started_again_and_said_so(site: Site, name: str, words: tuple[str, ...]) -> None:
    killed = site.find(*words)
    os.kill(killed, signal.SIGKILL)
    site.wait_for(f"{name}: was ended by SIGKILL; starting it again")
    site.wait_for(f"{name}: started again")
    assert site.find(*words) != killed
    assert eventually(lambda: site.get("/readyz")[0] == 200), site.readiness()


def test_readyz_answers_while_the_broker_is_stopped(site: Site) -> None:
    broker = site.find("valkey-server")
    os.kill(broker, signal.SIGSTOP)
    try:
        status, body = site.get("/readyz")
    finally:
        os.kill(broker, signal.SIGCONT)
    checks = json.loads(body)
    assert status == 503
    assert checks["database"] == {"ok": True, "detail": "answers"}
    assert [name for name, check in checks.items() if not check["ok"]] == [
        *("broker", "default_worker", "scheduler", "gpu_worker", "models")
    ]
    assert eventually(lambda: site.get("/readyz")[0] == 200)


def test_the_broker_keeps_what_it_was_given_over_a_restart(site: Site) -> None:
    import redis

    client = redis.Redis.from_url(f"unix://{site.data}/broker/broker.sock")
    client.set("kept", "yes")
    time.sleep(1.1)  # the broker's log reaches the disk once a second
    os.kill(site.find("valkey-server"), signal.SIGKILL)
    assert eventually(lambda: site.get("/readyz")[0] == 200)
    assert client.get("kept") == b"yes"
    client.delete("kept")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process_within_ten_seconds(number: signal.Signals) -> None:
    with Site(SAMPLE=0) as site:
        site.wait_until_ready()
        with connect(f"ws://localhost:{site.port}/live/", origin=Origin(site.url)):  # an open page holds up nothing
            began = time.monotonic()
            assert site.stop(number) == 0
            assert time.monotonic() - began < 10
        assert site.processes() == {}
        assert "was killed" not in site.text
        assert site.text.endswith("stopped; everything is kept in the data folder\n")


def test_sigterm_to_make_ends_every_process() -> None:
    if not (ROOT / ".venv" / ".installed").exists():
        pytest.skip("this checkout's environment was not made by make")
    with Site(SAMPLE=0, command=["make", "run"]) as site:
        site.wait_until_ready()
        began = time.monotonic()
        site.stop()
        assert eventually(lambda: site.processes() == {}, seconds=10 - (time.monotonic() - began))


def test_kill_9_of_the_supervisor_leaves_no_process_behind() -> None:
    with Site(SAMPLE=0) as site:
        site.wait_until_ready()
        site.stop(signal.SIGKILL)
        assert eventually(lambda: site.processes() == {}, seconds=10), site.processes()


def test_a_signal_while_it_is_still_starting_leaves_nothing_behind() -> None:
    with Site(SAMPLE=0) as site:
        site.wait_for("database")
        site.stop()
        assert site.processes() == {}
        assert site.process.returncode == 0


def test_two_instances_run_side_by_side_and_keep_their_data_apart(site: Site) -> None:
    with Site(SAMPLE=0, WEB_PROCESSES=2) as other:
        other.wait_until_ready()
        assert [line.count("uvicorn") for line in other.processes().values()].count(1) == 2
        assert other.manage("create_organizer", "somebody@example.org").returncode == 0
        assert (site.get("/healthz")[0], other.get("/healthz")[0]) == (200, 200)
        assert _emails(other) == ["somebody@example.org"]
        assert "somebody@example.org" not in _emails(site)


def _emails(site: Site) -> list[str]:
    with sqlite3.connect(site.data / "miniconf.sqlite3") as database:
        return [row[0] for row in database.execute("select email from accounts_user order by email")]


def test_a_second_instance_on_the_same_data_is_refused(site: Site) -> None:
    with Site(SAMPLE=0, data=site.data) as second:
        assert second.process.wait(60) == 1
        second.wait_for("cannot start")
        assert second.text == (
            f"CommandError: miniconf cannot start: another miniconf runs on the data folder {site.data} "
            f"(process {site.process.pid}, port {site.port}); "
            "stop it, or choose another folder: MINICONF_DATA=/some/folder\n"
        )
    assert site.get("/healthz")[0] == 200


def test_a_port_in_use_is_refused(site: Site) -> None:
    with Site(SAMPLE=0, port=site.port) as second:
        assert second.process.wait(60) == 1
        second.wait_for("cannot start")
        assert second.text == (
            f"CommandError: miniconf cannot start: port {site.port} is in use; "
            f"stop what uses it, or choose another: PORT={site.port + 1} make run\n"
        )
        assert second.processes() == {}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"DATABASE_URL": "nonsense"}, "miniconf: DATABASE_URL must begin with postgres:// or sqlite:///\n"),
        ({"MINICONF_DATA": ROOT / "Makefile" / "data"}, f"the data folder {ROOT}/Makefile/data (MINICONF_DATA) cannot"),
        ({"PORT": "eighty"}, "miniconf: PORT is 'eighty', not a whole number\n"),
        ({"HOST": "no.such.host.invalid"}, "cannot listen on no.such.host.invalid"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "the broker at 127.0.0.1 (REDIS_URL) does not answer"),
        ({"DATABASE_URL": "postgres://u:secret@127.0.0.1:1/x"}, "the database x at 127.0.0.1:1 cannot be used: "),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_leaves_nothing_running(settings: dict[str, object], sentence: str) -> None:
    with Site(SAMPLE=0, **settings) as site:
        assert site.process.wait(60) == 1
        site.wait_for(sentence)
        assert "Traceback" not in site.text
        assert "secret" not in site.text
        assert site.processes() == {}


def test_neither_long_relative_paths_with_spaces_nor_another_working_folder_are_an_obstacle(tmp_path) -> None:
    deep = Path("deep " * 12) / ("deeper-" * 10)  # too long for a socket's address
    command = ["env", "-C", str(tmp_path), f"MINICONF_DATA={deep}", sys.executable, str(ROOT / "manage.py"), "up"]
    with Site(SAMPLE=0, data=tmp_path / deep, command=command) as site:
        site.wait_until_ready()
        assert site.get("/readyz")[0] == 200
        assert (tmp_path / deep / "miniconf.sqlite3").exists()
