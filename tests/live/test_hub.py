"""Following a topic: nothing lost, nothing twice, in order, whatever happens on the way."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from miniconf.live import BrokerDown, publish
from miniconf.live.following import follow
from miniconf.live.frames import Frame
from miniconf.live.hub import hub
from miniconf.live.registry import LiveError
from miniconf.serving.pool import run_in_pool

from .conftest import Log, StoppableBroker

# The threads of the pool may hold connections to the test database.
pytestmark = pytest.mark.django_db(transaction=True)


async def take(events: AsyncIterator[dict[str, Any]], count: int) -> list[Any]:
    """The next `count` events: the number of logged ones, the type of others."""
    async with asyncio.timeout(15):
        return [event.get("n", event["type"]) for event in [await anext(events) for _ in range(count)]]


async def test_a_new_follower_gets_the_backlog_and_then_what_is_said(log: Log):
    log.commit("before")
    async with aclosing(follow("log:a", None)) as events:
        assert await anext(events) == {"n": 1, "type": "line", "text": "before"}
        log.say("now")
        assert await anext(events) == {"n": 2, "type": "line", "text": "now"}


async def test_a_follower_who_comes_back_gets_only_what_was_missed(log: Log):
    for _ in range(5):
        log.commit()
    async with aclosing(follow("log:a", None, after=3)) as events:
        assert await take(events, 2) == [4, 5]
        log.say()
        assert await take(events, 1) == [6]


async def test_what_is_said_while_the_backlog_is_read_is_neither_lost_nor_repeated(log: Log):
    log.commit()
    log.pause = threading.Event()
    async with aclosing(follow("log:a", None)) as events:
        first = asyncio.create_task(anext(events))
        await asyncio.to_thread(log.reading.wait, 10)
        log.say()  # after the snapshot, before it is delivered
        log.pause.set()
        log.pause = None
        log.say()
        assert (await first)["n"] == 1
        assert await take(events, 2) == [2, 3]


async def test_followers_see_every_number_once_while_others_come_go_and_speak(log: Log):
    """Twelve followers join at different moments of a conversation of 300 lines; all end with the same list."""

    async def listen(delay: int) -> list[int]:
        while len(log.events) < delay:
            await asyncio.sleep(0)
        async with aclosing(follow("log:a", None, after=0)) as events:
            return await take(events, 300)

    async def speak() -> None:
        for _ in range(300):
            await run_in_pool(log.say)

    *heard, _ = await asyncio.gather(*(listen(delay) for delay in range(0, 240, 20)), speak())
    assert heard == [list(range(1, 301))] * 12


async def test_messages_published_in_the_wrong_order_arrive_in_the_right_one(log: Log):
    async with aclosing(follow("log:a", None, after=0)) as events:
        log.say()
        assert await take(events, 1) == [1]
        second, third = log.commit(), log.commit()
        publish("log:a", [third])
        publish("log:a", [second])
        log.say()
        assert await take(events, 3) == [2, 3, 4]


async def test_a_wrong_order_during_the_reading_of_the_backlog_loses_nothing(log: Log):
    log.commit()
    log.pause = threading.Event()
    async with aclosing(follow("log:a", None)) as events:
        first = asyncio.create_task(anext(events))
        await asyncio.to_thread(log.reading.wait, 10)
        second, third = log.commit(), log.commit()
        publish("log:a", [third])
        while hub()._topics["log:a"].subscriptions and not _held("log:a"):
            await asyncio.sleep(0.001)
        log.pause.set()
        log.pause = None
        assert (await first)["n"] == 1
        publish("log:a", [second])
        log.say()
        assert await take(events, 3) == [2, 3, 4]


def _held(topic: str) -> list[Frame]:
    return [frame for sub in hub()._topics[topic].subscriptions for frame in sub.held or []]


async def test_a_publication_that_failed_is_made_good_by_the_next(log: Log):
    async with aclosing(follow("log:a", None, after=0)) as events:
        log.say()
        assert await take(events, 1) == [1]
        log.commit("stored, but the broker was away for a moment")
        log.say()
        assert await take(events, 2) == [2, 3]


async def test_transient_events_pass_without_numbers(log: Log):
    async with aclosing(follow("log:a", None, after=0)) as events:
        log.say()
        assert await take(events, 1) == [1]
        publish("log:a", [{"type": "position", "position": 3}])
        assert await anext(events) == {"type": "position", "position": 3}


async def test_one_who_may_not_follow_is_told_why(log: Log):
    with pytest.raises(LiveError) as refusal:
        await anext(follow("log:private", None))
    assert refusal.value.as_dict() == {"code": "forbidden", "message": "This topic is private."}


@pytest.mark.parametrize("topic", ["nonsense", "unheard:of", "log:", "log:a\x00b", "", "log:" + "a" * 251])
async def test_a_topic_that_cannot_be_is_refused(log: Log, topic: str):
    with pytest.raises(LiveError) as refusal:
        await anext(follow(topic, None))
    assert refusal.value.code == "unknown_topic"


async def test_leaving_lets_go_of_the_topic(log: Log):
    """By breaking off the loop, by cancelling while waiting, and by cancelling during the first read."""
    log.commit()
    async with aclosing(follow("log:a", None)) as events:
        await anext(events)
        assert list(hub()._topics) == ["log:a"]
    assert list(hub()._topics) == []

    waiting = asyncio.create_task(take(follow("log:a", None), 2))
    while "log:a" not in hub()._topics:
        await asyncio.sleep(0)
    log.pause = threading.Event()
    log.reading.clear()
    reading = asyncio.create_task(take(follow("log:a", None), 1))
    await asyncio.to_thread(log.reading.wait, 10)
    waiting.cancel()
    reading.cancel()
    await asyncio.gather(waiting, reading, return_exceptions=True)
    log.pause.set()
    assert list(hub()._topics) == []


async def test_a_topic_left_and_joined_again_at_once_is_still_heard(log: Log):
    for number in range(1, 21):
        async with aclosing(follow("log:a", None, after=number - 1)) as events:
            log.say()
            assert await take(events, 1) == [number]


async def test_many_followers_cost_one_subscription(log: Log):
    import redis
    from django.conf import settings

    followers = [follow("log:a", None, after=0) for _ in range(10)]
    log.say()
    for events in followers:
        assert await take(events, 1) == [1]
    assert redis.Redis.from_url(settings.REDIS_URL).pubsub_numsub("live:log:a") == [(b"live:log:a", 1)]
    for events in followers:
        await events.aclose()


async def test_a_reader_slower_than_the_topic_resumes_by_itself(log: Log, monkeypatch):
    monkeypatch.setattr("miniconf.live.following.FOLLOW_LIMIT", 10)
    async with aclosing(follow("log:a", None, after=0)) as events:
        log.say()
        assert await take(events, 1) == [1]
        for _ in range(50):
            log.say()
        await asyncio.sleep(0.2)  # all of it has come, nobody has read
        assert await take(events, 50) == list(range(2, 52))


async def test_a_broker_that_restarts_costs_nothing(log: Log, broker: StoppableBroker):
    async with aclosing(follow("log:a", None, after=0)) as events:
        log.say()
        assert await take(events, 1) == [1]
        await asyncio.to_thread(broker.stop)
        assert await take(events, 1) == ["offline"]
        with pytest.raises(BrokerDown):
            log.say()
        log.commit()
        await asyncio.to_thread(broker.start)
        assert await take(events, 3) == [2, 3, "online"]
        log.say()
        assert await take(events, 1) == [4]


async def test_without_a_broker_the_backlog_is_still_there(log: Log, broker: StoppableBroker):
    broker.stop()
    log.commit()
    async with aclosing(follow("log:a", None)) as events:
        assert await take(events, 2) == [1, "offline"]
        log.commit()
        await asyncio.to_thread(broker.start)
        assert await take(events, 2) == [2, "online"]
        log.say()
        assert await take(events, 1) == [3]


async def test_followers_who_saw_the_same_share_one_read_after_a_break(log: Log, broker: StoppableBroker):
    followers = [follow("log:a", None, after=0) for _ in range(20)]
    log.say()
    for events in followers:
        assert await take(events, 1) == [1]
    await asyncio.to_thread(broker.stop)
    log.commit()
    before = log.reads
    await asyncio.to_thread(broker.start)
    for events in followers:
        assert await take(events, 3) == ["offline", 2, "online"]
    assert log.reads == before + 1
    for events in followers:
        await events.aclose()


async def test_a_backlog_that_cannot_be_read_ends_the_following_with_its_error(log: Log, caplog):
    async with aclosing(follow("log:a", None, after=0)) as events:
        log.say()
        assert await take(events, 1) == [1]
        log.failing = True
        log.commit()
        with caplog.at_level(logging.CRITICAL):
            log.say()
        with pytest.raises(RuntimeError):
            await take(events, 1)
    assert list(hub()._topics) == []


async def test_what_is_no_frame_does_not_stop_the_hub(log: Log, caplog):
    import redis
    from django.conf import settings

    async with aclosing(follow("log:a", None, after=0)) as events:
        log.say()
        assert await take(events, 1) == [1]
        for nonsense in ("{", "[]", '{"events": 3}', '{"topic": "log:a"}'):
            redis.Redis.from_url(settings.REDIS_URL).publish("live:log:a", nonsense)
        log.say()
        assert await take(events, 1) == [2]


async def test_a_publication_that_nobody_hears_is_found_and_told(log: Log, monkeypatch):
    """Its process was killed between commit and publication, and nothing comes after it."""
    monkeypatch.setattr("miniconf.live.hub.CHECK_EVERY", 0.02)
    monkeypatch.setattr(Log, "newest", lambda self, keys: {"a": len(self.events)}, raising=False)
    async with aclosing(follow("log:a", None, after=0)) as events:
        log.commit()
        assert await take(events, 1) == [1]
        log.commit()
        log.commit()
        assert await take(events, 2) == [2, 3]


async def test_without_a_broker_news_comes_all_the_same(log: Log, broker: StoppableBroker, monkeypatch):
    monkeypatch.setattr("miniconf.live.hub.CHECK_EVERY", 0.02)
    monkeypatch.setattr(Log, "newest", lambda self, keys: {"a": len(self.events)}, raising=False)
    broker.stop()
    async with aclosing(follow("log:a", None, after=0)) as events:
        assert await take(events, 1) == ["offline"]
        log.commit()
        assert await take(events, 1) == [1]
        await asyncio.to_thread(broker.start)
        log.commit()
        assert sorted(await take(events, 2), key=str) == [2, "online"]
