"""The whole site under one supervisor: what `manage.py up` does."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis
import yaml
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections

from demos.queue import WORKER_PREFIX
from miniconf import broker
from miniconf.accounts.services import sign_in_link

from . import commands, probe
from .console import Console
from .instance import CannotStart, hold_data_folder, listen
from .prepare import SAMPLE_FOLDER, prepare, sample_is_loaded
from .presence import PREFIX, broker_client
from .supervisor import Program, Stopped, Supervisor

ROLES = ("attendee", "author", "organizer")
BROKER_STARTS_IN = 60.0  # seconds; it reads everything it has kept
LONGEST_WAIT = 120.0  # seconds until the address is printed although something is not ready


class ReadinessWatch:
    """Asks /readyz, on a thread of its own, until everything is ready."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {"web": "starting"}
        self.is_ready = False
        self._ended = threading.Event()
        threading.Thread(target=self._ask, name="readiness", daemon=True).start()

    def end(self) -> None:
        self._ended.set()

    def _ask(self) -> None:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104
        while not self._ended.wait(0.2):
            status, body = probe.get("/readyz", host=host, port=settings.PORT)
            try:
                checks = json.loads(body)
                self.missing = {name: check["detail"] for name, check in checks.items() if not check["ok"]}
            except (ValueError, KeyError, TypeError, AttributeError):
                self.missing = {"web": f"answers with status {status}" if status else "starting"}
            if status == 200 and not self.missing:
                self.is_ready = True
                return


class Site:
    def __init__(self, console: Console, *, sample: bool) -> None:
        self.console = console
        self.sample = sample
        self.began = time.monotonic()
        self.node = f"{socket.gethostname()}-{settings.PORT}"
        self._watch: ReadinessWatch | None = None
        self._told = False

    def run(self) -> None:
        """Start everything and watch over it until somebody asks to stop. Raises CannotStart, with nothing running."""
        with (
            hold_data_folder(settings.DATA_DIR, port=settings.PORT, site_url=settings.SITE_URL),
            listen(settings.HOST, settings.PORT) as listener,
        ):
            supervisor = Supervisor(self.console, settings.DATA_DIR / "logs")
            self.console.say(f"miniconf, data in {settings.DATA_DIR}")
            try:
                self._start_broker(supervisor)
                with supervisor.interruptible():
                    prepare(self.console, sample=self.sample)
                connections.close_all()  # children and this process share no connection
                self._start_processes(supervisor, listener)
                self._watch = ReadinessWatch()
                supervisor.run(self._tell_progress)
            except Stopped:
                pass
            finally:
                if self._watch is not None:
                    self._watch.end()
                if supervisor.children:
                    self.console.say("stopping: web, workers, beat, broker")
                supervisor.stop_all()
        self.console.say("stopped; everything is kept in the data folder")

    # --- the broker -----------------------------------------------------------------------------------------------

    def _start_broker(self, supervisor: Supervisor) -> None:
        if os.environ.get("REDIS_URL"):
            with self.console.step("broker", "asking") as result:
                if (why := _ping()) is not None:
                    where = urlsplit(settings.REDIS_URL)
                    raise CannotStart(
                        f"the broker at {where.hostname or where.path} (REDIS_URL) does not answer: {why}"
                    )
                result.append("from REDIS_URL, answers")
            self._forget_workers()
            return
        folder = settings.DATA_DIR / "broker"
        try:
            command = broker.server_command(folder)
        except broker.BrokerNotFound as error:
            raise CannotStart(str(error)) from error
        _end_leftover_broker()
        with self.console.step("broker", "starting") as result:
            child = supervisor.start(Program("broker", command, stage=2, stop_by=8.5, orphan_signal=signal.SIGTERM))
            deadline = time.monotonic() + BROKER_STARTS_IN
            while _ping() is not None:
                if supervisor.stop_requested:
                    raise Stopped
                if not child.is_running() or time.monotonic() > deadline:
                    child.log.new_errors()
                    said = "; ".join(child.log.last_lines()[-3:])
                    raise CannotStart(f"the broker does not start; the end of its log, {child.log.path}: {said}")
                supervisor.sleep(0.02)
            result.append("started")
        self._forget_workers()

    def _forget_workers(self, *nodes: str) -> None:
        """Take back what this site's workers announced when they lived before."""
        try:
            with broker_client() as client:
                for node in nodes or ("default", "gpu", "beat"):
                    name = f"{node}@{self.node}"
                    client.delete(PREFIX + name, *client.scan_iter(f"{WORKER_PREFIX}{name}-*", count=1000))
        except redis.RedisError:
            pass  # announcements expire by themselves

    # --- the processes ----------------------------------------------------------------------------------------------

    def _start_processes(self, supervisor: Supervisor, listener: socket.socket) -> None:
        threads = str(settings.ENGINE_THREADS)
        common = {
            "MINICONF_DATA": str(settings.DATA_DIR),
            "PORT": str(settings.PORT),
            "SITE_URL": settings.SITE_URL,
            "PROMETHEUS_MULTIPROC_DIR": str(self._metrics_folder()),
        }
        gpu = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false"}
        bind = ("--fd", str(listener.fileno()))
        webs = settings.WEB_PROCESSES
        for number in range(1, webs + 1):
            name = "web" if webs == 1 else f"web {number}"
            supervisor.start(
                Program(name, commands.web(*bind), common, pass_fds=[listener.fileno()], stage=0, stop_by=3.0)
            )
        (settings.DATA_DIR / "beat").mkdir(exist_ok=True)
        for name, kind, command, environment in (
            ("gpu worker", "gpu", commands.gpu_worker(f"gpu@{self.node}"), gpu),
            ("default worker", "default", commands.default_worker(f"default@{self.node}"), {}),
            ("beat", "beat", commands.beat(settings.DATA_DIR / "beat" / "schedule", f"beat@{self.node}"), {}),
        ):
            supervisor.start(
                Program(
                    name,
                    command,
                    common | environment,
                    stage=1,
                    stop_by=6.5,
                    on_exit=lambda kind=kind: self._forget_workers(kind),  # type: ignore[misc]
                )
            )

    def _metrics_folder(self) -> Path:
        """Where the processes count together; begun anew with each start."""
        folder = settings.DATA_DIR / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    # --- what is said -------------------------------------------------------------------------------------------------

    def _tell_progress(self) -> None:
        watch = self._watch
        if self._told or watch is None:
            return
        waited = time.monotonic() - self.began
        if watch.is_ready:
            self.console.say(f"ready after {waited:.0f} s")
        elif waited > LONGEST_WAIT:
            self.console.say(f"not everything is ready: {_listed(watch.missing)}; the logs say why")
        else:
            self.console.progress(f"  waiting for {_listed(watch.missing)} ({waited:.0f} s)")
            return
        self._told = True
        watch.end()
        self._welcome()

    def _welcome(self) -> None:
        say = self.console.say
        say()
        say(f"  {settings.SITE_URL}/")
        say()
        if links := sign_in_links():
            say("  Sign in with one click as")
            for role, link in links.items():
                say(f"    {role:<11}{link}")
            say()
        elif not get_user_model().objects.filter(is_organizer=True, is_active=True).exists():
            say("  This site has no organizer yet. To make one, and sign in:")
            say(f"    {_environment_prefix()}.venv/bin/python manage.py create_organizer you@example.org")
            say()
        connections.close_all()
        say(f"  Logs are in {settings.DATA_DIR / 'logs'}. Ctrl-C stops everything and keeps the data.")
        say()


def sign_in_links() -> dict[str, str]:
    """One link for each role among the accounts that came with the sample conference, as far as they are still there."""
    people = SAMPLE_FOLDER / "people.yml"
    if not people.exists() or not sample_is_loaded():
        return {}
    emails: dict[str, str] = {}
    for entry in yaml.safe_load(people.read_text(encoding="utf-8")) or []:
        emails.setdefault(entry.get("role", "attendee"), entry["email"])
    users = get_user_model().objects.filter(email__in=emails.values(), is_active=True).in_bulk(field_name="email")
    return {role: sign_in_link(user=users[emails[role]]) for role in ROLES if emails.get(role) in users}


def _listed(missing: dict[str, str]) -> str:
    if len(missing) > 1:
        return ", ".join(name.replace("_", " ") for name in missing)
    return "".join(f"{name.replace('_', ' ')}: {detail}" for name, detail in missing.items())


def _environment_prefix() -> str:
    """What has to stand before another command so that it means this site; secrets are not repeated."""
    data = os.environ.get("MINICONF_DATA")
    secret = [f"{name}=... " for name in ("DATABASE_URL", "SECRET_KEY", "REDIS_URL") if os.environ.get(name)]
    return "".join([f"MINICONF_DATA={shlex.quote(data)} " if data else "", *secret])


def _ping() -> str | None:
    """None if the broker answers, else why not."""
    try:
        with broker_client() as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return str(error)
    return None


def _end_leftover_broker() -> None:
    """A broker that outlived a killed supervisor (where the kernel does not end it) is asked to go."""
    if _ping() is None:
        try:
            with broker_client(timeout=5) as client:
                client.shutdown()
        except redis.RedisError:
            pass
