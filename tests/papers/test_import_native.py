"""Importing the site's own folder format."""

from __future__ import annotations

import datetime as dt

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model

from papers.models import Conference, Event, Page, Paper, Person, Session, Sponsor

from ..accounts.test_sign_in import code_for

pytestmark = pytest.mark.django_db


def test_a_paper_has_everything_its_file_says(native, load):
    load(native)
    paper = Paper.objects.get(uid="P1")
    assert paper.title == "no"  # YAML 1.1 would have made it False
    assert [a.person.name for a in paper.authorships.all()] == ["Ada Lovelace", "李明"]
    assert Person.objects.get(name="Ada Lovelace").affiliation == "London"
    assert (paper.abstract, paper.tldr) == ("One.\n\nTwo.", "Short.")
    assert [k.name for k in paper.keywords.all()] == ["attention", "rnn"]
    assert (paper.track.name, paper.kind, paper.year, paper.venue) == ("Theory", "Long", 2019, "arXiv")
    assert paper.links == [{"label": "PDF", "url": "https://x.example/1.pdf"}]
    assert (paper.video_file, paper.captions_file, paper.video_poster) == ("own/talk.mp4", "own/talk.vtt", "")
    assert paper.source == "own"


def test_ids_that_look_like_numbers_stay_as_they_are_written(native, load):
    load(native)
    assert Paper.objects.get(title="Two").uid == "0123"


def test_sessions_are_stored_in_utc_with_papers_in_order(native, load):
    load(native)
    session = Session.objects.get(uid="s1")
    assert session.starts_at == dt.datetime(2027, 5, 3, 7, tzinfo=dt.UTC)
    assert list(session.presentations.values_list("paper__uid", flat=True)) == ["P1", "0123"]
    assert Session.objects.get(uid="s2").event == Event.objects.get(uid="k1")


def test_events_sponsors_and_pages(native, load):
    load(native)
    assert Event.objects.get(uid="k1").people.get().biography == "A life."
    sponsor = Sponsor.objects.get(uid="acme")
    assert (sponsor.name, sponsor.level, sponsor.url) == ("Acme", "Gold", "https://acme.example")
    assert list(Page.objects.values_list("slug", "title", "body", "position")) == [
        ("conduct", "Conduct", "Be kind.", 1),
        ("help", "Help", "Text.", 10),
    ]
    conference = Conference.current()
    assert (conference.name, conference.starts_on) == ("Own", dt.date(2027, 5, 3))


def test_media_files_are_copied_under_the_name_of_the_source(native, load, media_root):
    load(native)
    assert (media_root / "own" / "talk.mp4").read_text() == "not really a film"
    assert sorted(path.name for path in (media_root / "own").iterdir()) == ["talk.mp4", "talk.vtt"]


def test_accounts_are_made_only_when_asked_for(native, load):
    load(native)
    assert get_user_model().objects.count() == 0
    load(native, with_accounts=True)
    assert list(get_user_model().objects.order_by("email").values_list("email", "is_organizer")) == [
        ("ada@example.org", False),
        ("org@example.org", True),
    ]
    assert Person.objects.get(name="Ada Lovelace").user.email == "ada@example.org"


def test_making_accounts_twice_changes_nothing(native, load):
    load(native, with_accounts=True)
    assert load(native, with_accounts=True).splitlines()[-1].startswith("Nothing has changed")
    assert get_user_model().objects.count() == 2


def test_an_address_that_was_never_verified_is_not_linked_to_an_author(native, load):
    user = get_user_model().objects.create_user("ada@example.org")
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=True)
    load(native)
    assert Person.objects.get(name="Ada Lovelace").user is None


def test_a_verified_address_is_linked_to_its_author(native, load):
    user = get_user_model().objects.create_user("ada@example.org")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    load(native)
    assert Person.objects.get(name="Ada Lovelace").user == user


def test_byte_order_mark_and_windows_line_ends_make_no_difference(native, load):
    for path in native.rglob("*"):
        if path.suffix in (".yml", ".md"):
            path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    load(native)
    assert Paper.objects.get(uid="P1").abstract == "One.\n\nTwo."
    assert Page.objects.get(slug="help").body == "Text."


def test_meetings_chairs_timetables_and_booths(native, load):
    (native / "sponsors.yml").write_text(
        """- uid: acme
  name: Acme
  logo_url: https://acme.example/logo.svg
  links: [{label: Jobs, url: "https://acme.example/jobs"}]
  people: [{name: Grace Hopper, affiliation: Navy}]
  join_url: https://meet.example/acme
  join_note: Passcode 1
""",
        encoding="utf-8",
    )
    with (native / "sessions.yml").open("a", encoding="utf-8") as file:
        file.write(
            """- uid: w1
  title: Invited talk
  starts_at: "2027-05-03T12:00:00+00:00"
  ends_at: "2027-05-03T14:00:00+00:00"
  event: k1
  in_schedule: false
  sponsor: acme
  description: About *it*.
  chairs: [{name: Grace Hopper}]
  join_url: https://meet.example/w1
  papers:
    - "0123"
    - {paper: P1, starts_at: "2027-05-03T12:30:00+00:00", ends_at: "2027-05-03T13:00:00+00:00"}
"""
        )
    load(native)
    session = Session.objects.get(uid="w1")
    assert (session.in_schedule, session.description) == (False, "About *it*.")
    assert [session.event.uid, session.sponsor.uid, session.chairs.get().name] == ["k1", "acme", "Grace Hopper"]
    assert session.join_url_private == "https://meet.example/w1"
    times = [(p.paper.uid, p.starts_at and p.starts_at.hour) for p in session.presentations.all()]
    assert times == [("0123", None), ("P1", 12)]
    sponsor = Sponsor.objects.get()
    assert (sponsor.people.get().affiliation, sponsor.links[0]["label"]) == ("Navy", "Jobs")
    assert (sponsor.join_url_private, sponsor.join_note_private) == ("https://meet.example/acme", "Passcode 1")
    assert "Nothing has changed" in load(native)


def test_an_author_who_signs_in_later_is_linked_by_the_address_of_the_import(native, load, client):
    load(native)
    ada = Person.objects.get(name="Ada Lovelace")
    assert (ada.user, ada.email_private) == (None, "ada@example.org")
    client.post("/accounts/login/code/confirm/", {"code": code_for(client, "ada@example.org")})
    ada.refresh_from_db()
    assert ada.user.email == "ada@example.org"
