"""CSV, JSON and Mini-Conf sitedata: what is exported can be read again, and nothing private is in it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from papers.exporters import FORMATS, Exporter
from papers.importers import import_programme
from papers.importers.cells import guarded, unguarded
from papers.models import (
    Authorship,
    Conference,
    Event,
    Keyword,
    Page,
    Paper,
    Person,
    Presentation,
    Session,
    Sponsor,
    Track,
)  # fmt: skip
from papers.values import KINDS, values_of

pytestmark = pytest.mark.django_db

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "iclr2020"
NINE = dt.datetime(2027, 5, 3, 9, tzinfo=dt.UTC)


def exported(name: str, *, private: bool = False) -> bytes:
    stream = io.BytesIO()
    exporter: Exporter = FORMATS[name]
    exporter.write(stream, private=private)
    return stream.getvalue()


def members(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def table(data: bytes, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(members(data)[name], newline="")))


def everything(*kinds: str) -> dict[str, Any]:
    return {kind: values_of(kind, KINDS[kind].model._default_manager.all()) for kind in kinds or KINDS}


def again(data: bytes, tmp_path: Path, *, source: str = "conf", **options: Any) -> list[str]:
    """Import what was exported into an empty site; returns the notes."""
    for model in (Presentation, Authorship, Session, Event, Paper, Person, Sponsor, Page, Keyword, Track, Conference):
        model._default_manager.all().delete()
    path = tmp_path / "export.zip"
    path.write_bytes(data)
    return import_programme(path, source=source, timezone="", **options).notes


@pytest.fixture
def programme() -> Paper:
    """One of everything, with every field that the tables hold, and signs that lists and formulas are made of."""
    ada = Person.objects.create(
        name="Ada Lovelace", slug="ada", affiliation="London; UK", biography="=A *life*,\nin lines", source="conf",
        url="https://ada.example", image_url="https://ada.example/a.png",
    )  # fmt: skip
    odd = Person.objects.create(name="A, B and C", slug="a-b-and-c", source="conf")
    li = Person.objects.create(name="李明", slug="li", source="conf")
    theory = Track.objects.create(name="Theory, mostly", slug="theory")
    paper = Paper.objects.create(
        uid="P1(x),y", title='-1 "quoted" $\\ell_1$', abstract="One.\n\n  Two, =1+1; <b>x</b>.\n", tldr="@short",
        kind="Long", program="Main", track=theory, year=2027, venue="Conf", source="conf",
        links=[{"label": "PDF", "url": "https://x.example/1.pdf"}, {"label": "Our | code", "url": "https://g.example"}],
        bibtex="@article{a,\n title={x}}", video_url="https://youtu.be/x", thumbnail_url="https://x.example/t.png",
        highlighted=True, map_x=-1.5, map_y=0.1,
    )  # fmt: skip
    other = Paper.objects.create(uid="p1(x),y", title="'=Two", source="conf")
    for position, (person, equal) in enumerate([(odd, True), (ada, True), (li, False)], 1):
        Authorship.objects.create(paper=paper, person=person, position=position, equal_contribution=equal)
    Authorship.objects.create(paper=other, person=li, position=1)
    paper.keywords.add(*[Keyword.objects.create(name=name) for name in ("a; b", "c|d", "plain")])
    session = Session.objects.create(
        uid="conf-s1", title="Morning", kind="oral", starts_at=NINE, ends_at=NINE + dt.timedelta(minutes=90),
        room="Hall, 1", track=theory, url="https://x.example/s1", description="- one\n- two", source="conf",
    )  # fmt: skip
    session.chairs.add(odd, li)
    for position, each in enumerate([other, paper], 1):
        Presentation.objects.create(paper=each, session=session, position=position)
    Session.objects.create(
        uid="conf-s2", title="Talks about posters", kind="other", starts_at=NINE, ends_at=NINE, in_schedule=False,
        source="conf",
    )  # fmt: skip
    return paper


@pytest.fixture
def secrets(programme) -> list[str]:
    """A secret in every private field, and the names of what was withdrawn."""
    member = get_user_model().objects.create_user("secret-member@example.org", name="Secret Member")
    Person.objects.filter(slug="ada").update(email_private="secret-1@example.org", user=member)
    programme.representatives.add(member)
    Event.objects.create(
        uid="e1", kind="keynote", title="Keynote", join_url_private="https://secret-2.example",
        join_note_private="secret-3",
    ).people.add(Person.objects.get(slug="ada"))  # fmt: skip
    Event.objects.create(uid="secret-4", kind="workshop", title="secret-5", withdrawn_at=now())
    Session.objects.update(join_url_private="https://secret-6.example", join_note_private="secret-7")
    Presentation.objects.update(join_url_private="https://secret-8.example")
    Sponsor.objects.create(
        uid="acme", name="Acme", join_url_private="https://secret-9.example", join_note_private="secret-10"
    )
    gone = Paper.objects.create(
        uid="secret-11", title="secret-12", withdrawn_at=now(), highlighted=True, map_x=1, map_y=1
    )
    Authorship.objects.create(paper=gone, person=Person.objects.create(name="secret-13", slug="secret-14"), position=1)
    session = Session.objects.create(
        uid="secret-15", title="secret-16", starts_at=NINE, ends_at=NINE, withdrawn_at=now()
    )  # fmt: skip
    session.chairs.add(Person.objects.create(name="secret-17", slug="secret-18"))
    Presentation.objects.create(paper=gone, session=Session.objects.get(uid="conf-s1"))
    Session.objects.filter(uid="conf-s2").update(event=Event.objects.get(uid="secret-4"))
    return ["secret"]


# --- Nothing private -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csv", "json", "sitedata"])
def test_no_export_holds_private_fields_addresses_or_what_is_withdrawn(secrets, name):
    data = exported(name)
    texts = members(data).values() if data.startswith(b"PK") else [data.decode()]
    assert [text for text in texts if "secret" in text.lower()] == []
    assert b"secret" not in data.lower()
    assert "Sharp" not in "".join(texts)


def test_the_secrets_are_there_to_be_found(secrets):
    """Or else the test above would find nothing whatever happened."""
    assert json.dumps(everything()).count("secret") >= 18


def test_links_of_meetings_are_written_where_they_are_asked_for(secrets):
    rows = {row["uid"]: row for row in table(exported("csv", private=True), "sessions.csv")}
    assert (rows["conf-s1"]["join url"], rows["conf-s1"]["join note"]) == ("https://secret-6.example", "secret-7")
    assert b"secret" not in exported("json", private=True)


# --- CSV -----------------------------------------------------------------------------------------------------------


def test_csv_loses_nothing_on_the_way(programme, tmp_path):
    kinds = ("paper", "person", "session")
    before = everything(*kinds)
    data = exported("csv")
    assert again(data, tmp_path) == []
    slugs = {"ada": "ada-lovelace", "li": "李明"}
    text = json.dumps(before, ensure_ascii=False)
    for old, new in slugs.items():  # slugs are the site's own
        text = text.replace(f'"{old}"', f'"{new}"')
    after = everything(*kinds)
    wanted = json.loads(text)
    for session in [*wanted["session"].values(), *after["session"].values()]:
        session["chairs"].sort()
    assert after == wanted
    assert exported("csv") == data


def test_meeting_links_come_back_too(secrets, tmp_path):
    again(exported("csv", private=True), tmp_path)
    session = Session.objects.get(uid="conf-s1")
    assert (session.join_url_private, session.join_note_private) == ("https://secret-6.example", "secret-7")


def test_cells_that_spreadsheets_would_run_are_text(programme):
    rows = {row["uid"]: row for row in table(exported("csv"), "papers.csv")}
    assert rows["P1(x),y"]["title"].startswith("'-1 ")
    assert rows["P1(x),y"]["tldr"] == "'@short"
    assert rows["P1(x),y"]["bibtex"].startswith("'@article")
    assert rows["P1(x),y"]["map x"] == "-1.5"
    assert rows["p1(x),y"]["title"] == "''=Two"
    for name in ("csv", "sitedata"):
        for text in members(exported(name)).values():
            for row in csv.reader(io.StringIO(text, newline="")):
                assert [cell for cell in row if cell[:1] in "=+@" and cell] == []


@given(st.text() | st.sampled_from(["'=1", "''@x", "\t=1", "-1", "-1e5", "'-1", " =1", "+", "'", "\r\n=x", "'\t"]))
def test_every_text_survives_its_guard(text):
    assert unguarded(guarded(text)) == text
    if guarded(text)[:1] in ("=", "+", "@", "\t", "\r"):
        assert re.fullmatch(r"\+\d+(\.\d+)?([eE][+-]?\d+)?", text)


# --- JSON ----------------------------------------------------------------------------------------------------------


def test_json_holds_everything_public_in_one_order(programme, settings):
    settings.SITE_URL = "https://conf.example"
    Paper.objects.filter(pk=programme.pk).update(video_file="conf/talk 1.mp4")
    value = json.loads(exported("json"))
    assert list(value) == [
        "format", "version", "site", "conference", "papers", "people", "events", "sessions", "sponsors", "pages",
    ]  # fmt: skip
    assert [paper["uid"] for paper in value["papers"]] == ["P1(x),y", "p1(x),y"]
    paper = value["papers"][0]
    assert paper["page"] == "https://conf.example/papers/P1(x),y/"
    assert paper["video_file"] == f"https://conf.example{settings.MEDIA_URL}conf/talk%201.mp4"
    assert paper["authors"] == [
        {"person": "a-b-and-c", "equal_contribution": True},
        {"person": "ada", "equal_contribution": True},
        {"person": "li", "equal_contribution": False},
    ]
    assert value["sessions"][0]["papers"] == [
        {"paper": "p1(x),y", "starts_at": None, "ends_at": None},
        {"paper": "P1(x),y", "starts_at": None, "ends_at": None},
    ]
    missing = {name for kind in KINDS.values() for name in kind.fields} - {
        name for key in ("papers", "people", "events", "sessions", "sponsors", "pages") for row in value[key] for name in row
    } - set(value["conference"])  # fmt: skip
    assert {name for name in missing if not name.endswith("_private")} == {
        "withdrawn", "capacity", "people", "logo_url", "level", "body", "position",
    }  # fmt: skip  # no events, sponsors and pages here


def test_the_same_programme_gives_the_same_bytes(programme):
    for name in ("csv", "json", "sitedata"):
        assert exported(name) == exported(name)


def test_an_empty_site_exports_empty_tables():
    assert json.loads(exported("json"))["papers"] == []
    assert [len(table(exported("csv"), name)) for name in ("papers.csv", "sessions.csv", "people.csv")] == [0, 0, 0]
    assert table(exported("sitedata"), "papers.csv") == []


# --- Sitedata ------------------------------------------------------------------------------------------------------


def test_a_sitedata_folder_comes_back_as_it_was(sitedata, tmp_path):
    import_programme(sitedata)
    before = everything()
    data = exported("sitedata")
    assert again(data, tmp_path, source="tiny") == []
    after = everything()
    before.pop("conference")
    after.pop("conference")
    assert after == before
    assert (Conference.current().name, Conference.current().starts_on) == ("Tiny", dt.date(2020, 4, 27))


def test_sitedata_holds_every_file_that_mini_conf_asks_for(programme):
    assert sorted(members(exported("sitedata"))) == [
        "committee.yml", "config.yml", "faq.yml", "highlighted.csv", "main_calendar.json", "papers.csv",
        "papers_projection.json", "speakers.csv", "workshops.csv",
    ]  # fmt: skip


def test_papers_and_calendar_of_sitedata_name_the_same_sessions(programme):
    data = exported("sitedata")
    calendar = json.loads(members(data)["main_calendar.json"])
    assert [(entry["title"], entry["link"], entry["location"], entry["calendarId"]) for entry in calendar] == [
        ("Morning", "papers.html?session=s1", "Hall, 1", "oral")
    ]
    assert [row["sessions"] for row in table(data, "papers.csv")] == ["s1", "s1"]
    assert [row["keywords"] for row in table(data, "papers.csv")] == ["", "a; b|c/d|plain"]


# --- Real data and size --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="the data are not here")
def test_iclr_2020_survives_both_ways(tmp_path):
    import_programme(REAL)
    before = everything()
    before.pop("conference")
    sitedata, tables = exported("sitedata"), exported("csv")
    assert again(sitedata, tmp_path, source="iclr2020") == []
    after = everything()
    after.pop("conference")
    assert after == before
    assert (len(after["paper"]), len(after["session"])) == (687, 56)
    again(tables, tmp_path, source="iclr2020")
    after = everything("paper", "session")
    for session in before["session"].values():
        session["event"] = ""
    assert after == {"paper": before["paper"], "session": before["session"]}


@pytest.mark.parametrize("name", ["csv", "json", "sitedata"])
def test_queries_do_not_grow_with_the_papers(name):
    def queries(count: int) -> int:
        Paper.objects.all().delete()
        papers = Paper.objects.bulk_create([Paper(uid=f"p{n}", title=f"Paper {n}") for n in range(count)])
        people = Person.objects.bulk_create([Person(name=f"A{n}", slug=f"{count}-{n}") for n in range(count)])
        Authorship.objects.bulk_create(
            [Authorship(paper=p, person=a, position=1) for p, a in zip(papers, people, strict=True)]
        )
        with CaptureQueriesContext(
            connection,
        ) as context:
            exported(name)
        return len(context)

    Conference.current()
    assert queries(2) == queries(900)
