"""The paper list under a person's hands: keys, suggestions, quick view, stars; for visitors and for members."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import WebProcess

from .conftest import write

pytestmark = pytest.mark.browser

SESSION = """
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from miniconf.accounts.models import User
for email in {emails!r}:
    user = User.objects.create_user(email, name="Ada")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    print(settings.SESSION_COOKIE_NAME, session.session_key)
"""


def conference(folder: Path) -> Path:
    write(folder / "conference.yml", "name: Listed\nsource: listed\ntimezone: UTC\n")
    for n in range(30):
        write(
            folder / "papers" / f"{n:02}.yml",
            f"uid: P{n:02}\ntitle: Paper number {n:02}\nauthors: [{{name: Author {n}}}]\n"
            f"keywords: [numbers]\nabstract: What number {n:02} says.\ntrack: Track {n % 2}\n",
        )
    return folder


class Server:
    def __init__(self, url: str, cookies: list[dict[str, str]]) -> None:
        self.url = url
        self.cookies = cookies  # of members, each used by one test


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    web = WebProcess(data=tmp_path_factory.mktemp("site"))
    folder = conference(tmp_path_factory.mktemp("conference"))
    web.manage("import_programme", str(folder))
    code = SESSION.format(emails=[f"ada{n}@example.org" for n in range(4)])
    said = web.manage("shell", "-v0", "-c", code)
    cookies = [dict(zip(("name", "value"), line.split(), strict=True)) | {"url": web.url} for line in said.splitlines()]
    with web:
        yield Server(web.url, cookies)


@pytest.fixture
def tab(site: Server, browser: Browser) -> Iterator[Callable[..., Page]]:
    """A tab of a fresh browser; no script error or broken content policy may have come up in any of them."""
    contexts, complaints = [], []

    def open_tab(path: str, *, member: bool = False, **options: object) -> Page:
        context = browser.new_context(**{"base_url": site.url, **options})
        contexts.append(context)
        if member:
            context.add_cookies([site.cookies.pop()])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(error.stack))
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


def card(page: Page, uid: str) -> object:
    return page.locator(f'.paper-card[data-paper="{uid}"]')


def star(page: Page, uid: str) -> object:
    return page.locator(f'.paper-card button[data-bookmark="paper:{uid}"]')


def test_keys_lead_from_card_to_card_and_open_the_paper(tab):
    page = tab("/papers/")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Paper number 00")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Paper number 02")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="Paper number 00")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/papers/P00/$"))


def test_a_slash_leads_to_the_search_and_letters_typed_there_are_no_keys(tab):
    page = tab("/papers/")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("j?")
    expect(page.locator("#search")).to_have_value("j?")
    expect(page.locator("#keys")).to_be_hidden()


def test_a_question_mark_shows_the_keys(tab):
    page = tab("/papers/")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_abstracts_are_read_one_after_the_other_over_the_page_and_on(tab):
    page = tab("/papers/")
    for _ in range(23):
        page.keyboard.press("j")
    page.keyboard.press(" ")
    text = page.locator(".quick-abstract")
    expect(text).to_have_text("What number 22 says.")
    page.keyboard.press("ArrowRight")
    expect(text).to_have_text("What number 23 says.")
    page.keyboard.press("ArrowRight")
    expect(text).to_have_text("What number 24 says.")
    expect(page).to_have_url(re.compile(r"\?page=2$"))
    page.get_by_role("button", name="Previous").click()
    expect(text).to_have_text("What number 23 says.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Paper number 23")).to_be_focused()


def test_suggestions_are_worked_by_keys_and_told_to_screen_readers(tab):
    page = tab("/papers/")
    field = page.get_by_role("combobox", name="Search")
    expect(field).to_have_attribute("aria-expanded", "false")
    field.press_sequentially("num")
    options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
    expect(options.first).to_have_text("numbers")
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", options.first.get_attribute("id"))
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "false")
    field.press("Escape")
    expect(page.get_by_role("listbox", name="Suggestions")).to_be_hidden()
    expect(field).to_have_value("num")
    field.press("ArrowDown")
    expect(options.first).to_be_visible()
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    field.press("Enter")
    page.wait_for_url(re.compile(r"/papers/\?keyword=numbers$"))


def test_the_way_back_leads_over_the_whole_search_and_not_over_each_letter(tab):
    page = tab("/papers/")
    page.locator("#search").press_sequentially("number", delay=20)
    page.wait_for_url(re.compile("search=number$"))
    page.locator("#search").press_sequentially(" 07")
    expect(page.locator(".results-count")).to_have_text("1 paper")
    page.go_back()
    expect(page.locator(".results-count")).to_have_text("1–24 of 30 papers")
    expect(page.locator("#search")).to_have_value("")


def test_visitors_stars_and_visits_stay_in_the_browser(tab):
    page = tab("/papers/")
    star(page, "P01").click()
    page.keyboard.press("j")  # from the card of that star
    page.keyboard.press("b")
    page.goto("/papers/P03/")
    page.goto("/papers/")
    expect(star(page, "P01")).to_have_attribute("aria-pressed", "true")
    expect(star(page, "P02")).to_have_attribute("aria-pressed", "true")
    expect(star(page, "P00")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".is-visited h3")).to_have_text(["Paper number 03"])
    page.get_by_label("Bookmarked", exact=True).check()
    expect(page.locator(".paper-card h3")).to_have_text(["Paper number 01", "Paper number 02"])
    expect(page).to_have_url(re.compile(r"\?bookmarked=1$"))
    page.reload()
    expect(page.locator(".paper-card h3")).to_have_text(["Paper number 01", "Paper number 02"])
    page.goto("/papers/?unvisited=1")
    expect(page.locator(".results-count")).to_have_text("1–24 of 29 papers")


def test_visitors_find_their_bookmarks_on_a_page_of_their_own(tab):
    page = tab("/papers/P04/")
    page.get_by_role("button", name="Bookmark “Paper number 04”").click()
    page.goto("/bookmarks/")
    expect(page.locator(".paper-card h3")).to_have_text(["Paper number 04"])
    with page.expect_download() as download:
        page.get_by_role("link", name="BibTeX").click()
    assert "Paper number 04" in Path(download.value.path()).read_text()


def test_members_stars_are_kept_at_once_and_on_the_site(tab):
    page = tab("/papers/", member=True)
    with page.expect_response("**/bookmarks/set/"):
        star(page, "P05").click()
    expect(star(page, "P05")).to_have_attribute("aria-pressed", "true")
    page.goto("/papers/?bookmarked=1")
    expect(page.locator(".paper-card h3")).to_have_text(["Paper number 05"])
    with page.expect_response("**/bookmarks/set/"):
        star(page, "P05").click()
    expect(star(page, "P05")).to_have_attribute("aria-pressed", "false")
    page.goto("/bookmarks/")
    expect(page.locator(".paper-card")).to_have_count(0)


def test_a_star_that_cannot_be_kept_goes_back_and_says_why(tab):
    page = tab("/papers/", member=True)
    page.route("**/bookmarks/set/", lambda route: route.abort())
    star(page, "P05").click()
    expect(page.get_by_text("The bookmark could not be saved: the site cannot be reached.")).to_be_visible()
    expect(star(page, "P05")).to_have_attribute("aria-pressed", "false")


def test_bookmarks_of_a_visitor_move_into_the_account(tab, site):
    page = tab("/papers/")
    star(page, "P06").click()
    page.context.add_cookies([site.cookies.pop()])
    page.goto("/bookmarks/")
    expect(page.get_by_text("One bookmark is kept in this browser, from before you signed in.")).to_be_visible()
    page.get_by_role("button", name="Add to my account").click()
    expect(page.locator(".paper-card h3")).to_have_text(["Paper number 06"])
    expect(page.get_by_text("kept in this browser")).to_have_count(0)


def test_the_list_and_its_filters_fit_a_phone(tab):
    page = tab("/papers/", viewport={"width": 390, "height": 800})
    expect(page.get_by_label("Track")).to_be_hidden()
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Track").select_option("Track 1 (15)")
    expect(page.locator(".results-count")).to_have_text("15 papers")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_stars_and_filters_work_without_scripts_for_members(tab):
    page = tab("/papers/", member=True, java_script_enabled=False)
    star(page, "P07").click()
    expect(star(page, "P07")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Bookmarked", exact=True).check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".paper-card h3")).to_have_text(["Paper number 07"])
