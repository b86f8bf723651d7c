"""What cannot be run is refused over HTTP with a sentence that names it, and nothing is queued or recorded."""

import json
import shutil

import pytest

from demos import kinds, queue
from demos.models import Demo, Run
from demos.token_count import count_tokens
from tests.demos.test_model_files import BROKEN

RUNS = "/api/v1/demos/tiny-generate/runs"


def refused(client, body, **extra):
    """The answer's status and sentence, after a look that nothing is left behind."""
    answer = client.post(
        RUNS, body, content_type="application/json", headers={"Sec-Fetch-Site": "same-origin"}, **extra
    )
    assert Run.objects.count() == 0
    assert queue.waiting() == 0
    return answer.status_code, answer.json()["detail"]


TOO_LARGE = json.dumps({"inputs": {"prompt": "x" * 10_000_000}})
BODIES = [
    ('{"inputs": {"prompt": "a\\u0000b"}}', 422, "prompt: contains the control character U+0000; expected text"),
    ('{"inputs": {"prompt": "a\\u001bb"}}', 422, "prompt: contains the control character U+001B; expected text"),
    ('{"inputs": {"prompt": "x", "temperature": NaN}}', 422, "temperature: must be a finite number"),
    ('{"inputs": {"prompt": "x", "temperature": Infinity}}', 422, "temperature: must be a finite number"),
    ('{"inputs": {"prompt": "x", "temperature": 1e400}}', 422, "temperature: must be a finite number"),
    ('{"inputs": {"prompt": "x", "temperature": "hot"}}', 422, "temperature: must be a valid number"),
    ('{"inputs": {"prompt": "x", "temperature": -0.1}}', 422, "temperature: must be greater than or equal to 0"),
    ('{"inputs": {"prompt": "x", "top_p": 1.1}}', 422, "top_p: must be less than or equal to 1"),
    ('{"inputs": {"prompt": "x", "top_k": 1.5}}', 422, "top_k: must be a valid integer"),
    ('{"inputs": {"prompt": "x", "max_new_tokens": 1e9}}', 422, "max_new_tokens: must be less than or equal to 400"),
    ('{"inputs": {"prompt": "x", "seed": 99999999999}}', 422, "seed: must be less than or equal to 4294967295"),
    ('{"inputs": {"prompt": ["x"]}}', 422, "prompt: must be a valid string"),
    ('{"inputs": {"prompt": "x", "tempo": 1}}', 422, "tempo: is not an input of this demo"),
    ('{"inputs": {"prompt": "' + "number " * 41 + '"}}', 422, "tokens; this model reads at most 40"),
    ('{"inputs": {"prompt": "' + "x" * 8001 + '"}}', 422, "prompt: must have at most 8000 characters"),
    (TOO_LARGE, 413, "at most"),
    ('{"inputs": ', 400, ""),
    ("[" * 100_000, 400, ""),
    ('{"inputs": []}', 422, ""),
]


@pytest.mark.parametrize(("body", "status", "sentence"), BODIES)
def test_inputs_are_refused_by_name(client, demo, announced, body, status, sentence):
    found, detail = refused(client, body)
    assert (found, sentence in detail) == (status, True), detail[:300]


def test_a_form_that_is_too_large_is_refused_in_words(client, demo, announced):
    answer = client.post(
        "/demos/tiny-generate/run/", {"prompt": "x" * 10_000_000}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code in (400, 413)
    assert Run.objects.count() == 0


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_model_that_cannot_be_loaded_takes_no_runs(client, demo, tiny_model, tmp_path, settings, sentence):
    folder = shutil.copytree(tiny_model, tmp_path / "models" / "tiny")
    BROKEN[sentence](folder)
    settings.MODELS_DIR = folder.parent
    queue.announce_worker("w", {"models": [], "slots": 4, "busy": 0})
    status, detail = refused(client, '{"inputs": {"prompt": "We study"}}')
    assert status == 503
    assert sentence in detail
    assert str(folder.parent) not in detail


@pytest.mark.parametrize(
    ("model", "figures", "status", "sentence"),
    [
        ("nowhere", {}, 503, "This site has no model 'nowhere'"),
        ("../secrets", {}, 503, "a name may not lead out of its folder"),
        ("org/gated", {}, 503, "This site has no model 'org/gated'"),
        ("tiny", {}, 503, "No running worker has the model 'tiny' ready."),
        ("tiny", {"loading": {"tiny": "reading 24 MiB of weights"}}, 503, "Being loaded: reading 24 MiB of weights."),
        ("tiny", {"failures": {"tiny": "model 'tiny' cannot be had from the hub: it is gated"}}, 503, "it is gated"),
        ("tiny", {"failures": {"tiny": "model 'tiny' does not fit into this worker's memory"}}, 503, "does not fit"),
    ],
)
def test_a_model_that_is_not_there_takes_no_runs(client, demo, model, figures, status, sentence):
    Demo.objects.update(model=model)
    queue.announce_worker("w", {"models": [], "slots": 4, "busy": 0, **figures})
    found, detail = refused(client, '{"inputs": {"prompt": "We study"}}')
    assert (found, sentence in detail) == (status, True), detail


# --- every text of every kind ----------------------------------------------------------------------------------------


def texts_of(kind):
    """Names of inputs that take any text, alone or in a list."""
    for name, schema in kind.Inputs.model_json_schema()["properties"].items():
        free = [part.get("items", part) for part in (schema, *schema.get("anyOf", []))]
        if any(part.get("type") == "string" and not part.keys() & {"enum", "pattern"} for part in free):
            yield name, "array" in str(schema.get("type"))


@pytest.mark.parametrize(("kind", "field", "listed"), [(k, *f) for k in kinds.KINDS for f in texts_of(kinds.get(k))])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\0b", "control character U+0000"),
        ("a\x1b[b", "control character U+001B"),
        ("a\ud800", "half a character, U+D800"),
    ],
)
def test_no_text_of_any_kind_holds_what_is_no_text(client, demo, announced, kind, field, listed, text, sentence):
    Demo.objects.update(kind=kind, defaults={}, limits={}, options={"models": ["tiny"]} if kind == "compare" else {})
    made = kinds.get(kind)
    if made.any_signs and text == "a\x1b[b":
        return  # it shows what such a text is made of
    others = {"question": "Why?", "labels": "a, b", made.headline: "We [study] models and models of language. " * 3}
    inputs = {name: value for name, value in others.items() if name in made.Inputs.model_fields}
    queue.announce_worker("w", {"models": ["tiny"], "slots": 4, "busy": 0})
    status, detail = refused(client, json.dumps({"inputs": {**inputs, field: [text] if listed else text}}))
    assert status == 422
    assert detail.startswith(field)
    assert sentence in detail or (sentence.startswith("half") and "valid string" in detail), detail


# --- more tokens than a model has positions for ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["generate", "compare"])
def test_a_prompt_is_longer_than_the_models_positions(client, demo, tiny_gpt, kind):
    """tiny-gpt has 256; the kind itself would allow 512."""
    options = {"models": ["tiny"]} if kind == "compare" else {}
    Demo.objects.update(kind=kind, model="tiny-gpt", defaults={}, limits={}, options=options)
    queue.announce_worker("w", {"models": ["tiny", "tiny-gpt"], "slots": 4, "busy": 0})
    prompt = " ".join(["number"] * 300)
    assert count_tokens("tiny-gpt", prompt) > 256
    status, detail = refused(client, json.dumps({"inputs": {"prompt": prompt}}))
    assert status == 422
    assert "reads at most 256" in detail
    counted = client.post(
        "/demos/tiny-generate/tokens/", {"input": "prompt", "text": "We"}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    if kind == "generate":
        assert counted.json()["limit"] == 256
