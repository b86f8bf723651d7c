"""Schedules of the frab family as other systems write them, with everything that is wrong in some of them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from papers.importers import formats, frab
from papers.importers.frab_values import duration_of
from papers.importers.options import ReadOptions
from papers.importers.problems import ImportFailed, Problems
from papers.importers.programme import Programme
from papers.importers.records import zone_named
from papers.importers.validation import check

SCHEDULES = Path(__file__).resolve().parents[4] / "shared" / "data" / "schedules"
needs_schedules = pytest.mark.skipif(not SCHEDULES.is_dir(), reason="the real schedules are not at ../shared")

EVENT = """<event guid='29aecfd7-2e44-4f49-ab86-29b5e0877325' id='6561'>
<date>2027-12-27T11:00:00+01:00</date><start>11:00</start><duration>00:30</duration><room>Saal 1</room>
<slug>c-6561-opening</slug><title>Opening</title><subtitle>A New Dawn</subtitle><track>CCC</track><type>lecture</type>
<language>en</language><abstract>Short.</abstract><description>Long.</description>
<persons><person id='1'>erdgeist</person><person id='2'>Geraldine</person></persons>
<links><link href='https://x.example/a'>Slides</link></links>
</event>"""


def document(*events: str, conference: str = "", head: str = "<?xml version='1.0' encoding='utf-8'?>") -> str:
    return f"""{head}
<schedule><version>1</version><conference><acronym>conf</acronym><title>Conf</title>{conference}</conference>
<day date='2027-12-27' start='2027-12-27T10:00:00+01:00' end='2027-12-28T04:00:00+01:00' index='1'>
<room name='Saal 1'>{"".join(events)}</room></day></schedule>"""


def read(folder: Path, content: str | bytes, *, name: str = "schedule.xml", timezone: str = "") -> Programme:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert frab.recognises(folder)
    problems = Problems()
    zone = zone_named(timezone) if timezone else None
    programme = frab.read(folder, ReadOptions(source="conf", zone=zone), problems)
    check(programme, problems)
    problems.stop_if_any()
    return programme


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "conf"


def complaint(folder: Path, content: str | bytes, **options: str) -> str:
    with pytest.raises(ImportFailed) as failed:
        read(folder, content, **options)
    head, *lines = str(failed.value).splitlines()
    assert head == "1 problem; nothing was changed:", lines
    return lines[0]


def minutes(hour: int, minute: int) -> dt.datetime:
    return dt.datetime(2027, 12, 27, hour, minute, tzinfo=dt.UTC)


def test_a_lecture_becomes_a_talk_and_its_session(folder):
    programme = read(folder, document(EVENT))
    (event,), (session,) = programme.events, programme.sessions
    assert (event.uid, event.kind, event.title) == (
        "29aecfd7-2e44-4f49-ab86-29b5e0877325",
        "talk",
        "Opening: A New Dawn",
    )
    assert (event.abstract, event.people, event.track) == ("Short.\n\nLong.", ["erdgeist", "Geraldine"], "CCC")
    assert event.links == [{"label": "Slides", "url": "https://x.example/a"}]
    assert (session.uid, session.event, session.title) == (event.uid, event.uid, "Opening")
    assert (session.kind, session.room, session.track) == ("oral", "Saal 1", "CCC")
    assert (session.starts_at, session.ends_at) == (minutes(10, 0), minutes(10, 30))
    assert list(programme.people) == ["erdgeist", "Geraldine"]
    assert programme.conference.name == "Conf"
    assert programme.conference.starts_on == dt.date(2027, 12, 27)


@pytest.mark.parametrize(
    ("type_name", "event", "session"),
    [
        ("lecture", "talk", "oral"),
        ("Lightning-Talk", "talk", "oral"),
        ("Vortrag", "talk", "oral"),
        ("WORKSHOP", "workshop", "workshop"),
        ("podium", "panel", "other"),
        ("Keynote", "keynote", "keynote"),
        ("Poster", "other", "poster"),
        ("film", "social", "social"),
        ("something else", "other", "other"),
        ("", "other", "other"),
    ],
)
def test_types_are_told_by_their_words(folder, type_name, event, session):
    programme = read(folder, document(EVENT.replace("lecture", type_name)))
    assert (programme.events[0].kind, programme.sessions[0].kind) == (event, session)


@pytest.mark.parametrize("type_name", ["break", "Lunch break", "Pause", "Coffee-Break"])
def test_a_break_gets_a_session_but_no_page(folder, type_name):
    programme = read(folder, document(EVENT.replace("lecture", type_name)))
    assert programme.events == []
    assert [session.kind for session in programme.sessions] == ["break"]


def test_a_title_tells_a_break_only_where_nobody_speaks(folder):
    silent = (
        "<event id='1'><date>2027-12-27T11:00:00+01:00</date><duration>0:30</duration><title>Lunch</title>"
        "<type>other</type></event>"
    )
    assert read(folder, document(silent)).events == []
    spoken = silent.replace("<type>", "<persons><person>A</person></persons><type>")
    assert [event.title for event in read(folder, document(spoken)).events] == ["Lunch"]


def test_a_guid_in_base64_is_the_same_guid(folder):
    old = "HOqeNIb6G7M4hYFKFRkCmQ"
    assert read(folder, document(EVENT.replace("29aecfd7-2e44-4f49-ab86-29b5e0877325", old))).sessions[0].uid == (
        "1cea9e34-86fa-1bb3-3885-814a15190299"
    )


def test_an_id_without_a_guid_gets_the_sources_name(folder):
    assert read(folder, document(EVENT.replace("guid='29aecfd7-2e44-4f49-ab86-29b5e0877325'", ""))).sessions[0].uid == (
        "conf-6561"
    )


def test_several_dates_of_one_event_share_its_page(folder):
    later = EVENT.replace("29aecfd7", "39aecfd7").replace("T11:00", "T15:00")
    programme = read(folder, document(EVENT, later))
    assert [event.uid[:8] for event in programme.events] == ["29aecfd7"]
    assert [(s.uid[:8], s.event[:8]) for s in programme.sessions] == [
        ("29aecfd7", "29aecfd7"),
        ("39aecfd7", "29aecfd7"),
    ]


def test_html_becomes_markdown_and_a_repeated_abstract_stands_once(folder):
    text = EVENT.replace("Short.", "&lt;p&gt;A &lt;b&gt;bold&lt;/b&gt; word.&lt;/p&gt;").replace(
        "Long.", "A **bold** word. More."
    )
    assert read(folder, document(text)).events[0].abstract == "A **bold** word. More."


def test_broken_links_are_left_out_and_told(folder):
    text = EVENT.replace("https://x.example/a", "nowhere").replace("</links>", "<link href='www.y.example/b'/></links>")
    programme = read(folder, document(text))
    assert programme.events[0].links == [{"label": "www.y.example", "url": "https://www.y.example/b"}]
    assert programme.notes == ["Left out: links without a web address (line 4, event 6561)"]


def test_meeting_links_are_private(folder):
    zoom = "https://example.zoom.us/j/1?pwd=a"
    text = EVENT.replace("https://x.example/a", zoom).replace("Long.", f"Long.\n{zoom}\nPasscode: 4711")
    (event,) = read(folder, document(text)).events
    assert (event.abstract, event.links) == ("Short.\n\nLong.", [])
    assert (event.join_url_private, event.join_note_private) == (zoom, "Passcode: 4711; Slides")


def test_old_files_have_the_day_and_a_clock(folder):
    old = EVENT.replace("<date>2027-12-27T11:00:00+01:00</date>", "")
    assert read(folder, document(old)).sessions[0].starts_at == minutes(10, 0)
    night = old.replace("<start>11:00", "<start>01:15")
    assert read(folder, document(night)).sessions[0].starts_at == dt.datetime(2027, 12, 28, 0, 15, tzinfo=dt.UTC)


def test_a_time_without_a_zone_needs_one(folder):
    naive = document(EVENT.replace("11:00:00+01:00", "11:00:00"))
    assert complaint(folder, naive).startswith(
        "schedule.xml, line 4, event 6561, date: 2027-12-27T11:00:00 — no time zone:"
    )
    assert read(folder, naive, timezone="America/New_York").sessions[0].starts_at == minutes(16, 0)
    own = document(
        EVENT.replace("11:00:00+01:00", "11:00:00"), conference="<time_zone_name>Asia/Tokyo</time_zone_name>"
    )
    assert read(folder, own).sessions[0].starts_at == minutes(2, 0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<duration>00:30", "<duration>soon", "duration: soon — hours and minutes, like 01:30"),
        ("<title>Opening", "<title>", "title: (empty) — must be given"),
        ("T11:00:00+01:00", "T25:00:00+01:00", "date: 2027-12-27T25:00:00+01:00 — a time like 2020-04-27T05:00:00+00:00"),
        ("guid='29aecfd7-2e44-4f49-ab86-29b5e0877325' id='6561'", "", "guid: (empty) — a guid was expected, or an id"),
        (
            "29aecfd7-2e44-4f49",
            "29 aecfd7",
            "guid: 29 aecfd7-ab86-29b5e0877325 — an id without blanks and slashes was expected",
        ),
        ("<title>Opening", f"<title>{'x' * 501}", f"title: {'x' * 60}… — at most 500 characters, these are 501"),
    ],
)  # fmt: skip
def test_wrong_values_are_told_with_line_event_and_field(folder, old, new, told):
    row = "line 4" if "id='6561'" in old else "line 4, event 6561"
    assert complaint(folder, document(EVENT.replace(old, new))) == f"schedule.xml, {row}, {told}"


def test_the_same_guid_twice_is_told(folder):
    other = EVENT.replace("6561", "6562").replace("Opening", "Closing")
    with pytest.raises(ImportFailed, match=r"is taken already, by schedule\.xml, line 4, event 6561"):
        read(folder, document(EVENT, other))


# --- What a file might do --------------------------------------------------------------------------------------------

BOMB = "<!DOCTYPE b [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]>"
XXE = "<!DOCTYPE x [<!ENTITY secret SYSTEM 'file:///etc/hostname'>]>"
OUTSIDE = "<!DOCTYPE schedule SYSTEM 'http://127.0.0.1:9/x.dtd'>"


@pytest.mark.parametrize(("head", "inside"), [(BOMB, "&c;"), (XXE, "&secret;"), (OUTSIDE, "")])
def test_entities_and_document_types_are_refused(folder, head, inside):
    text = document(EVENT.replace("Short.", inside), head=head)
    assert complaint(folder, text) == ("schedule.xml, line 1 — a schedule without <!DOCTYPE> and entities was expected")


def test_endless_nesting_is_refused(folder):
    text = document(EVENT.replace("Short.", "<b>" * 100_000 + "</b>" * 100_000))
    assert complaint(folder, text) == "schedule.xml, line 7 — cannot be read: is nested deeper than 50 elements"


def test_too_many_elements_are_refused(folder, monkeypatch):
    monkeypatch.setattr("papers.importers.frab_xml.MOST_ELEMENTS", 30)
    assert complaint(folder, document(EVENT, EVENT)).endswith("cannot be read: has more than 30 elements")


def test_a_broken_file_names_the_line(folder):
    assert complaint(folder, document(EVENT).replace("</title>", "", 2)) == (
        "schedule.xml, line 2 — is not XML: mismatched tag: line 2, column 78"
    )


def test_files_in_declared_encodings_are_read(folder):
    text = document(EVENT.replace("Opening", "Eröffnung"), head="<?xml version='1.0' encoding='iso-8859-1'?>")
    assert read(folder, text.encode("iso-8859-1")).sessions[0].title == "Eröffnung"
    utf16 = document(EVENT.replace("Opening", "Eröffnung"), head="<?xml version='1.0' encoding='utf-16'?>")
    assert read(folder, utf16.encode("utf-16")).sessions[0].title == "Eröffnung"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"conference": []', "schedule.json, conference — a mapping of fields to values was expected here"),
        ('"conference": {}, "version": 2', "schedule.json — is not JSON: the key 'version' stands twice in one object"),
        ('"conference": {"title": "C", "days": 3}', "schedule.json, days — a list was expected here"),
        (
            '"conference": {"title": "C", "days": [{"rooms": {"A": [7]}}]}',
            "schedule.json, day 1, A, event 1 — a mapping of fields to values was expected here",
        ),
    ],
)
def test_json_of_another_shape_is_told(folder, text, told):
    with pytest.raises(ImportFailed) as failed:
        read(folder, f'{{"schedule": {{"version": "1", {text}}}}}', name="schedule.json")
    assert str(failed.value).splitlines()[1] == told


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_the_second_version_refers_to_rooms_and_tracks(folder):
    event = {
        "type": "TALK", "guid": "b1740c2f-0c44-5f1b-89ed-456a9eecf0b8", "code": "TPGRNN",
        "start": "2027-12-28T00:15:00+01:00", "end": "2027-12-28T00:55:00+01:00", "room": {"guid": "g1"},
        "title": {"de": "Titel", "en": "Title"}, "subtitle": None, "language": "en", "track": {"slug": "hw"},
        "abstract": "A.", "description": None, "logo": {"url": "https://x.example/l.png"},
        "participants": [{"guid": "p", "name": "Ada"}], "links": [],
        "attachments": [{"type": "SLIDES", "url": "https://x.example/s.pdf"}], "url": "https://x.example/e",
    }  # fmt: skip
    cancelled = event | {"guid": "c1740c2f-0c44-5f1b-89ed-456a9eecf0b8", "code": "GONE", "state": "CANCELED"}
    lunch = {"type": "BREAK", "title": "Lunch", "start": "2027-12-28T12:00:00+01:00", "end": "2027-12-28T13:00:00+01:00",
             "guid": "d1740c2f-0c44-5f1b-89ed-456a9eecf0b8"}  # fmt: skip
    schedule = {
        "schedule": {
            "version": "1",
            "conference": {
                "title": "Conf", "start": "2027-12-27T09:30:00+00:00", "end": "2027-12-30T17:45:00+00:00",
                "time_zone_name": "Europe/Berlin", "defaults": {"language": "en"}, "days": [],
                "tracks": [{"name": "Hardware", "slug": "hw"}], "rooms": [{"name": "Saal Z", "guid": "g1"}],
            },
            "events": [event, cancelled, lunch],
        }
    }  # fmt: skip
    programme = read(folder, json.dumps(schedule), name="schedule.json")
    (found,), (session, pause) = programme.events, programme.sessions
    assert (found.title, found.abstract, found.people, found.track) == ("Title", "A.", ["Ada"], "Hardware")
    assert found.image_url == "https://x.example/l.png"
    assert found.links == [{"label": "Slides", "url": "https://x.example/s.pdf"}]
    assert (session.room, session.url, session.kind) == ("Saal Z", "https://x.example/e", "oral")
    assert session.starts_at == dt.datetime(2027, 12, 27, 23, 15, tzinfo=dt.UTC)
    assert (pause.kind, pause.event) == ("break", "")
    assert programme.conference.timezone == "Europe/Berlin"
    assert programme.notes == ["Left out: events that are canceled (event GONE)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:30", dt.timedelta(minutes=30)),
        ("120:00", dt.timedelta(hours=120)),
        ("01:30:00", dt.timedelta(hours=1, minutes=30)),
        ("1:02:30", dt.timedelta(days=1, hours=2, minutes=30)),
        ("PT1H30M", dt.timedelta(hours=1, minutes=30)),
        ("P1D", dt.timedelta(days=1)),
        ("P", None),
        ("90", None),
        ("", None),
        ("-1:00", None),
    ],
)
def test_durations(text, expected):
    assert duration_of(text) == expected


def test_other_json_and_xml_are_nobodys_schedule(tmp_path):
    (tmp_path / "sponsors.json").write_text('[{"schedule": {"start": "x"}}]')
    (tmp_path / "feed.xml").write_text("<rss></rss>")
    assert not frab.recognises(tmp_path)
    assert formats()["frab"] is frab


# --- The real ones ---------------------------------------------------------------------------------------------------


@needs_schedules
@pytest.mark.parametrize(
    ("name", "events", "sessions", "people", "title", "notes"),
    [
        ("31c3.xml", 138, 138, 197, "31. Chaos Communication Congress", 1),
        ("pretalx-democon.json", 36, 36, 27, "DemoCon", 0),
        ("hub-schedule2.json", 2, 2, 4, "38C3", 0),
    ],
)
def test_real_schedules_are_read_whole(folder, name, events, sessions, people, title, notes):
    programme = read(folder, (SCHEDULES / name).read_bytes(), name=name)
    assert (len(programme.events), len(programme.sessions), len(programme.people)) == (events, sessions, people)
    assert programme.conference.name == title
    assert len(programme.notes) == notes
