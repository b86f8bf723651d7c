"""Signing in with an account elsewhere in a real browser: out to the issuer and back, under the content policy."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.accounts.oidc_issuer import CLIENT, SECRET, Issuer
from tests.running import WebProcess


@pytest.fixture
def site(tmp_path: Path):
    with Issuer(person={"sub": "248289", "name": "Jane Doe"}) as issuer:
        made = WebProcess(
            data=tmp_path, OIDC_ISSUERS=f"uni={issuer.url}", OIDC_UNI_LABEL="University",
            OIDC_UNI_CLIENT_ID=CLIENT, OIDC_UNI_CLIENT_SECRET=SECRET, REDIS_URL=os.environ["REDIS_URL"],
        )  # fmt: skip
        with made as running:
            yield running, issuer


@pytest.mark.parametrize("scripts", [True, False])
def test_an_identity_is_connected_by_a_code_and_signs_in_from_then_on(site, browser: Browser, scripts: bool, tmp_path):
    running, issuer = site
    context = browser.new_context(base_url=running.url, java_script_enabled=scripts)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)

    page.goto("/accounts/login/?next=/schedule/")
    page.get_by_role("button", name="Sign in with University").click()
    expect(page.get_by_role("status")).to_contain_text("University knows you as Jane Doe")
    page.get_by_label("E-mail address").fill("jane@example.org")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("status")).to_contain_text("University knows you as Jane Doe")
    newest = max((tmp_path / "mail").iterdir(), key=lambda path: path.stat().st_mtime)
    code = re.search(r"^\s+([A-Z0-9-]{4,20})\s*$", newest.read_text(), re.MULTILINE)
    assert code
    page.get_by_label("Code").fill(code[1])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile("/schedule/$"))
    expect(page.get_by_text("From now on you can sign in with University")).to_be_visible()

    context.clear_cookies()
    page.goto("/accounts/login/?next=/papers/")
    page.get_by_role("button", name="Sign in with University").click()
    expect(page).to_have_url(re.compile("/papers/$"))
    page.goto("/profile/")
    expect(page.get_by_text("jane@example.org")).to_be_visible()
    expect(page.get_by_role("button", name="Disconnect University Jane Doe")).to_be_visible()
    assert "/authorize" in issuer.asked
    assert complaints == []
    context.close()
