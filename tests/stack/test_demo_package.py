"""docs/writing_a_demo.md, done: its package is installed, set up on a paper by the organizer, and run by a visitor."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import httpx
import pytest

from miniconf_client import Demos
from tests.running import ROOT, Site

PACKAGE = ROOT / "docs" / "example_demo"
PAGE = ROOT / "docs" / "writing_a_demo.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package as pip installs it, from a copy: building leaves files beside the source."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(PACKAGE, folder / "source")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder / "there", folder / "source"],
        check=True,
        timeout=240,
    )
    return folder / "there"


@pytest.fixture(scope="module")
def site(installed):
    # Static files of its own: those that the other sites share have none of the package.
    with Site(PYTHONPATH=str(installed), STATIC_ROOT="") as site:
        yield site.wait_until_ready()


def test_what_the_page_shows_is_what_the_package_holds():
    text = PAGE.read_text()
    shown = re.findall(r"^`([\w./-]+)`:?\n\n```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(shown) == 5
    assert dict(shown) == {name: (PACKAGE / name).read_text() for name, _ in shown}


def test_a_kind_from_a_package_is_set_up_published_and_run(site):
    with httpx.Client(base_url=site.url, follow_redirects=True, timeout=60) as organizer:
        organizer.get(site.links["organizer"])
        form = organizer.get("/papers/ShaRnn2019/demos/new/ways/")
        assert form.status_code == 200
        for field in ("preset_ways", "limit_ways", "option_letter", "examples-0-input_prompt"):
            assert f'name="{field}"' in form.text
        sent = {
            "csrfmiddlewaretoken": re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[1],
            "title": "Three ways on",
            "model": "sha-rnn",
            "preset_max_new_tokens": "10",
            "limit_ways": "4",
            "option_letter": "true",
            "examples-TOTAL_FORMS": "1",
            "examples-INITIAL_FORMS": "0",
            "examples-0-title": "We",
            "examples-0-input_prompt": "We show that",
            "examples-0-input_seed": "5",
        }
        made = organizer.post("/papers/ShaRnn2019/demos/new/ways/", data=sent)
        assert made.url.path == "/demos/three-ways-on/", re.findall(r'class="errorlist".*?</ul>', made.text, re.DOTALL)
        for action in ("publish", "precompute"):
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', made.text)[1]
            organizer.post(f"/demos/three-ways-on/{action}/", data={"csrfmiddlewaretoken": token})

    with Demos(site.url) as visitor:
        run = visitor.run("three-ways-on", prompt="We propose", ways=3, seed=5)
        texts = ["", "", ""]
        for token in run:
            texts[token.stream] += token.text
        assert (run.result()["texts"], run.result()["letter"]) == (texts, True)
        assert all(texts)
        again = visitor.run("three-ways-on", prompt="We propose", ways=3, seed=5)
        assert again.stored
        page = httpx.get(again.page).text
        assert '<ol class="ways ways-letters"' in page
        assert all(text.split()[0] in page for text in texts)
        for address in set(re.findall(r'/static/demos/kinds/ways[^"]+', page)):
            assert httpx.get(site.url + address).status_code == 200
        with pytest.raises(Exception, match="must be at most 4 in this demo"):
            visitor.run("three-ways-on", ways=5)
        (example,) = visitor.examples("three-ways-on")
        computed = visitor.find(example["run"]) if example["run"] else visitor.run("three-ways-on", **example["inputs"])
        assert len(computed.result()["texts"]) == 3
