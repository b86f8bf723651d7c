"""The programme's pages in a real browser, with scripts and without; served by the web process alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import WebProcess

from .conftest import write

pytestmark = pytest.mark.browser


def conference(folder: Path) -> Path:
    write(folder / "conference.yml", "name: Browsed\nsource: browsed\ntimezone: UTC\n")
    for n in range(60):
        keyword = "even" if n % 2 == 0 else "odd"
        write(
            folder / "papers" / f"{n:02}.yml",
            f"uid: P{n:02}\ntitle: Paper number {n:02}\nauthors: [{{name: Author {n}}}]\n"
            f"keywords: [{keyword}]\nabstract: Text.\n",
        )
    path = folder / "papers" / "00.yml"
    path.write_text(path.read_text() + "video: {url: 'https://slideslive.com/38922815/a-talk'}\n")
    write(
        folder / "sessions.yml",
        "- {uid: late, title: Late session, starts_at: 2027-05-03T22:30:00Z,"
        " ends_at: 2027-05-03T23:30:00Z, papers: [P00]}\n",
    )
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    web = WebProcess(data=tmp_path_factory.mktemp("site"))
    folder = conference(tmp_path_factory.mktemp("conference"))
    web.manage("import_programme", str(folder))
    with web:
        yield web.url


@pytest.fixture
def tab(site: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """A tab of a fresh browser; no script error or broken content policy may have come up in any of them."""
    contexts, complaints = [], []

    def open_tab(path: str, **options: object) -> Page:
        context = browser.new_context(
            **{"base_url": site, "timezone_id": "Europe/Berlin", "locale": "en-GB", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(error.stack))
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


def titles(page: Page) -> list[str]:
    return page.locator(".paper-card h3").all_text_contents()  # of cards off screen, too


def test_the_list_follows_what_is_typed_and_so_does_the_address(tab):
    page = tab("/papers/")
    expect(page.locator(".results-count")).to_have_text("1–24 of 60 papers")
    page.locator("#search").press_sequentially("number 07")
    expect(page.locator(".results-count")).to_have_text("1 paper")
    assert titles(page) == ["Paper number 07"]
    assert page.url.endswith("/papers/?search=number+07")
    expect(page.locator("#search")).to_be_focused()
    page.reload()
    assert titles(page) == ["Paper number 07"]
    expect(page.locator("#search")).to_have_value("number 07")


def test_pages_are_turned_without_losing_the_way_back(tab):
    page = tab("/papers/")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".results-count")).to_have_text("25–48 of 60 papers")
    page.go_back()
    expect(page.locator(".results-count")).to_have_text("1–24 of 60 papers")


def test_keywords_add_up_and_are_taken_away(tab):
    page = tab("/papers/")
    page.locator("#keyword").fill("even")
    page.locator("#keyword").press("Enter")
    expect(page.locator(".results-count")).to_have_text("1–24 of 30 papers")
    expect(page.locator("#keyword")).to_have_value("")
    page.locator("#keyword").fill("odd")
    page.locator("#keyword").press("Enter")
    expect(page.locator(".results-count")).to_have_text("No papers found")
    page.locator(".chips a", has_text="odd").click()
    expect(page.locator(".results-count")).to_have_text("1–24 of 30 papers")


def test_a_shuffled_list_stays_as_it_is_when_its_page_is_turned_or_the_cards_change(tab):
    page = tab("/papers/")
    page.get_by_role("link", name="Shuffle").click()
    page.wait_for_url(re.compile(r"seed=\d+"))
    seed = re.search(r"seed=\d+", page.url)[0]
    first = titles(page)
    page.get_by_role("link", name="Mini").click()
    expect(page.locator(".paper-card")).to_have_count(48)
    assert titles(page)[:24] == first
    page.locator("#search").fill("paper")
    page.wait_for_url(re.compile("search=paper"))
    assert seed in page.url


def test_a_video_of_another_site_is_asked_for_by_a_click_only(tab):
    page = tab("/papers/P00/")
    asked = []
    page.route(re.compile("slideslive"), lambda route: (asked.append(route.request.url), route.abort()))
    page.reload()
    expect(page.locator("iframe")).to_have_count(0)
    assert asked == []
    page.get_by_role("button", name="Play the talk from SlidesLive").click()
    expect(page.locator("iframe")).to_have_attribute("src", "https://slideslive.com/embed/presentation/38922815")
    expect(page.locator("iframe")).to_have_attribute("title", "Talk: Paper number 00")
    page.wait_for_timeout(200)
    assert asked == ["https://slideslive.com/embed/presentation/38922815"]


def test_bibtex_is_copied(tab, site):
    page = tab("/papers/P00/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy BibTeX").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@misc{0paper,\n")
    assert copied == page.locator("#bibtex").inner_text()


def test_times_and_days_are_the_viewers(tab):
    page = tab("/schedule/")
    expect(page.locator(".day h2")).to_have_text("Tuesday, 4 May 2027")
    expect(page.locator(".slot-time").first).to_contain_text("00:30–01:30")
    page.goto("/papers/P00/")
    expect(page.locator(".paper-slots time")).to_have_text(re.compile(r"Tue,? 4 May 2027, 00:30\s?–\s?01:30"))


def test_another_zone_moves_the_days_and_stays_chosen(tab):
    page = tab("/schedule/")
    expect(page.locator(".day h2")).to_have_text("Tuesday, 4 May 2027")
    page.locator("#tz").select_option("America/New_York")
    expect(page.locator(".day h2")).to_have_text("Monday, 3 May 2027")
    expect(page.locator(".slot-time").first).to_contain_text("18:30–19:30")
    page.goto("/papers/P00/")
    expect(page.locator(".paper-slots time")).to_have_text(re.compile(r"18:30\s?–\s?19:30"))
    page.goto("/schedule/")
    expect(page.locator(".day h2")).to_have_text("Monday, 3 May 2027")


def test_everything_works_without_scripts(tab):
    page = tab("/papers/", java_script_enabled=False)
    page.locator("#search").fill("number 07")
    page.get_by_role("button", name="Show").click()
    assert titles(page) == ["Paper number 07"]
    page.get_by_role("link", name="Paper number 07").click()
    expect(page.locator("h1")).to_have_text("Paper number 07")
    page.goto("/papers/P00/")
    expect(page.get_by_role("link", name="Watch it at SlidesLive")).to_be_visible()
    page.goto("/schedule/")
    page.locator("#tz").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Set").click()
    expect(page.locator(".day h2")).to_have_text("Tuesday, 4 May 2027")
    expect(page.locator(".slot-time").first).to_contain_text("07:30–08:30")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    "path", ["/", "/papers/", "/papers/?size=mini", "/papers/P00/", "/schedule/", "/events/", "/help/"]
)
def test_no_page_is_wider_than_its_window(tab, path, width):
    page = tab(path, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
