"""Announcements: who writes them, when they are shown, where they stand, and how open pages hear of them."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as site_settings
from django.test import Client
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.live import channel_of
from miniconf.live.registry import LiveError, find_topic
from papers import announcements
from papers.announcement_tasks import tell_what_changed
from papers.models import Announcement, Conference

HOUR = dt.timedelta(hours=1)
PAGE = "/organize/announcements/"


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    announcements.forget_pinned()
    yield
    announcements.forget_pinned()


@pytest.fixture
def organizer(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("org@example.org", name="Org", is_organizer=True))
    return client


def announce(title: str, **fields: object) -> Announcement:
    return Announcement.objects.create(**{"title": title, "published_at": now() - HOUR, "pinned": True, **fields})


def bar(client: Client, path: str = "/papers/") -> list[str]:
    """Titles above a page."""
    announcements.forget_pinned()
    text = client.get(path).content.decode()
    found = re.search(r"data-announcements[ >].*?</ul>", text, re.DOTALL)
    return [html.unescape(title) for title in re.findall(r'<p><a href="[^"]+">([^<]+)</a>', found[0] if found else "")]


def titles(client: Client) -> list[str]:
    text = client.get("/announcements/").content.decode()
    return re.findall(r'<article class="announcement"[^>]*>\s*<h2>([^<]+)</h2>', text)


# --- Where and when ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_pinned_stands_above_every_page_while_it_holds(client):
    announce("Now")
    announce("Ended", ends_at=now() - HOUR / 2)
    announce("Later", published_at=now() + HOUR)
    announce("Not pinned", pinned=False)
    for path in ("/", "/papers/", "/schedule/", "/announcements/", "/help/"):
        assert bar(client, path) == ["Now"], path
    assert titles(client) == ["Now", "Not pinned"] or titles(client) == ["Not pinned", "Now"]


@pytest.mark.django_db
def test_no_more_are_pinned_than_a_page_can_bear(client):
    for n in range(5):
        announce(f"Number {n}", published_at=now() - n * HOUR)
    assert bar(client) == ["Number 0", "Number 1", "Number 2"]


@pytest.mark.django_db
def test_home_shows_those_that_are_not_above_it_anyway(client):
    announce("Pinned")
    announce("Plain", pinned=False, body="*Text*\n\n- a list")
    text = client.get("/").content.decode()
    listed = text.split('class="home-announcements"')[1].split("</ul>\n            <p>")[0]
    assert "Plain" in listed
    assert "Pinned" not in listed
    assert "<li>a list</li>" in listed


@pytest.mark.django_db
def test_text_is_markdown_and_nothing_else_and_a_long_one_is_read_elsewhere(client):
    announce("Short <b>", body="**Bold** <script>alert(1)</script>")
    announce("Long", body="word " * 200)
    text = client.get("/papers/").content.decode().split("data-announcements>")[1].split("</ul>")[0]
    assert "<strong>Bold</strong> &lt;script&gt;" in text
    assert "Short &lt;b&gt;" in text
    assert "word word" not in text
    assert text.count("Read it all") == 1


@pytest.mark.django_db
def test_the_door_of_a_members_only_site_shows_none(client):
    announce("Secret")
    Conference.objects.create(name="Own", members_only=True)
    assert bar(client, "/accounts/login/") == []
    client.force_login(User.objects.create_user("a@example.org"))
    assert bar(client) == ["Secret"]


@pytest.mark.django_db
def test_a_page_asks_for_what_is_pinned_once_in_a_while_only(client, django_assert_num_queries):
    announce("Now")
    announcements.pinned_items()
    with django_assert_num_queries(0):
        assert [item["title"] for item in announcements.pinned_items()] == ["Now"]


@pytest.mark.django_db
def test_a_changed_text_is_news_to_those_who_put_the_old_one_away():
    one = announce("Now", body="At ten.")
    before = announcements.item_of(one)["key"]
    assert announcements.item_of(Announcement.objects.get())["key"] == before
    one.body = "At eleven."
    assert announcements.item_of(one)["key"] != before


# --- Writing -----------------------------------------------------------------------------------------------------------


FORM = {"title": "Coffee", "body": "Is *ready*.", "pinned": "on", "published_at": "", "ends_at": ""}


@pytest.mark.django_db
def test_only_organizers_write_change_and_remove(client):
    one = announce("Now")
    own = f"{PAGE}{one.pk}/"
    paths = (PAGE, own, f"{own}remove/", f"{own}mails/stop/")
    for user, status in ((None, 302), (User.objects.create_user("a@example.org"), 403)):
        if user is not None:
            client.force_login(user)
        assert [client.post(path, FORM).status_code for path in paths] == [status] * 4
        assert [client.get(path).status_code for path in (*paths[:2], f"{own}progress/")] == [status] * 3
        assert "Announce something" not in client.get("/announcements/").content.decode()
    assert list(Announcement.objects.values_list("title", flat=True)) == ["Now"]


@pytest.mark.django_db
def test_an_organizer_announces_changes_and_removes(organizer, client):
    assert organizer.post(PAGE, FORM).url == PAGE
    one = Announcement.objects.get()
    assert (one.title, one.pinned, one.author.name, one.ends_at) == ("Coffee", True, "Org", None)
    assert abs(one.published_at - now()) < HOUR
    assert bar(client) == ["Coffee"]
    organizer.post(f"{PAGE}{one.pk}/", FORM | {"title": "Tea", "pinned": ""})
    changed = Announcement.objects.get()
    assert (changed.title, changed.pinned, changed.published_at) == ("Tea", False, one.published_at)
    assert (bar(client), titles(client)) == ([], ["Tea"])
    organizer.post(f"{PAGE}{one.pk}/remove/")
    assert Announcement.objects.count() == 0


@pytest.mark.django_db
def test_times_are_those_of_the_organizers_zone(organizer):
    User.objects.update(timezone="Asia/Tokyo")
    organizer.post(PAGE, FORM | {"published_at": "2100-05-03T09:00", "ends_at": "2100-05-03T12:30"})
    one = Announcement.objects.get()
    assert one.published_at == dt.datetime(2100, 5, 3, 0, 0, tzinfo=dt.UTC)
    assert one.ends_at == dt.datetime(2100, 5, 3, 3, 30, tzinfo=dt.UTC)
    text = organizer.get(f"{PAGE}{one.pk}/").content.decode()
    assert "Times of Asia/Tokyo." in text
    assert 'value="2100-05-03T09:00"' in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"title": ""}, "This field is required."),
        ({"title": "x" * 201}, "at most 200 characters"),
        ({"body": "x" * 10_001}, "at most 10000 characters; this one has 10001"),
        ({"published_at": "soon"}, "Enter a valid date/time."),
        ({"published_at": "2100-05-03T09:00", "ends_at": "2100-05-03T09:00"}, "It would end before it begins."),
        ({"published_at": "2027-03-28T02:30"}, "couldn’t be interpreted in time zone Europe/Berlin"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_announced(organizer, wrong, sentence):
    User.objects.update(timezone="Europe/Berlin")
    response = organizer.post(PAGE, FORM | wrong)
    assert response.status_code == 422
    assert sentence in html.unescape(response.content.decode())
    assert Announcement.objects.count() == 0


@pytest.mark.django_db
def test_organizers_also_see_what_is_to_come_and_what_is_over(organizer, client):
    announce("Later", published_at=now() + HOUR)
    announce("Ended", ends_at=now() - HOUR / 2)
    text = organizer.get(PAGE).content.decode()
    states = re.findall(r'/">(Later|Ended)</a>\s*<span class="state[^"]*">([^<]+)<', text)
    assert states == [("Later", "planned"), ("Ended", "over")]
    assert (titles(organizer), titles(client)) == ([], [])


# --- Open pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def heard() -> Iterator[redis.client.PubSub]:
    """What goes through the broker on the topic."""
    client = redis.Redis.from_url(site_settings.REDIS_URL)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(channel_of(announcements.TOPIC))
    listener.get_message(timeout=5)
    yield listener
    listener.close()
    client.close()


def said(listener: redis.client.PubSub) -> list[str]:
    """Titles of what is pinned, as the next word to open pages has them."""
    import json

    message = listener.get_message(timeout=5)
    assert message is not None
    return [item["title"] for item in json.loads(message["data"])["events"][0]["items"]]


@pytest.mark.django_db(transaction=True)
def test_open_pages_are_told_of_every_change(organizer, heard):
    organizer.post(PAGE, FORM)
    assert said(heard) == ["Coffee"]
    one = Announcement.objects.get()
    organizer.post(f"{PAGE}{one.pk}/", FORM | {"title": "Tea"})
    assert said(heard) == ["Tea"]
    organizer.post(f"{PAGE}{one.pk}/remove/")
    assert said(heard) == []


@pytest.mark.django_db
def test_open_pages_are_told_when_one_begins_or_ends_by_itself(heard):
    announce("Old", published_at=now() - 2 * HOUR)
    tell_what_changed()
    announce("Begun", published_at=now() - dt.timedelta(seconds=20))
    tell_what_changed()
    assert said(heard) == ["Begun", "Old"]
    Announcement.objects.filter(title="Begun").update(
        published_at=now() - HOUR, ends_at=now() - dt.timedelta(seconds=20)
    )
    tell_what_changed()
    assert said(heard) == ["Old"]
    assert heard.get_message(timeout=0.05) is None


@pytest.mark.django_db
def test_whoever_follows_the_topic_hears_the_present_state_first(client):
    announce("Now")
    kind, key = find_topic("site:announcements")
    visitor = client.get("/").wsgi_request.user
    kind.authorize(visitor, key)
    (event,) = kind.backlog(visitor, key, None)
    assert event["type"] == "announcements"
    assert [item["title"] for item in event["items"]] == ["Now"]
    assert "n" not in event
    with pytest.raises(LiveError, match="There is no topic “site:other”"):
        kind.authorize(visitor, "other")
    Conference.objects.update(members_only=True)
    with pytest.raises(LiveError, match="Please sign in"):
        kind.authorize(visitor, key)


@pytest.mark.django_db
def test_the_next_planned_change_is_known():
    assert announcements.seconds_to_next_change() is None
    announce("Now", ends_at=now() + 2 * HOUR)
    assert announcements.seconds_to_next_change() == pytest.approx(7200, abs=60)
    announce("Later", published_at=now() + HOUR)
    assert announcements.seconds_to_next_change() == pytest.approx(3600, abs=60)
