"""The examples of code below a demo are whole programs: taken from the page as they stand, and run."""

import html
import os
import re
import subprocess
import sys

import httpx
import pytest
from playwright.sync_api import expect

from demos.lines import as_lines
from tests.running import ROOT
from tests.stack.test_client import token_of

ADDRESS = "/demos/sha-rnn-generate/"
# What breaks quoting in shells, JSON, Python and HTML, each if it can.
NASTY = "It's \"so\" $HOME `id` \\n \\u00e9 naïve 日本 😀 </pre><b>&amp; 'JSON'\nJSON\n  %s {0} #"
INPUTS = {
    **{"prompt": NASTY, "max_new_tokens": 9, "temperature": 0.55, "seed": 123, "top_k": 7, "top_p": 0.9},
    **{"repetition_penalty": 1.2, "stop": ["\n\n'$\\n", ' "]} ']},
}


@pytest.fixture(scope="module")
def token(stack):
    return token_of(stack, "reader")


def execute(name, code, token):
    command = ["bash", "-c", code] if name == "curl" else [sys.executable, "-c", code]
    environment = {**os.environ, "MINICONF_TOKEN": token}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert ('"links"' in done.stderr) if name == "curl" else done.stderr == ""
    return done.stdout


def latest(stack, token):
    headers = {"Authorization": f"Bearer {token}"}
    runs = httpx.get(f"{stack.url}/api/v1/runs", params={"limit": 1}, headers=headers, timeout=60).json()
    return runs["items"][0]


def test_they_follow_the_form_and_run_as_they_are_shown(page_for, stack, token):
    page = page_for()
    page.goto(ADDRESS)
    page.get_by_label("Text to continue").fill(NASTY)
    page.locator("summary", has_text="Sampling").click()
    for name, value in INPUTS.items():
        if name != "prompt":
            typed = as_lines(value) if isinstance(value, list) else str(value)
            page.locator(f"[name={name}][data-input]").fill(typed)
    page.locator("summary", has_text="Use it from your own code").click()
    for number, name in enumerate(("curl", "python", "client")):
        seed = 123 + number  # or the second would be answered from the store, and belong to nobody
        page.locator("[name=seed][data-input]").fill(str(seed))
        shown = page.locator(f"#demo-sha-rnn-generate-{name}")
        expect(shown).to_contain_text(str(seed))
        written = execute(name, shown.text_content(), token)
        run = latest(stack, token)
        assert {key: run["inputs"][key] for key in INPUTS} == {**INPUTS, "seed": seed}
        assert run["state"] == "succeeded"
        if name == "curl":
            assert "event: done" in written
        else:
            assert written.startswith(run["output"]["text"])


def test_without_scripts_they_hold_the_presets_and_run_too(stack, token):
    source = httpx.get(stack.url + ADDRESS).text
    for name in ("curl", "python", "client"):
        shown = re.search(rf'<pre id="demo-sha-rnn-generate-{name}"[^>]*><code>(.*?)</code></pre>', source, re.DOTALL)[
            1
        ]
        code = html.unescape(re.sub(r"</?span[^>]*>", "", shown))
        assert execute(name, code, token)
