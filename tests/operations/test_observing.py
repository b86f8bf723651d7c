"""Metrics, request ids and log lines: what operators see of a running site."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request

import pytest
from django.test import Client, override_settings
from django.urls import path

from demos.models import Demo, Run
from miniconf.observing.context import request_id, working_for_request, working_for_run
from miniconf.observing.logs import AddContext, JsonLines
from miniconf.observing.metrics import kind_of
from miniconf.observing.views import server_error
from tests.running import Site

TOKEN = {"Authorization": "Bearer secret-of-prometheus"}


def value(text: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


@pytest.mark.django_db
def test_metrics_are_there_for_whoever_knows_the_token_and_nobody_else() -> None:
    demo = Demo.objects.create(slug="d", kind="generate", title="D", model="m")
    for state in ("succeeded", "succeeded", "failed"):
        Run.objects.create(demo=demo, inputs={}, state=state)
    client = Client(raise_request_exception=False)
    with override_settings(METRICS_TOKEN=""):
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    with override_settings(METRICS_TOKEN="secret-of-prometheus"):
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer other"}).status_code == 404
        answer = client.get("/metrics", headers=TOKEN)
    text = answer.content.decode()
    assert value(text, 'miniconf_runs{state="succeeded"}') == 2
    assert value(text, 'miniconf_runs{state="failed"}') == 1
    assert value(text, 'miniconf_up{part="broker"}') == 1
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.stack
def test_a_sites_processes_count_together_and_name_their_requests(stack: Site) -> None:
    def ask(address: str, **headers: str) -> tuple[str, str]:
        with urllib.request.urlopen(urllib.request.Request(stack.url + address, headers=headers), timeout=30) as answer:
            return answer.read().decode(), answer.headers["X-Request-ID"]

    before, _ = ask("/metrics", **TOKEN)
    names = {ask("/papers/")[1] for _ in range(3)}
    assert len(names) == 3
    assert ask("/papers/", **{"X-Request-ID": "from-the-proxy-1"})[1] == "from-the-proxy-1"
    assert ask("/papers/", **{"X-Request-ID": "no id\t!"})[1] not in ("no id\t!", "")
    after, _ = ask("/metrics", **TOKEN)
    counted = 'miniconf_http_requests_total{kind="page",status="2xx"}'
    assert value(after, counted) >= value(before, counted) + 5
    assert value(after, "miniconf_demo_worker_slots{") > 0


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/static/site/base.css", "static"),
        ("/api/v1/papers", "api"),
        ("/papers/x/", "page"),
        ("/metrics", "operations"),
    ],
)
def test_addresses_fall_into_few_parts(address: str, kind: str) -> None:
    assert kind_of(address) == kind


def record(text: str, error: BaseException | None = None) -> logging.LogRecord:
    made = logging.LogRecord(
        "demos", logging.ERROR, __file__, 1, text, (), (type(error), error, None) if error else None
    )
    AddContext().filter(made)
    return made


def test_log_lines_name_the_request_and_the_run_they_belong_to() -> None:
    with working_for_request("abcdefgh"), working_for_run("0b6e"):
        inside = record("it failed", ValueError("no"))
    outside = record("fine")
    line = json.loads(JsonLines().format(inside))
    assert {name: line[name] for name in ("level", "logger", "message", "request", "run", "error")} == {
        "level": "ERROR", "logger": "demos", "message": "it failed", "request": "abcdefgh", "run": "0b6e",
        "error": "ValueError: no",
    }  # fmt: skip
    assert inside.context == " [request abcdefgh, run 0b6e]"
    assert outside.context == ""
    assert set(json.loads(JsonLines().format(outside))) == {"time", "level", "logger", "message", "process"}
    assert request_id() == ""


def broken(request: object) -> None:
    raise RuntimeError("unforeseen")


urlpatterns = [path("broken/", broken)]
handler500 = server_error


@override_settings(ROOT_URLCONF=__name__)
def test_the_page_of_an_unforeseen_error_names_the_request() -> None:
    with working_for_request("id-of-the-request"):
        answer = Client(raise_request_exception=False).get("/broken/")
    assert answer.status_code == 500
    assert "<code>id-of-the-request</code>" in answer.content.decode()
