"""Other sites' pages and the API: only those the operator names, only the API, and never with a session."""

import asyncio

import httpx
import pytest
from django.test import Client

from demos.models import Run
from miniconf.serving.onehop import OneHopHandler
from miniconf.serving.page_cache import PageCache

LAB = "https://lab.example"
API = "/api/v1/demos/tiny-generate/runs"


@pytest.fixture
def lab(settings, demo, announced):
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CORS_ALLOWED_ORIGINS = [LAB]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]


def allowed(answer):
    return answer.headers.get("Access-Control-Allow-Origin")


@pytest.mark.django_db
def test_a_named_sites_page_asks_first_and_then_runs_a_demo_as_a_visitor(lab):
    client = Client(enforce_csrf_checks=True)
    asked = client.options(
        API,
        headers={
            "Origin": LAB,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,last-event-id",
        },
    )
    assert allowed(asked) == LAB
    assert {"authorization", "idempotency-key"} <= set(asked.headers["Access-Control-Allow-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in asked.headers
    body = {"inputs": {"prompt": "We study"}}
    done = client.post(API, body, content_type="application/json", headers={"Origin": LAB})
    assert (done.status_code, allowed(done)) == (202, LAB)
    assert Run.objects.get().user is None
    refused = client.post(API, {"inputs": {"seed": -1}}, content_type="application/json", headers={"Origin": LAB})
    assert (refused.status_code, allowed(refused)) == (422, LAB)  # the page may read what was wrong


@pytest.mark.django_db
def test_no_other_site_and_nothing_but_the_api(lab):
    client = Client(enforce_csrf_checks=True)
    other = client.post(API, {}, content_type="application/json", headers={"Origin": "https://evil.example"})
    assert (other.status_code, allowed(other)) == (403, None)
    page = client.get("/demos/tiny-generate/", headers={"Origin": LAB})
    assert (page.status_code, allowed(page)) == (200, None)
    form = client.post("/demos/tiny-generate/run/", {"prompt": "x"}, headers={"Origin": LAB})
    assert form.status_code == 403


@pytest.mark.django_db
def test_a_members_session_is_of_no_use_to_it(lab, attendee):
    client = Client(enforce_csrf_checks=True)
    client.force_login(attendee, backend="allauth.account.auth_backends.AuthenticationBackend")
    done = client.post(API, {"inputs": {}}, content_type="application/json", headers={"Origin": LAB})
    assert done.status_code == 403
    assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
async def test_lists_from_memory_tell_each_site_what_it_may_read(lab):
    """Kept pages are the same for everybody, so a request of another site's page is answered by itself."""
    cache = PageCache(OneHopHandler())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=cache), base_url="http://testserver") as web:
        await web.get("/papers/Tiny.1/")  # which lets the cache hear of changes
        async with asyncio.timeout(60):
            while not cache.changes.listening:
                await asyncio.sleep(0.02)
        assert [allowed(await web.get("/api/v1/demos")) for _ in range(2)] == [None, None]
        kept = cache.rendered
        assert allowed(await web.get("/api/v1/demos", headers={"Origin": LAB})) == LAB
        assert allowed(await web.get("/api/v1/demos", headers={"Origin": "https://evil.example"})) is None
        assert allowed(await web.get("/api/v1/demos")) is None
        assert cache.rendered == kept
