"""Visitors' pages from memory: whose they may be, what they depend on, and that they are rendered once for all."""

import asyncio

import pytest

from miniconf.serving.page_cache import forget_pages
from miniconf.serving.pool import run_in_pool

from .some_pages import OWN, TEXT, form, go_on, listening, rendering, stream, version

pytestmark = pytest.mark.django_db(transaction=True)


# --- Answers ---------------------------------------------------------------------------------------------------------


async def test_a_page_is_rendered_once_and_sent_compressed(cache, web):
    await listening(cache, web)
    first, second = await web.get("/page"), await web.get("/page")
    assert cache.rendered == 1
    for answer in (first, second):
        assert (answer.status_code, answer.text) == (200, TEXT)
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == answer.num_bytes_downloaded < len(TEXT)
    assert first.headers.raw == second.headers.raw


async def test_who_reads_no_gzip_gets_the_text_itself(cache, web):
    await web.get("/page")
    for accepted in ("identity", "br", "gzip;q=0, br", ""):
        answer = await web.get("/page", headers={"Accept-Encoding": accepted})
        assert "content-encoding" not in answer.headers
        assert answer.content == TEXT.encode()
        assert answer.headers["content-length"] == str(len(TEXT))


async def test_each_encoding_has_a_tag_of_its_own_and_unchanged_pages_are_not_sent(cache, web):
    packed = await web.get("/page")
    plain = await web.get("/page", headers={"Accept-Encoding": "identity"})
    assert packed.headers["etag"] != plain.headers["etag"]
    assert not packed.headers["etag"].startswith("W/")
    for known in (packed.headers["etag"], f'"x", W/{packed.headers["etag"]}', "*"):
        answer = await web.get("/page", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert set(answer.headers) == {"etag", "cache-control", "vary"}
    for known in (plain.headers["etag"], '"something else"', ""):
        assert (await web.get("/page", headers={"If-None-Match": known})).status_code == 200


async def test_head_is_answered_without_the_body_from_the_same_page(cache, web):
    await listening(cache, web)
    head, full = await web.head("/page"), await web.get("/page")
    assert head.content == b""
    assert head.headers.raw == full.headers.raw
    assert cache.rendered == 1


async def test_browsers_ask_each_time_and_members_are_told_apart(web):
    answer = await web.get("/page")
    assert answer.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert answer.headers["vary"] == "Accept-Encoding, Cookie, HX-Request"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_withdrawn_and_missing_pages_are_kept_and_redirects_and_errors_are_not(cache, web):
    await listening(cache, web)
    for address, status in (("/gone", 410), ("/nowhere", 404), ("/moved", 302), ("/broken", 500), ("/picture", 200)):
        for _ in range(2):
            assert (await web.get(address)).status_code == status
    for address in ("/gone", "/nowhere"):  # only a page that is there can be unchanged
        assert (await web.get(address, headers={"If-None-Match": "*"})).content != b""
    assert {key.path for key in cache.store._pages} == {"/gone", "/nowhere"}


# --- What a page may depend on ---------------------------------------------------------------------------------------


async def test_a_shared_page_is_told_nothing_about_who_asked_first(web):
    curious = {
        "User-Agent": "Netscape",
        "Accept-Language": "tlh",
        "X-Forwarded-For": "203.0.113.9",
        "Referer": "http://localhost/secret",
        "If-Modified-Since": "Mon, 04 May 2020 10:00:00 GMT",
        "Cookie": "csrf_8000=abc; someone=42; timezone=Nowhere/Junk",
    }
    answer = await web.get("/echo", headers=curious)
    assert answer.text == "[('Host', 'localhost')] {} None"


async def test_visitors_in_two_zones_get_their_own_and_junk_gets_none(cache, web):
    await listening(cache, web)
    for _ in range(2):
        for told, shown in (
            ("Europe/Berlin", "Europe/Berlin"),
            ('"Europe/Berlin"', "Europe/Berlin"),
            ("Asia/Tokyo", "Asia/Tokyo"),
            ("<b>", "UTC"),
            ("", "UTC"),
        ):
            answer = await web.get("/zone", headers={"Cookie": f"a=b; timezone={told}"})
            assert answer.text == f"in {shown}"
    assert cache.rendered == 3


async def test_a_page_that_does_not_look_at_the_zone_is_one_for_all_zones(cache, web):
    await listening(cache, web)
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        await web.get("/page", headers={"Cookie": f"timezone={zone}"})
    assert cache.rendered == 1


async def test_address_host_and_htmx_tell_pages_apart(cache, web):
    await listening(cache, web)
    assert (await web.get("/part")).text == "all of it"
    assert (await web.get("/part", headers={"HX-Request": "true"})).text == "a part"
    assert (await web.get("/part")).text == "all of it"
    assert cache.rendered == 2
    await web.get("/part?a=1")
    await web.get("/part", headers={"Host": "127.0.0.1"})
    assert cache.rendered == 4


async def test_what_htmx_is_told_in_headers_is_part_of_what_a_page_is(web):
    tags = set()
    for address in ("/papers/", "/schedule/"):
        answer = await web.get("/part", headers={"HX-Request": "true", "HX-Current-URL": address})
        assert (answer.text, answer.headers["hx-push-url"]) == ("a part", address)
        tags.add(answer.headers["etag"])
    assert len(tags) == 2


# --- Whose page it is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "a=b; session_8000=abc"},
        {"Cookie": "messages=something"},
        {"Authorization": "Bearer abc"},
    ],
)
async def test_who_has_a_session_a_token_or_a_message_waiting_gets_a_page_of_their_own(cache, web, settings, headers):
    settings.SESSION_COOKIE_NAME = "session_8000"
    await listening(cache, web)
    for _ in range(2):
        answer = await web.get("/echo", headers=headers)
        assert next(iter(headers.values())) in answer.text
        assert answer.headers["cache-control"] == "private, max-age=0, must-revalidate"
    assert cache.rendered == 0


async def test_two_cookie_headers_hide_no_session(web, cache):
    answer = await web.get("/echo", headers=[("Cookie", f"{cache._session.decode()}abc"), ("Cookie", "timezone=UTC")])
    assert "abc" in answer.text


@pytest.mark.parametrize("view", OWN)
async def test_a_page_that_says_it_is_somebodys_own_is_never_kept(cache, web, view):
    await listening(cache, web)
    answers = [await web.get(f"/{view.__name__}", headers={"Cookie": "someone=42"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert cache.rendered == 1  # it is found out once
    assert len(cache.store) == 0
    if view is form:
        assert len({answer.text for answer in answers}) == 3
    if view is stream:
        assert answers[0].text == "0 1 2 "


async def test_other_methods_are_not_answered_from_memory(cache, web):
    await listening(cache, web)
    assert (await web.get("/part")).status_code == 200
    assert (await web.post("/part")).status_code == 403  # by Django's protection against forged requests
    assert cache.rendered == 1


# --- One for all -------------------------------------------------------------------------------------------------------


async def test_two_hundred_who_ask_at_once_have_a_page_rendered_once(cache, web):
    await listening(cache, web)
    asking = [asyncio.create_task(web.get("/slow")) for _ in range(200)]
    await asyncio.to_thread(rendering.wait, 10)
    go_on.set()
    assert {answer.text for answer in await asyncio.gather(*asking)} == {"version 1"}
    assert cache.rendered == 1


async def test_who_leaves_does_not_take_the_page_from_those_who_wait(cache, web):
    await listening(cache, web)
    asking = [asyncio.create_task(web.get("/slow")) for _ in range(3)]
    await asyncio.to_thread(rendering.wait, 10)
    asking[0].cancel()
    go_on.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert [answer.text for answer in answers[1:]] == ["version 1"] * 2


async def test_a_page_with_news_while_it_was_rendered_is_shown_to_those_who_asked_before_and_not_kept(cache, web):
    await listening(cache, web)
    before = asyncio.create_task(web.get("/slow"))
    await asyncio.to_thread(rendering.wait, 10)
    version["now"] = 2
    await run_in_pool(forget_pages)
    after = asyncio.create_task(web.get("/slow"))
    go_on.set()
    assert (await before).text == "version 1"
    assert (await after).text == "version 2"
    assert (await web.get("/slow")).text == "version 2"
    assert cache.rendered == 2


# --- Bounds ----------------------------------------------------------------------------------------------------------------


async def test_addresses_with_junk_in_them_neither_fill_the_memory_nor_push_out_what_is_read(cache, web):
    await listening(cache, web)
    cache.store.limit = 20_000
    for _ in range(5):
        await web.get("/page")
    for junk in range(100):
        await web.get(f"/page?junk={junk}")
        assert cache.store.bytes <= 20_000
    rendered = cache.rendered
    await web.get("/page")
    assert cache.rendered == rendered


async def test_very_long_addresses_are_not_kept(cache, web):
    await listening(cache, web)
    assert (await web.get(f"/page?junk={'x' * 2000}")).status_code == 200
    assert cache.rendered == 0


async def test_switched_off_nothing_is_kept(cache, web, settings):
    settings.PAGE_CACHE_SECONDS = 0
    assert (await web.get("/page")).text == TEXT
    assert len(cache.store) == 0
