"""What all tests share: how pages are rendered, a whole running site, and a browser on it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.conf import settings
from django.test import override_settings

from tests.mail_server import MailServer
from tests.running import CI, Site, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# What only a CUDA device shows (`make test-gpu`).
collect_ignore = [] if shutil.which("nvidia-smi") else ["gpu"]


@pytest.fixture(autouse=True, scope="session")
def static_files_under_their_own_names() -> Iterator[None]:
    """Pages are rendered without collecting static files first; whole-site tests collect them as an operator does."""
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages):
        yield


@pytest.fixture(autouse=True)
def choices_counted_anew() -> None:
    """What a test rolls back sends no signal, so the list's form would offer it to the next one."""
    from papers import spelling
    from papers.listing import facets

    facets.forget()
    spelling.forget()


@pytest.fixture(autouse=True)
def nobody_has_done_anything_yet() -> None:
    """Accounts of different tests have the same numbers; what one wrote or ran must not count for the next."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    if keys := list(client.scan_iter("*limits*")):
        client.delete(*keys)


@pytest.hookimpl(trylast=True)  # the marks of whole folders are there by then
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quick ones first; browser tests last, since Playwright's event loop stays in the main thread."""
    items.sort(key=lambda item: 2 if item.get_closest_marker("browser") else bool(item.get_closest_marker("stack")))


@pytest.fixture(scope="session")
def stack() -> Iterator[Site]:
    """A whole site with the sample conference, shared by all tests that use it: they must not depend on each other."""
    with Site(STATIC_ROOT="", METRICS_TOKEN="secret-of-prometheus") as site:
        yield site.wait_until_ready()


def chromium() -> str | None:
    """Path of an installed Chromium: CHROMIUM, or one of the names it usually has."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        reason = "no Chromium: install chromium, or name one with CHROMIUM=/path/to/it"
        if CI:
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page_for(stack: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """`page_for("author", viewport=...)`: a tab of a fresh browser, signed in in that role; None: a visitor.

    Addresses are relative to the site. At the end no tab may have met a script error or broken the content policy.
    """
    contexts = []
    complaints: list[str] = []

    def open_page(role: str | None = None, **options: Any) -> Page:
        context = browser.new_context(**{"base_url": stack.url, "timezone_id": "Europe/Berlin", **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}") if "Content Security Policy" in message.text else None
            ),
        )
        if role is not None:
            page.goto(stack.links[role])
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    with MailServer(settings.EMAIL_PORT) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
