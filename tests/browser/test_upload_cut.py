"""A large file on its way: the server is killed, the network goes, the page is reloaded. It arrives whole, and once."""

from __future__ import annotations

import hashlib
import os
import re
import signal

import pytest
from playwright.sync_api import expect

FILES = "/papers/ShaRnn2019/files/"
SIZE = 24_000_000  # six pieces and a rest
SPEED = 6_000_000  # bytes a second that go up, so that there is a middle


@pytest.fixture
def slides(tmp_path):
    """A PDF of one page, with many bytes that no page shows."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 300]>>",
        b"<</Length %d>>stream\n" % SIZE + os.urandom(SIZE) + b"\nendstream",
    ]
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    path = tmp_path / "slides.pdf"
    path.write_bytes(data + table + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(data))
    return path


def card(page):
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Slides"))


def line(page):
    """A line that takes SPEED bytes a second; what is returned cuts and mends it."""
    session = page.context.new_cdp_session(page)

    def set_offline(offline):
        speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": SPEED}
        session.send("Network.emulateNetworkConditions", {"offline": offline, **speed})

    set_offline(False)
    return set_offline


def begin(page, path):
    """Choose the file and send it; returns the offsets at which pieces begin, as they go up."""
    offsets: list[int] = []
    page.on(
        "request",
        lambda request: offsets.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None,
    )
    card(page).locator("input[type=file]").set_input_files(path)
    card(page).get_by_role("button", name="Upload").click()
    return offsets


def until_the_middle(page):
    expect(card(page).get_by_role("status")).to_have_text(re.compile(r"^[3-6]\d % of slides\.pdf"))


def has_arrived(page, path):
    link = card(page).get_by_role("link", name="Look at it")
    expect(link).to_be_visible(timeout=90_000)
    got = page.request.get(link.get_attribute("href")).body()
    assert hashlib.sha256(got).hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def author(page_for):
    page = page_for("author")
    page.goto(FILES)
    yield page
    page.goto(FILES)
    card(page).get_by_role("button", name="Remove").click()
    expect(card(page).get_by_text("None yet.")).to_be_visible()


def test_an_upload_survives_the_web_process(author, slides, stack):
    line(author)
    offsets = begin(author, slides)
    until_the_middle(author)
    killed = stack.find("uvicorn")
    os.kill(killed, signal.SIGKILL)
    has_arrived(author, slides)
    assert stack.find("uvicorn") != killed
    # Nothing began anew: after the break it went on with what had not been stored.
    assert offsets.count(0) == 1
    assert offsets == sorted(offsets)


def test_an_upload_goes_on_after_the_network_was_gone_and_the_page_reloaded(author, slides):
    set_offline = line(author)
    offsets = begin(author, slides)
    until_the_middle(author)
    set_offline(True)
    expect(card(author).get_by_role("status")).to_have_text(re.compile("The connection broke off. Trying again in"))
    set_offline(False)
    before = list(offsets)
    author.reload()
    after = begin(author, slides)
    has_arrived(author, slides)
    assert before[0] == 0
    assert after[0] >= before[-1] > 0
    assert after == sorted(after)
