"""Stored results: the same question is answered at once, by nobody's run, for as long as the model is the same."""

import shutil
import time

import pytest
from django.test import Client

from demos import queue, stored
from demos.models import Demo, Run, RunPart
from miniconf.accounts.models import ApiToken
from papers.models import Conference

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/demos/tiny-generate/runs"
OUTPUT = {"text": " of", "tokens": [[5, " of", 0.5, []]], "finish_reason": "length", "new_tokens": 1}
ASKED = {"prompt": "We study", "seed": 3}


def ask(demo, inputs, client=None, **more):
    body = {"inputs": inputs, **more}
    return (client or Client()).post(f"/api/v1/demos/{demo.slug}/runs", body, content_type="application/json").json()


def announce():
    queue.announce_worker("test", {"models": ["tiny"], "slots": 4, "busy": 0})


@pytest.fixture
def machine(demo):
    """A worker that has announced itself, after the first request, which loads much: an announcement is soon out of date."""
    Client().get("/api/v1/demos")
    announce()


@pytest.fixture
def answered(demo, machine, attendee):
    """A run of Ada's that has succeeded, with a file."""
    client = Client()
    client.force_login(attendee, backend="allauth.account.auth_backends.AuthenticationBackend")
    run = ask(demo, ASKED, client)
    Run.objects.filter(pk=run["id"]).update(state="succeeded", output=OUTPUT, finished_at="2026-01-01T00:00Z")
    run = Run.objects.get(pk=run["id"])
    RunPart.objects.create(
        run=run, name="a", content_type="text/plain", data=b"x", deflated=False, size=1, stored_size=1, digest="d"
    )
    return run


def test_the_same_question_is_answered_by_a_run_of_nobody(demo, answered, attendee):
    first, second = ask(demo, ASKED), ask(demo, {**ASKED, "temperature": 0.8})  # which is preset
    assert first["id"] == second["id"] != str(answered.pk)
    assert (first["state"], first["stored"], first["output"]) == ("succeeded", True, OUTPUT)
    copy = Run.objects.get(pk=first["id"])
    assert (copy.user, copy.visitor, copy.parent, copy.is_stored) == (None, "", None, True)
    assert copy.created_at == answered.created_at
    assert [part.name for part in copy.parts.all()] == ["a"]
    page = Client().get(f"/runs/{copy.pk}/").content.decode()
    assert "A stored result" in page
    assert attendee.name not in page
    assert queue.waiting() == 1  # only Ada's was queued


@pytest.mark.parametrize(
    "inputs",
    [{"prompt": "We study"}, {**ASKED, "seed": 4}, {**ASKED, "max_new_tokens": 13}, {**ASKED, "temperature": 0}],
)
def test_another_question_is_another_run(demo, answered, inputs):
    assert (ask(demo, inputs)["state"], ask(demo, ASKED, fresh=True)["stored"]) == ("queued", False)


def test_at_temperature_0_nothing_is_drawn_so_seeds_make_no_difference(demo, machine):
    run = ask(demo, {"prompt": "We", "temperature": 0, "seed": 1})
    Run.objects.filter(pk=run["id"]).update(state="succeeded", output=OUTPUT)
    assert ask(demo, {"prompt": "We", "temperature": 0, "top_k": 9})["stored"]


def test_it_is_answered_also_where_nothing_can_be_run(demo, answered, settings):
    settings.RUN_QUEUE_LIMIT = 0
    announce()
    assert ask(demo, {**ASKED, "seed": 9})["status"] == 429
    assert ask(demo, ASKED)["stored"]
    settings.RUN_QUEUE_LIMIT = 500
    queue.withdraw_worker("test")
    while queue.recent_workers():  # what was heard a moment ago counts for that long
        time.sleep(0.05)
    assert ask(demo, {**ASKED, "seed": 9})["status"] == 503
    assert ask(demo, ASKED)["stored"]
    Conference.objects.update(anonymous_runs=False)  # who may ask at all is another matter
    assert ask(demo, ASKED)["status"] == 401


def test_other_weights_or_another_setup_make_it_old(demo, answered, settings, tmp_path):
    shutil.copytree(settings.MODELS_DIR / "tiny", tmp_path / "tiny")
    key = stored.key_of(demo, answered.inputs)
    settings.MODELS_DIR = tmp_path
    assert stored.key_of(demo, answered.inputs) == key  # the same files elsewhere
    weights = tmp_path / "tiny" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert stored.key_of(demo, answered.inputs) != key
    Demo.objects.filter(pk=demo.pk).update(model="nowhere")
    demo.refresh_from_db()
    assert stored.key_of(demo, answered.inputs) == ""


def test_ones_own_runs_are_listed_for_tokens_only(demo, answered, attendee):
    ask(demo, ASKED)
    _, token = ApiToken.issue(attendee, "test")
    mine = Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {token}"}).json()
    assert ([run["id"] for run in mine["items"]], mine["count"]) == ([str(answered.pk)], 1)
    assert Client().get("/api/v1/runs").status_code == 401


def test_the_api_tells_of_models_and_examples(demo, machine):
    assert Client().get("/api/v1/models").json() == {
        "items": [
            {"name": "tiny", "demos": ["tiny-generate"], "state": "ready", "detail": "Ready.", "workers": 1},
        ],
        "count": 1,
    }
    run = Run.objects.create(
        demo=demo,
        inputs={},
        state="succeeded",
        output=OUTPUT,
        example_key=stored.example_key(demo, {"prompt": "We study"}),
    )
    (example,) = Client().get("/api/v1/demos/tiny-generate/examples").json()["items"]
    assert example == {"title": "Start", "inputs": {"prompt": "We study"}, "run": str(run.pk)}
    shown = Client().get("/api/v1/demos/tiny-generate").json()
    assert (shown["models"], shown["options"]) == (["tiny"], {})
    assert shown["inputs_schema"]["properties"]["top_p"]["maximum"] == 1
