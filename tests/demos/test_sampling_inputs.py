"""Repetition penalty and stop strings of the generate kind, from the form to the text; runs older than an input."""

import json
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from demos import kinds, queue, running, services, stored
from demos.lines import as_lines, from_lines
from demos.models import Demo, Run
from miniconf.problems import Problem
from tests.demos.test_runs import wait_for

NOBODY = AnonymousUser()
HERE = {"Sec-Fetch-Site": "same-origin"}
pytestmark = pytest.mark.django_db


def run(demo, **inputs):
    made = services.create_run(demo=demo, inputs=inputs, user=NOBODY, visitor="v", fresh=True)
    wait_for(made)
    assert made.state == "succeeded", made.error
    return made


@pytest.mark.django_db(transaction=True)
def test_a_text_ends_before_the_first_stop_string(worker, demo):
    whole = run(demo, prompt="We study", seed=4, max_new_tokens=40).output["text"]
    stops = re.findall(r"[A-Za-z ]{3}", whole)[3:1:-1]
    assert len(stops) == 2
    ended = run(demo, prompt="We study", seed=4, max_new_tokens=40, stop=stops).output
    assert ended["text"] == whole[: min(whole.index(stop) for stop in stops)]
    assert ended["finish_reason"] == "stop"


@pytest.mark.django_db(transaction=True)
def test_what_has_occurred_becomes_less_likely(worker, demo):
    def words(penalty):
        output = run(demo, prompt="We study", temperature=0, max_new_tokens=40, repetition_penalty=penalty).output
        return [token[0] for token in output["tokens"]]

    plain, varied = words(1), words(2)
    assert len(set(varied)) > len(set(plain))


@pytest.mark.django_db(transaction=True)
def test_a_run_of_an_older_version_gets_the_inputs_that_came_later(worker, demo):
    now = run(demo, prompt="We study", seed=4)
    inputs = {name: value for name, value in now.inputs.items() if name not in ("stop", "repetition_penalty", "steer")}
    older = Run.objects.create(demo=demo, inputs=inputs, visitor="v")
    queue.enqueue(str(older.pk), services.entry_of(older))
    wait_for(older)
    assert (older.state, older.output["text"]) == ("succeeded", now.output["text"])


@pytest.mark.parametrize("name", kinds.KINDS)
def test_the_worker_completes_runs_of_every_kind(demo, name):
    kind = kinds.get(name)
    older = Demo.objects.create(slug="older", kind=name, model="tiny", title="Older")
    queued = Run.objects.create(demo=older, inputs={kind.headline: "We study"})
    claimed = running.claim(SimpleNamespace(name="w"), str(queued.pk))
    assert claimed.inputs.keys() == kind.Inputs.model_fields.keys()
    assert claimed.inputs[kind.headline] == "We study"
    kind.Inputs.model_validate(claimed.inputs)


def test_results_stored_before_these_inputs_came_still_answer(demo):
    inputs = kinds.get("generate").validate(demo, {"prompt": "We study", "seed": 4})
    depends = kinds.get("generate").output_depends_on(inputs)
    assert depends.keys() & {"stop", "repetition_penalty"} == set()
    keys = {
        stored.key_of(demo, {**inputs, **more})
        for more in ({}, {"stop": ["a"]}, {"stop": ["b"]}, {"repetition_penalty": 1.5})
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("inputs", "field", "message"),
    [
        ({"repetition_penalty": 0.9}, "repetition_penalty", "must be greater than or equal to 1"),
        ({"repetition_penalty": 3}, "repetition_penalty", "must be less than or equal to 2"),
        ({"repetition_penalty": float("nan")}, "repetition_penalty", "must be a finite number"),
        ({"stop": "abc"}, "stop", "must be a valid list"),
        ({"stop": ["x"] * 9}, "stop", "at most 8 items"),
        ({"stop": ["x", ""]}, "stop", "has one of 0 characters; 1 to 80 were expected"),
        ({"stop": ["x" * 81]}, "stop", "has one of 81 characters; 1 to 80 were expected"),
        ({"stop": ["a\0"]}, "stop", "contains the control character U+0000; expected text"),
        ({"stop": [5]}, "stop.0", "must be a valid string"),
    ],
)
def test_what_is_out_of_range_is_named(demo, inputs, field, message):
    with pytest.raises(Problem) as refused:
        kinds.get("generate").validate(demo, {"prompt": "x", **inputs})
    (error,) = refused.value.extra["errors"]
    assert error["field"] == field
    assert message in error["message"]


def test_a_demo_may_narrow_the_penalty(demo):
    demo.limits = {"repetition_penalty": 1.2}
    with pytest.raises(Problem) as refused:
        kinds.get("generate").validate(demo, {"repetition_penalty": 1.5})
    assert refused.value.extra["errors"] == [
        {"field": "repetition_penalty", "message": "must be at most 1.2 in this demo"}
    ]


def test_the_form_has_stop_strings_one_a_line(demo, announced):
    demo.defaults |= {"stop": ["\n\n", " end", "a\\b"], "repetition_penalty": 1.25}
    demo.save()
    page = Client().get("/demos/tiny-generate/").content.decode()
    assert "\n\\n\\n\n end\na\\\\b</textarea>" in page
    assert 'name="repetition_penalty" value="1.25" min="1" max="2"' in page
    answer = Client().post(
        "/demos/tiny-generate/run/",
        {"prompt": "x", "repetition_penalty": "1.5", "stop": "\\n\\n\r\n\r\n end\r\na\\\\b"},
        headers=HERE,
    )
    assert answer.status_code == 302
    made = Run.objects.get()
    assert (made.inputs["stop"], made.inputs["repetition_penalty"]) == (["\n\n", " end", "a\\b"], 1.5)
    assert "&quot;\\n\\n&quot;, &quot; end&quot;, a\\b" in Client().get(made.get_absolute_url()).content.decode()
    emptied = Client().post("/demos/tiny-generate/run/", {"prompt": "x", "stop": ""}, headers=HERE)
    assert Run.objects.get(pk=emptied["Location"].split("/")[2]).inputs["stop"] == []


def test_wrong_stop_strings_stand_in_the_form_as_they_were_typed(demo, announced):
    answer = Client().post("/demos/tiny-generate/run/", {"prompt": "x", "stop": "\\n" + "y" * 90}, headers=HERE)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "has one of 91 characters" in page
    assert "\\n" + "y" * 90 + "</textarea>" in page
    assert Run.objects.count() == 0


def test_the_api_describes_them(demo, client):
    body = client.get("/api/v1/demos/tiny-generate").json()
    described = body["inputs_schema"]["properties"]
    assert described["stop"]["type"] == "array"
    assert (described["repetition_penalty"]["minimum"], described["repetition_penalty"]["maximum"]) == (1, 2)
    assert (body["inputs"]["stop"], body["inputs"]["repetition_penalty"]) == ([], 1)
    assert body["limits"]["repetition_penalty"] == {"minimum": 1, "maximum": 2}


@pytest.mark.parametrize("texts", [[], ["a"], ["\n"], ["\\n", "\n"], [" x ", "\t", "\r\n"], ["\\\\", "\\t\\"]])
def test_lines_give_the_texts_back(texts):
    assert from_lines(as_lines(texts)) == texts
    assert from_lines(as_lines(texts).replace("\n", "\r\n")) == texts
    assert json.loads(json.dumps(as_lines(texts))) == as_lines(texts)
