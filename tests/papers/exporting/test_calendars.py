"""Downloads, calendar files, and members' own calendars: current, cached where that is safe, and telling no secrets."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from icalendar import Calendar

from miniconf.accounts.models import User
from papers.exporters import FORMATS, frab_json, ical
from papers.exporters.files import current_file
from papers.models import Bookmark, Conference, Seat, Session

from .support import exported, moment

pytestmark = pytest.mark.django_db


# --- Calendars -------------------------------------------------------------------------------------------------------


def summaries(content: bytes) -> list[str]:
    return [str(event["SUMMARY"]) for event in Calendar.from_ical(content).walk("VEVENT")]


def descriptions(content: bytes) -> list[str]:
    return [str(event["DESCRIPTION"]) for event in Calendar.from_ical(content).walk("VEVENT")]


def test_a_calendar_holds_the_public_schedule(programme):
    content = exported(ical)
    assert summaries(content) == ["Live: Abstraction; with, commas", "Posters", "Lunch"]
    event = Calendar.from_ical(content).walk("VEVENT")[0]
    assert event["UID"] == "s1@localhost"
    assert event["DTSTART"].to_ical() == b"20270503T220000Z"
    assert event["DTEND"].to_ical() == b"20270503T230000Z"
    stamp = programme["first"].updated_at.strftime("%Y%m%dT%H%M%SZ").encode()
    assert (event["DTSTAMP"].to_ical(), event["LAST-MODIFIED"].to_ical()) == (stamp, stamp)
    assert event["LOCATION"] == "Hall"
    assert event["CATEGORIES"].cats == ["qa", "Theory & <Practice>"]
    assert event["URL"] == "https://elsewhere.example/s1"
    page = event["X-MINICONF-PAGE"]
    assert page.endswith("/sessions/s1/")
    assert event["DESCRIPTION"] == f"{page}\n\nAbstraction\nAda\nOne.\n\nTwo & three."
    assert b"secret" not in content
    assert max(map(len, content.split(b"\r\n"))) <= 75


def test_meeting_links_leave_only_where_they_are_asked_for(programme):
    content = exported(ical, private=True).replace(b"\r\n ", b"")
    assert b"CONFERENCE;VALUE=URI:https://zoom.us/j/2?pwd=secret" in content
    assert b"Passcode" not in content


def test_items_of_a_workshops_timetable_are_in_no_calendar(programme):
    Session.objects.filter(uid="l1").update(in_schedule=False)
    assert summaries(exported(ical)) == ["Live: Abstraction; with, commas", "Posters"]


def test_a_track_and_a_kind_have_calendars_of_their_own(programme):
    client = Client()
    assert summaries(client.get("/schedule.ics?track=theory-practice").content) == ["Live: Abstraction; with, commas"]
    assert summaries(client.get("/schedule.ics?kind=poster").content) == ["Posters"]
    assert summaries(client.get("/schedule.ics?kind=poster&track=theory-practice").content) == []
    assert summaries(client.get("/schedule.ics").content) == summaries(exported(ical))
    assert client.get("/schedule.ics?kind=none").status_code == 404
    assert client.get("/schedule.ics?track=none").status_code == 404
    assert client.get("/schedule.ics?track=%00").status_code == 404


def test_a_session_has_a_calendar_file(programme):
    answer = Client().get("/sessions/p1.ics")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert summaries(answer.content) == ["Posters"]
    assert Client().get("/sessions/gone.ics").status_code == 404


def test_a_calendar_that_has_not_changed_is_not_sent_again(programme):
    client = Client()
    first = client.get("/schedule.ics")
    assert client.get("/schedule.ics", headers={"If-None-Match": first["ETag"]}).status_code == 304
    programme["first"].title = "Another title"
    programme["first"].save()
    again = client.get("/schedule.ics", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again["ETag"] == first["ETag"]) == (200, False)


# --- Downloads -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize("name", ["ical", "frab-xml", "frab-json"])
def test_downloads_are_what_the_formats_write(programme, name):
    answer = Client().get(f"/export/{name}")
    assert body(answer) == exported(FORMATS[name])
    assert answer["Content-Disposition"] == f'attachment; filename="a-conf-{FORMATS[name].FILE_NAME}"'
    assert Client().get(f"/export/{name}", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_a_download_is_made_once_and_again_after_a_change(programme, data_folder, monkeypatch):
    written = []

    class Counted:
        NAME, TITLE, DESCRIPTION, CONTENT_TYPE, FILE_NAME = "counted", "", "", "text/plain", "x"

        @staticmethod
        def write(stream: Any, *, private: bool = False) -> None:
            written.append(private)
            stream.write(str(len(written)).encode())

    first = current_file(Counted())
    assert current_file(Counted()) == first
    assert written == [False]
    programme["paper"].save()
    second = current_file(Counted())
    assert (first.etag == second.etag, second.path.read_bytes()) == (False, b"2")
    assert [path.suffix for path in sorted((data_folder / "exports").iterdir())] == [".export", ".lock"]
    monkeypatch.setattr("papers.exporters.files.SECONDS", 0.0)  # what leaves no trace is told after a while
    assert current_file(Counted()).path.read_bytes() == b"3"


def test_the_export_page_lists_every_format_and_calendar(programme):
    page = Client().get(reverse("export")).content.decode()
    for name, exporter in FORMATS.items():
        assert f'href="/export/{name}"' in page
        assert exporter.TITLE in page
    assert "/schedule.ics?track=theory-practice" in page
    assert "/schedule.ics?kind=poster" in page
    assert Client().get("/export/nothing").status_code == 404


def test_the_command_writes_a_file(programme, tmp_path, capsys):
    call_command("export_programme", "frab-json", str(tmp_path / "out.json"))
    assert (tmp_path / "out.json").read_bytes() == exported(frab_json)
    assert (
        capsys.readouterr().out == f"{tmp_path / 'out.json'}: {len(exported(frab_json)):,} bytes of {frab_json.TITLE}\n"
    )
    with pytest.raises(CommandError, match="No such file or directory"):
        call_command("export_programme", "ical", str(tmp_path / "no" / "folder.ics"))
    call_command("export_programme", "ical", str(tmp_path / "p.ics"), "--private")
    assert (tmp_path / "p.ics").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".export-*")) == []


# --- One's own calendar ------------------------------------------------------------------------------------------------


@pytest.fixture
def member() -> User:
    return User.objects.create_user("member@example.org", name="Member")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def feed_of(user: User) -> str:
    """The path of the calendar, made on its page."""
    page = signed_in(user).post("/my-calendar/", {"action": "new"}, follow=True).content.decode()
    return re.search(r'id="calendar-url"[^>]*>https?://[^/]+(/calendar/[^<]+\.ics)<', page)[1]


def test_a_members_calendar_follows_the_bookmarks(programme, member):
    feed = feed_of(member)
    assert summaries(Client().get(feed).content) == []
    Bookmark.objects.create(user=member, session=programme["lunch"])
    Bookmark.objects.create(user=member, paper=programme["paper"])
    assert summaries(Client().get(feed).content) == ["Posters", "Lunch"]
    Bookmark.objects.create(user=member, event=programme["keynote"])
    content = Client().get(feed).content
    assert summaries(content) == ["Live: Abstraction; with, commas", "Posters", "Lunch"]
    assert b"secret" not in content
    assert descriptions(content)[1].endswith("/sessions/p1/\n\nBookmarked paper: A paper")
    Bookmark.objects.create(user=member, session=programme["gone"])
    assert summaries(Client().get(feed).content) == ["Live: Abstraction; with, commas", "Posters", "Lunch"]


def test_a_place_at_a_table_is_in_the_calendar(programme, member):
    Seat.objects.create(event=programme["keynote"], user=member)
    assert summaries(Client().get(feed_of(member)).content) == ["Live: Abstraction; with, commas"]
    assert "You have a place: Abstraction" in descriptions(Client().get(feed_of(member)).content)[0]
    Seat.objects.update(waiting=True)
    assert "You are on the waiting list: Abstraction" in descriptions(Client().get(feed_of(member)).content)[0]


def test_a_paper_with_its_own_time_stands_at_that_time(programme, member):
    programme["posters"].presentations.update(starts_at=moment(4, 8), ends_at=moment(4, 8, 20))
    Bookmark.objects.create(user=member, paper=programme["paper"])
    (event,) = Calendar.from_ical(Client().get(feed_of(member)).content).walk("VEVENT")
    assert (event["SUMMARY"], event["UID"]) == ("A paper", "20270504T080000Z-p1@localhost")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (moment(4, 8), moment(4, 8, 20))


def test_a_new_address_makes_the_old_one_void(programme, member):
    first = feed_of(member)
    second = feed_of(member)
    assert (Client().get(first).status_code, Client().get(second).status_code) == (404, 200)
    signed_in(member).post("/my-calendar/", {"action": "off"})
    assert Client().get(second).status_code == 404
    assert "has no address yet" in signed_in(member).get("/my-calendar/").content.decode()


def test_made_up_addresses_and_switched_off_accounts_have_no_calendar(programme, member):
    feed = feed_of(member)
    for wrong in (
        feed[:-5] + "x.ics",
        f"/calendar/{member.pk}-.ics",
        "/calendar/.ics",
        "/calendar/%00.ics",
        feed + "/",
    ):
        assert Client().get(wrong).status_code == 404
    member.is_active = False
    member.save()
    assert Client().get(feed).status_code == 404


def test_a_feed_is_kept_by_nobody_else(programme, member):
    answer = Client().get(feed_of(member))
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer.cookies == {}
    assert Client().get(feed_of(member), headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_page_is_for_members_and_changes_nothing_when_looked_at(member):
    answer = Client().get("/my-calendar/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/my-calendar/")
    assert Client().post("/my-calendar/", {"action": "new"}).status_code == 302
    signed_in(member).get("/my-calendar/")
    member.refresh_from_db()
    assert member.calendar_key == ""


def test_on_a_members_only_site_the_feed_works_and_nothing_beside_it(programme, member):
    Bookmark.objects.create(user=member, session=programme["lunch"])
    feed = feed_of(member)
    Conference.objects.update(members_only=True)
    assert summaries(Client().get(feed).content) == ["Lunch"]
    for path in (
        "/calendar/",
        "/calendar/x",
        "/calendar/x.ics",
        "/calendar/%0A",
        "/calendar/../export/",
        feed + "?x",
        "/calendar",
    ):
        answer = Client().get(path)
        if path != feed + "?x":
            assert answer.status_code in (302, 404)
            assert b"A Conf" not in answer.content
            assert b"Lunch" not in answer.content
