"""Attention drawn in a real browser, and the game played to its end, with the shipped model."""

import re
import time

from playwright.sync_api import expect

PAINTED = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, i) => i % 4 === 3 && value > 0);
}"""


def wait_until_painted(canvas):
    """Drawing waits for the browser's next frame, and for a part that comes over the network."""
    until = time.monotonic() + 30
    while not canvas.evaluate(PAINTED):
        assert time.monotonic() < until, "nothing was painted"
        time.sleep(0.1)


def test_attention_is_drawn_said_and_kept(page_for):
    page = page_for()
    page.goto("/demos/sha-rnn-head/")
    page.get_by_label("Text to read").fill("The method keeps weights. The weights that the method keeps matter.")
    page.get_by_role("button", name="Run", exact=True).click()
    tokens = page.locator("[data-part=lines] [data-part=rows] button")
    expect(tokens.nth(5)).to_be_visible(timeout=60_000)
    expect(page.locator("[data-part=says]")).to_contain_text("Point at a token")
    tokens.nth(5).click()
    expect(page.locator("[data-part=says]")).to_contain_text(re.compile(r"looks at .*\d %"))
    expect(tokens.nth(5)).to_have_attribute("aria-pressed", "true")
    wait_until_painted(page.locator("[data-part=lines] canvas").first)
    page.get_by_role("button", name="Matrix").click()
    matrix = page.locator("[data-part=matrix] canvas")
    matrix.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-part=says]")).to_contain_text(re.compile(r"“.+” at “.+”: \d"))
    page.get_by_role("button", name=re.compile("^Hide “")).click()
    expect(page.get_by_role("button", name="What moved")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="What moved").click()
    expect(page.locator("[data-part=matrix] canvas")).to_be_visible()
    wait_until_painted(matrix)


def test_the_game_is_played_and_counted(page_for):
    page = page_for()
    page.goto("/demos/sha-rnn-outguess/")
    guess = page.get_by_label("Next word")
    guess.fill("the")
    guess.press("Enter")
    expect(page.locator("[data-part=told]")).to_contain_text("“")
    page.get_by_role("button", name="No idea").click()
    page.get_by_role("button", name="Count the bits").click()
    expect(page.get_by_text(re.compile("^(You knew better|The model knew better|A draw)")).first).to_be_visible(
        timeout=60_000
    )
    expect(page.locator(".outguess-table tbody tr")).to_have_count(12)
