"""/readyz put together from what the database and the broker say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from demos.models import Demo
from demos.queue import WORKER_PREFIX
from miniconf.health import readiness
from miniconf.processes.presence import PREFIX, broker_client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nobody_announced() -> Iterator[None]:
    def forget() -> None:
        with broker_client() as client:
            for prefix in (PREFIX, WORKER_PREFIX):
                for key in client.scan_iter(prefix + "*"):
                    client.delete(key)

    forget()
    yield
    forget()


def announce(**engine: Any) -> None:
    """A site's three processes, and a GPU worker's engine in the given condition."""
    processes = [("gpu@here", "worker", ["gpu"]), ("default@here", "worker", ["default"]), ("beat@here", "beat", [])]
    with broker_client() as client:
        for name, kind, queues in processes:
            client.set(PREFIX + name, json.dumps({"name": name, "kind": kind, "queues": queues}), ex=10)
        figures = {"name": "gpu@here-1", "models": [], "failures": {}, "loaded": False, **engine}
        client.set(WORKER_PREFIX + "gpu@here-1", json.dumps(figures), ex=10)


def demo(model: str, **fields: Any) -> None:
    Demo.objects.create(slug=f"demo-{model}", kind="generate", title="A demo", model=model, **fields)


def test_without_workers_nothing_that_needs_one_is_ready() -> None:
    assert {name: (check.ok, check.detail) for name, check in readiness().items()} == {
        "database": (True, "answers"),
        "broker": (True, "answers"),
        "default_worker": (False, 'no workers on the queue "default"'),
        "scheduler": (False, "does not run"),
        "gpu_worker": (False, 'no workers on the queue "gpu"'),
        "models": (False, "no worker has started its engine"),
    }


def test_everything_is_ready_when_each_enabled_demos_model_is_loaded() -> None:
    demo("sha-rnn")
    demo("forgotten", enabled=False)
    announce(models=["sha-rnn"], loaded=True)
    checks = readiness()
    assert [name for name, check in checks.items() if not check.ok] == []
    assert checks["models"].detail == "loaded: sha-rnn"
    assert Client().get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("engine", "detail"),
    [
        ({}, "loading sha-rnn"),
        (
            {"failures": {"sha-rnn": "no such folder: /secret/place"}, "loaded": True},
            "cannot be loaded: sha-rnn; the GPU worker's log says why",
        ),
    ],
)
def test_a_missing_model_is_named_and_nothing_of_the_machine_is(engine: dict[str, Any], detail: str) -> None:
    demo("sha-rnn")
    announce(**engine)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["models"] == {"ok": False, "detail": detail}
    assert response["Cache-Control"] == "no-store"


def test_a_dead_broker_is_told_from_everything_else(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == {"ok": True, "detail": "answers"}
    assert response.json()["broker"] == {"ok": False, "detail": "cannot be reached"}
    assert response.json()["gpu_worker"] == {"ok": False, "detail": "unknown without the broker"}
    assert Client().get("/healthz").json() == {"ok": True}


def test_a_broken_database_is_told_from_everything_else() -> None:
    from django.db import connection

    announce(models=[], loaded=True)
    with connection.cursor() as cursor:
        cursor.execute("alter table demos_demo rename to demos_demo_away")
    try:
        response = Client().get("/readyz")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter table demos_demo_away rename to demos_demo")
    assert response.status_code == 503
    assert response.json()["database"] == {
        "ok": False,
        "detail": "cannot be reached, or has no tables yet (manage.py prepare)",
    }
    assert response.json()["broker"] == {"ok": True, "detail": "answers"}


def test_both_are_open_on_a_members_only_site() -> None:
    from papers.models import Conference

    conference = Conference.current()
    conference.members_only = True
    conference.save()
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/readyz").status_code == 503
    assert Client().get("/papers/").status_code == 302


def test_tls_is_not_asked_of_health_checks(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/healthz").status_code == 200
    assert Client().get("/papers/").status_code == 301
