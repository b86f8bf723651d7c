"""The end of a conference: rooms closed and opened, thanks once each, what is deleted and when it is told."""

from __future__ import annotations

import email
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.test import Client

from chat.changes import react, vote
from chat.models import MailChoice, Message
from chat.services import send_message
from demos.models import Demo, Run
from miniconf.accounts.models import ApiToken, User
from miniconf.certificates.models import CertificateRules
from miniconf.closing import retention, rooms, thanking
from miniconf.closing.models import Closing, Thanks
from miniconf.live.registry import LiveError
from miniconf.people.models import Act, Invitation
from papers.models import Conference, Paper

pytestmark = pytest.mark.django_db
DURING = datetime(2027, 5, 4, 12, tzinfo=UTC)
END = datetime(2027, 5, 6, tzinfo=UTC)  # the first moment after it


@pytest.fixture(autouse=True)
def conference() -> Conference:
    conference = Conference.current()
    conference.name, conference.timezone = "Second Reading", "UTC"
    conference.starts_on, conference.ends_on = date(2027, 5, 3), date(2027, 5, 5)
    conference.save()
    Paper.objects.create(uid="P1", title="A paper")
    return conference


@pytest.fixture
def organizer() -> User:
    return User.objects.create_user("olive@example.org", name="Olive", is_organizer=True)


def member(name: str, **fields: object) -> User:
    return User.objects.create_user(f"{name}@example.org", name=name, **fields)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def say(user: User, text: str = "Hello", **more: object) -> int:
    return send_message(user=user, room_key="paper:P1", client_id=uuid4(), text=text, **more)["id"]


# --- Rooms -----------------------------------------------------------------------------------------------------------


def test_closed_rooms_are_read_and_only_moderators_write_until_they_are_opened_again(organizer):
    ada, grace = member("ada"), member("grace")
    question = say(ada, "Why?", asked=True)
    client = signed_in(organizer)
    client.post("/organize/end/rooms/", {"action": "close"})
    assert "closed" in client.get("/organize/end/").content.decode()
    attempts = [
        lambda: say(grace),
        lambda: say(grace, thread=question),
        lambda: vote(user=grace, message_id=question, on=True),
        lambda: react(user=grace, message_id=question, emoji="👍", on=True),
    ]
    for attempt in attempts:
        with pytest.raises(LiveError, match="The conference is over") as refused:
            attempt()
        assert refused.value.code == "locked"
    say(organizer, "Goodbye")
    page = signed_in(grace).get("/papers/P1/").content.decode()
    assert "Why?" in page
    assert "The conference is over: this conversation can be read" in page
    client.post("/organize/end/rooms/", {"action": "open"})
    for attempt in attempts:
        attempt()
    assert "The conference is over" not in signed_in(grace).get("/papers/P1/").content.decode()
    assert [act.what for act in Act.objects.all()] == ["opened the rooms again", "closed all rooms"]


def test_closing_twice_is_one_change(organizer):
    assert [rooms.set_closed(closed, by=organizer) for closed in (True, True, False, False)] == [
        True,
        False,
        True,
        False,
    ]


# --- Thanks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def there() -> list[User]:
    CertificateRules.objects.create(is_on=True)
    return [member(name, last_seen_at=DURING) for name in ("ada", "grace", "mary")]


def test_thanks_go_once_to_everybody_who_attended(organizer, there):
    member("absent")
    client = signed_in(organizer)
    User.objects.filter(pk=organizer.pk).update(last_seen_at=None, last_login=None)
    page = client.get("/organize/end/thanks/").content.decode()
    assert "Thank you for taking part in Second Reading" in page
    for _ in range(2):  # pressed twice, and again when all is sent
        client.post("/organize/end/thanks/", {"action": "send"})
    assert thanking.send_due() == 3
    assert (thanking.send_due(), thanking.ask()) == (0, 0)
    assert sorted(message.to[0] for message in mail.outbox) == [user.email for user in there]
    assert mail.outbox[0].extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"{'/certificate/'}" in mail.outbox[0].body


def test_one_click_ends_all_mails_and_whoever_did_so_is_not_thanked(there):
    thanking.ask()
    thanking.send_due(1)
    address = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>")
    thanked = User.objects.get(email=mail.outbox[0].to[0])
    assert Client().post(address[address.index("/mail/") :]).status_code == 200
    assert {getattr(MailChoice.objects.get(user=thanked), cause) for cause in thanking.CAUSES} == {"never"}
    Thanks.objects.all().delete()
    assert thanking.ask() == 2
    assert thanked.pk not in Thanks.objects.values_list("user", flat=True)


def test_who_wants_no_announcements_by_mail_is_not_thanked(there):
    MailChoice.objects.create(user=there[0], announcement="never")
    MailChoice.objects.create(user=there[1], question="never", reply="never")
    assert {user.name for user in thanking.recipients()} == {"grace", "mary"}


def test_what_is_refused_for_good_is_told_and_what_may_go_through_is_tried_three_times(there, mail_server):
    mail_server.refused = {"ada@example.org": "550 no such person", "grace@example.org": "451 later"}
    thanking.ask()
    for _ in range(5):
        thanking.send_due()
    rows = {row.user.name: (row.state, row.attempts, row.error[:3]) for row in Thanks.objects.select_related("user")}
    assert rows == {"ada": ("failed", 1, "550"), "grace": ("failed", 3, "451"), "mary": ("sent", 1, "")}
    assert mail_server.taken == ["mary@example.org"]


def test_what_was_stopped_did_not_go_out_and_can_be_asked_for_again(organizer, there):
    thanking.ask()
    signed_in(organizer).post("/organize/end/thanks/", {"action": "stop"})
    assert thanking.send_due() == 0
    assert mail.outbox == []
    assert thanking.recipients().filter(pk__in=[user.pk for user in there]).count() == 3


def test_the_words_can_be_changed_but_not_without_the_way_out(organizer, there):
    client = signed_in(organizer)
    address = "/organize/settings/mails/thanks/"
    words = {"subject": "Merci", "body": "Merci, {greeting}.", "action": "save"}
    assert client.post(address, words).status_code == 422
    client.post(address, {**words, "body": "Merci {unsubscribe}"})
    thanking.ask()
    thanking.send_due(1)
    assert mail.outbox[0].subject == "Merci"
    assert email.message_from_string(mail.outbox[0].message().as_string())["To"] == mail.outbox[0].to[0]


# --- What is deleted when --------------------------------------------------------------------------------------------


@pytest.fixture
def life() -> dict[str, User]:
    """Written, run and made during the conference by somebody who left, somebody who comes back, and an organizer."""
    with time_machine.travel(DURING, tick=False):
        people = {
            "gone": member("gone", last_seen_at=DURING),
            "back": member("back", last_seen_at=END + timedelta(days=85)),
            "olive": member("olive", last_seen_at=DURING, is_organizer=True),
        }
        demo = Demo.objects.create(slug="d", kind="generate", title="D", model="m")
        for user in people.values():
            say(user, f"By {user.name}")
            ApiToken.objects.create(user=user, name=user.name, digest=user.name, hint="x")
        Run.objects.create(demo=demo, user=people["gone"], inputs={}, state="succeeded")
        Run.objects.create(demo=demo, inputs={}, state="succeeded", example_key="kept")
        Run.objects.create(demo=demo, inputs={}, state="queued")
        Invitation.objects.create(email="never@example.org")
    ApiToken.objects.filter(name="back").update(last_used_at=END + timedelta(days=85))
    return people


def settle(**days: int | None) -> None:
    Closing.objects.update_or_create(pk=1, defaults={"retention_changed_at": DURING, **days})


def test_nothing_is_deleted_while_nothing_is_set_or_before_its_day(life):
    with time_machine.travel(END + timedelta(days=500), tick=False):
        assert retention.apply() == {}
    settle(texts_days=30, runs_days=30, tokens_days=30, members_days=30)
    with time_machine.travel(END + timedelta(days=30, seconds=-1), tick=False):
        assert retention.apply() == {}
    assert Message.objects.exclude(text="").count() == 3
    assert (Run.objects.count(), ApiToken.objects.count(), User.objects.count()) == (3, 3, 3)


@time_machine.travel(END + timedelta(days=90, hours=1), tick=False)
def test_texts_runs_and_tokens_go_on_their_day_and_examples_stay(life):
    settle(texts_days=90, runs_days=90, tokens_days=90)
    assert retention.apply() == {"texts_days": 3, "runs_days": 1, "tokens_days": 2}
    assert list(Message.objects.values_list("text", flat=True)) == ["", "", ""]
    assert sorted(Run.objects.values_list("state", "example_key")) == [("queued", ""), ("succeeded", "kept")]
    assert list(ApiToken.objects.values_list("name", flat=True)) == ["back"]
    assert retention.apply() == {"texts_days": 0, "runs_days": 0, "tokens_days": 0}


@time_machine.travel(END + timedelta(days=90, hours=1), tick=False)
def test_members_who_were_not_here_since_lose_account_and_name_and_organizers_never(life):
    settle(members_days=90)
    assert retention.apply() == {"members_days": 1}
    assert set(User.objects.values_list("name", flat=True)) == {"back", "olive"}
    assert list(Message.objects.order_by("pk").values_list("author__name", "text")) == [
        (None, "By gone"), ("back", "By back"), ("olive", "By olive"),
    ]  # fmt: skip
    assert not Invitation.objects.exists()
    assert Run.objects.filter(user=None).count() == 3


def test_the_page_says_dates_and_numbers_before_anything_happens_and_a_change_waits_a_day(life):
    client = signed_in(life["olive"])
    with time_machine.travel(END + timedelta(days=10), tick=False):
        client = signed_in(life["olive"])
        answer = client.post("/organize/end/retention/", {"members_days": "90", "texts_days": "5"})
        assert answer.status_code == 302
        page = " ".join(client.get("/organize/end/retention/").content.decode().split())
        assert "From <strong>4 August 2027</strong> on; as of now that would be 1." in page
        # Its day was long ago: it waits until tomorrow all the same.
        assert "From <strong>17 May 2027</strong> on; as of now that would be 3." in page
        assert retention.apply() == {}
    with time_machine.travel(END + timedelta(days=11), tick=False):
        assert retention.apply() == {"texts_days": 3}
    assert Act.objects.first().about == "texts: 5, members: 90"


def test_a_conference_without_days_deletes_nothing(life, conference):
    conference.starts_on = conference.ends_on = None
    conference.save()
    settle(texts_days=1, members_days=1)
    with time_machine.travel(END + timedelta(days=500), tick=False):
        assert retention.apply() == {}
        assert "has no days" in signed_in(life["olive"]).get("/organize/end/retention/").content.decode()


@pytest.mark.parametrize("days", ["0", "-1", "4000", "x"])
def test_days_that_are_none_are_refused(organizer, days):
    answer = signed_in(organizer).post("/organize/end/retention/", {"texts_days": days})
    assert answer.status_code == 422
    assert not Closing.objects.exists()
