"""What happens to the database when a source is imported again, or beside another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.core import serializers

from papers.importers import extensions
from papers.models import Authorship, Event, Keyword, Page, Paper, Person, Presentation, Session, Sponsor, Track

from .conftest import first_problem
from .test_import_problems import nothing_is_stored, replace

pytestmark = pytest.mark.django_db
MODELS = (Paper, Person, Authorship, Keyword, Track, Event, Session, Presentation, Sponsor, Page)


def everything() -> str:
    return serializers.serialize("json", [row for model in MODELS for row in model.objects.order_by("pk")])


def counts(printed: str, what: str) -> list[int]:
    """Added, changed, unchanged, withdrawn."""
    return next([int(n) for n in line.split()[1:]] for line in printed.splitlines() if line.startswith(what))


def test_the_same_source_twice_changes_nothing_and_says_so(sitedata, load):
    load(sitedata)
    before = everything()
    assert load(sitedata).splitlines()[-1] == "Nothing has changed since the last import of this source."
    assert everything() == before


def test_a_second_source_changes_nothing_of_the_first(native, sitedata, load):
    load(native)
    before = {model: set(model.objects.values_list("pk", flat=True)) for model in MODELS}
    rows = everything()
    load(sitedata)
    for model in MODELS:
        assert before[model] <= set(model.objects.values_list("pk", flat=True))
    Paper.objects.filter(source="tiny").delete()
    for model in (Session, Event, Page, Person):
        model.objects.filter(source="tiny").delete()
    Keyword.objects.filter(papers=None).delete()
    assert everything() == rows


def test_people_of_the_same_name_in_two_sources_are_two_people(native, sitedata, load):
    load(native)
    load(sitedata)
    assert list(Person.objects.filter(name="Ada Lovelace").order_by("pk").values_list("source", "slug")) == [
        ("own", "ada-lovelace"),
        ("tiny", "ada-lovelace-2"),
    ]


def test_what_changed_is_counted_and_stored(sitedata, load):
    load(sitedata)
    replace(sitedata / "papers.csv", "Another paper", "Another title")
    replace(sitedata / "papers.csv", "rnn|attention", "rnn|memory")
    replace(sitedata / "papers.csv", "Grace Hopper", "Grace Hopper|Alan Turing")
    printed = load(sitedata)
    assert counts(printed, "papers") == [0, 3, 0, 0]
    assert Paper.objects.get(uid="skxsha1").title == "Another title whose id differs by case"
    assert [k.name for k in Paper.objects.get(uid="SkxSha1").keywords.all()] == ["memory", "rnn"]


def test_papers_that_are_gone_are_withdrawn_and_come_back(sitedata, load):
    load(sitedata)
    original = (sitedata / "papers.csv").read_bytes()
    replace(
        sitedata / "papers.csv", "skxsha1,Another paper whose id differs by case,Alan Turing,An abstract.,,\r\n", ""
    )
    assert counts(load(sitedata), "papers") == [0, 0, 2, 1]
    paper = Paper.objects.get(uid="skxsha1")
    assert paper.withdrawn_at is not None
    assert [a.person.name for a in paper.authorships.all()] == ["Alan Turing"]
    assert load(sitedata).splitlines()[-1].startswith("Nothing has changed")
    (sitedata / "papers.csv").write_bytes(original)
    assert counts(load(sitedata), "papers") == [0, 1, 2, 0]
    assert Paper.objects.get(uid="skxsha1").withdrawn_at is None


def test_people_nobody_names_any_more_are_removed(sitedata, load):
    load(sitedata)
    replace(sitedata / "papers.csv", "Grace Hopper", "Grace M. Hopper")
    assert counts(load(sitedata), "people") == [1, 0, 5, 1]
    assert not Person.objects.filter(name="Grace Hopper").exists()


def test_sessions_events_pages_and_sponsors_that_are_gone(native, load):
    load(native)
    for name in ("sessions.yml", "events.yml", "sponsors.yml"):
        (native / name).unlink()
    shutil.rmtree(native / "pages")
    printed = load(native)
    assert counts(printed, "sessions") == counts(printed, "pages") == [0, 0, 0, 2]
    assert counts(printed, "events") == counts(printed, "sponsors") == [0, 0, 0, 1]
    assert not Session.objects.filter(withdrawn_at=None).exists()
    assert Page.objects.count() == Sponsor.objects.count() == 0


def test_an_id_of_another_source_is_refused_and_nothing_is_changed(sitedata, native, load, refused):
    load(native)
    before = everything()
    replace(sitedata / "papers.csv", "skxsha1", "P1")
    sentence = refused(sitedata)
    assert first_problem(sentence) == ('papers.csv, row 3, uid: P1 — a new id: this one belongs to source "own"')
    assert everything() == before


def test_a_page_made_on_the_site_is_not_taken_over(native, refused):
    Page.objects.create(slug="help", title="Mine")
    assert first_problem(refused(native)) == (
        "pages/10-help.md, slug: help — a new id: this one belongs to this site itself"
    )
    assert Page.objects.get().title == "Mine"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(native, load, media_root):
    printed = load(native, dry_run=True)
    assert counts(printed, "papers") == [2, 0, 0, 0]
    assert printed.splitlines()[-1] == "A dry run: nothing was stored."
    assert nothing_is_stored()
    assert not media_root.exists()


def test_an_extension_reads_its_part_in_the_same_transaction(native, refused, monkeypatch):
    seen = []

    def reader(folder: Path, source: str, report) -> None:
        seen.append((folder, source, Paper.objects.count()))
        report.problem("demos.yml", "entry 1", "model", "nope", "a model that is here")

    monkeypatch.setattr(extensions, "_registered", [reader])
    assert first_problem(refused(native)) == "demos.yml, entry 1, model: nope — a model that is here"
    assert seen == [(native, "own", 2)]
    assert nothing_is_stored()


def test_no_media_file_is_left_behind_by_an_import_that_failed(native, refused, media_root, monkeypatch):
    monkeypatch.setattr(
        extensions, "_registered", [lambda folder, source, report: report.problem("x", "", "", "", "y")]
    )
    refused(native)
    assert [path for path in media_root.rglob("*") if path.is_file()] == []


def test_the_source_can_be_given_another_name(sitedata, load):
    load(sitedata, source="renamed")
    assert set(Paper.objects.values_list("source", flat=True)) == {"renamed"}
    assert Session.objects.filter(uid="renamed-mon-session-1").exists()


def test_what_an_organizer_added_to_a_presentation_is_kept(sitedata, load):
    load(sitedata)
    Presentation.objects.filter(paper__uid="SkxSha1").update(join_url_private="https://meet.example/1")
    replace(sitedata / "papers.csv", "optimization|,Mon Session 1", "optimization|,Tues Session 1")
    load(sitedata)
    kept = Presentation.objects.filter(join_url_private="https://meet.example/1")
    assert sorted(kept.values_list("session__uid", flat=True)) == ["tiny-mon-session-1", "tiny-tues-session-1"]
