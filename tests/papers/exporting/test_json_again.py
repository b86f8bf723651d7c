"""The JSON file read back: everything public is there again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from papers.models import Authorship, Conference, Event, Page, Paper, Person, Session, Sponsor
from papers.values import KINDS, values_of

pytestmark = pytest.mark.django_db
MODELS = (Session, Authorship, Paper, Sponsor, Event, Person, Page)
# What the file has no place for: private things, and files, which become addresses.
LEFT_OUT = {"video_file", "captions_file", "video_poster", "thumbnail_file", "poster_file", "slides_file"}


def public() -> dict[str, dict]:
    return {
        kind.name: {
            key: {name: value for name, value in values.items() if "private" not in name and name not in LEFT_OUT}
            for key, values in values_of(kind.name, kind.model._default_manager.all()).items()
        }
        for kind in KINDS.values()
        if kind.name != "conference"
    }


def exported(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    call_command("export_programme", "json", str(folder / "programme.json"))
    return folder


def empty() -> None:
    for model in MODELS:
        model.objects.all().delete()
    Conference.objects.update(name="miniconf")


@pytest.mark.parametrize("which", ["native", "sample"])
def test_import_export_import_brings_everything_public_back(which, native, load, tmp_path):
    load(native if which == "native" else Path(__file__).resolve().parents[3] / "sample")
    before, name = public(), Conference.current().name
    folder = exported(tmp_path / "out")
    empty()
    assert "miniconf JSON" in load(folder)
    after = public()
    for paper in after["paper"].values():  # posters and slides are links of the new site
        paper["links"] = [link for link in paper["links"] if "/media/" not in link["url"]]
    assert after == before
    assert Conference.current().name == name
    assert "Nothing has changed" in load(folder)


def test_people_of_one_name_stay_two(load, tmp_path):
    paper = Paper.objects.create(uid="P", title="P")
    for position, slug in enumerate(("ada", "ada-2"), 1):
        person = Person.objects.create(slug=slug, name="Ada")
        Authorship.objects.create(paper=paper, person=person, position=position)
    folder = exported(tmp_path / "out")
    empty()
    load(folder)
    assert [a.person.name for a in Authorship.objects.order_by("position")] == ["Ada", "Ada (ada-2)"]


def test_what_is_wrong_is_told_with_its_place(refused, tmp_path, load, native):
    load(native)
    folder = exported(tmp_path / "out")
    data = json.loads((folder / "programme.json").read_text(encoding="utf-8"))
    data["papers"][0]["authors"][0]["person"] = "nobody"
    data["sessions"][0]["starts_at"] = "soon"
    (folder / "programme.json").write_text(json.dumps(data), encoding="utf-8")
    empty()
    said = refused(folder)
    assert "programme.json, papers 1, authors 1, person: nobody — the slug of somebody among people" in said
    assert "programme.json, sessions 1, starts_at: soon — " in said
