"""Texts that want to be run, in every field of a conference and on every page of it, in a real browser: nothing runs, no
element of theirs survives, and nothing is asked of where they point to. The content policy may not have to step in."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from tests.running import WebProcess
from tests.site import hostile_texts
from tests.site.hostile_texts import GROUPS, TEXTS
from tests.site.hostile_world import OUTPUTS
from tests.site.test_routes import routes

# In every document before anything else: what ran, and what the content policy had to stop.
WATCH = """
globalThis.ran = [];
globalThis.pwned = () => globalThis.ran.push("ran in " + location.href);
addEventListener("securitypolicyviolation", (event) => {
  globalThis.ran.push(`stopped by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
# What of the texts became part of the document instead of text in it.
FOUND = """() => {
  const found = [...globalThis.ran];
  const documents = [document, ...[...document.querySelectorAll("template")].map((template) => template.content)];
  for (const element of documents.flatMap((one) => [...one.querySelectorAll("*")])) {
    const name = element.localName;
    for (const { name: attribute, value } of element.attributes) {
      const address = ["href", "src", "action", "formaction", "data", "xlink:href", "poster", "srcdoc"].includes(attribute);
      if (/^on|^hx-on|^data-hx|^srcdoc$/.test(attribute)) found.push(`<${name} ${attribute}="${value}">`);
      if (address && /^[\\s\\x00-\\x20]*(java|vb)script:|^[\\s\\x00-\\x20]*data:(?!image\\/(png|jpeg|gif|webp|svg))/i
          .test(value.replace(/[\\t\\n\\r]/g, ""))) found.push(`<${name} ${attribute}="${value}">`);
      if (["id", "name", "class"].includes(attribute) && value === "pwn") found.push(`<${name} ${attribute}="pwn">`);
    }
    if (["base", "object", "embed", "marquee", "plaintext", "style", "animate"].includes(name)) found.push(`<${name}>`);
    if (name === "script" && !element.src && element.type !== "application/json") found.push("<script>");
    if (name === "meta" && element.httpEquiv) found.push(`<meta ${element.httpEquiv}>`);
  }
  return found;
}"""
# Files and addresses for programs; their own tests say what they are sent as.
NO_PAGES = re.compile(
    r"^(api/|healthz|readyz|metrics|media/|mail/|sign-in/|accounts/(logout|with)|calendar/|\^calendar|schedule\.ics|runs/.*/parts)"
    r"|\.ics$|\.csv|\.bib|\.json$|export/<|export\.<|sign-out|progress/$"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WebProcess, dict[str, str], list[str]]]:
    data: Path = tmp_path_factory.mktemp("hostile")
    made = WebProcess(
        data=data, REDIS_URL=os.environ["REDIS_URL"], PAGE_CACHE_SECONDS=0, CHAT_RATE_PERSON="1000/minute"
    )
    said = made.manage("shell", "-v0", "-c", "from tests.site.hostile_world import build; build()")
    links = {
        name: re.search(r"http\S+", made.manage("sign_in_link", f"{name}@example.org"))[0]  # type: ignore[index]
        for name in ("member", "author", "organizer")
    }
    with made as running:
        yield running, links, json.loads(said.splitlines()[-1])


@pytest.fixture
def context(site: Any, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site[0].url)
    context.add_init_script(WATCH)
    context.set_default_timeout(30_000)
    yield context
    context.close()


def watched(context: BrowserContext) -> tuple[Page, list[str]]:
    """A tab, and what it does that it should not: dialogs, requests to where the texts point."""
    page = context.new_page()
    done: list[str] = []
    page.on("dialog", lambda dialog: (done.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: done.append(request.url) if "evil.invalid" in request.url else None)
    return page, done


def addresses(group: int) -> list[str]:
    """Every page, with the rows of one group behind its parameters; pages without parameters for group 0 only."""
    kinds = list(OUTPUTS)
    kind = kinds[group % len(kinds)]
    values: dict[str, Any] = {
        "uid": f"X{group}", "key": f"X{group}", "kind": {"papers": "generate"}, "room_key": f"paper:X{group}",
        "slug": {"people": f"x{group}", "pages": f"x{group}", "demos": f"x{group}-{kind}", "models": "sha-rnn"},
        "message_id": sum(len(hostile_texts.group(one)) if one else len(TEXTS) for one in range(group)) + 1,
        "run_id": UUID(int=1000 * group + kinds.index(kind) + 1), "import_id": UUID(int=group + 1),
        "edit_id": group + 1, "pk": group + 1, "address": "sha-rnn", "name": "json", "number": 1, "mail": "invitation",
        "code": str(group).translate(str.maketrans("01", "YZ")).rjust(20, "A"),
    }  # fmt: skip
    found = []
    for route in routes():
        names = re.findall(r"<(?:\w+:)?(\w+)>", route)
        if NO_PAGES.search(route) or route.startswith("^") or not set(names) <= set(values) or (group and not names):
            continue
        wanted = (
            ["paper", "event", "session", "person", "page", "sponsor"]
            if route.startswith(("edit/", "history/", "new/"))
            else [""]
        )
        for kind in wanted:
            first = route.split("/")[0]

            def value(match: re.Match[str], kind: str = kind, first: str = first) -> str:
                name = match[1]
                if kind and name == "kind":
                    return kind
                if kind in ("person", "page") and name == "key":
                    return f"x{group}"
                found = values[name]
                return str(found.get(first, "x") if isinstance(found, dict) else found)

            found.append("/" + re.sub(r"<(?:\w+:)?(\w+)>", value, route))
    return found


def look_at(page: Page, done: list[str], address: str) -> tuple[int, list[str]]:
    """Status of an address and, where it is a page, what of any text became part of it."""
    answer = page.request.get(address, max_redirects=0)
    if answer.status != 200 or "text/html" not in answer.headers.get("content-type", ""):
        return answer.status, []
    done.clear()
    page.goto(address)
    return answer.status, [*page.evaluate(FOUND), *done]


def test_the_texts_would_be_noticed(browser: Browser) -> None:
    """Written into a page without policy or escaping, they are; so silence on the site's pages means something."""
    # "<scr<script>" is for filters that take something out.
    raw = [text for text in TEXTS if re.match(r"[\"'\]-]*>?<(?!javascript|!|scr<)\w", text)]
    assert len(raw) > 35
    context = browser.new_context()
    context.add_init_script(WATCH)
    body = ""
    context.route("http://bare.invalid/", lambda route: route.fulfill(content_type="text/html", body=body))
    missed = []
    for text in raw:
        body = f"<!doctype html><meta charset=utf-8><div>{text}</div>"
        page, done = watched(context)
        page.goto("http://bare.invalid/", wait_until="commit")
        page.wait_for_timeout(50)
        try:
            noticed = bool(page.evaluate(FOUND) or done)
        except Error:  # it went away
            noticed = True
        page.close()
        missed += [] if noticed else [text]
    context.close()
    assert missed == []


@pytest.mark.parametrize("who", ["visitor", "organizer"])
@pytest.mark.parametrize("group", range(GROUPS))
def test_nothing_of_any_text_becomes_part_of_any_page(site: Any, context: BrowserContext, group: int, who: str) -> None:
    page, done = watched(context)
    if who != "visitor":
        page.goto(site[1][who])
    wrong, opened = {}, 0
    for address in addresses(group):
        status, found = look_at(page, done, address)
        opened += status == 200
        if found or status >= 500:
            wrong[address] = (status, found)
    assert wrong == {}
    assert opened >= (10 if who == "visitor" else 20)


@pytest.mark.parametrize("who", ["member", "author"])
def test_nothing_of_any_text_becomes_part_of_ones_own_pages(site: Any, context: BrowserContext, who: str) -> None:
    page, done = watched(context)
    page.goto(site[1][who])
    wrong = {}
    for address in addresses(0):
        status, found = look_at(page, done, address)
        if found or status >= 500:
            wrong[address] = (status, found)
    assert wrong == {}


def test_nothing_of_a_message_runs_where_it_arrives_live(site: Any, browser: Browser, context: BrowserContext) -> None:
    """Sent from one browser by hand, seen in another that has the room open; edited, quoted and previewed."""
    writing, wrote = watched(context)
    writing.goto(site[1]["author"])
    writing.goto("/chat/lounge:main/")
    other = browser.new_context(base_url=site[0].url)
    other.add_init_script(WATCH)
    reading, read = watched(other)
    reading.goto("/chat/lounge:main/")
    box = writing.locator("[data-chat] textarea, .composer textarea, textarea").first
    for number, text in enumerate(TEXTS):
        box.fill(f"{text}\n\nno. {number}")
        box.press("Enter")
    expect(reading.get_by_text(f"no. {len(TEXTS) - 1}", exact=True)).to_be_visible(timeout=60_000)
    assert [*writing.evaluate(FOUND), *wrote] == []
    assert [*reading.evaluate(FOUND), *read] == []
    other.close()


def test_every_text_field_of_the_tables_was_tried(site: Any) -> None:
    """A new table needs a row in hostile_world.make, or a word here about why no page shows it."""
    assert set(site[2]) <= {"chat.InboundMail.refused", "demos.RunPart.name"}  # kept for programs only
