"""The frozen site in a browser, read from the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@pytest.fixture(scope="module")
def folder(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("frozen") / "site"
    done = stack.manage("freeze", str(target), "--record", "90")
    assert done.returncode == 0, done.stderr
    return target


def test_a_reader_finds_a_paper_by_search_and_plays_a_recorded_run(folder: Path, page_for: Any) -> None:
    page = page_for()
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Papers").click()
    page.get_by_label("Search").fill("single headed attention")
    page.get_by_role("link", name="Single Headed Attention RNN").click()
    run = page.locator("details.frozen-run").first
    run.locator("summary").click()
    text = run.locator("[data-part=text]")
    whole = text.inner_text()
    assert len(whole) > 100
    run.get_by_role("button", name="Play it again").click()
    page.wait_for_function(
        "([element, length]) => element.innerText.length < length", arg=[text.element_handle(), len(whole)]
    )
    page.wait_for_function("([element, text]) => element.innerText === text", arg=[text.element_handle(), whole])
    text.focus()
    page.keyboard.press("ArrowRight")
    assert run.locator(".alternatives-list li").count() >= 2


def test_times_are_the_viewer_s_and_days_follow_them(folder: Path, page_for: Any) -> None:
    days = {}
    for zone in ("Pacific/Auckland", "Pacific/Honolulu"):
        page = page_for(timezone_id=zone)
        page.goto((folder / "schedule" / "index.html").as_uri())
        page.locator("[data-frozen-schedule] section h2").first.wait_for()
        first = page.locator("[data-frozen-schedule] section").first
        days[zone] = first.locator("h2").inner_text(), first.locator("li").first.inner_text()
    assert days["Pacific/Auckland"][0] != days["Pacific/Honolulu"][0]
    assert days["Pacific/Auckland"][1] != days["Pacific/Honolulu"][1]


def test_the_map_is_drawn_and_finds_papers_without_a_server(folder: Path, page_for: Any) -> None:
    page = page_for()
    page.goto((folder / "papers" / "map" / "index.html").as_uri())
    if page.locator("[data-map]").count() == 0:
        pytest.skip("the map of this site is not computed yet")
    page.locator("[data-map][data-state=ready]").wait_for()
    page.get_by_label("Search papers").fill("attention")
    page.locator("[data-map-listing] li a").first.click()
    page.locator("h1").wait_for()
    assert "/papers/" in page.url
