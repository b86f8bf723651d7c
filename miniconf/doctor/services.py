"""Database, broker, and the processes that announce themselves there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from miniconf.health import readiness
from miniconf.processes.presence import broker_client

from .findings import Finding, advice, fault, ok

MOST_SKEW = 5.0  # seconds between two machines' clocks
OLDEST_POSTGRESQL = 140_000
REMEDIES = {
    "default_worker": "start one: `manage.py up`, the service `worker` in Compose",
    "scheduler": "start it: `manage.py up`, the service `beat` in Compose; exactly one",
    "gpu_worker": "start one: `manage.py up`, the service `gpu` in Compose; pages and chat work without",
    "models": "the GPU worker's log says which model and why; folders are looked for in MODELS_DIR",
}


def database() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield fault("database", str(error).strip().splitlines()[0], "DATABASE_URL says where it is; is it running?")
        return
    if missing:
        yield fault("database", f"{len(missing)} migrations are missing", "manage.py prepare")
    yield from _postgresql() if connection.vendor == "postgresql" else _sqlite()


def _sqlite() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
        cursor.execute("PRAGMA quick_check(1)")
        sound = cursor.fetchone()[0]
    if sound != "ok":
        yield fault("database", f"SQLite finds damage: {sound}", "manage.py restore the last backup into a new folder")
    elif mode != "wal":
        yield fault("database", f"journal mode {mode}", "put the data folder on a local disk: WAL needs shared memory")
    else:
        yield ok("database", "SQLite, sound, in WAL mode")


def _postgresql() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('max_connections')::int, now()"
        )
        number, most, there = cursor.fetchone()
    wanted = settings.WEB_PROCESSES * settings.WEB_THREADS + 64 + 4 + 8  # web, one GPU worker, default worker, others
    if number < OLDEST_POSTGRESQL:
        yield fault("database", f"PostgreSQL {number // 10000} is too old", "PostgreSQL 14 or newer")
    elif most < wanted:
        yield advice(
            "database", f"max_connections is {most}, these processes may want {wanted}", "raise it, see Compose"
        )
    else:
        yield ok("database", f"PostgreSQL {number // 10000}, {most} connections")
    yield from _skew("database", there.timestamp())


def _skew(subject: str, there: float) -> Iterator[Finding]:
    skew = there - time.time()
    if abs(skew) > MOST_SKEW:
        yield fault(subject, f"its clock is {skew:+.0f} s off this machine's", "have both machines ask a time server")


def broker() -> Iterator[Finding]:
    try:
        with broker_client() as client:
            info = cast(dict[str, Any], client.info())
            policy = cast(dict[str, str], client.config_get("maxmemory-policy")).get("maxmemory-policy", "")
            seconds, microseconds = cast(tuple[int, int], client.time())
    except redis.ResponseError as error:  # a managed server that hides its settings
        yield advice("broker", f"does not tell its settings: {error}", "see that maxmemory-policy is noeviction")
        return
    except (redis.RedisError, OSError) as error:
        yield fault("broker", str(error), "REDIS_URL says where it is; is it running? `manage.py up` starts one")
        return
    name = f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
    if policy != "noeviction":
        yield fault("broker", f"{name} forgets keys when its memory is full", "maxmemory-policy noeviction")
    elif not info.get("aof_enabled"):
        yield advice("broker", f"{name} keeps nothing on disk", "appendonly yes: waiting runs survive a restart")
    else:
        yield ok("broker", f"{name}, {info['used_memory'] / 2**20:.0f} MiB in use")
    yield from _skew("broker", seconds + microseconds / 1e6)


def processes() -> Iterator[Finding]:
    yield from _ready("default_worker", "scheduler", "gpu_worker")


def models() -> Iterator[Finding]:
    yield from _ready("models")


def _ready(*names: str) -> Iterator[Finding]:
    found = readiness()
    for name in names:
        check = found[name]
        subject = name.replace("_", " ")
        yield ok(subject, check.detail) if check.ok else fault(subject, check.detail, REMEDIES[name])
