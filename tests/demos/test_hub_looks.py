"""Models of the hub are judged before any worker has tried them: a sentence within a second, and nothing in the queue."""

import json
import re
import time

import huggingface_hub.constants
import pytest

from demos import hub_looks, kinds, queue
from demos.models import Demo, Run
from demos.token_count import count_tokens
from miniconf.accounts.models import User
from miniconf.problems import Problem
from tests.demos.test_model_files import Hub, hub  # noqa: F401  fixture

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/demos/tiny-generate/runs"
REFUSALS = [
    ("org/gated", "it is gated, and its owners have not let this site in"),
    ("org/nowhere", "there is no model of that name, or it is private"),
    ("org/ill", "it answered with status 500"),
    ("org/pickled", "the hub has no .safetensors weights; pytorch_model.bin is pickled and could run code"),
]


@pytest.fixture
def site(hub, settings, demo):  # noqa: F811
    """The demo's site, which may use the hub; its worker has tried nothing yet."""
    settings.ENGINE_HUB = True
    hub_looks.forget()
    queue.announce_worker("w", {"models": [], "slots": 4, "busy": 0, "loadable": ["org/gated", "org/pickled"]})
    yield demo
    hub_looks.forget()


@pytest.fixture
def good(monkeypatch, tiny_model, site):
    """The hub has org/good, with the tokenizer of a small model."""
    tokenizer = (tiny_model / "tokenizer.json").read_bytes()
    answer = Hub.do_GET

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path.startswith("/org/good/") and path.endswith("/tokenizer.json"):
            headers = {"X-Repo-Commit": "0" * 40, "ETag": '"t"', "Content-Length": str(len(tokenizer))}
            return self.answer(200, tokenizer, headers)
        if path.startswith("/api/models/org/good"):
            sizes = {"config.json": 100, "model.safetensors": 1000, "tokenizer.json": len(tokenizer)}
            told = [{"rfilename": name, "size": size} for name, size in sizes.items()]
            return self.answer(200, json.dumps({"id": "org/good", "sha": "0" * 40, "siblings": told}).encode())
        return answer(self)

    monkeypatch.setattr(Hub, "do_GET", do_GET)
    template = f"{huggingface_hub.constants.ENDPOINT}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


def post(client, inputs):
    """The answer, after a look that nothing is left behind."""
    began = time.monotonic()
    answer = client.post(RUNS, {"inputs": inputs}, content_type="application/json")
    took = time.monotonic() - began
    assert (Run.objects.count(), queue.waiting()) == (0, 0)
    return answer, took


@pytest.mark.parametrize("kind", ["generate", "masks", "attention"])
@pytest.mark.parametrize(("model", "sentence"), REFUSALS)
def test_a_model_that_cannot_be_had_is_refused_before_anybody_tried(client, site, kind, model, sentence):
    Demo.objects.update(model=model, kind=kind, defaults={}, limits={})
    answer, _ = post(client, {} if kind == "generate" else {"text": "We [study] models"})
    assert answer.status_code == 503
    assert f"model '{model}'" in answer.json()["detail"]
    assert sentence in answer.json()["detail"]
    assert answer.headers["Retry-After"]


def test_every_model_that_a_run_needs_is_looked_at(client, site):
    queue.announce_worker("w", {"models": ["tiny"], "slots": 4, "busy": 0})
    Demo.objects.update(kind="compare", options={"models": ["org/gated"]}, defaults={}, limits={})
    answer, _ = post(client, {"prompt": "We study", "models": ["tiny", "org/gated"]})
    assert "it is gated" in answer.json()["detail"]


def test_a_hub_that_is_slow_holds_nobody_up(client, site, monkeypatch):
    answer = Hub.do_GET

    def slow(self):
        time.sleep(3)
        answer(self)

    monkeypatch.setattr(Hub, "do_GET", slow)
    Demo.objects.update(model="org/gated")
    refused, took = post(client, {})
    assert took < 3  # the hub has not answered by then
    assert "has not answered yet whether it has the model 'org/gated'" in refused.json()["detail"]
    hub_looks._looks["org/gated"].known.wait(30)
    assert "it is gated" in post(client, {})[0].json()["detail"]


def test_a_hub_that_is_not_there_is_told(client, site, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    Demo.objects.update(model="org/model")
    answer, _ = post(client, {})
    assert "the hub cannot be reached" in answer.json()["detail"]


def test_it_is_asked_once_for_all_who_want_the_model(client, site, monkeypatch):
    asked = []
    answer = Hub.do_GET
    monkeypatch.setattr(Hub, "do_GET", lambda self: (asked.append(self.path), answer(self)))
    Demo.objects.update(model="org/gated")
    for _ in range(4):
        post(client, {})
    assert len(asked) == 1


def test_prompts_are_counted_by_the_hubs_tokenizer_before_a_worker_has_the_model(client, site, good, tiny_model):
    Demo.objects.update(model="org/good", limits={"prompt_tokens": 5})
    queue.announce_worker("w", {"models": [], "slots": 4, "busy": 0, "loadable": ["org/good"]})
    assert count_tokens("org/good", "We study number 7") == count_tokens("tiny", "We study number 7")
    answer, _ = post(client, {"prompt": "number " * 20})
    assert answer.status_code == 422
    assert "this model reads at most 5" in answer.json()["detail"]
    accepted = client.post(RUNS, {"inputs": {"prompt": "We"}}, content_type="application/json")
    assert accepted.status_code == 202


def test_where_the_hub_is_not_allowed_it_is_not_asked(client, site, settings, monkeypatch):
    settings.ENGINE_HUB = False
    monkeypatch.setattr(Hub, "do_GET", lambda self: pytest.fail("the hub was asked"))
    Demo.objects.update(model="org/gated")
    answer, _ = post(client, {})
    assert "This site has no model 'org/gated'" in answer.json()["detail"]


def test_an_organizer_is_told_while_setting_up(client, site):
    client.force_login(User.objects.create_user("olive@example.org", is_organizer=True))
    form = {"title": "T", "examples-TOTAL_FORMS": "0", "examples-INITIAL_FORMS": "0"}
    for kind in ("generate", "masks"):
        filled = {**form, "model": "org/pickled", "preset_text": "We [study] models"}
        answer = client.post(f"/papers/Tiny.1/demos/new/{kind}/", filled)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "pytorch_model.bin is pickled and could run code" in page, re.findall("errorlist.*", page)
    assert Demo.objects.count() == 1


def test_a_demo_of_a_model_of_the_hub_is_set_up(client, site, good):
    client.force_login(User.objects.create_user("olive@example.org", is_organizer=True))
    form = {"title": "From the hub", "examples-TOTAL_FORMS": "0", "examples-INITIAL_FORMS": "0", "model": "org/good"}
    assert client.post("/papers/Tiny.1/demos/new/generate/", form).status_code == 302
    assert Demo.objects.get(slug="from-the-hub").model == "org/good"


@pytest.mark.parametrize("name", kinds.KINDS)
def test_no_kind_takes_runs_of_a_gated_model(site, name):
    from django.contrib.auth.models import AnonymousUser

    from demos import services

    kind = kinds.get(name)
    options = {"models": ["tiny"]} if name == "compare" else {}
    demo = Demo.objects.create(slug="gated", paper=site.paper, kind=name, model="org/gated", title="G", options=options)
    inputs = {"question": "Why?", "labels": "a, b"}
    inputs = {key: value for key, value in inputs.items() if key in kind.Inputs.model_fields}
    inputs[kind.headline] = "We [study] models and the [models] of language here. " * 3
    with pytest.raises(Problem) as refused:
        services.create_run(demo=demo, inputs=inputs, user=AnonymousUser(), visitor="v")
    assert (refused.value.status, "it is gated" in refused.value.detail) == (503, True), refused.value.detail
    assert (Run.objects.count(), queue.waiting()) == (0, 0)
