"""Waiting, keeping, draining and failing, as attendees and organizers see them in a real browser, with a real worker."""

from __future__ import annotations

import re
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import expect

from tests.running import Site

DEMO = "/demos/sha-rnn-generate/"
ORGANIZE = "/organize/demos/"
# Eight people with three long runs each: more than the worker has places.
CROWD = """
from miniconf.accounts.models import ApiToken, User
for n in range(8):
    user = User.objects.get_or_create(email=f"queue{n}@example.org", defaults={"name": f"Queue {n}"})[0]
    print("token", ApiToken.issue(user, "test")[1])
"""
WRONG_KIND = """
from demos.models import Demo
from papers.models import Paper
paper = Paper.objects.get(uid="ShaRnn2019")
Demo.objects.create(slug="wrong-kind", paper=paper, kind="classify", model="sha-rnn", title="Wrong kind")
"""
# Every sentence that the state of the run has shown, in its order.
LISTEN = """(element) => {
  window.told = [element.textContent];
  new MutationObserver(() => window.told.push(element.textContent)).observe(element, {childList: true});
}"""


@pytest.fixture(scope="module")
def crowd(stack: Site) -> list[str]:
    done = stack.manage("shell", "--no-imports", "-c", CROWD)
    assert done.returncode == 0, done.stderr
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("token")]


def ask(stack: Site, token: str, **inputs) -> dict:
    body = {"inputs": {"prompt": "We", "max_new_tokens": 300, "temperature": 1.5, **inputs}}
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{stack.url}/api/v1/demos/sha-rnn-generate/runs", json=body, headers=headers, timeout=60)
    assert answer.status_code == 202, answer.text
    return answer.json()


def run(page, **fields):
    page.goto(DEMO)
    page.locator("summary", has_text="Sampling").click()
    for name, value in fields.items():
        page.locator(f"[name={name}][data-input]").fill(str(value))
    page.get_by_role("button", name="Run", exact=True).click()
    return page.locator("[data-part=status]").first


@contextmanager
def drained(page):
    """The only worker takes no new runs; `page` is an organizer's."""
    page.goto(ORGANIZE)
    page.get_by_role("button", name="Drain").click()
    expect(page.get_by_text("It takes no new runs and finishes its own.")).to_be_visible()
    expect(page.locator(".work-worker")).to_contain_text("Drained")
    try:
        yield
    finally:
        page.goto(ORGANIZE)
        page.get_by_role("button", name="Take runs again").click()
        expect(page.get_by_text("It takes runs again.")).to_be_visible()


def test_place_and_estimate_are_told_while_one_waits(page_for, stack, crowd):
    page = page_for("attendee")
    ask(stack, crowd[0], max_new_tokens=30)  # the model's speed is known then
    page.goto(DEMO)
    for n in range(3):
        for token in crowd:
            ask(stack, token, seed=n)
    page.locator("[data-part=status]").first.evaluate(LISTEN)
    page.get_by_label("Text to continue").fill("We")
    page.get_by_role("button", name="Run", exact=True).click()
    status = page.locator("[data-part=status]").first
    expect(status).to_have_text(re.compile("^Done"), timeout=120_000)
    told = page.evaluate("window.told")
    waiting = [text for text in told if text.startswith("Queued: ")]
    places = [int(found[1]) if (found := re.search(r"(\d+) runs? before", text)) else 0 for text in waiting]
    assert places[0] > 0, told
    assert places == sorted(places, reverse=True), told
    assert len(set(places)) > 1, told
    assert any(re.search(r", (about \d+( to \d+)? (s|min)|any moment)$", text) for text in waiting), told
    assert any(text.startswith("Running") for text in told), told


def test_a_drained_worker_leaves_runs_waiting_and_takes_them_again(page_for):
    organizer, attendee = page_for("organizer"), page_for("attendee")
    with drained(organizer):
        status = run(attendee, prompt="We drain", seed="")
        expect(status).to_have_text("Queued: yours is next")  # and no word of when
        organizer.reload()
        waiting = organizer.get_by_role("region", name="Queue").get_by_role("row").nth(1)
        expect(waiting).to_contain_text("Let a SHA-RNN write an abstract")
        expect(waiting).to_contain_text("120 tokens")
    expect(status).to_have_text(re.compile("^Done"), timeout=60_000)
    expect(organizer.get_by_role("region", name="Queue")).to_contain_text("Nobody waits.")


def test_an_organizer_stops_a_waiting_run(page_for):
    organizer, attendee = page_for("organizer"), page_for("attendee")
    with drained(organizer):
        status = run(attendee, prompt="We stop", seed="")
        expect(status).to_have_text(re.compile("^Queued"))
        organizer.reload()
        organizer.get_by_role("region", name="Queue").get_by_role("button", name=re.compile("Stop")).click()
        expect(status).to_have_text(re.compile("^Stopped"))


def test_a_run_is_kept_by_the_keyboard_and_goes_on_when_the_page_is_left(page_for, stack):
    organizer, attendee = page_for("organizer"), page_for("attendee")
    with drained(organizer):
        status = run(attendee, prompt="We keep", seed="")
        keep = attendee.get_by_role("button", name="Keep running")
        expect(keep).to_be_visible()
        keep.focus()
        attendee.keyboard.press("Enter")
        expect(status).to_contain_text("goes on when you leave")
        expect(keep).to_be_hidden()
        expect(attendee.get_by_role("button", name="Stop", exact=True)).to_be_focused()
        run_id = re.search(r"#run=([0-9a-f-]{36})", attendee.url)[1]
        assert httpx.get(f"{stack.url}/api/v1/runs/{run_id}").json()["keep"] is True
        attendee.reload()  # it is still one's own
        expect(status).to_contain_text("goes on when you leave")
        expect(keep).to_be_hidden()
        others = page_for()
        others.goto(f"/runs/{run_id}/")
        expect(others.locator("[data-part=status]")).to_have_text(re.compile("^Queued"))
        for name in ("Keep running", "Stop"):
            expect(others.get_by_role("button", name=name, exact=True)).to_have_count(0)
        attendee.goto("about:blank")
    others.goto(f"/runs/{run_id}/")
    expect(others.locator("[data-part=status]")).to_have_text(re.compile("^Done"), timeout=60_000)


def test_without_javascript_a_run_is_kept_from_its_page(page_for):
    organizer = page_for("organizer")
    attendee = page_for("attendee")
    with drained(organizer):
        run(attendee, prompt="We keep without", seed="")
        expect(attendee.get_by_role("button", name="Keep running")).to_be_visible()
        run_id = re.search(r"#run=([0-9a-f-]{36})", attendee.url)[1]
        plain = page_for("attendee", java_script_enabled=False)
        plain.goto(f"/runs/{run_id}/")
        plain.get_by_role("button", name="Keep running").click()
        expect(plain.locator("[data-part=status]")).to_contain_text("goes on when you leave")
        expect(plain.get_by_role("button", name="Keep running")).to_have_count(0)
        plain.get_by_role("button", name="Stop").click()
        expect(plain.locator("[data-part=status]")).to_have_text(re.compile("^Stopped"))


def test_failures_stand_on_the_organizers_page(page_for, stack):
    assert stack.manage("shell", "--no-imports", "-c", WRONG_KIND).returncode == 0
    try:
        attendee, organizer = page_for("attendee"), page_for("organizer")
        attendee.goto("/demos/wrong-kind/")
        attendee.get_by_label("Text").fill("We study models.")
        attendee.get_by_role("button", name="Run", exact=True).click()
        expect(attendee.locator("[data-part=status]")).to_have_text("Failed", timeout=60_000)
        sentence = attendee.locator("[data-part=problem]").text_content()
        assert "sha-rnn" in sentence
        organizer.goto(ORGANIZE)
        failure = organizer.get_by_role("region", name="Failures").get_by_role("listitem").first
        expect(failure).to_contain_text("Wrong kind")
        expect(failure).to_contain_text(sentence)
        failure.get_by_role("link", name="Wrong kind").click()
        expect(organizer.locator("[data-part=problem]")).to_have_text(sentence)
    finally:
        gone = "from demos.models import Demo; Demo.objects.filter(slug='wrong-kind').delete()"
        assert stack.manage("shell", "--no-imports", "-c", gone).returncode == 0


def test_a_models_page_tells_what_it_is_and_how_it_does(page_for):
    page = page_for()
    run(page, prompt="We measure", seed="")
    expect(page.locator("[data-part=status]").first).to_have_text(re.compile("^Done"), timeout=60_000)
    page.goto("/models/")
    page.get_by_role("link", name="sha-rnn", exact=True).click()
    expect(page.get_by_role("heading", name="sha-rnn", level=1)).to_be_visible()
    facts = page.get_by_role("complementary", name="Facts")
    expect(facts.get_by_role("status")).to_contain_text("Ready.")
    expect(facts).to_contain_text(re.compile(r"A run writes\s*\d+ tokens/s"))
    expect(facts).to_contain_text("Licence")
    expect(page.get_by_role("region", name="Model card").locator("img").first).to_be_visible()
    page.get_by_role("link", name="Let a SHA-RNN write an abstract").click()
    expect(page).to_have_url(re.compile(f"{DEMO}$"))
