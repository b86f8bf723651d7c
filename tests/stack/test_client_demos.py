"""The client's demos, against a whole site: runs as they are written, over bad lines, stored, cancelled, refused."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import httpx
import pytest

from miniconf_client import Api, Demos, Problem, Run, RunFailed
from tests.running import ROOT, Site

from .bad_line import BadLine
from .test_client import token_of

DEMO = "sha-rnn-generate"
PROMPT = "Attention is not all you need\n\nWe propose"


@pytest.fixture(scope="module")
def token(stack: Site) -> str:
    return token_of(stack, "scripter")


@pytest.fixture
def line(stack: Site):
    line = BadLine(stack.port)
    yield line
    line.close()


def test_what_there_is_to_run(stack, token):
    with Demos(stack.url, token=token) as client:
        (demo,) = [demo for demo in client.demos(paper="ShaRnn2019") if demo["slug"] == DEMO]
        assert client.demo(DEMO)["inputs_schema"]["properties"]["temperature"]["maximum"] == 2
        assert [e["title"] for e in client.examples(DEMO)] == [e["title"] for e in demo["examples"]]
        (model,) = [model for model in client.models() if model["name"] == "sha-rnn"]
        assert model["state"] == "ready"
        assert DEMO in model["demos"]


def test_tokens_come_one_by_one_and_the_same_question_is_answered_from_the_store(stack, token):
    with Demos(stack.url, token=token) as client, Demos(stack.url) as visitor:
        run = client.run(DEMO, prompt=PROMPT, seed=4242, max_new_tokens=40)
        assert not run.stored
        tokens = list(run)
        assert "".join(map(str, tokens)) == run.text == run.result()["text"]
        assert [token.index for token in tokens] == list(range(len(tokens)))
        assert run.state == "succeeded"
        assert [mine.id for mine in client.runs(demo=DEMO)] == [run.id]

        again = visitor.run(DEMO, prompt=PROMPT, seed=4242, max_new_tokens=40)
        assert again.stored
        assert again.finished  # at once
        assert again.result() == run.result()
        assert list(again) == tokens
        assert again.id != run.id  # whose run it was is not told
        page = httpx.get(again.page).text
        assert "A stored result" in page
        assert "scripter" not in page
        assert visitor.find(again.id).page == again.page
        assert client.run(DEMO, prompt=PROMPT, seed=4242, max_new_tokens=40).id == again.id

        fresh = visitor.run(DEMO, prompt=PROMPT, seed=4242, max_new_tokens=40, fresh=True)
        assert not fresh.stored
        assert fresh.result() == run.result()


def test_at_temperature_0_the_seed_makes_no_difference(stack, token):
    with Demos(stack.url, token=token) as client:
        first = client.run(DEMO, prompt=PROMPT, seed=1, max_new_tokens=12, temperature=0).wait()
        other = client.run(DEMO, prompt=PROMPT, seed=2, max_new_tokens=12, temperature=0)
        assert other.stored
        assert other.result() == first.result()


def test_a_line_that_is_cut_twice_loses_and_doubles_nothing(stack, token, line):
    with Demos(stack.url, token=token) as near, Demos(line.url, token=token) as far:
        run = near.run(DEMO, prompt=PROMPT, seed=99, max_new_tokens=200, temperature=1)
        followed = Run(far, run.refresh().shown)  # without a request: the first connection is that of the events
        line.cuts = [2500, 4000]
        tokens = list(followed)
        assert line.cut == 2
        assert "".join(map(str, tokens)) == run.text
        assert [token.index for token in tokens] == list(range(len(tokens)))


def test_it_comes_back_when_it_was_asked_to(stack, token, line):
    line.away = 1
    with Demos(line.url, token=token) as client:
        assert client.run(DEMO, prompt=PROMPT, seed=7, max_new_tokens=5).result()["new_tokens"] <= 5
    line.away = 1
    with Demos(line.url, token=token, patience=0.5) as client, pytest.raises(Problem) as refused:
        client.run(DEMO, prompt=PROMPT, seed=7, max_new_tokens=5)
    assert (refused.value.status, refused.value.retry_after) == (503, 1)


def runs_of(stack, token, prompt):
    with Demos(stack.url, token=token) as client:
        return [run.id for run in client.runs(demo=DEMO) if run.inputs["prompt"] == prompt]


def test_a_line_that_breaks_before_the_answer_starts_no_second_run(stack, token, line):
    line.cuts = [20, 0]
    with Demos(line.url, token=token) as client:
        run = client.run(DEMO, prompt="Asked three times", max_new_tokens=5).wait()
    assert line.cut == 2
    assert runs_of(stack, token, "Asked three times") == [run.id]


async def test_asynchronous_programs_start_no_second_run_either(stack, token, line):
    line.cuts = [20]
    async with Api(line.url, token=token) as api:
        run = await api.run(DEMO, prompt="Asked twice", max_new_tokens=5)
        await run.result()
    assert line.cut == 1
    assert await asyncio.to_thread(runs_of, stack, token, "Asked twice") == [run.id]


def test_a_run_is_cancelled_and_says_what_there_was(stack, token):
    with Demos(stack.url, token=token) as client:
        run = client.run(DEMO, prompt=PROMPT, seed=5, max_new_tokens=400, temperature=1.5)
        for token_ in run:
            if token_.index == 3:
                run.cancel()
        assert run.state == "cancelled"
        assert 4 <= len(run.output["tokens"]) < 400
        with pytest.raises(RunFailed, match="cancelled"):
            run.result()


def test_what_is_refused_names_the_field(stack, token):
    with Demos(stack.url, token=token) as client, pytest.raises(Problem) as refused:
        client.run(DEMO, prompt=PROMPT, temprature=1)
    assert refused.value.status == 422
    assert refused.value.errors == [{"field": "temprature", "message": "is not an input of this demo"}]


async def test_asynchronous_programs_have_the_same(stack, token):
    async with Api(stack.url, token=token) as api:
        run = await api.run(DEMO, prompt=PROMPT, seed=31, max_new_tokens=20)
        tokens = [token async for token in run]
        output = await run.result()
        assert "".join(map(str, tokens)) == output["text"]
        assert (await (await api.find(run.id)).result()) == output


def test_the_program_on_the_page_about_the_api_runs(stack, token):
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program, stack.url, token], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.stderr == ""
    *text, facts, again, refused = done.stdout.splitlines()
    assert text
    assert re.fullmatch(r"succeeded (True|False) \d+ True", facts)
    assert (again, refused) == ("True True True", "422 temperature")
