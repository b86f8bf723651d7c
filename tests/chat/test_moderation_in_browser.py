"""The moderators' stream under a person's hands: new messages come, and never move what is being worked on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
ROOM = "/chat/lounge:main/"


def write(page: Page, text: str) -> None:
    """As the form without scripts does."""
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    form: dict[str, Any] = {"text": text, "client_id": str(uuid4()), "csrfmiddlewaretoken": token}
    answer = page.request.post(ROOM, form=form, headers={"Referer": page.url}, max_redirects=0)
    assert answer.status == 302, answer.text()


def test_new_messages_come_and_wait_while_somebody_works_in_the_list(page_for: Callable[..., Page]) -> None:
    writer = page_for("attendee")
    writer.goto(ROOM)
    first, second, third = (f"{name} {uuid4().hex[:8]}" for name in ("First", "Second", "Third"))
    write(writer, first)
    page = page_for("organizer")
    page.goto("/moderation/")
    line = page.locator(".mod-line", has_text=first)
    expect(line).to_be_visible()

    write(writer, second)
    expect(page.locator(".mod-line").first).to_contain_text(second)

    line.get_by_text("More").click()  # opens the reason: somebody works here
    line.get_by_label("Reason").fill("Off topic")
    write(writer, third)
    waits = page.get_by_role("button", name="1 new message")
    expect(waits).to_be_visible()
    expect(page.get_by_text(third)).to_have_count(0)

    line.get_by_role("button", name="Hide for this reason").click()
    expect(line).to_contain_text("The message is hidden.")
    expect(line.get_by_role("button", name="Show again")).to_be_visible()
    writer.goto(ROOM)
    expect(writer.get_by_text(second)).to_be_visible()
    expect(writer.get_by_text(first)).to_have_count(0)

    if waits.is_visible():  # the list was free again as soon as the line was new
        waits.click()
    expect(page.locator(".mod-line").first).to_contain_text(third)


def test_a_paused_stream_stands_still(page_for: Callable[..., Page]) -> None:
    writer, page = page_for("attendee"), page_for("organizer")
    writer.goto(ROOM)
    page.goto("/moderation/")
    page.get_by_role("button", name="Pause").click()
    text = f"While paused {uuid4().hex[:8]}"
    write(writer, text)
    expect(page.get_by_role("button", name="1 new message")).to_be_visible()
    expect(page.get_by_text(text)).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".mod-line").first).to_contain_text(text)


def test_the_pages_fit_a_phone(page_for: Callable[..., Page]) -> None:
    page = page_for("organizer", viewport={"width": 390, "height": 800})
    for path in ("", "reports/", "people/", "sanctions/", "words/", "record/", "rooms/lounge:main/"):
        page.goto(f"/moderation/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
