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
    page.get_by_role("button", name="Stop", exact=True).click()
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


def test_a_token_leads_to_a_branch_and_the_tree_leads_back(page_for):
    page = page_for("attendee")
    demo = start(page)
    finished(demo)
    before = written(demo)
    demo.locator(".run-text .token").nth(4).click()
    page.locator(".alternatives button[data-text]:not([aria-current])").first.click()
    expect(demo.locator("[data-branch]")).to_have_count(2, timeout=60_000)
    finished(demo)
    assert demo.locator(".tokens-prompt").text_content() != PROMPT
    demo.locator("[data-branch]").first.click()
    expect(demo.locator(".tokens-prompt")).to_have_text(PROMPT)
    assert written(demo) == before


def test_a_text_is_coded_and_decoded_before_ones_eyes_and_its_bytes_can_be_had(page_for):
    page = page_for()
    page.goto("/demos/compression-is-prediction/")
    page.get_by_label("Text to read").fill("We propose a model.")
    page.get_by_role("button", name="Run", exact=True).click()
    coded = page.locator("[data-part=coded]")
    expect(coded).to_contain_text("the same text, to the last character", timeout=120_000)
    coded.get_by_role("button", name="Decode it before my eyes").click()
    expect(coded.locator("[data-part=decoded]")).to_have_text("We propose a model.", timeout=30_000)
    with page.expect_download() as download:
        coded.get_by_role("link", name="Download the bytes").click()
    data = download.value.path().read_bytes()
    shown = coded.locator("[data-part=bytes]").inner_text().split()
    assert data.startswith(b"MCAC")
    assert data.hex().endswith("".join(shown))


def test_a_run_is_discussed_and_stands_in_the_room_as_a_card(page_for):
    page = page_for("attendee")
    demo = start(page)
    finished(demo)
    demo.get_by_role("link", name="Discuss this run").click()
    page.get_by_label("What about this run?").fill("Look at its second sentence.")
    page.get_by_role("button", name="Post", exact=True).click()
    card = page.locator(".chat-message", has_text="Look at its second sentence.").locator(".run-card").last
    expect(card).to_contain_text("Recurrent networks are enough", timeout=60_000)
    card.click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))


def test_pieces_follow_what_is_typed_and_a_click_forces_a_cut(page_for):
    page = page_for()
    page.goto("/demos/bpe-tokens/")
    page.get_by_label("Text to cut").fill("transformers transform")
    cut = page.locator("[data-cuts]").first
    expect(cut).to_have_text("transformers transform", timeout=30_000)
    assert cut.locator(".piece").count() > 2
    cut.locator(".piece", has_text=re.compile(r"\w\w\w")).first.click()
    expect(page.get_by_label("Cuts that are forced")).to_have_value(re.compile(r"^\d+$"))
    expect(page.get_by_text("with the forced cuts")).to_be_visible(timeout=30_000)
