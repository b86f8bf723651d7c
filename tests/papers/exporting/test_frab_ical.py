"""What leaves the site as frab schedules and iCalendar: valid, without anything private, and the same when it comes back."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from papers import importers
from papers.exporters import frab, frab_json, frab_xml, ical
from papers.importers.frab_types import kinds_of_own_type, type_of
from papers.importers.frab_values import duration_of, subtitle_of, title_of_event, written_duration
from papers.importers.options import ReadOptions
from papers.importers.problems import Problems
from papers.importers.programme import Programme
from papers.models import Event, Person, Session, Track

from .support import SCHEDULES, exported, moment

pytestmark = pytest.mark.django_db

needs_schedules = pytest.mark.skipif(not SCHEDULES.is_dir(), reason="schemas and schedules are not at ../shared")
FRAB = {"schedule.xml": frab_xml, "schedule.json": frab_json}


def read_again(folder: Path, name: str, content: bytes, source: str) -> Programme:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    problems = Problems()
    module = importers.formats()["ical" if name.endswith(".ics") else "frab"]
    programme = module.read(folder, ReadOptions(source=source), problems)
    assert problems.lines == []
    return programme


def essence(programme: Programme, *, names_only: bool = False) -> dict[str, Any]:
    """A programme without the places where its values stood; orders that the site does not keep are sorted."""

    def plain(entry: Any) -> dict[str, Any]:
        values = asdict(entry)
        del values["place"]
        return values | {name: sorted(values[name]) for name in ("people", "chairs") if name in values}

    people = {person.name: {} if names_only else plain(person) for person in programme.people.values()}
    return {
        "conference": plain(programme.conference) if programme.conference else None,
        "events": {event.uid: plain(event) for event in programme.events},
        "sessions": {session.uid: plain(session) for session in programme.sessions},
        "people": people,
    }


def check_schema(name: str, content: bytes) -> None:
    """Valid against the published schemas, where they are at hand; and a few rules of theirs, everywhere."""
    if name.endswith(".xml"):
        guids = re.findall(rb'<event id="\d+" guid="([^"]+)"', content)
    else:
        days = json.loads(content)["schedule"]["conference"]["days"]
        guids = [event["guid"].encode() for day in days for room in day["rooms"].values() for event in room]
    assert len(set(guids)) == len(guids)
    assert all(re.fullmatch(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", guid) for guid in guids)
    if not SCHEDULES.is_dir():
        return
    if name.endswith(".xml"):
        _xsd().validate(content.decode())
    else:
        _json_schema().validate(json.loads(content))


_cache: dict[str, Any] = {}


def _xsd() -> Any:
    import xmlschema

    return _cache.setdefault("xsd", xmlschema.XMLSchema(SCHEDULES / "frab-schedule.xsd"))


def _json_schema() -> Any:
    import jsonschema

    schema = json.loads((SCHEDULES / "frab-schedule.schema.json").read_text())
    return _cache.setdefault("json", jsonschema.Draft6Validator(schema))


# --- frab ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FRAB)
def test_schedules_are_valid_and_hold_nothing_private(programme, name):
    content = exported(FRAB[name], private=True)
    check_schema(name, content)
    assert b"secret" not in content
    assert b"Gone" not in content


@pytest.mark.parametrize("name", FRAB)
def test_an_empty_site_has_a_valid_schedule(name):
    check_schema(name, exported(FRAB[name]))


def test_days_are_the_conferences_own(programme):
    days = json.loads(exported(frab_json))["schedule"]["conference"]["days"]
    assert [(day["date"], day["day_start"], list(day["rooms"])) for day in days] == [
        ("2027-05-04", "2027-05-04T00:00:00+02:00", ["Hall", ""]),
    ]
    assert days[0]["rooms"]["Hall"][0]["date"] == "2027-05-04T00:00:00+02:00"


def test_papers_of_a_session_are_its_links(programme):
    days = json.loads(exported(frab_json))["schedule"]["conference"]["days"]
    events = {event["title"]: event for event in days[0]["rooms"][""]}
    assert [(link["title"], link["type"]) for link in events["Posters"]["links"]] == [("A paper", "paper")]
    assert events["Posters"]["duration"] == "122:00"


@pytest.mark.parametrize("name", FRAB)
def test_what_was_made_here_comes_back(programme, tmp_path, name):
    again = read_again(tmp_path / "conf", name, exported(FRAB[name]), "conf")
    (event,) = again.events
    assert (event.uid, event.kind, event.title, event.abstract, event.people, event.track) == (
        "k1", "keynote", "Abstraction", "One.\n\nTwo & three.", ["Ada"], "Theory & <Practice>",
    )  # fmt: skip
    assert event.links == [{"label": "Slides", "url": "https://x.example/s?a=1&b=2"}]
    sessions = {session.uid: session for session in again.sessions}
    assert {uid: (s.title, s.kind, s.event, s.starts_at, s.ends_at) for uid, s in sessions.items()} == {
        "s1": ("Live: Abstraction; with, commas", "qa", "k1", moment(3, 22), moment(3, 23)),
        "p1": ("Posters", "poster", "", moment(4, 7), moment(9, 9)),
        "l1": ("Lunch", "break", "", moment(4, 10), moment(4, 11)),
    }
    assert (sessions["s1"].room, sessions["s1"].url) == ("Hall", "https://elsewhere.example/s1")
    assert sessions["p1"].description == "Come\n\nall."
    assert again.conference.timezone == "Europe/Berlin"


def test_many_sessions_take_no_more_queries(programme, django_assert_num_queries):
    for number in range(30):
        event = Event.objects.create(uid=f"e{number}", kind="talk", title="T")
        event.people.add(Person.objects.create(slug=f"p{number}", name=f"P {number}"))
        Session.objects.create(uid=f"t{number}", title="T", starts_at=moment(4, 1), ends_at=moment(4, 2), event=event)
    for exporter, queries in ((frab_xml, 5), (frab_json, 5), (ical, 3)):
        with django_assert_num_queries(queries):
            exported(exporter)


@needs_schedules
@pytest.mark.parametrize("source", ["31c3.xml", "pretalx-democon.json", "hub-schedule2.json"])
@pytest.mark.parametrize("target", FRAB)
def test_real_schedules_come_back_as_they_were(tmp_path, source, target):
    folder = tmp_path / "real"
    folder.mkdir()
    shutil.copy(SCHEDULES / source, folder)
    first = importers.formats()["frab"].read(folder, ReadOptions(source="real"), Problems())
    report = importers.import_programme(folder, source="real")
    assert report.counts["sessions"].added == len(first.sessions)
    assert importers.import_programme(folder, source="real").changes == 0
    content = exported(FRAB[target])
    check_schema(target, content)
    again = read_again(tmp_path / "again", target, content, "real")
    names_only = target.endswith(".xml")  # which has no biographies
    assert essence(again, names_only=names_only) == essence(first, names_only=names_only)
    assert exported(FRAB[target]) == content


# --- Anything at all --------------------------------------------------------------------------------------------------

LINE = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn"), exclude_characters="\ufffe\uffff"), max_size=25
)
TEXT = st.lists(LINE, max_size=4).map("\n\n".join).map(str.strip)
TITLE = LINE.map(str.strip).filter(bool)
UID = st.text("abAB019.-_,():%#?&;@+üλ", min_size=1, max_size=12).filter(lambda uid: uid not in (".", ".."))
ADDRESS = st.sampled_from(["", "https://x.example/a?b=c&d=%20#e", "http://y.example/ü"])


@st.composite
def programmes(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    events = [
        {
            "uid": uid, "kind": draw(st.sampled_from(Event.Kind.values)), "title": draw(TITLE), "abstract": draw(TEXT),
            "image_url": draw(ADDRESS), "people": draw(st.lists(TITLE, max_size=3, unique=True)),
            "links": [{"label": label[:80], "url": "https://x.example/l"} for label in draw(st.lists(TITLE, max_size=2))],
        }
        for uid in draw(st.lists(UID, max_size=3, unique=True))
    ]  # fmt: skip
    sessions = []
    for uid in draw(st.lists(UID, min_size=1, max_size=5, unique=True)):
        event = draw(st.sampled_from([None, *events]))
        starts_at = moment(3, 0) + dt.timedelta(minutes=draw(st.integers(0, 300_000)))
        sessions.append({
            "uid": uid, "event": event["uid"] if event else "", "kind": draw(st.sampled_from(Session.Kind.values)),
            "title": event["title"] if event and draw(st.booleans()) else draw(TITLE), "starts_at": starts_at,
            "ends_at": starts_at + dt.timedelta(minutes=draw(st.integers(0, 14_000))), "room": draw(LINE).strip(),
            "track": draw(st.sampled_from(["", "Theory", "Poster, oral; x"])), "url": draw(ADDRESS),
            "in_schedule": draw(st.booleans()), "description": "" if event else draw(TEXT),
            "chairs": [] if event else draw(st.lists(TITLE, max_size=2, unique=True)),
        })  # fmt: skip
    return events, sessions


@contextmanager
def stored(events: list[dict[str, Any]], sessions: list[dict[str, Any]]) -> Iterator[None]:
    """The programme in the database, until the end of the block."""
    with transaction.atomic():
        people: dict[str, Person] = {}
        tracks: dict[str, Track] = {}

        def person(name: str) -> Person:
            return people.setdefault(name, Person(name=name, slug=f"p{len(people)}"))

        rows = {}
        for values in events:
            rows[values["uid"]] = Event.objects.create(
                **{k: v for k, v in values.items() if k != "people"}, source="any"
            )
            for name in values["people"]:
                person(name).save()
                rows[values["uid"]].people.add(person(name))
        for values in sessions:
            names, track, event = values["chairs"], values["track"], values["event"]
            if track:
                tracks.setdefault(track, Track(name=track, slug=f"t{len(tracks)}")).save()
            row = Session.objects.create(
                **{k: v for k, v in values.items() if k not in ("chairs", "track", "event")},
                track=tracks.get(track), event=rows.get(event), source="any",
            )  # fmt: skip
            for name in names:
                person(name).save()
                row.chairs.add(person(name))
        yield
        transaction.set_rollback(True)


def listed(programme: Programme) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A programme that was read, as `stored` takes it."""
    events = [
        {name: getattr(event, name) for name in ("uid", "kind", "title", "abstract", "image_url", "people", "links")}
        for event in programme.events
    ]
    names = ("uid", "event", "kind", "title", "starts_at", "ends_at", "room", "track", "url", "in_schedule",
             "description", "chairs")  # fmt: skip
    return events, [{name: getattr(session, name) for name in names} for session in programme.sessions]


QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", FRAB)
@given(programmes())
@QUIET
def test_any_programme_comes_back_from_a_schedule(tmp_path, name, given_programme):
    events, sessions = given_programme
    with stored(events, sessions):
        content = exported(FRAB[name])
    check_schema(name, content)
    again = read_again(tmp_path / "any", name, content, "any")
    found_events, found_sessions = listed(again)

    def by_uid(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {row["uid"]: row | {key: sorted(row[key]) for key in ("people", "chairs") if key in row} for row in rows}

    used = {session["event"] for session in sessions}
    assert by_uid(found_events) == by_uid([event for event in events if event["uid"] in used])
    assert by_uid(found_sessions) == by_uid(sessions)
    with stored(found_events, found_sessions):
        twice = read_again(tmp_path / "any", name, exported(FRAB[name]), "any")
    assert essence(twice) == essence(again)


@given(programmes())
@QUIET
def test_any_programme_comes_back_from_a_calendar(tmp_path, given_programme):
    events, sessions = given_programme
    with stored(events, sessions):
        content = exported(ical)
    again = read_again(tmp_path / "any", "schedule.ics", content, "any")
    same = ("uid", "kind", "title", "starts_at", "ends_at", "room", "track", "url", "description")
    assert {session.uid: [getattr(session, name) for name in same] for session in again.sessions} == {
        session["uid"]: [session[name] for name in same] for session in sessions if session["in_schedule"]
    }


def test_a_backslash_before_an_n_is_no_line_break_in_a_calendar(tmp_path):
    text = r"On $\N$, \\N, \n, \\n and \Nat"
    start = dt.datetime(2027, 5, 3, 9, tzinfo=dt.UTC)
    row = {"uid": "0", "kind": "poster", "title": text, "room": text, "track": text, "description": text}
    with stored(
        [], [{**row, "event": "", "starts_at": start, "ends_at": start, "url": "", "chairs": [], "in_schedule": True}]
    ):
        content = exported(ical)
    session = read_again(tmp_path, "schedule.ics", content, "any").sessions[0]
    assert [session.title, session.room, session.track, session.description] == [text] * 4


@given(st.timedeltas(dt.timedelta(0), dt.timedelta(hours=99, minutes=59, seconds=59)))
def test_durations_come_back(duration):
    whole = dt.timedelta(seconds=int(duration.total_seconds()))
    assert duration_of(written_duration(duration)) == whole


@given(TITLE, TITLE)
def test_titles_of_events_come_back(session, event):
    assert title_of_event(session, subtitle_of(session, event)) == event
    joined = f"{session}: {event}"
    assert title_of_event(session, subtitle_of(session, joined)) == joined


@pytest.mark.parametrize("event", ["", *Event.Kind.values])
@pytest.mark.parametrize("session", Session.Kind.values)
@pytest.mark.parametrize("in_schedule", [True, False])
def test_types_come_back(event, session, in_schedule):
    assert kinds_of_own_type(type_of(event, session, in_schedule=in_schedule)) == (event, session, in_schedule)


@pytest.mark.parametrize("name", ["", "A", "Zürich 2027", "会議", "x" * 200])
def test_acronyms_suit_both_schemas(name):
    assert re.fullmatch(r"[a-z0-9_]{4,40}", frab.acronym_of(name))
