"""An author brings a demo to a paper: examples from files, tried as a draft, computed, approved, published."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

PAPER = "/papers/ShaRnn2019/"
LINES = [
    {"title": "From a line", "prompt": "We read lines", "max_new_tokens": 8, "seed": 3, "stop": ["\n\n"]},
    {"title": "Another line", "inputs": {"prompt": "We read others", "max_new_tokens": 8, "temperature": 0}},
]
TABLE = "title,prompt,max_new_tokens,seed\nFrom a table,We read tables,8,5\n"
APPROVAL = "from papers.models import Conference; Conference.objects.update(approve_author_edits={})"


@pytest.fixture
def approval(stack):
    """Organizers approve what authors change."""
    assert stack.manage("shell", "--no-imports", "-c", APPROVAL.format(True)).returncode == 0
    yield
    assert stack.manage("shell", "--no-imports", "-c", APPROVAL.format(False)).returncode == 0


def upload(page, name, text):
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": text.encode()}
    page.get_by_label("Examples from a file").set_input_files(file)


def wait_until_computed(page, title):
    """The page of a paper's demos does not follow runs by itself."""
    line = page.get_by_role("listitem").filter(has_text=title).last
    for _ in range(120):
        if re.search(r"\bcomputed$", line.inner_text()) and "not computed" not in line.inner_text():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(line.inner_text())


def test_a_demo_goes_from_files_to_everybodys_page(page_for, approval):
    author, organizer, visitor = page_for("author"), page_for("organizer"), page_for()
    author.goto(f"{PAPER}demos/")
    author.get_by_role("link", name="Generate", exact=True).click()
    author.get_by_label("Title").first.fill("Abstracts by line")
    author.get_by_label("Model").select_option("sha-rnn")
    author.get_by_label("Max new tokens").first.fill("20")
    upload(author, "wrong.jsonl", '{"title": "Hot", "temperature": 9}\n')
    author.get_by_role("button", name="Make a draft").click()
    expect(author.get_by_text("wrong.jsonl, row 1, temperature: must be less than or equal to 2")).to_be_visible()
    upload(author, "examples.jsonl", "\n".join(map(json.dumps, LINES)))
    author.get_by_role("button", name="Make a draft").click()

    # The draft is there for who may edit it, and for nobody else.
    expect(author.get_by_role("heading", name="Abstracts by line")).to_be_visible()
    expect(author.get_by_text("Only its authors and organizers see this page.")).to_be_visible()
    address = re.sub(r"^https?://[^/]+", "", author.url)
    assert visitor.goto(address).status == 404
    author.get_by_role("link", name="From a line").click()
    expect(author.get_by_label("Text to continue")).to_have_value("We read lines")
    expect(author.get_by_label("Stop strings")).to_have_value("\\n\\n")
    author.get_by_role("button", name="Run", exact=True).click()
    expect(author.locator("[data-part=status]").first).to_have_text(re.compile("^Done"), timeout=60_000)

    # More examples, out of a table; then all of them are computed.
    author.get_by_role("link", name="Set up").first.click()
    upload(author, "examples.csv", TABLE)
    author.get_by_role("button", name="Save").click()
    expect(author.get_by_role("link", name="From a table")).to_be_visible()
    author.goto(f"{PAPER}demos/")
    card = author.get_by_role("listitem").filter(has=author.get_by_role("heading", name="Abstracts by line"))
    card.get_by_role("button", name="Compute the examples").click()
    for title in ("From a line", "Another line", "From a table"):
        wait_until_computed(author, title)

    # Published by an organizer, not by its author.
    card.get_by_role("button", name="Ask for approval").click()
    expect(author.get_by_text("It is shown once an organizer has approved it.").first).to_be_visible()
    assert visitor.goto(address).status == 404
    organizer.goto("/organize/")
    organizer.get_by_role("link", name=re.compile(r"\d+ changes? of authors waits? for you")).click()
    change = organizer.get_by_role("listitem").filter(has_text="Abstracts by line")
    change.get_by_role("button", name="Approve").click()
    expect(organizer.get_by_role("listitem").filter(has_text="Abstracts by line").first).to_contain_text("Applied")
    expect(change.get_by_role("button", name="Approve")).to_have_count(0)

    visitor.goto(PAPER)
    panel = visitor.get_by_role("region", name="Abstracts by line")
    panel.get_by_role("link", name="From a table").click()
    expect(panel.get_by_label("Text to continue")).to_have_value("We read tables")
    expect(panel.locator("[data-part=status]")).to_contain_text("stored result")
    expect(panel.locator(".run-text")).to_contain_text("We read tables")

    author.goto(f"{PAPER}demos/")
    card.get_by_role("button", name="Withdraw").click()
    expect(card.locator(".state").first).not_to_have_text("Published")
    assert visitor.goto(address).status == 404
