"""Events, tables, people and announcements in a real browser on a whole site."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
TABLE = "/events/mentoring-writing/"


def test_an_announcement_reaches_open_pages_is_put_away_and_taken_back(page_for: Open):
    organizer, visitor = page_for("organizer"), page_for()
    visitor.goto("/papers/ShaRnn2019/")  # its conversation keeps it connected
    reader = page_for()
    reader.goto("/help/")  # connects once its reader has settled
    bar = visitor.get_by_role("region", name="Announcements")
    organizer.goto("/organize/announcements/")
    organizer.get_by_label("Title").fill("Coffee is ready <now>")
    organizer.get_by_label("Text").fill("In the *lounge*.")
    organizer.get_by_label("Show it above every page").check()
    organizer.get_by_role("button", name="Announce", exact=True).click()
    expect(organizer.get_by_role("status").get_by_text("is announced")).to_be_visible()
    for page in (visitor, reader):
        expect(page.get_by_role("link", name="Coffee is ready <now>")).to_be_visible()
    expect(bar.locator("em")).to_have_text("lounge")

    bar.get_by_role("button", name="Put this announcement away").click()
    expect(visitor.get_by_role("link", name="Coffee is ready <now>")).to_have_count(0)
    visitor.reload()
    expect(visitor.get_by_role("heading", level=1)).to_be_visible()
    expect(visitor.get_by_role("link", name="Coffee is ready <now>")).not_to_be_visible()

    # Another text is news again, to those who put it away as well.
    listed = organizer.locator(".people-list").get_by_role("link", name="Coffee is ready")
    listed.click()
    organizer.get_by_label("Text").fill("In the *garden*.")
    organizer.get_by_role("button", name="Save").click()
    expect(organizer.get_by_role("status").get_by_text("is changed")).to_be_visible()
    expect(bar.locator("em")).to_have_text("garden")
    expect(reader.get_by_role("region", name="Announcements").locator("em")).to_have_text("garden")

    listed.click()
    organizer.get_by_role("button", name="Remove", exact=True).click()
    for page in (visitor, reader):
        expect(page.get_by_role("link", name="Coffee is ready <now>")).to_have_count(0)


def test_what_is_for_a_session_reaches_open_pages_of_its_people_only(page_for: Open):
    organizer, member, visitor = page_for("organizer"), page_for("attendee"), page_for()
    member.goto("/schedule/")
    member.get_by_role("link", name="Poster session 1").first.click()
    member.locator("h1").wait_for()
    star = member.locator(".session-actions").get_by_role("button", name="Bookmark")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    for page in (member, visitor):
        page.goto("/papers/ShaRnn2019/")
    organizer.goto("/organize/announcements/")
    organizer.get_by_label("Title").fill("Posters moved")
    choice = organizer.locator("#id_audience option", has_text="Poster session 1").first.get_attribute("value")
    organizer.get_by_label("To", exact=True).select_option(choice)
    organizer.get_by_label("Show it above every page").check()
    organizer.get_by_role("button", name="Preview").click()
    expect(organizer.get_by_role("status").get_by_text("To session “Poster session 1")).to_be_visible()
    organizer.get_by_role("button", name="Announce", exact=True).click()
    expect(organizer.get_by_role("status").get_by_text("is announced")).to_be_visible()
    moved = member.get_by_role("region", name="Announcements").get_by_role("link", name="Posters moved")
    expect(moved).to_be_visible()
    expect(visitor.get_by_role("link", name="Posters moved")).to_have_count(0)
    member.reload()
    expect(moved).to_be_visible()
    organizer.locator(".people-list").get_by_role("link", name="Posters moved").click()
    organizer.get_by_role("button", name="Remove", exact=True).click()
    expect(moved).to_have_count(0)


def test_a_place_is_taken_and_given_up_with_and_without_scripts(page_for: Open):
    for scripts in (True, False):
        page = page_for("attendee", java_script_enabled=scripts)
        page.goto("/events/?kind=mentoring")
        page.get_by_role("link", name="Mentoring table: writing").click()
        expect(page.get_by_text("0 of 12 places taken.")).to_be_visible()
        page.get_by_label("What would you like to talk about?").fill("Titles")
        page.get_by_role("button", name="Take a place").click()
        expect(page.get_by_text("You have a place.")).to_be_visible()
        expect(page.get_by_text("1 of 12 places taken.")).to_be_visible()
        page.get_by_role("link", name="Your tables").click()
        expect(page.get_by_text("Your note: Titles")).to_be_visible()
        page.get_by_role("button", name="Give up").click()
        expect(page.get_by_text("0 of 12 places taken.")).to_be_visible()


def test_lists_follow_what_is_typed_and_so_does_the_address(page_for: Open):
    page = page_for()
    page.goto("/events/")
    page.get_by_label("Search events").press_sequentially("vandermoss forget")
    expect(page.locator(".event-card")).to_have_count(1)
    expect(page.locator(".event-card h3")).to_have_text("What a language model should forget")
    expect(page).to_have_url(re.compile(r"/events/\?search=vandermoss(\+|%20)forget$"))
    expect(page.get_by_label("Search events")).to_be_focused()
    page.goto("/people/")
    page.get_by_label("Search people").press_sequentially("francois")
    expect(page.locator(".person-line")).to_have_count(1)
    expect(page.locator(".person-line")).to_contain_text("François Fleuret")
    page.reload()
    expect(page.locator(".person-line")).to_have_count(1)


def test_people_are_found_by_letter_without_scripts(page_for: Open):
    page = page_for(java_script_enabled=False)
    page.goto("/people/")
    page.get_by_role("navigation", name="First letter").get_by_role("link", name="V", exact=True).click()
    expect(page.locator(".person-line").first).to_contain_text("Ottilie Vandermoss")


@pytest.mark.parametrize("role", [None, "organizer"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(page_for: Open, width: int, role: str | None):
    page = page_for(role, viewport={"width": width, "height": 800})
    paths = ["/", "/events/", TABLE, "/events/workshop-rerun/", "/people/", "/people/ottilie-vandermoss/", "/sponsors/"]
    paths += ["/sponsors/lanternworks/", "/announcements/"]
    if role:
        paths += ["/seats/", f"{TABLE}seats/", "/my-schedule/", "/missed/", "/my-calendar/", "/export/"]
        paths += ["/organize/", "/organize/imports/", "/organize/edits/", "/edit/conference/1/", "/new/session/"]
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
