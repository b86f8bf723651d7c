"""The live demo on a paper's page, in a real browser with the shipped model."""

import re

from playwright.sync_api import expect

SHA = "/papers/ShaRnn2019/"
PROMPT = "Recurrent networks are enough\n\nWe show that"


def start(page, prompt=PROMPT):
    page.goto(SHA)
    page.get_by_label("Text to continue").fill(prompt)
    demo = page.locator("#demo-sha-rnn-generate")  # the page has others
    demo.get_by_role("button", name="Run", exact=True).click()
    return demo


def finished(demo):
    expect(demo.get_by_text(re.compile(r"^Done")).first).to_be_visible(timeout=60_000)


def written(demo):
    return "".join(demo.locator(".run-text .token").all_text_contents())


def test_text_is_written_token_by_token_and_kept_on_a_page_of_its_own(page_for):
    page = page_for()
    demo = start(page)
    finished(demo)
    text = written(demo)
    assert len(text.split()) > 10
    page.get_by_role("link", name="Page of this run").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    assert "".join(page.locator(".run-text .token").all_text_contents()) == text


def test_two_people_with_the_same_seed_read_the_same_text(page_for):
    demos = [start(page_for(role)) for role in (None, "attendee")]
    for demo in demos:
        finished(demo)
    assert written(demos[0]) == written(demos[1])


def test_a_token_shows_its_alternatives_to_the_keyboard(page_for):
    page = page_for()
    demo = start(page)
    finished(demo)
    demo.locator(".run-text .token").nth(3).click()
    expect(page.get_by_text(re.compile(r"\d+(\.\d+)?\s?%")).first).to_be_visible()


def test_a_run_can_be_stopped(page_for):
    page = page_for()
    page.goto(SHA)
    page.locator("summary", has_text="Sampling").click()
    page.get_by_label("Length").first.fill("300")
    page.get_by_label("Temperature").first.fill("1.5")
    page.get_by_label("Text to continue").fill(PROMPT)
    page.locator("#demo-sha-rnn-generate").get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".demo").get_by_text(re.compile(r"Stopped|Cancelled|Done", re.I)).first).to_be_visible(
        timeout=20_000
    )


def test_a_prompt_that_is_too_long_is_named_next_to_its_field(page_for):
    page = page_for()
    start(page, "language model " * 300)
    expect(page.locator("[data-error-for=prompt]")).to_contain_text("reads at most")


def test_without_javascript_a_run_leads_to_its_page(page_for):
    page = page_for(java_script_enabled=False)
    start(page)
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    for _ in range(60):
        if page.locator(".token").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    assert page.locator(".token").count() > 5
