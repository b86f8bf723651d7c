"""Pages from memory in a real browser: visitors share them and run demos from them; members' are their own."""

import re

import httpx
from playwright.sync_api import expect

SHA = "/papers/ShaRnn2019/"


def test_a_visitor_runs_a_demo_from_a_page_that_was_rendered_for_somebody_else(page_for, stack):
    shared = httpx.get(stack.url + SHA)
    assert shared.headers["cache-control"].startswith("public")
    for _ in range(2):
        page = page_for()
        answer = page.goto(SHA)
        assert (
            answer.header_value("etag")
            == httpx.get(stack.url + SHA, headers={"Accept-Encoding": "gzip"}).headers["etag"]
        )
        assert page.locator("meta[name=csrf-token], [name=csrfmiddlewaretoken]").count() == 0
        assert {cookie["name"] for cookie in page.context.cookies()} <= {"timezone"}
        page.get_by_label("Text to continue").fill("Recurrent networks are enough")
        page.locator("#demo-sha-rnn-generate").get_by_role("button", name="Run", exact=True).click()
        expect(page.locator(".demo").get_by_text(re.compile(r"^Done")).first).to_be_visible(timeout=60_000)
        assert page.locator(".demo .run-text .token").count() > 5


def test_a_visitor_without_javascript_runs_a_demo_and_stops_it(page_for):
    page = page_for(java_script_enabled=False)
    page.goto(SHA)
    page.locator("summary", has_text="Sampling").click()
    page.get_by_label("Length").first.fill("300")
    page.locator("#demo-sha-rnn-generate").get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    if page.get_by_role("button", name="Stop", exact=True).count():  # it may have ended before the page was there
        page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text(re.compile(r"Stopped|Done|Running")).first).to_be_visible()


def test_another_sites_page_cannot_run_a_demo_for_its_visitor(page_for, stack):
    page = page_for()
    # The same machine under its other name is another site.
    elsewhere = stack.url.replace("localhost", "127.0.0.1")
    page.route(f"{elsewhere}/trap", lambda route: route.fulfill(content_type="text/html", body=trap(stack.url)))
    page.goto(f"{elsewhere}/trap")
    with page.expect_navigation():
        page.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Not sent from this site")).to_be_visible()


def trap(url):
    address = f"{url}/demos/sha-rnn-generate/run/"
    form = f'<form method="post" action="{address}"><input name="prompt" value="x"><button>Go</button></form>'
    return f"<!doctype html><title>Trap</title>{form}"


def test_signing_in_and_out_changes_the_page_at_once(page_for, stack):
    page = page_for()
    page.goto(SHA)
    expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    page.goto(stack.links["attendee"])
    page.goto(SHA)
    expect(page.locator(".viewer-name")).to_be_visible()
    assert page.locator("meta[name=csrf-token]").get_attribute("content")
    page.locator(".viewer-name").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(SHA)
    expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    expect(page.locator(".viewer-name")).to_have_count(0)


def test_what_a_command_changes_is_on_the_next_page(stack):
    command = "from papers.models import Page; Page.objects.update_or_create(slug='about', defaults={'title': '%s'})"
    for title in ("Something about us", "Something else about us"):
        httpx.get(stack.url + "/pages/about/")
        assert stack.manage("shell", "-c", command % title).returncode == 0
        assert title in httpx.get(stack.url + "/pages/about/").text
    stack.manage("shell", "-c", "from papers.models import Page; Page.objects.filter(slug='about').delete()")
    assert httpx.get(stack.url + "/pages/about/").status_code == 404
