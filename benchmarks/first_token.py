"""From a click on Run to the first token on the screen, in real Chromium, beside the same run asked for without a browser.

    .venv/bin/python -m benchmarks.first_token [--rounds 30]

A whole site with the sample conference and its SHA-RNN. In each round, one after the other: Run is clicked on the demo's
page, and the time is taken until the frame after the first token has come into the page; and the same inputs with another
seed are sent to the API, until the first token comes over the event stream. No round is answered from the store.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import httpx
from playwright.sync_api import Page, sync_playwright

from benchmarks.generation import percentile
from tests.conftest import chromium
from tests.running import Site

DEMO = "sha-rnn-generate"
PROMPT = "Attention is not all you need\n\nWe propose"
# The clock starts with the click as the page hears it and stops when a frame with a token has been drawn.
WATCH = """() => {
  window.firstToken = null;
  const text = document.querySelector("[data-part=text]");
  document.querySelector("form[data-inputs]").addEventListener("click", (event) => {
    if (event.target.type !== "submit") return;
    const start = event.timeStamp;
    const watch = new MutationObserver(() => {
      if (!text.querySelector(".token")) return;
      watch.disconnect();
      requestAnimationFrame(() => requestAnimationFrame((now) => (window.firstToken = now - start)));
    });
    watch.observe(text, { childList: true, subtree: true });
  }, { capture: true, once: true });
}"""


def in_browser(page: Page, seed: int) -> float:
    """Seconds from the click to the frame that shows a token."""
    page.locator("[name=seed][data-input]").fill(str(seed))
    page.evaluate(WATCH)
    page.get_by_role("button", name="Run", exact=True).click()
    for _ in range(3000):
        found = page.evaluate("window.firstToken")
        if found is not None:
            page.locator("[data-state=succeeded]").first.wait_for(timeout=60_000)
            return float(found) / 1000
        page.wait_for_timeout(20)
    raise RuntimeError("no token came")


def over_http(web: httpx.Client, seed: int, inputs: dict[str, object]) -> float:
    """Seconds from the request to the first token of the event stream."""
    start = time.perf_counter()
    answer = web.post(f"demos/{DEMO}/runs", json={"inputs": {**inputs, "seed": seed}})
    answer.raise_for_status()
    first, event = None, ""
    with web.stream("GET", f"runs/{answer.json()['id']}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("data: ") and event == "tokens" and json.loads(line[6:])["items"]:
                first = first or time.perf_counter() - start
    if first is None:
        raise RuntimeError("no token came")
    return first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with Site(STATIC_ROOT="", RUN_RATE_ANONYMOUS="100000/minute") as site, sync_playwright() as playwright:
        site.wait_until_ready()
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=site.url, viewport={"width": 1280, "height": 900})
        page.goto(f"/demos/{DEMO}/")
        page.locator("summary", has_text="Sampling").click()
        page.get_by_label("Text to continue").fill(PROMPT)
        page.get_by_label("Length").first.fill("40")
        inputs = {"prompt": PROMPT, "max_new_tokens": 40, "alternatives": 5}
        clicks, requests = [], []
        with httpx.Client(base_url=f"{site.url}/api/v1/", timeout=60) as web:
            for number in range(rounds + 3):
                click, request = in_browser(page, 2 * number), over_http(web, 2 * number + 1, inputs)
                if number >= 3:  # the first ones warm up
                    clicks.append(click)
                    requests.append(request)
        browser.close()
    for name, times in (
        ("click to first token on the screen", clicks),
        ("request to first token, no browser", requests),
    ):
        print(
            f"{name}: p50 {1000 * statistics.median(times):.0f}, p95 {1000 * percentile(times, 0.95):.0f}, "
            f"at most {1000 * max(times):.0f} ms ({rounds} runs)"
        )
    print(f"browser over none: {statistics.median(c / r for c, r in zip(clicks, requests, strict=True)):.2f} times")


if __name__ == "__main__":
    main()
