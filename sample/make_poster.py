"""Make media/sha-rnn-poster.pdf from poster/poster.html, and media/sha-rnn-card.webp, the picture of the paper's card.

Needs Chromium and the development requirements (Playwright, Pillow). From the root of the project:

    .venv/bin/python sample/make_poster.py
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 1130})
        page.goto((HERE / "poster" / "poster.html").as_uri())
        page.pdf(path=HERE / "media" / "sha-rnn-poster.pdf", width="841mm", height="594mm", print_background=True)
        drawing = page.locator("svg").screenshot()
        browser.close()
    picture = Image.open(io.BytesIO(drawing)).convert("RGB")
    picture.thumbnail((640, 400))
    picture.save(HERE / "media" / "sha-rnn-card.webp", "WEBP", quality=85)


if __name__ == "__main__":
    main()
