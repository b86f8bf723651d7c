"""The schedule and one's own schedule in a real browser, on the sample conference of 3 to 6 May 2027."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
PHONE = {"viewport": {"width": 390, "height": 800}}
MONDAY = "/schedule/?view=day&day=2027-05-03"


def titles(page: Page) -> list[str]:
    return page.locator(".slot:visible .slot-title").all_inner_texts()


def at(page: Page, time: str) -> None:
    """From now on it is that time in the page, and passes as fast as the test wants."""
    page.clock.install(time=time)


# --- Views ------------------------------------------------------------------------------------------------------------


def test_a_phone_shows_the_agenda_and_the_address_says_so(page_for: Open):
    page = page_for(**PHONE)
    page.goto("/schedule/")
    page.wait_for_url("**/schedule/?view=agenda")
    expect(page.get_by_role("navigation", name="View").get_by_text("Agenda")).to_have_attribute("aria-current", "true")
    expect(page.locator(".day h2").first).to_have_text("Monday, 3 May 2027")
    page.get_by_role("link", name="Day", exact=True).click()
    page.wait_for_url("**/schedule/?view=day")
    expect(page.locator(".day")).to_have_count(1)


def test_views_are_switched_and_come_back_with_the_address(page_for: Open):
    page = page_for()
    page.goto("/schedule/")
    expect(page.locator(".day")).to_have_count(1)
    page.get_by_role("link", name="Week").click()
    expect(page.get_by_role("columnheader")).to_have_text(["Mon 3 May", "Tue 4 May", "Wed 5 May", "Thu 6 May"])
    page.reload()
    expect(page.get_by_role("table")).to_be_visible()
    page.get_by_role("link", name="Wed 5 May").click()
    expect(page.locator(".day h2")).to_have_text("Wednesday, 5 May 2027")
    page.go_back()
    expect(page.get_by_role("table")).to_be_visible()


@pytest.mark.parametrize(
    "path", [MONDAY, "/schedule/?view=week", "/schedule/?view=agenda", "/my-schedule/", "/missed/"]
)
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(page_for: Open, path, width):
    page = page_for("attendee", viewport={"width": width, "height": 800})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_filters_add_up_without_a_button(page_for: Open):
    page = page_for()
    page.goto("/schedule/?view=agenda")
    expect(page.get_by_role("button", name="Show")).to_be_hidden()
    page.get_by_label("Keynotes").check()
    page.wait_for_url("**/?view=agenda&kind=keynote")
    assert {re.sub(":.*", "", title) for title in titles(page)} == {"Keynote"}
    page.get_by_label("Workshops").check()
    page.wait_for_url("**/?view=agenda&kind=keynote&kind=workshop")
    assert {re.sub(":.*", "", title) for title in titles(page)} == {"Keynote", "Workshop"}
    page.get_by_role("link", name="All sessions").click()
    expect(page.get_by_label("Keynotes")).not_to_be_checked()


def test_filters_views_and_zones_work_without_scripts(page_for: Open):
    page = page_for(java_script_enabled=False)
    page.goto("/schedule/?view=agenda")
    page.get_by_label("Keynotes").check()
    page.get_by_role("button", name="Show").click()
    assert {re.sub(":.*", "", title) for title in titles(page)} == {"Keynote"}
    page.get_by_label("Times and days in").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Set").click()
    expect(page).to_have_url(re.compile(r"view=agenda&kind=keynote"))
    expect(page.locator(".day h2").first).to_have_text("Tuesday, 4 May 2027")
    expect(page.locator(".slot-time").first).to_contain_text("00:00–01:00")


# --- Now --------------------------------------------------------------------------------------------------------------


def heights(page: Page, *selectors: str) -> list[float]:
    return [page.locator(selector).bounding_box()["y"] for selector in selectors]


@pytest.mark.parametrize("view", ["day", "agenda", "week"])
def test_the_line_of_the_present_time_moves_down_as_time_passes(page_for: Open, view):
    page = page_for(locale="en-GB")
    at(page, "2027-05-03T07:10:00Z")
    page.goto(f"/schedule/?view={view}&day=2027-05-03")
    expect(page.locator(".now-line")).to_be_visible()
    if view != "week":
        expect(page.locator(".slot.is-now .slot-title")).to_have_text(re.compile("^Poster session 1, early"))
    (before,) = heights(page, ".now-line")
    page.clock.fast_forward(60 * 60 * 1000)
    (after,) = heights(page, ".now-line")
    assert after > before + 10
    page.clock.fast_forward(15 * 60 * 60 * 1000)  # in the night the day is over
    if view == "day":
        expect(page.locator(".now-line")).to_be_hidden()
        expect(page.locator(".slot.is-now")).to_have_count(0)


def test_the_line_stands_between_what_is_over_and_what_comes(page_for: Open):
    page = page_for(locale="en-GB")
    at(page, "2027-05-03T11:30:00Z")  # between tea and the tutorial
    page.goto(MONDAY)
    tea, line, tutorial = heights(
        page, ".slot:has-text('Tea and tokens, early')", ".now-line", ".slot:has-text('Tutorial: Recurrent')"
    )
    assert tea < line < tutorial
    page.get_by_role("link", name="Now").click()
    expect(page.locator(".now-line")).to_be_in_viewport()


def test_other_days_have_no_line(page_for: Open):
    page = page_for()
    at(page, "2027-05-03T11:30:00Z")
    page.goto("/schedule/?view=day&day=2027-05-04")
    expect(page.locator(".slot").first).to_be_visible()
    expect(page.locator(".now-line")).to_be_hidden()
    expect(page.get_by_role("link", name="Now", exact=True)).to_be_hidden()


# --- Times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locale", "zone", "text", "on_page"),
    [
        ("en-GB", "Europe/Berlin", "09:00–11:00", "Mon 3 May 2027, 09:00–11:00"),
        ("de-DE", "Europe/Berlin", "09:00–11:00", "Mon 3 May 2027, 09:00–11:00"),
        ("en-US", "Europe/Berlin", "9:00–11:00 AM", "Mon 3 May 2027, 9:00–11:00 AM"),
        ("en-US", "Asia/Kolkata", "12:30–2:30 PM", "Mon 3 May 2027, 12:30–2:30 PM"),
        ("en-US", "America/New_York", "3:00–5:00 AM", "Mon 3 May 2027, 3:00–5:00 AM"),
        ("en-GB", "Pacific/Auckland", "19:00–21:00", "Mon 3 May 2027, 19:00–21:00"),
    ],
)
def test_times_are_written_one_way_on_the_viewers_kind_of_clock(page_for: Open, locale, zone, text, on_page):
    page = page_for(locale=locale, timezone_id=zone)
    page.goto(MONDAY)
    slot = page.locator(".slot:has-text('Poster session 1, early')")
    expect(slot.locator(".slot-time time")).to_have_text(text)
    page.goto("/sessions/poster-1-early/")
    expect(page.locator(".page-head time")).to_have_text(on_page)
    page.goto("/papers/ShaRnn2019/")
    expect(page.locator(".paper-slots time").first).to_have_text(on_page)


@pytest.mark.parametrize(
    ("zone", "locale", "start", "end", "text"),
    [
        ("Europe/Berlin", "en-GB", "2026-10-25T00:15Z", "2026-10-25T00:45Z", "02:15–02:45 UTC+2"),
        ("Europe/Berlin", "en-GB", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "02:30 UTC+2–02:30 UTC+1"),
        ("Europe/Berlin", "en-GB", "2027-03-28T00:30Z", "2027-03-28T01:30Z", "01:30–03:30"),
        ("America/New_York", "en-US", "2026-11-01T05:30Z", "2026-11-01T06:30Z", "1:30 AM UTC−4–1:30 AM UTC−5"),
        ("America/New_York", "en-US", "2027-03-14T06:30Z", "2027-03-14T07:30Z", "1:30–3:30 AM"),
        ("Australia/Lord_Howe", "en-GB", "2027-04-03T14:45Z", "2027-04-03T15:15Z", "01:45 UTC+11–01:45 UTC+10:30"),
        ("Asia/Kolkata", "en-GB", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "06:00–07:00"),
    ],
)
def test_the_page_and_the_server_write_the_night_the_clocks_change_alike(
    page_for: Open, zone, locale, start, end, text
):
    page = page_for(locale=locale, timezone_id=zone)
    page.goto("/help/")
    page.evaluate(
        """([start, end]) => {
          const time = document.createElement("time");
          Object.assign(time, { id: "written", dateTime: start });
          Object.assign(time.dataset, { local: "times", end });
          document.querySelector("main").append(time);
        }""",
        [start, end],
    )
    expect(page.locator("#written")).to_have_text(text)


def test_another_zone_moves_the_days_everywhere(page_for: Open):
    page = page_for(locale="en-GB")
    page.goto(MONDAY)
    page.get_by_label("Times and days in").select_option("America/Los_Angeles")
    expect(page.locator(".slot-time time").first).to_have_text("00:00–02:00")
    page.goto("/schedule/?view=week")
    expect(page.get_by_role("columnheader").first).to_have_text("Sun 2 May")
    page.goto("/sessions/poster-1-early/")
    expect(page.locator(".page-head time")).to_have_text("Mon 3 May 2027, 00:00–02:00")


def test_a_members_zone_is_kept_in_the_profile(page_for: Open):
    page = page_for("organizer", locale="en-GB")
    page.goto(MONDAY)
    chosen = page.get_by_label("Times and days in")
    before = chosen.input_value()
    chosen.select_option("Asia/Tokyo")
    expect(page.locator(".slot-time time").first).to_have_text("15:30–16:00")
    other = page_for("organizer", locale="en-GB")
    other.goto(MONDAY)
    expect(other.locator(".slot-time time").first).to_have_text("15:30–16:00")
    other.get_by_label("Times and days in").select_option(before)
    expect(other.get_by_label("Times and days in")).to_have_value(before)


# --- One's own --------------------------------------------------------------------------------------------------------


def test_a_visitors_bookmarks_make_up_a_schedule(page_for: Open):
    page = page_for(locale="en-GB")
    page.goto("/my-schedule/")
    expect(page.get_by_text("Nothing is bookmarked in this browser yet.")).to_be_visible()
    page.goto(MONDAY)
    page.get_by_role("button", name="Bookmark “Opening, early”").click()
    page.goto("/papers/ShaRnn2019/")
    page.get_by_role("button", name=re.compile("Bookmark “Single Headed")).first.click()
    page.goto("/my-schedule/")
    expect(page.locator(".entry .slot-title")).to_have_text(
        ["Opening, early", re.compile("^Poster session 1, early"), re.compile("^Poster session 1, late")]
    )
    expect(page.locator(".entry time").first).to_have_text("08:30–09:00")
    page.get_by_role("button", name="Bookmark “Opening, early”").click()
    expect(page.locator(".entry.is-removed")).to_have_count(1)
    page.reload()
    expect(page.locator(".entry")).to_have_count(2)
    page.goto("/schedule/?view=agenda")
    page.get_by_label("Bookmarked").check()
    expect(page.get_by_text("Nothing you bookmarked in this browser")).to_be_visible()  # a paper is no session


def test_a_visitor_filters_by_what_this_browser_has_bookmarked(page_for: Open):
    page = page_for()
    page.goto("/schedule/?view=agenda")
    page.get_by_role("button", name="Bookmark “Closing”").click()
    page.get_by_label("Bookmarked").check()
    page.wait_for_url("**bookmarked=1")
    expect(page.locator(".day:visible h2")).to_have_text(["Thursday, 6 May 2027"])
    assert titles(page) == ["Closing"]


def test_members_take_things_off_and_put_them_back_in_place(page_for: Open):
    page = page_for("attendee")
    page.goto(MONDAY)
    with page.expect_response("**/bookmarks/set/"):
        page.get_by_role("button", name="Bookmark “Tea and tokens, late”").click()
    page.goto("/my-schedule/")
    entry = page.locator(".entry:has-text('Tea and tokens, late')")
    star = entry.get_by_role("button", name="Bookmark “Tea and tokens, late”")
    with page.expect_response("**/bookmarks/set/"):
        star.click()
    expect(entry).to_have_class(re.compile("is-removed"))
    with page.expect_response("**/bookmarks/set/"):
        star.click()
    expect(entry).not_to_have_class(re.compile("is-removed"))
    with page.expect_response("**/bookmarks/set/"):
        star.click()
    page.reload()
    expect(page.locator(".entry:has-text('Tea and tokens, late')")).to_have_count(0)


def test_reminders_are_switched_on_and_off(page_for: Open):
    page = page_for("attendee")
    page.goto("/my-schedule/")
    for label in ("30 minutes before", "No mails"):
        page.get_by_label("One mail for each start").select_option(label=label)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("One mail for each start").locator("option:checked")).to_have_text(label)


def test_on_paper_each_day_begins_a_page_and_nothing_else_is_printed(page_for: Open):
    page = page_for()
    page.goto("/schedule/?view=agenda")
    page.emulate_media(media="print")
    for hidden in (".view-switch", ".schedule-filters", ".days", ".site-header", ".bookmark-button"):
        expect(page.locator(hidden).first).to_be_hidden()
    breaks = page.locator(".day").evaluate_all("days => days.map((day) => getComputedStyle(day).breakBefore)")
    assert breaks == ["auto", "page", "page", "page"]
    assert page.locator(".slot").first.is_visible()
