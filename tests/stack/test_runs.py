"""Runs on a whole site: tokens for programs, and what the shipped model writes."""

import json
import time
import urllib.error
import urllib.request

import pytest

PROMPT = "Attention is not all you need\n\nWe propose"
FINISHED = {"succeeded", "failed", "cancelled", "expired"}


@pytest.fixture(scope="module")
def token(stack):
    """What `create_token` prints last."""
    result = stack.manage("create_token", "attendee@example.org")
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


def call(stack, path, body=None, token=None):
    """(status, JSON) of an API call."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(stack.url + path, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def start(stack, token=None, **inputs):
    inputs = {"prompt": PROMPT, "seed": 1, **inputs}
    status, run = call(stack, "/api/v1/demos/sha-rnn-generate/runs", {"inputs": inputs, "fresh": True}, token)
    assert status == 202, run
    return run


def finished(stack, run, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _, body = call(stack, run["links"]["self"])
        if body["state"] in FINISHED:
            return body
        time.sleep(0.2)
    raise AssertionError(f"still {body['state']} after {seconds} s")


def test_a_program_with_a_token_runs_a_demo(stack, token):
    body = finished(stack, start(stack, token, max_new_tokens=30))
    assert body["state"] == "succeeded"
    assert body["output"]["new_tokens"] == len(body["output"]["tokens"])


def test_an_invalid_token_is_refused(stack):
    status, problem = call(stack, "/api/v1/papers", token="mc_nonsense")
    assert status == 401
    assert problem["status"] == 401


def test_the_shipped_model_writes_plain_english(stack):
    """Most words of several outputs are words that the sample's own summaries use, or common ones."""
    words = set()
    offset = 0
    while True:
        page = call(stack, f"/api/v1/papers?limit=100&offset={offset}")[1]
        for item in page["items"]:
            words |= set(call(stack, f"/api/v1/papers/{item['uid']}")[1]["abstract"].lower().split())
        offset += 100
        if offset >= page["count"]:
            break
    known = total = 0
    for seed in range(4):
        text = finished(stack, start(stack, seed=seed, max_new_tokens=80))["output"]["text"]
        written = [word.strip(".,;:()") for word in text.lower().split()]
        total += len(written)
        known += sum(word in words for word in written)
    assert total > 100
    assert known / total > 0.6


def test_a_prompt_that_is_too_long_is_refused_with_its_length(stack):
    status, problem = call(
        stack, "/api/v1/demos/sha-rnn-generate/runs", {"inputs": {"prompt": "language model " * 300}}
    )
    assert status == 422
    assert problem["errors"][0]["field"] == "prompt"
    assert "reads at most" in problem["errors"][0]["message"]
