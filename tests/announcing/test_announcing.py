"""Announcements to tracks and sessions, and by mail: who sees them, who gets them, and once only."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils.timezone import now

from chat.mail_choices import choice_of, choose
from miniconf import personal_data
from miniconf.accounts.models import User
from miniconf.announcing import mailing
from miniconf.announcing.models import AnnouncementMail
from miniconf.announcing.tasks import LOCK, send_announcements
from miniconf.people.models import Act
from miniconf.people.roles import grant
from papers import announcements
from papers.audiences import own_targets, people_of
from papers.models import (
    Announcement,
    Authorship,
    Bookmark,
    Conference,
    Event,
    Paper,
    Person,
    Presentation,
    Seat,
    Session,
    Track,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
PAGE = "/organize/announcements/"
FORM = {"title": "Moved", "body": "To *hall B*.", "audience": "", "published_at": "", "ends_at": ""}


@pytest.fixture(autouse=True)
def nothing_kept(db: None) -> Iterator[None]:
    from django.core.cache import cache

    cache.delete(LOCK)
    announcements.forget_pinned()
    yield
    announcements.forget_pinned()


def user(name: str, **fields: object) -> User:
    return User.objects.create_user(f"{name}@example.org", name=name, **fields)


@pytest.fixture
def organizer() -> User:
    return user("org", is_organizer=True)


@pytest.fixture
def session(organizer: User) -> Session:
    """A session of a track with a paper of the same track, and one person for each way to have to do with it."""
    track = Track.objects.create(name="Language", slug="language")
    start = now() + HOUR
    event = Event.objects.create(uid="E", kind="workshop", title="Workshop", capacity=9)
    session = Session.objects.create(
        uid="S", title="Posters", starts_at=start, ends_at=start + HOUR, track=track, event=event
    )
    paper = Paper.objects.create(uid="P", title="Paper", track=track)
    Presentation.objects.create(paper=paper, session=session)
    Authorship.objects.create(
        paper=paper, person=Person.objects.create(slug="a", name="A", user=user("author")), position=1
    )
    paper.representatives.add(user("representative"))
    session.chairs.add(Person.objects.create(slug="c", name="C", user=user("chair")))
    grant(user=user("made-chair"), kind="chair", key="S", by=organizer)
    event.people.add(Person.objects.create(slug="s", name="S", user=user("speaker")))
    Bookmark.objects.create(user=user("likes-paper"), paper=paper)
    Bookmark.objects.create(user=user("likes-session"), session=session)
    Bookmark.objects.create(user=user("likes-event"), event=event)
    Seat.objects.create(user=user("seated"), event=event)
    # Who has nothing to do with it: somebody, who has another session, and an account switched off.
    other = Session.objects.create(uid="O", title="Other", starts_at=start, ends_at=start + HOUR)
    Bookmark.objects.create(user=user("elsewhere"), session=other)
    Bookmark.objects.create(user=user("off", is_active=False), session=session)
    return session


PEOPLE = [
    *("author", "chair", "likes-event", "likes-paper", "likes-session"),
    *("made-chair", "representative", "seated", "speaker"),
]


def announce(title: str = "Moved", **fields: object) -> Announcement:
    return Announcement.objects.create(**{"title": title, "published_at": now() - HOUR, "pinned": True, **fields})


def names(found) -> list[str]:
    return sorted(found.values_list("name", flat=True))


def signed_in(one: User) -> Client:
    client = Client()
    client.force_login(one)
    return client


# --- Who it is for -----------------------------------------------------------------------------------------------------


def test_a_sessions_people_have_to_do_with_it_in_one_of_all_ways(session):
    assert names(people_of(announce(session=session))) == PEOPLE
    Session.objects.update(withdrawn_at=now())  # who would have come must be told
    assert names(people_of(announce(session=session))) == PEOPLE


def test_a_tracks_people_have_to_do_with_its_papers_sessions_or_events(session):
    announcement = announce(track=session.track)
    assert names(people_of(announcement)) == PEOPLE
    session.delete()
    assert names(people_of(announcement)) == ["author", "likes-paper", "representative"]
    event = Event.objects.create(uid="F", kind="talk", title="Talk", track=announcement.track)
    Bookmark.objects.create(user=user("late"), event=event)
    assert names(people_of(announcement)) == ["author", "late", "likes-paper", "representative"]
    Paper.objects.update(withdrawn_at=now())
    assert names(people_of(announcement)) == ["late"]


def test_what_somebody_sees_and_whom_it_is_for_are_the_same(session):
    by_track, by_session = announce(track=session.track), announce(session=session)
    targets = [(by_track.track_id, None), (None, by_session.session_id)]
    everybody = User.objects.filter(is_active=True)
    seen = [one.name for one in everybody if own_targets(one, targets) == ({by_track.track_id}, {session.pk})]
    unseen = [one.name for one in everybody if own_targets(one, targets) == (set(), set())]
    assert (sorted(seen), sorted(unseen)) == (PEOPLE, ["elsewhere", "org"])
    assert own_targets(User.objects.get(name="off"), targets) == (set(), set())


# --- Where it is seen --------------------------------------------------------------------------------------------------

PAGES = ("/", "/papers/", "/announcements/", "/schedule/", "/missed/?since=24h", "/announcements/own/")


def test_only_its_people_see_what_is_for_some(session, client):
    announce("Zanzibar", session=session)
    announce("Zanzibar two", track=session.track, pinned=False)
    for one in (None, User.objects.get(name="elsewhere"), User.objects.get(name="org")):
        if one is not None:
            client.force_login(one)
        announcements.forget_pinned()
        for path in PAGES:
            assert "Zanzibar" not in client.get(path).content.decode(), (one, path)
    reader = signed_in(User.objects.get(name="likes-paper"))
    for path in ("/papers/", "/schedule/", "/announcements/own/"):
        assert "Zanzibar" in reader.get(path).content.decode(), path
    for path in ("/", "/announcements/", "/missed/?since=24h"):
        assert "Zanzibar two" in reader.get(path).content.decode(), path


def test_the_sessions_page_shows_it_to_whoever_may_read_the_page(session, client):
    announce("Zanzibar", session=session, body="*Hall B*")
    announce("Elsewhere", track=session.track)
    announce("Tomorrow", session=session, published_at=now() + HOUR)
    text = client.get("/sessions/S/").content.decode()
    assert "Zanzibar" in text
    assert "<em>Hall B</em>" in text
    assert "Tomorrow" not in text
    assert "Elsewhere" not in text
    assert "Zanzibar" not in client.get("/sessions/O/").content.decode()
    Conference.objects.update(members_only=True)
    assert "Zanzibar" not in client.get("/sessions/S/").content.decode()


def test_open_pages_hear_that_something_changed_for_some_but_not_what(session):
    nothing = announcements.state()
    one = announce("Zanzibar", session=session)
    word = announcements.state()
    assert (word["items"], nothing["own"]) == ([], "")
    assert re.fullmatch("[0-9a-f]{12}", word["own"])
    assert "Zanzibar" not in str(word)
    Announcement.objects.update(title="Sansibar")
    assert announcements.state()["own"] not in ("", word["own"])
    announcements.forget_pinned()
    reader = signed_in(User.objects.get(name="author"))
    answer = reader.get("/announcements/own/").json()
    assert [item["id"] for item in answer["items"]] == [one.pk]
    assert answer["own"] == announcements.state()["own"]
    page = reader.get("/papers/").content.decode()
    assert f'data-own="{answer["own"]}"' in page
    assert "data-own=" not in Client().get("/papers/").content.decode()


def test_what_is_for_some_costs_members_two_queries_and_nothing_where_there_is_none(session, django_assert_num_queries):
    reader = User.objects.get(name="author")
    announcements.pinned_items()
    with django_assert_num_queries(0):
        assert announcements.pinned_items(viewer=reader) == []
    announce(session=session)
    announce(track=session.track)
    announcements.pinned_items(fresh=True)
    with django_assert_num_queries(2):
        assert len(announcements.pinned_items(viewer=reader)) == 2


def test_it_goes_with_its_track_and_never_becomes_one_to_everybody(session):
    announce(track=session.track)
    session.track.delete()
    assert Announcement.objects.count() == 0


# --- Writing -----------------------------------------------------------------------------------------------------------


def plain(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", response.content.decode())).split())


def test_a_preview_tells_whom_it_reaches_and_saves_nothing(session, organizer):
    choose(user=User.objects.get(name="author"), choices={"announcement": "never"})
    form = {**FORM, "audience": f"session:{session.pk}", "by_email": "on", "preview": "1"}
    response = signed_in(organizer).post(PAGE, form)
    text = plain(response)
    assert "To session “Posters”: 9 people with an account. The mail goes to 8; 1 wants no announcements" in text
    assert "<em>hall B</em>" in response.content.decode()
    assert "This went to session “Posters”" in text
    assert "author@example.org" not in text
    assert (Announcement.objects.count(), mail.outbox) == (0, [])
    assert "To everybody: 11 people with an account" in plain(signed_in(organizer).post(PAGE, {**FORM, "preview": "1"}))


def test_an_organizer_chooses_whom_it_is_for_and_may_change_it_before_it_is_mailed(session, organizer):
    client = signed_in(organizer)
    later = "2100-05-03T09:00"
    client.post(PAGE, {**FORM, "audience": f"track:{session.track_id}", "published_at": later, "by_email": "on"})
    one = Announcement.objects.get()
    assert (one.track, one.session, one.by_email, one.author) == (session.track, None, True, organizer)
    assert Act.objects.first().what == "announced to track “Language”"
    client.post(f"{PAGE}{one.pk}/", {**FORM, "audience": f"session:{session.pk}", "published_at": later})
    one.refresh_from_db()
    assert (one.track, one.session, one.by_email) == (None, session, False)
    assert client.post(PAGE, {**FORM, "audience": "track:999999"}).status_code == 422
    assert mailing.list_due() == 0
    client.post(f"{PAGE}{one.pk}/remove/")
    assert Announcement.objects.count() == 0


def test_once_it_is_mailed_neither_whom_it_is_for_nor_that_it_is_changes(session, organizer):
    one = announce(session=session, by_email=True)
    mailing.list_due()
    client = signed_in(organizer)
    assert "It is settled who gets the mail" in client.get(f"{PAGE}{one.pk}/").content.decode()
    client.post(f"{PAGE}{one.pk}/", {**FORM, "title": "Again", "audience": ""})
    one.refresh_from_db()
    assert (one.title, one.session, one.by_email) == ("Again", session, True)


# --- Mails -------------------------------------------------------------------------------------------------------------


def states() -> dict[str, str]:
    return dict(AnnouncementMail.objects.values_list("user__name", "state"))


def test_each_person_gets_one_mail_with_a_way_to_get_no_more(session):
    choose(user=User.objects.get(name="chair"), choices={"announcement": "never"})
    announce("Moved to B", session=session, by_email=True, body="**Hall** B & C")
    announce("Not mailed")
    announce("Later", by_email=True, published_at=now() + HOUR)
    announce("Over", by_email=True, ends_at=now() - HOUR / 2)
    send_announcements()
    send_announcements()
    assert sorted(sent.to[0].partition("@")[0] for sent in mail.outbox) == [name for name in PEOPLE if name != "chair"]
    assert {sent.subject for sent in mail.outbox} == {"Moved to B"}
    assert all(len(sent.to) == 1 and not sent.cc and not sent.bcc for sent in mail.outbox)
    sent = next(one for one in mail.outbox if one.to == ["author@example.org"])
    assert "Hello author,\n\n**Hall** B & C\n\nThis went to session “Posters”" in sent.body
    assert "<strong>Hall</strong> B &amp; C" in sent.alternatives[0][0]
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = sent.extra_headers["List-Unsubscribe"].strip("<>")
    assert address in sent.body
    Client().post(re.sub(r"^https?://[^/]+", "", address), {"List-Unsubscribe": "One-Click"})
    assert choice_of(User.objects.get(name="author")).announcement == "never"
    mail.outbox.clear()
    announce("Again", session=session, by_email=True)
    send_announcements()
    assert "author@example.org" not in [to for one in mail.outbox for to in one.to]
    assert len(mail.outbox) == 7


def test_what_waits_is_left_out_when_it_is_not_wanted_any_more_and_goes_with_the_announcement(session):
    one = announce(session=session, by_email=True)
    assert mailing.list_due() == 9
    choose(user=User.objects.get(name="author"), choices={"announcement": "never"})
    User.objects.filter(name="chair").update(is_active=False)
    mailing.send_due(2)
    assert (states()["author"], states()["representative"]) == ("left out", "sent")
    mailing.send_due(1)
    assert states()["chair"] == "left out"
    assert mailing.counts(one)["left_out"] == 2
    one.delete()
    assert mailing.send_due() == 0
    assert len(mail.outbox) == 1


def test_a_sender_that_dies_settling_who_gets_it_has_settled_nothing(session, monkeypatch):
    one = announce(session=session, by_email=True)

    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(AnnouncementMail.objects, "bulk_create", die)
        with pytest.raises(SystemExit), transaction.atomic():
            mailing.list_due()
    one.refresh_from_db()
    assert one.mails_listed_at is None
    assert mailing.list_due() == 9
    assert mailing.list_due() == 0


def test_a_sender_that_dies_within_a_mail_doubles_none_and_leaves_one_unsure(session, organizer, monkeypatch):
    one = announce(session=session, by_email=True)
    mailing.list_due()
    sent = mailing.send_mail
    calls = iter([sent, sent])

    def die(**known: object) -> None:
        following = next(calls, None)
        if following is None:
            raise SystemExit
        following(**known)

    with monkeypatch.context() as broken:
        broken.setattr(mailing, "send_mail", die)
        with pytest.raises(SystemExit):
            mailing.send_due()
    assert sorted(states().values()) == ["sending", "sent", "sent", *["waiting"] * 6]
    send_announcements()
    assert sorted(states().values()) == ["sending", *["sent"] * 8]
    AnnouncementMail.objects.filter(state="sending").update(tried_at=now() - HOUR)
    send_announcements()
    assert mailing.counts(one) | {"unsure": 1, "sent": 8, "due": 0} == mailing.counts(one)
    assert len({sent.to[0] for sent in mail.outbox}) == len(mail.outbox) == 8
    client = signed_in(organizer)
    assert "1 unsure" in client.get(f"{PAGE}{one.pk}/").content.decode()
    client.post(f"{PAGE}{one.pk}/mails/unsure/")
    send_announcements()
    assert len({sent.to[0] for sent in mail.outbox}) == len(mail.outbox) == 9


def test_refusals_are_told_and_a_line_that_breaks_leaves_one_unsure(session, organizer, mail_server):
    mail_server.refused = {"chair@example.org": "550 no such user", "seated@example.org": "451 later"}
    one = announce(session=session, by_email=True)
    mailing.list_due()
    mail_server.answers = [""]  # takes the first mail and hangs up
    assert mailing.send_due() == 1
    assert states()["author"] == "unsure"
    while mailing.send_due():
        pass
    assert states() == {
        **dict.fromkeys(PEOPLE, "sent"),
        "author": "unsure",
        "chair": "failed",
        "seated": "failed",
    }
    assert AnnouncementMail.objects.get(user__name="seated").attempts == 3
    assert sorted(mail_server.taken) == sorted(
        f"{name}@example.org" for name in PEOPLE if name not in ("chair", "seated")
    )
    text = signed_in(organizer).get(f"{PAGE}{one.pk}/").content.decode()
    assert "6 sent, 2 refused, 1 unsure" in text
    assert "550 no such user" in text
    mail_server.refused = {}
    signed_in(organizer).post(f"{PAGE}{one.pk}/mails/failed/")
    mailing.send_due()
    assert states()["chair"] == states()["seated"] == "sent"


def test_without_a_mail_server_everything_stays_due_and_says_why(session, organizer, settings):
    from tests.running import free_port

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    one = announce(session=session, by_email=True)
    send_announcements()
    assert set(states().values()) == {"waiting"}
    client = signed_in(organizer)
    assert "The mail server cannot be reached" in client.get(f"{PAGE}{one.pk}/progress/").content.decode()
    client.post(f"{PAGE}{one.pk}/mails/stop/")
    assert mailing.counts(one) | {"due": 0, "waiting": 9} == mailing.counts(one)


def test_one_batch_goes_out_at_a_time(session):
    from django.core.cache import cache

    announce(session=session, by_email=True)
    cache.add(LOCK, True, 60)
    send_announcements()
    assert (len(states()), mail.outbox) == (9, [])
    cache.delete(LOCK)
    send_announcements()
    assert len(mail.outbox) == 9


def test_mails_are_in_somebodys_data_and_are_forgotten_with_them(session):
    announce("Moved", session=session, by_email=True)
    send_announcements()
    author = User.objects.get(name="author")
    (mailed,) = personal_data.data_of(author)["announcements"]["mailed"]
    assert (mailed["announcement"], mailed["state"]) == ("Moved", "sent")
    assert personal_data.forget(author)["notes of announcements mailed"] == 1
    assert not AnnouncementMail.objects.filter(user=author).exists()
