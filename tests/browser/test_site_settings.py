"""A new site is set up in a browser, step by step; two web processes show at once what organizers chose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect

from tests.running import Site

ADDRESS = re.compile(r"http://\S+/sign-in/\S+")


@pytest.fixture(scope="module")
def empty() -> Iterator[Site]:
    """Two web processes that keep pages far longer than a test lasts."""
    with Site(SAMPLE="0", WEB_PROCESSES="2", PAGE_CACHE_SECONDS="3600") as site:
        site.wait_for("Ctrl-C stops everything")
        yield site


@pytest.fixture
def organizer(empty: Site, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=empty.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(ADDRESS.findall(empty.manage("create_organizer", "olive@example.org", "--name", "Olive").stdout)[-1])
    yield page
    context.close()
    assert complaints == []


def everywhere(site: Site, words: str) -> bool:
    """Whether the home page says so whichever process answers: every request comes by a connection of its own."""
    return all(words in httpx.get(site.url).text for _ in range(12))


def wait_everywhere(page: Page, site: Site, words: str) -> None:
    for _ in range(50):
        if everywhere(site, words):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"visitors are not shown {words!r}")


def test_an_empty_site_is_set_up_step_by_step_and_visitors_see_it_at_once(empty, organizer, tmp_path):
    assert everywhere(empty, "<title>miniconf</title>")
    page = organizer
    page.goto("/")
    page.get_by_role("link", name="Go on setting up").click()
    page.get_by_label("Name").fill("Proceedings Live")
    page.get_by_label("Tagline").fill("A small one")
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_label("First day").fill("2027-05-03")
    page.get_by_label("Last day").fill("2027-05-04")
    page.get_by_label("Timezone").select_option("Europe/Lisbon")
    page.goto("/organize/")  # left, and gone on with; what was not saved is asked for again
    page.get_by_role("link", name="Go on setting up").click()
    expect(page.get_by_label("First day")).to_have_value("")
    page.get_by_label("First day").fill("2027-05-03")
    page.get_by_label("Timezone").select_option("Europe/Lisbon")
    page.get_by_role("button", name="Save and go on").click()
    page.get_by_label("Anybody with an address").check()
    page.get_by_role("button", name="Save and go on").click()
    for _ in range(2):
        page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("heading", name="Proceedings Live is set up")).to_be_visible()
    wait_everywhere(page, empty, "<title>Proceedings Live</title>")

    page.get_by_role("link", name="Colours and logo").click()
    page.get_by_label("Accent colour", exact=True).fill("#ffe000")
    expect(page.get_by_text("too faint").first).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("#ffe000 cannot be read well")).to_be_visible()
    page.get_by_label("Accent colour", exact=True).fill("#8a1c4a")
    logo = Image.new("RGBA", (400, 100))
    ImageDraw.Draw(logo).ellipse((0, 0, 99, 99), fill="#8a1c4a")
    logo.save(tmp_path / "logo.png")
    page.get_by_label("Picture", exact=True).set_input_files(tmp_path / "logo.png")
    page.get_by_role("button", name="Save").click()
    picture = page.locator(".site-logo")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 400
    save = page.get_by_role("button", name="Save")
    expect(save).to_have_css("background-color", "rgb(138, 28, 74)")
    page.emulate_media(color_scheme="dark")
    expect(save).not_to_have_css("background-color", "rgb(138, 28, 74)")
    wait_everywhere(page, empty, 'class="site-logo"')


def test_the_menu_is_changed_by_keyboard_and_on_a_phone(empty, organizer):
    page = organizer
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/organize/settings/menu/")
    page.get_by_label("Name of Papers").fill("Posters")
    page.get_by_role("button", name="Map up").press("Enter")
    expect(page.get_by_role("button", name="Posters up")).to_be_enabled()
    expect(page.get_by_role("button", name="Map up")).to_be_disabled()
    page.get_by_label("Where Events stands").select_option("Nowhere")
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wait_everywhere(page, empty, ">Posters</a>")
    menu = re.search(r'aria-label="Main">(.*?)</nav>', httpx.get(empty.url).text, re.DOTALL)
    assert re.findall(r">([^<>]+)</a>", menu[1])[:3] == ["Map", "Posters", "Schedule"]
    assert "Events" not in menu[1]


def test_words_of_a_mail_are_tried_sent_and_kept_without_a_script(empty, organizer, browser):
    page = organizer
    page.goto("/organize/settings/mails/notifications/")
    inside = page.frame_locator("iframe.mail-html")
    expect(inside.get_by_role("heading", name="Lounge")).to_be_visible()
    plain = browser.new_context(
        base_url=empty.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    page = plain.new_page()
    page.goto("/organize/settings/mails/invitation/")
    page.get_by_label("Text", exact=True).fill("{greeting}, come to {sign_in} as {emial}")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("{emial} is no placeholder of this mail. Did you mean {email}?")).to_be_visible()
    page.get_by_label("Text", exact=True).fill("{greeting}, come to {sign_in} as {email}")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".mail-text")).to_contain_text("Hello Ada Lovelace, come to http")
    page.get_by_role("button", name="Send to me").click()
    expect(page.get_by_text("It was sent to olive@example.org.")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Usual words again")).to_be_visible()
    plain.close()
    sent = max(Path(empty.data, "mail").iterdir(), key=lambda file: file.stat().st_mtime).read_text(encoding="utf-8")
    assert "Hello Ada Lovelace, come to" in sent


def test_the_checklist_says_what_the_new_site_lacks(empty, organizer):
    page = organizer
    page.goto("/organize/checklist/")
    lacking = page.locator(".check-todo")
    for title in ("Papers", "Code of conduct", "Mail", "Backup"):
        expect(lacking.filter(has=page.get_by_text(title, exact=True))).to_have_count(1)
    expect(page.get_by_text("secret key")).to_be_visible()  # the doctor has spoken
    assert empty.manage("backup", str(Path(empty.data, "kept.zip"))).returncode == 0
    page.reload()
    expect(page.locator(".check-done").filter(has=page.get_by_text("Backup", exact=True))).to_have_count(1)
