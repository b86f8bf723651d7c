"""The frozen site in a browser, read from the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.stack]


SAY = """
from uuid import uuid4
from chat.services import send_message
from miniconf.accounts.models import User
from papers.models import Paper
paper = Paper.objects.get(title__startswith="Single Headed")
user = User.objects.filter(is_organizer=True).first()
send_message(user=user, room_key=f"paper:{paper.uid}", client_id=uuid4(), text="Does one *head* suffice?")
"""


@pytest.fixture(scope="module")
def folder(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("frozen") / "site"
    said = stack.manage("shell", "-c", SAY)
    assert said.returncode == 0, said.stderr
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


def test_every_kind_of_page_opens_from_the_disk_without_an_error(folder: Path, page_for: Any) -> None:
    kinds: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.html")):
        kinds.setdefault(path.relative_to(folder).parts[0], []).append(path)
    assert {"papers", "people", "sessions", "events", "sponsors", "runs", "pages"} <= kinds.keys()
    page = page_for()
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(f"{page.url}: {error}"))
    page.on("console", lambda said: told.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    for paths in kinds.values():
        for path in paths[:3]:
            page.goto(path.as_uri())
            assert page.locator("h1").first.inner_text()
    assert told == []


def test_what_was_said_about_a_paper_can_be_read_without_a_server(folder: Path, page_for: Any) -> None:
    page = page_for()
    page.goto((folder / "papers" / "index.html").as_uri())
    page.get_by_label("Search").fill("single headed attention")
    page.get_by_role("link", name="Single Headed Attention RNN").click()
    said = page.locator(".chat-message", has_text="Does one head suffice?")
    assert said.locator("em").inner_text() == "head"
    assert page.locator("textarea").count() == 0
