"""Runs through a real Celery worker on a real broker, over the HTTP API."""

import asyncio
import json

import httpx
import pytest
from django.contrib.auth.models import AnonymousUser

from demos import queue, recovery, runlog, services, tasks
from demos.models import Run
from demos.packing import unpack
from tests.demos.endless import Slow, never_ending

NOBODY = AnonymousUser()
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api():
    from miniconf.asgi import application

    transport = httpx.ASGITransport(app=application)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost/api/v1", timeout=60)


async def start(api, **inputs):
    answer = await api.post("/demos/tiny-generate/runs", json={"inputs": inputs, "fresh": True})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def finished(api, run):
    async with asyncio.timeout(60):
        while True:
            body = (await api.get(f"/runs/{run['id']}")).json()
            if body["state"] not in ("queued", "running"):
                return body
            await asyncio.sleep(0.05)


def parse(stream):
    """Events of a server-sent event stream, tokens one by one: (id, event, data)."""
    events = []
    for block in stream.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if not fields:
            continue
        number, data = int(fields["id"]) if "id" in fields else None, json.loads(fields["data"])
        if fields["event"] == "tokens":
            first = number + 1 - len(data["items"])
            for event in unpack([{"type": "tokens", "first": first, **data}]):
                events.append((event.pop("n"), event.pop("type"), event))
        else:
            events.append((number, fields["event"], data))
    return events


async def test_a_run_goes_from_queued_to_its_text(worker, api):
    run = await start(api, prompt="We study", seed=4, max_new_tokens=10)
    assert run["links"]["self"] == f"/api/v1/runs/{run['id']}"
    body = await finished(api, run)
    assert body["state"] == "succeeded"
    output = body["output"]
    assert output["text"] == "".join(token[1] for token in output["tokens"])
    assert output["new_tokens"] == len(output["tokens"]) <= 10
    assert output["model"] == "tiny"
    assert body["created_at"] <= body["started_at"] <= body["first_token_at"] <= body["finished_at"]


async def test_the_same_seed_gives_the_same_text(worker, api):
    runs = [await start(api, prompt="We study", seed=4) for _ in range(3)]
    texts = {(await finished(api, run))["output"]["text"] for run in runs}
    assert len(texts) == 1


async def test_events_tell_every_token_once_live_and_replayed(worker, api):
    run = await start(api, prompt="We study", seed=9, max_new_tokens=20, alternatives=2)
    live = parse((await api.get(f"/runs/{run['id']}/events")).text)
    body = await finished(api, run)
    logged = [event for event in live if event[0] is not None]
    assert [event[0] for event in logged] == list(range(1, len(logged) + 1))
    assert [event[1] for event in logged] == ["state", "state", *["token"] * body["output"]["new_tokens"], "done"]
    tokens = [data for _, name, data in logged if name == "token"]
    assert "".join(t["text"] for t in tokens) == body["output"]["text"]
    assert [len(t["top"]) for t in tokens] == [2] * len(tokens)
    assert parse((await api.get(f"/runs/{run['id']}/events")).text) == logged


async def test_one_request_starts_a_run_and_tells_its_events(worker, api):
    inputs = {"prompt": "We study", "seed": 11, "max_new_tokens": 12}
    answer = await api.post(
        "/demos/tiny-generate/runs", json={"inputs": inputs}, headers={"Accept": "text/event-stream"}
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    run = (await api.get(answer.headers["Location"].removeprefix("/api/v1"))).json()
    assert run["state"] == "succeeded"
    events = [event for event in parse(answer.text) if event[0] is not None]
    assert events == parse((await api.get(f"/runs/{run['id']}/events")).text)
    refused = await api.post(
        "/demos/tiny-generate/runs", json={"inputs": {"seed": "x"}}, headers={"Accept": "text/event-stream"}
    )
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"


async def test_last_event_id_resumes_after_that_event(worker, api):
    run = await start(api, prompt="We study", seed=9)
    await finished(api, run)
    everything = parse((await api.get(f"/runs/{run['id']}/events")).text)
    rest = await api.get(f"/runs/{run['id']}/events", headers={"Last-Event-ID": "4"})
    assert parse(rest.text) == everything[4:]


async def test_a_running_run_is_cancelled_and_keeps_what_it_had(worker, api, demo):
    demo.limits = {}
    await asyncio.to_thread(demo.save)
    never_ending(worker.engine, "tiny")
    slow = worker.engine.run(Slow("tiny"))  # 400 tokens take 20 seconds at least
    runs = [await start(api, prompt="We study", seed=seed, temperature=2, max_new_tokens=400) for seed in range(4)]
    for run in runs:
        assert (await api.post(f"/runs/{run['id']}/cancel")).status_code == 200
    bodies = [await finished(api, run) for run in runs]
    slow.cancel()
    assert {body["state"] for body in bodies} == {"cancelled"}
    for body in bodies:
        events = parse((await api.get(f"/runs/{body['id']}/events")).text)
        tokens = [[data["id"], data["text"], data["p"], data["top"]] for _, name, data in events if name == "token"]
        output = body["output"] and {
            name: value for name, value in body["output"].items() if name != "tokens" or not tokens
        }
        assert events[-1][1:] == ("done", {"state": body["state"], "output": output, "error": ""})
        assert not output or tokens == body["output"]["tokens"]


async def test_a_duplicate_message_runs_nothing_twice(worker, api):
    run = await start(api, prompt="We study", seed=4)
    before = await finished(api, run)
    for _ in range(3):
        await asyncio.to_thread(tasks.execute_run.delay, run["id"])
    await asyncio.to_thread(tasks.execute_run, run["id"])
    row = await Run.objects.aget(pk=run["id"])
    assert row.attempts == 1
    assert (await finished(api, run)) == before


def test_a_run_whose_worker_died_is_run_again_without_repeating_tokens(worker, demo):
    inputs = {"prompt": "We study", "seed": 5}
    first = services.create_run(demo=demo, inputs=inputs, user=NOBODY, visitor="v")
    wait_for(first)
    expected = Run.objects.get(pk=first.pk).output

    lost = Run.objects.create(
        demo=demo, inputs=first.inputs, state="running", worker="dead", attempts=1, started_at=first.created_at
    )
    token = expected["tokens"][0]
    runlog.append(
        str(lost.id),
        [
            runlog.queued_event(),
            runlog.running_event(),
            {"n": 3, "type": "token", "i": 0, "id": token[0], "text": token[1], "p": token[2], "top": []},
        ],
    )
    tasks.recover_lost_runs()
    wait_for(lost)
    lost.refresh_from_db()
    assert (lost.state, lost.attempts, lost.output) == ("succeeded", 2, expected)
    numbers = [event["n"] for event in runlog.kept(str(lost.id))]
    assert numbers == list(range(1, len(expected["tokens"]) + 4))


def test_a_run_that_lost_two_workers_is_failed(announced, demo):
    run = Run.objects.create(demo=demo, inputs={}, state="running", worker="dead", attempts=2)
    tasks.recover_lost_runs()
    run.refresh_from_db()
    assert run.state == "failed"
    assert "the worker stopped 2 times" in run.error


def test_nobody_waits_for_ever(demo, announced):
    run = Run.objects.create(demo=demo, inputs={"prompt": "x"})
    Run.objects.filter(pk=run.pk).update(created_at=run.created_at - recovery.EXPIRES_AFTER)
    queue.client().zadd(queue.WAITING, {str(run.id): 1})
    tasks.recover_lost_runs()
    run.refresh_from_db()
    assert run.state == "expired"
    assert queue.position(str(run.id)) is None


async def test_unknown_ids_are_named(worker, api):
    for path in ("/runs/00000000-0000-0000-0000-000000000000", "/runs/nonsense", "/runs/nonsense/events"):
        answer = await api.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert path.split("/")[2] in answer.json()["detail"]
    answer = await api.post("/demos/nowhere/runs", json={"inputs": {}})
    assert answer.status_code == 404


async def test_demos_are_listed_with_what_they_take(worker, api):
    body = (await api.get("/demos", params={"paper": "Tiny.1"})).json()
    assert body["count"] == 1
    demo = body["items"][0]
    assert {key: demo[key] for key in ("slug", "kind", "paper", "model")} == {
        "slug": "tiny-generate",
        "kind": "generate",
        "paper": "Tiny.1",
        "model": "tiny",
    }
    assert demo["limits"]["max_new_tokens"] == {"minimum": 1, "maximum": 50}
    assert demo["examples"] == [{"title": "Start", "inputs": {"prompt": "We study"}, "run": None}]


def wait_for(run):
    for _ in range(600):
        run.refresh_from_db()
        if run.state in Run.FINISHED:
            return
        import time

        time.sleep(0.05)
    raise AssertionError(f"run {run.id} is still {run.state}")
