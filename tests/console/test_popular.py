"""The page of the papers most discussed and most tried: off at first, and no more than everybody may see."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils.timezone import now

from chat.models import Message
from chat.services import send_message
from demos.models import Demo, Run
from miniconf.accounts.models import User
from miniconf.console import popular
from miniconf.console.models import Appearance
from miniconf.frozen.pages import addresses
from miniconf.frozen.runs import FrozenRuns
from papers.models import Conference, Paper

pytestmark = pytest.mark.django_db
URL = "/popular/"


@pytest.fixture(autouse=True)
def counted_anew(db: None) -> Iterator[None]:
    popular.forget()
    yield
    popular.forget()


@pytest.fixture
def conference() -> dict[str, Paper]:
    """Messages and runs of three papers, one of them withdrawn."""
    member = User.objects.create_user("m@example.org", name="M")
    papers = {uid: Paper.objects.create(uid=uid, title=f"Paper {uid}") for uid in ("A", "B", "Gone", "Quiet")}
    for uid, count in (("A", 1), ("B", 3), ("Gone", 5)):
        for n in range(count):
            send_message(user=member, room_key=f"paper:{uid}", client_id=uuid4(), text="Why?", asked=n == 0)
    Message.objects.filter(room__key="paper:B").order_by("-pk").first().delete()
    send_message(user=member, room_key="lounge:main", client_id=uuid4(), text="Hello")
    for uid, count, enabled in (("A", 2, True), ("B", 1, True), ("Quiet", 4, False), ("Gone", 9, True)):
        demo = Demo.objects.create(
            slug=uid.lower(), paper=papers[uid], kind="generate", title="D", model="sha-rnn", enabled=enabled
        )
        for _ in range(count):
            Run.objects.create(demo=demo, inputs={"prompt": "x"}, state="succeeded")
    papers["Gone"].withdrawn_at = now()
    papers["Gone"].save()
    return papers


def turn_on(place: str = "footer") -> None:
    Appearance.objects.all().delete()
    Appearance.objects.create(menu=[{"what": "popular", "label": "", "place": place}])


def rows(client: Client, address: str = URL) -> list[tuple[str, str]]:
    popular.forget()
    text = client.get(address).content.decode()
    row = r'class="title-link" href="[^"]+">([^<]+)</a> <span class="muted small">([^<]+)<'
    return [(html.unescape(title), told) for title, told in re.findall(row, text)]


def test_it_is_off_until_it_has_a_place_in_the_menu(conference, client):
    assert client.get(URL).status_code == 404
    assert URL not in client.get("/help/").content.decode()
    assert URL not in set(addresses(FrozenRuns()))
    turn_on()
    assert client.get(URL).status_code == 200
    assert f'href="{URL}"' in client.get("/help/").content.decode()
    assert URL in set(addresses(FrozenRuns()))
    turn_on("hidden")
    assert client.get(URL).status_code == 404


def test_organizers_turn_it_on_where_they_arrange_the_menu(conference, client):
    organizer = User.objects.create_user("o@example.org", is_organizer=True)
    client.force_login(organizer)
    text = client.get("/organize/settings/menu/").content.decode()
    assert 'value="popular"' in text


def test_papers_stand_in_the_order_of_messages_and_runs(conference, client):
    turn_on()
    assert rows(client) == [
        ("Paper B", "2 messages, 1 question"),
        ("Paper A", "1 message, 1 question"),
        ("Paper A", "2 runs"),
        ("Paper B", "1 run"),
    ]
    Message.objects.filter(room__key="paper:A").update(hidden_at=now())
    assert ("Paper A", "1 message, 1 question") not in rows(client)


def test_a_day_is_one_of_the_conferences_in_its_own_zone(conference, client):
    turn_on()
    yesterday, today = dt.date(2027, 5, 3), dt.date(2027, 5, 4)
    Conference.objects.all().delete()
    Conference.objects.create(starts_on=yesterday, ends_on=today, timezone="Asia/Tokyo")
    # 16:00 UTC on the third is the fourth in Tokyo.
    Message.objects.filter(room__key="paper:A").update(created_at=dt.datetime(2027, 5, 3, 16, tzinfo=dt.UTC))
    zone = popular.zone_of(Conference.current())
    popular.forget()
    assert [row.paper.uid for row in popular.popular(today, zone).discussed] == ["A"]
    assert popular.popular(yesterday, zone).discussed == []
    assert popular.days_of(Conference.current(), dt.date(2027, 5, 9)) == [yesterday, today]
    assert popular.days_of(Conference.current(), yesterday) == [yesterday]
    assert popular.days_of(Conference.current(), dt.date(2027, 5, 1)) == []
    assert len(rows(client, f"{URL}?day=nonsense")) == 4


def test_strangers_of_a_members_only_site_learn_nothing(conference, client):
    turn_on()
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"members_only": True})
    response = client.get(URL)
    assert response.status_code == 302
    assert b"Paper" not in response.content
    client.force_login(User.objects.get(email="m@example.org"))
    assert len(rows(client)) == 4


def test_a_frozen_site_keeps_the_list_over_all_days(conference, tmp_path):
    turn_on()
    Conference.objects.all().delete()
    Conference.objects.create(name="Own", starts_on=now().date(), ends_on=now().date())
    call_command("freeze", str(tmp_path / "frozen"))
    text = (tmp_path / "frozen" / "popular" / "index.html").read_text()
    assert 'href="../papers/B/index.html">Paper B</a> <span class="muted small">2 messages' in text
    assert "Gone" not in text
    assert "?day=" not in text
    assert "Most discussed</a>" in (tmp_path / "frozen" / "index.html").read_text()


def test_counting_takes_four_queries_however_much_there_is(conference, django_assert_num_queries):
    with django_assert_num_queries(4):
        popular.popular(None, popular.zone_of(Conference(timezone="UTC")))
    with django_assert_num_queries(0):
        popular.popular(None, popular.zone_of(Conference(timezone="UTC")))
