"""Visitors' pages hold no token, so their runs are accepted from this site's own pages and refused from others."""

import re

import pytest
from django.test import Client

from demos.models import Run
from miniconf.accounts.models import ApiToken
from papers.models import Conference

pytestmark = pytest.mark.django_db

OWN = "http://testserver"
FORM = "/demos/tiny-generate/run/"
API = "/api/v1/demos/tiny-generate/runs"
OTHER_SITES = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "https://testserver"},
    {"Origin": "http://testserver:81"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
]
OWN_PAGES = [{"Origin": OWN}, {"Origin": OWN, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "same-origin"}]


@pytest.fixture(autouse=True)
def _site(settings, demo, announced):
    settings.ALLOWED_HOSTS = ["testserver"]


def browser(user=None):
    client = Client(enforce_csrf_checks=True)
    if user is not None:
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def post_form(client, headers, **fields):
    return client.post(FORM, {"prompt": "We study", **fields}, headers=headers)


def post_json(client, headers):
    return client.post(API, {"inputs": {"prompt": "We study"}}, content_type="application/json", headers=headers)


@pytest.mark.parametrize("headers", OWN_PAGES)
def test_a_visitor_runs_a_demo_from_this_sites_pages_without_a_token(headers):
    form, script = post_form(browser(), headers), post_json(browser(), headers)
    assert (form.status_code, script.status_code) == (302, 202)
    assert "csrf" not in str(form.cookies)
    assert Run.objects.filter(user=None).count() == 2


@pytest.mark.parametrize("headers", OTHER_SITES)
def test_pages_of_other_sites_start_nothing(headers):
    form, script = post_form(browser(), headers), post_json(browser(), headers)
    assert (form.status_code, script.status_code) == (403, 403)
    assert "Not sent from this site" in form.content.decode()
    assert script["Content-Type"] == "application/problem+json"
    assert not Run.objects.exists()


def test_a_form_that_no_browser_vouches_for_is_refused_and_a_program_is_not():
    assert post_form(browser(), {}).status_code == 403
    assert post_json(browser(), {}).status_code == 202


def test_the_address_people_type_counts_as_the_sites_own_behind_a_proxy(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://conference.example"]
    assert post_form(browser(), {"Origin": "https://conference.example"}).status_code == 302


def test_stopping_is_protected_in_the_same_way():
    post_form(browser(), {"Origin": OWN})
    run = Run.objects.get()
    for address in (
        *(f"/runs/{run.pk}/stop/", f"/api/v1/runs/{run.pk}/cancel"),
        *(f"/runs/{run.pk}/keep/", f"/api/v1/runs/{run.pk}/keep"),
    ):
        assert browser().post(address, headers={"Origin": "https://evil.example"}).status_code == 403
    run.refresh_from_db()
    assert run.state == "queued"
    assert browser().post(f"/runs/{run.pk}/stop/", headers={"Origin": OWN}).status_code == 302
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_members_need_their_token_wherever_a_request_comes_from(attendee):
    client = browser(attendee)
    for headers in (*OWN_PAGES, *OTHER_SITES, {}):
        assert post_form(client, headers).status_code == 403
        assert post_json(client, headers).status_code == 403
    assert not Run.objects.exists()


def test_members_send_the_token_of_their_page(attendee):
    client = browser(attendee)
    page = client.get("/papers/Tiny.1/").content.decode()
    token = re.search(r'class="demo-form".*?name="csrfmiddlewaretoken" value="([^"]+)"', page, re.DOTALL)
    meta = re.search(r'<meta name="csrf-token" content="([^"]+)"', page)
    assert post_form(client, {"Origin": OWN}, csrfmiddlewaretoken=token[1]).status_code == 302
    assert post_json(client, {"Origin": OWN, "X-CSRFToken": meta[1]}).status_code == 202
    assert Run.objects.filter(user=attendee).count() == 2
    assert post_form(client, {"Origin": "https://evil.example"}, csrfmiddlewaretoken=token[1]).status_code == 403


def test_a_bearer_token_speaks_for_its_member_from_anywhere(attendee):
    _, text = ApiToken.issue(attendee, "a page elsewhere")
    headers = {"Authorization": f"Bearer {text}", "Origin": "https://elsewhere.example"}
    assert post_json(browser(), headers).status_code == 202
    assert Run.objects.filter(user=attendee).count() == 1


def test_where_visitors_may_not_run_an_own_page_changes_nothing():
    Conference.objects.update(anonymous_runs=False)
    assert post_json(browser(), {"Origin": OWN}).status_code == 401
    assert post_form(browser(), {"Origin": OWN}).status_code == 401
    assert not Run.objects.exists()


def test_a_form_is_only_posted():
    assert browser().get(FORM, headers={"Origin": OWN}).status_code == 405
