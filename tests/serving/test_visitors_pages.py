"""The site's own pages, shared by all visitors: nothing of a member or a token in them, and never out of date."""

from uuid import uuid4

import httpx
import pytest
from django.conf import settings as django_settings
from django.test import Client

from chat.services import send_message
from demos.models import Demo
from miniconf.accounts.models import User
from miniconf.asgi import COOKIES
from miniconf.serving.onehop import OneHopHandler
from miniconf.serving.page_cache import PageCache
from miniconf.serving.pool import run_in_pool
from papers.models import Conference, Event, Keyword, Page, Paper, Seat, Session

from .some_pages import listening, until

pytestmark = pytest.mark.django_db(transaction=True)

MEMBER = "Zanzibar Member"
PAGES = [
    *("/", "/papers/", "/papers/?search=networks", "/papers/A/", "/people/", "/schedule/", "/schedule/?day=all"),
    *("/sessions/s/", "/events/", "/events/e/", "/sponsors/", "/pages/about/", "/help/", "/announcements/", "/export/"),
    *("/papers/map/", "/papers/map/points/", "/papers/map/titles/", "/papers/map/found/?search=trees", "/for-you/"),
    *("/papers/A/quick/", "/papers/suggest?search=net", "/bookmarks/"),
    *("/demos/", "/demos/a/", "/chat/paper:A/", "/chat/lounge:main/", "/api/v1/papers", "/api/v1/papers/A"),
    *("/api/v1/sessions", "/api/v1/events", "/api/v1/demos", "/api/v1/openapi.json", "/api/v1/docs"),
]


@pytest.fixture
def site(transactional_db):
    Conference.current()
    paper = Paper.objects.create(uid="A", title="On networks", abstract="We study networks.")
    Paper.objects.create(uid="B", title="On trees")
    Demo.objects.create(slug="a", paper=paper, kind="generate", title="Generate", model="tiny")
    event = Event.objects.create(uid="e", kind="mentoring", title="A table", capacity=5)
    Session.objects.create(
        uid="s", title="Posters", starts_at="2027-05-03T22:30Z", ends_at="2027-05-03T23:00Z", event=event
    )
    Page.objects.create(slug="about", title="About", body="This is a conference.")
    return paper


@pytest.fixture
def member(site):
    return User.objects.create_user("member@example.org", name=MEMBER)


@pytest.fixture
def cache(site):
    return PageCache(OneHopHandler(), cookies=COOKIES)


@pytest.fixture
def web(cache):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=cache), base_url="http://localhost")


@pytest.fixture
def session(member):
    client = Client()
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    name = django_settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


async def test_every_public_page_is_kept_and_holds_no_token_and_sets_no_cookie(cache, web):
    await listening(cache, web)
    for address in PAGES:
        for _ in range(2):
            answer = await web.get(address)
            assert (address, answer.status_code) == (address, 200)
            assert "set-cookie" not in answer.headers
            assert "csrf" not in answer.text.lower().replace("x-csrftoken", "") or address.startswith("/api/")
    assert {(f"{key.path}?{key.query.decode()}").rstrip("?") for key in cache.store._pages} == set(PAGES)


async def test_no_visitor_sees_what_was_rendered_for_a_member_nor_the_other_way_round(cache, web, session):
    await listening(cache, web)
    for order in (("member", "visitor"), ("visitor", "member")):
        cache.store.forget()
        for address in PAGES:
            for who in order:
                answer = await web.get(address, headers={"Cookie": session} if who == "member" else {})
                assert answer.status_code == 200
                whole = "<html" in answer.text  # not a part that a script puts into a page
                assert (MEMBER in answer.text) == (who == "member" and whole), address
                assert ('name="csrf-token"' in answer.text) == (who == "member" and whole), address
                if who == "visitor":
                    assert "csrfmiddlewaretoken" not in answer.text, address
                if answer.headers["content-type"].startswith("text/html"):
                    assert "Cookie" in answer.headers["vary"], address
                public = answer.headers["cache-control"].startswith("public")
                assert public == (who == "visitor"), address


async def test_pages_with_a_form_to_sign_in_are_everybodys_own(cache, web):
    await listening(cache, web)
    tokens = [(await web.get("/accounts/login/")).text for _ in range(2)]
    assert "csrfmiddlewaretoken" in tokens[0]
    assert tokens[0] != tokens[1]
    assert len(cache.store) == 0


async def test_each_zone_gets_its_own_day(cache, web):
    await listening(cache, web)
    for _ in range(2):
        for zone, day in (("UTC", "2027-05-03"), ("Asia/Tokyo", "2027-05-04")):
            answer = await web.get("/schedule/", headers={"Cookie": f"timezone={zone}"})
            assert f"day={day}" in answer.text or f'datetime="{day}' in answer.text, zone


async def test_a_corrected_paper_is_shown_at_once(cache, web, site):
    await listening(cache, web)
    assert "On networks" in (await web.get("/papers/A/")).text
    site.title = "On nets"
    await run_in_pool(site.save)
    for address in ("/papers/A/", "/papers/", "/api/v1/papers"):
        assert "On nets" in (await web.get(address)).text
    keyword = await run_in_pool(Keyword.objects.create, name="fishing")
    await web.get("/papers/A/")
    await run_in_pool(site.keywords.add, keyword)
    assert "fishing" in (await web.get("/papers/A/")).text
    await run_in_pool(keyword.delete)
    assert "fishing" not in (await web.get("/papers/A/")).text


async def test_a_message_is_shown_on_the_next_page_and_other_papers_stay_as_they_are(cache, web, member):
    await listening(cache, web)
    await web.get("/papers/A/")
    await web.get("/papers/B/")
    await run_in_pool(send_message, user=member, room_key="paper:A", client_id=uuid4(), text="A question")
    await until(lambda: len(cache.store) == 1)
    rendered = cache.rendered
    assert "A question" in (await web.get("/papers/A/")).text
    assert "A question" not in (await web.get("/papers/B/")).text
    assert cache.rendered == rendered + 1


async def test_a_place_taken_is_shown_at_once(cache, web, member):
    await listening(cache, web)
    await web.get("/events/e/")
    await web.get("/papers/B/")
    event = await run_in_pool(Event.objects.get, uid="e")
    await run_in_pool(Seat.objects.create, event=event, user=member)
    assert {key.path for key in cache.store._pages} == {"/papers/B/"}


async def test_closing_the_site_to_visitors_takes_effect_at_once(cache, web, session):
    await listening(cache, web)
    for address in PAGES:
        await web.get(address)
    conference = await run_in_pool(Conference.current)
    conference.members_only = True
    await run_in_pool(conference.save)
    for _ in range(2):
        for address in PAGES:
            if address in ("/api/v1/openapi.json", "/api/v1/docs"):
                continue  # the same on every site
            answer = await web.get(address)
            assert answer.status_code == (401 if address.startswith("/api/") else 302), address
            assert "networks" not in answer.text
    assert {key.path for key in cache.store._pages} <= {"/api/v1/openapi.json", "/api/v1/docs"}
    assert (await web.get("/papers/A/", headers={"Cookie": session})).status_code == 200
    assert (await web.get("/papers/A/")).status_code == 302
