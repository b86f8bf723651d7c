"""How long visitors' pages are kept, and what makes them out of date."""

import pytest
from django.db import transaction

from miniconf.broker import start_broker
from miniconf.live import publish
from miniconf.serving import page_changes
from miniconf.serving.page_cache import forget_pages
from miniconf.serving.pool import run_in_pool

from .some_pages import go_on, grow_old, listening, until, version

pytestmark = pytest.mark.django_db(transaction=True)


# --- How long ------------------------------------------------------------------------------------------------------------


async def test_an_old_page_is_shown_while_one_request_renews_it_but_not_for_ever(cache, web):
    await listening(cache, web)
    go_on.set()
    await web.get("/slow")
    version["now"] = 2
    grow_old(cache, 59)
    assert (await web.get("/slow")).text == "version 1"
    grow_old(cache, 2)
    go_on.clear()
    assert [(await web.get("/slow")).text for _ in range(5)] == ["version 1"] * 5
    assert cache.rendered == 2
    go_on.set()
    await until(lambda: not cache._flights)
    assert (await web.get("/slow")).text == "version 2"
    version["now"] = 3
    grow_old(cache, 121)
    assert (await web.get("/slow")).text == "version 3"


async def test_a_page_that_holds_for_a_few_seconds_only_is_kept_for_those(cache, web):
    await listening(cache, web)
    for age, rendered in ((0, 1), (4, 1), (2, 2)):
        grow_old(cache, age)
        assert (await web.get("/brief")).status_code == 200
        assert (cache.rendered, len(cache._flights)) == (rendered, 0)  # nothing old is shown meanwhile


async def test_without_a_broker_pages_are_kept_for_seconds_and_shown_no_longer(cache, web, settings):
    settings.REDIS_URL = "unix:///nonexistent/broker.sock"
    for version["now"], age, shown in ((1, 0, 1), (2, 9, 1), (3, 2, 3)):
        grow_old(cache, age)
        assert (await web.get("/rooms/a")).text == f"version {shown}"


# --- What makes a page out of date -------------------------------------------------------------------------------------


async def test_what_is_forgotten_here_is_forgotten_at_once(cache, web):
    await listening(cache, web)
    await web.get("/rooms/a")
    await web.get("/rooms/b")
    version["now"] = 2
    await run_in_pool(forget_pages, ["room:a"])
    assert (await web.get("/rooms/a")).text == "version 2"
    assert (await web.get("/rooms/b")).text == "version 1"
    await run_in_pool(forget_pages)
    assert (await web.get("/rooms/b")).text == "version 2"


async def test_other_processes_are_heard_of(cache, web):
    await listening(cache, web)
    await web.get("/rooms/a")
    await web.get("/rooms/b")
    await run_in_pool(publish, page_changes.TOPIC, [{"type": "forget", "tags": ["room:b"], "by": "a worker"}])
    await until(lambda: len(cache.store) == 1)
    assert {key.path for key in cache.store._pages} == {"/rooms/a"}
    await run_in_pool(publish, page_changes.TOPIC, [{"type": "forget", "tags": None, "by": "a worker"}])
    await until(lambda: len(cache.store) == 0)


async def test_a_message_in_a_room_drops_the_pages_of_that_room(cache, web):
    await listening(cache, web)
    await web.get("/rooms/a")
    await web.get("/rooms/b")
    await run_in_pool(publish, "room:a", [{"n": 1, "type": "message"}])
    await until(lambda: len(cache.store) == 1)
    assert {key.path for key in cache.store._pages} == {"/rooms/b"}


async def test_nothing_is_forgotten_before_the_commit_or_without_one(cache, web):
    await listening(cache, web)
    await web.get("/page")

    def change(end):
        with transaction.atomic():
            for _ in range(3):
                forget_pages()
            assert len(transaction.get_connection().run_on_commit) == 1
            kept = len(cache.store)
            transaction.set_rollback(end == "rollback")
        return kept

    assert await run_in_pool(change, "rollback") == 1
    assert len(cache.store) == 1
    assert await run_in_pool(change, "commit") == 1
    assert len(cache.store) == 0


async def test_what_changed_while_the_broker_was_away_is_not_shown_when_it_is_back(
    cache, web, settings, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("b")
    broker = start_broker(folder)
    settings.REDIS_URL = broker.url
    try:
        await listening(cache, web)
        await web.get("/rooms/a")
        broker.stop()
        await until(lambda: not cache.changes.listening)
        version["now"] = 2
        assert (await web.get("/rooms/a")).text == "version 1"
        broker = start_broker(folder)
        await until(lambda: cache.changes.listening)
        assert (await web.get("/rooms/a")).text == "version 2"
    finally:
        broker.stop()
