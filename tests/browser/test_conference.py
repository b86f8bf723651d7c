"""What attendees see, in a real browser on a whole site."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

SHA = "/papers/ShaRnn2019/"


def becomes_true(page, expression):
    """Playwright's own `wait_for_function` evaluates inside the page, which the content policy forbids."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never became true: {expression}")


def send(page, text):
    box = page.get_by_role("textbox", name=re.compile("message", re.I))
    box.fill(text)
    box.press("Enter")


def test_two_people_talk_on_a_papers_page(page_for):
    author, attendee = page_for("author"), page_for("attendee")
    for page in (author, attendee):
        page.goto(SHA)
    send(attendee, "Does the *memory* need positions? $h_t$ knows none.")
    log = author.get_by_role("log")
    expect(log.get_by_text("need positions?")).to_be_visible()
    expect(log.locator("em", has_text="memory").last).to_be_visible()
    assert log.locator("math").count() >= 1
    send(author, "It does not.")
    expect(attendee.get_by_role("log").get_by_text("It does not.")).to_be_visible()
    attendee.reload()
    expect(attendee.get_by_role("log").get_by_text("It does not.")).to_be_visible()


def test_what_people_type_is_never_executed(page_for):
    attendee, visitor = page_for("attendee"), page_for()
    attendee.goto("/papers/BERT2019/")
    send(attendee, '<img src=x onerror="document.title=1"> <script>document.title=2</script>')
    visitor.goto("/papers/BERT2019/")
    expect(visitor.get_by_role("log").get_by_text("<img src=x")).to_be_visible()
    assert "BERT" in visitor.title()


def test_visitors_read_and_are_asked_to_sign_in_to_write(page_for):
    page = page_for()
    page.goto(SHA)
    expect(page.get_by_role("log")).to_be_visible()
    assert page.get_by_role("textbox", name=re.compile("message", re.I)).count() == 0
    expect(page.get_by_role("link", name=re.compile("sign in", re.I)).last).to_be_visible()


def test_the_talk_plays_with_captions_and_can_be_sought(page_for):
    page = page_for()
    page.goto(SHA)
    video = page.locator("video")
    video.evaluate("v => { v.muted = true; v.load(); }")
    becomes_true(page, "document.querySelector('video').readyState >= 1")
    duration = video.evaluate("v => v.duration")
    assert duration > 30
    video.evaluate("v => { v.currentTime = 20; }")
    becomes_true(page, "!document.querySelector('video').seeking")
    assert video.evaluate("v => v.currentTime") == pytest.approx(20, abs=0.5)
    video.evaluate("v => { v.textTracks[0].mode = 'showing'; }")
    becomes_true(page, "(document.querySelector('video').textTracks[0].cues || []).length > 5")


@pytest.mark.parametrize("path", ["/", "/papers/", SHA, "/schedule/", "/help/", "/demos/", "/api/v1/docs"])
def test_nothing_is_loaded_from_third_parties(page_for, path):
    page = page_for()
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert hosts == {"localhost"}


@pytest.mark.parametrize("path", ["/", "/papers/", SHA, "/schedule/", "/events/", "/accounts/login/"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen(page_for, path, width):
    page = page_for(viewport={"width": width, "height": 800})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_papers_are_found_without_javascript(page_for):
    page = page_for(java_script_enabled=False)
    page.goto("/papers/")
    box = page.get_by_role("searchbox").or_(page.get_by_role("textbox", name=re.compile("search", re.I))).first
    box.fill("lottery")
    box.press("Enter")
    expect(page.get_by_role("link", name=re.compile("Lottery Ticket Hypothesis"))).to_be_visible()
    assert "lottery" in page.url


def test_times_are_those_of_the_viewer(page_for):
    berlin, tokyo = page_for(), page_for(timezone_id="Asia/Tokyo")
    shown = []
    for page in (berlin, tokyo):
        page.goto(SHA)
        shown.append(page.locator("time[data-local]").first.inner_text())
    assert shown[0] != shown[1]
