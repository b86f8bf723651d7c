"""The map in a real browser: drawing, pointing, zooming, selecting by mouse and finger, searching; papers for visitors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import WebProcess

pytestmark = pytest.mark.browser

# A grid of 10 x 10 papers, "Paper 00" at the upper left; columns 0 to 4 are of one track, 5 to 9 of another. Two more
# papers lie exactly on the last one.
SEED = """
from papers.models import Keyword, Paper, SimilarPaper, PaperVector, Track
left, right = (Track.objects.create(name=n, slug=n.lower()) for n in ("Left", "Right"))
top = Keyword.objects.create(name="Top row & more")
for n in range(102):
    row, column = divmod(min(n, 99), 10)
    track = left if column < 5 else right
    paper = Paper.objects.create(uid=f"P{n:02}", title=f"Paper {n:02}", track=track, map_x=column, map_y=-row)
    if row == 0:
        paper.keywords.add(top)
one, two = Paper.objects.get(uid="P03"), Paper.objects.get(uid="P77")
PaperVector.objects.create(paper=one, method="tf-idf", text_digest="", vector=b"")
SimilarPaper.objects.create(paper=one, other=two, position=0, score=0.5)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    web = WebProcess(data=tmp_path_factory.mktemp("site"), REDIS_URL=os.environ["REDIS_URL"])
    web.manage("shell", "-c", SEED)
    with web:
        yield web.url


@pytest.fixture
def tab(site: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """A tab of a fresh browser; no script error or broken content policy may have come up in any of them."""
    contexts, complaints = [], []

    def open_tab(path: str, *, kept: dict | None = None, **options: object) -> Page:
        window = {"viewport": {"width": 1280, "height": 1000}}
        context = browser.new_context(**{"base_url": site, "reduced_motion": "reduce", **window, **options})
        contexts.append(context)
        for name, value in (kept or {}).items():
            script = f"localStorage.setItem({json.dumps(name)}, {json.dumps(json.dumps(value))})"
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(error.stack))
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []


def ready(page: Page) -> Page:
    expect(page.locator("[data-map][data-state=ready]")).to_be_attached()
    page.wait_for_load_state("networkidle")
    return page


def place(page: Page, column: float, row: float) -> tuple[float, float]:
    """Where on the screen a column and row of the grid lie while the whole map is shown: it fits with 24 px around."""
    box = page.locator("[data-map-canvas]").bounding_box()
    assert box is not None
    side = min(box["width"], box["height"]) - 48
    left, top = box["x"] + box["width"] / 2 - side / 2, box["y"] + box["height"] / 2 - side / 2
    return left + side * column / 9, top + side * row / 9


def pixel(page: Page, column: float, row: float) -> list[int]:
    """Colour of the canvas there."""
    return pixel_at(page, *place(page, column, row))


def pixel_at(page: Page, x: float, y: float) -> list[int]:
    return page.evaluate(
        """([x, y]) => {
            const canvas = document.querySelector("[data-map-canvas]"), frame = canvas.getBoundingClientRect();
            const ratio = canvas.width / frame.width;
            return [...canvas.getContext("2d").getImageData((x - frame.left) * ratio, (y - frame.top) * ratio, 1, 1).data];
        }""",
        [x, y],
    )


def ring(page: Page, column: float, row: float) -> list[int]:
    """Colour where the ring around a point is while the list points to it: 13 pixels to its right."""
    x, y = place(page, column, row)
    return pixel_at(page, x + 13, y)


def drawn(page: Page) -> None:
    """Wait until what was asked for is on the canvas: the frame after the next one has begun."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def listed(page: Page) -> list[str]:
    return page.locator("[data-map-listing] ol a").all_text_contents()


def test_points_are_drawn_in_the_colours_of_their_tracks_which_can_be_switched_off(tab):
    page = ready(tab("/papers/map/"))
    left, right, between = pixel(page, 2, 2), pixel(page, 7, 2), pixel(page, 2.5, 2.5)
    assert between == [255, 255, 255, 255]
    assert len({tuple(left), tuple(right), tuple(between)}) == 3
    page.get_by_label("Right").uncheck()
    drawn(page)
    assert pixel(page, 7, 2) == between
    assert pixel(page, 2, 2) == left
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_label("Right")).to_be_checked()


def test_the_card_says_what_is_under_the_mouse_and_a_click_opens_it(tab):
    page = ready(tab("/papers/map/"))
    card = page.locator("[data-map-card]")
    page.mouse.move(*place(page, 3, 4))
    expect(card).to_contain_text("Paper 43")
    expect(card).to_contain_text("Left")
    page.mouse.move(*place(page, 3.5, 4.5))
    expect(card).to_be_hidden()
    page.mouse.click(*place(page, 6, 1))
    page.wait_for_url("**/papers/P16/")


def test_the_map_is_moved_and_zoomed_by_mouse_buttons_and_keys_and_the_address_remembers(tab):
    page = ready(tab("/papers/map/"))
    page.mouse.move(*place(page, 9, 9))
    for _ in range(4):
        page.mouse.wheel(0, -500)
    page.wait_for_url("**/papers/map/#*")
    zoomed = page.url.split("#")[1].split(",")
    assert float(zoomed[2]) > 5
    page.reload()
    ready(page)
    assert page.url.split("#")[1].split(",") == zoomed
    page.get_by_role("button", name="Zoom out").click()
    page.wait_for_url(lambda url: float(url.split(",")[-1]) < float(zoomed[2]))
    page.get_by_role("button", name="Show the whole map").click()
    page.wait_for_url(lambda url: "#" not in url)
    page.locator("[data-map-canvas]").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/papers/map/#*")
    x, _, zoom = map(float, page.url.split("#")[1].split(","))
    assert zoom == pytest.approx(1.6)
    assert x > 0.5
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "#" not in url)
    drag(page, place(page, 4.5, 4.5), place(page, 2.5, 4.5))
    page.wait_for_url("**/papers/map/#*")
    assert float(page.url.split("#")[1].split(",")[0]) == pytest.approx(0.5 + 2 / 9, abs=0.01)


def test_papers_on_the_same_place_are_drawn_apart(tab):
    page = ready(tab("/papers/map/#1,1,80"))
    page.get_by_role("button", name="List what is in view").click()
    assert listed(page) == ["Paper 100", "Paper 101", "Paper 99"]
    frame = page.locator("[data-map-canvas]").bounding_box()
    seen = set()
    for step in range(-60, 61, 6):
        for other in range(-60, 61, 6):
            page.mouse.move(frame["x"] + frame["width"] / 2 + step, frame["y"] + frame["height"] / 2 + other)
            seen.add(page.locator(".map-card-title").text_content())
    assert {"Paper 99", "Paper 100", "Paper 101"} <= seen


def test_shift_and_drag_lists_the_papers_and_keywords_of_an_area(tab):
    page = ready(tab("/papers/map/"))
    page.keyboard.down("Shift")
    drag(page, place(page, 0.5, -0.2), place(page, 3.5, 1.5))
    page.keyboard.up("Shift")
    expect(page.locator("[data-listing-said]")).to_have_text("6 papers.")
    assert listed(page) == ["Paper 01", "Paper 02", "Paper 03", "Paper 11", "Paper 12", "Paper 13"]
    tag = page.locator("[data-listing-keywords] a")
    expect(tag).to_have_text("Top row & more 3")
    assert tag.get_attribute("href") == "/papers/?keyword=Top+row+%26+more"
    assert min(pixel(page, 7, 7)[:3]) > 180 > min(pixel(page, 2, 1)[:3])  # what is not of the area is faint
    page.get_by_role("button", name="Clear").click()
    assert listed(page) == []
    expect(page.locator("[data-map-canvas]")).to_be_focused()


def test_the_list_points_to_the_map_and_leads_to_the_papers(tab):
    page = ready(tab("/papers/map/"))
    page.get_by_role("button", name="List what is in view").click()
    expect(page.locator("[data-listing-said]")).to_have_text("102 papers; the first 100 are listed.")
    before = ring(page, 0, 0)
    page.locator("[data-map-listing] ol a").first.focus()
    drawn(page)
    assert ring(page, 0, 0) != before
    page.keyboard.press("Enter")
    page.wait_for_url("**/papers/P00/")


def test_a_search_lights_what_it_finds_and_stays_in_the_address(tab):
    page = ready(tab("/papers/map/"))
    page.get_by_label("Search papers").press_sequentially("paper 55")
    expect(page.locator("[data-listing-said]")).to_have_text("1 paper.")
    assert listed(page) == ["Paper 55"]
    page.wait_for_url("**/papers/map/?search=paper+55")
    page.reload()
    ready(page)
    expect(page.get_by_label("Search papers")).to_have_value("paper 55")
    expect(page.locator("[data-map-listing] ol a")).to_have_text(["Paper 55"])
    page.get_by_label("Search papers").fill("nothing of the kind")
    expect(page.locator("[data-listing-said]")).to_have_text("0 papers.")
    page.get_by_label("Search papers").fill("")
    page.wait_for_url(lambda url: url.endswith("/papers/map/"))


def test_fingers_select_an_area_in_its_mode_and_a_tap_shows_a_card_that_opens(tab):
    page = ready(tab("/papers/map/", viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True))
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    button = page.get_by_role("button", name="Select an area")
    button.tap()
    expect(button).to_have_attribute("aria-pressed", "true")
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, *points: tuple[float, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    finger("touchStart", place(page, 3.5, 3.5))
    finger("touchMove", place(page, 5.5, 4.5))
    finger("touchMove", place(page, 6.5, 5.5))
    finger("touchEnd")
    expect(page.locator("[data-listing-said]")).to_have_text("6 papers.")
    assert listed(page) == [f"Paper {n}" for n in (44, 45, 46, 54, 55, 56)]
    page.get_by_role("button", name="Clear").tap()
    button.tap()
    page.locator("[data-map-canvas]").scroll_into_view_if_needed()
    # Two fingers moving apart zoom, in either mode.
    finger("touchStart", place(page, 4, 4), place(page, 5, 5))
    finger("touchMove", place(page, 2, 2), place(page, 7, 7))
    finger("touchEnd")
    page.wait_for_url("**/papers/map/#*")
    assert float(page.url.split(",")[2]) == pytest.approx(5, rel=0.05)
    page.get_by_role("button", name="Show the whole map").tap()
    page.wait_for_url(lambda url: "#" not in url)
    page.touchscreen.tap(*place(page, 2, 7))
    page.locator("[data-map-card] a", has_text="Paper 72").tap()
    page.wait_for_url("**/papers/P72/")


def test_what_a_visitor_has_visited_is_hollow_and_bookmarks_have_a_ring(tab):
    kept = {"visited": {"P22": 1}, "bookmarks": {"paper:P44": 1}}
    page = ready(tab("/papers/map/", kept=kept))
    assert pixel(page, 2, 2)[:3] != pixel(page, 3, 3)[:3]  # the middle of a hollow mark is paper
    page.mouse.move(*place(page, 4, 4))
    expect(page.locator("[data-map-card]")).to_contain_text("bookmarked")
    page.mouse.move(*place(page, 2, 2))
    expect(page.locator("[data-map-card]")).to_contain_text("visited")


def test_colours_follow_the_theme(tab):
    page = ready(tab("/papers/map/", color_scheme="light"))
    light = pixel(page, 2, 2)
    page.get_by_role("button", name="Dark theme").click()
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    expect(page.locator("[data-map-canvas]")).to_be_visible()
    drawn(page)
    assert pixel(page, 2, 2)[:3] != light[:3]


def test_without_scripts_the_page_leads_to_the_list_and_so_does_its_search(tab):
    page = tab("/papers/map/", java_script_enabled=False)
    expect(page.locator("[data-map-status]")).to_have_text("The map needs JavaScript. All papers stand in the list.")
    page.get_by_label("Search papers").fill("paper 55")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/papers/?search=paper+55")


def test_a_visitors_bookmarks_lead_to_papers_for_them(tab):
    page = tab("/for-you/")
    expect(page.locator("#for-you")).to_contain_text("There is nothing to start from yet")
    page = tab("/for-you/", kept={"bookmarks": {"paper:P03": 1}})
    expect(page.locator("#for-you .paper-card h3")).to_have_text("Paper 77")
    expect(page.locator("#for-you")).to_contain_text("because you bookmarked Paper 03")
