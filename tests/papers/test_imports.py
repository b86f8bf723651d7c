"""Fields edited on the site when their source comes again, and imports as rows: read, applied, undone, discarded."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Room
from miniconf.accounts.models import User
from miniconf.problems import Problem
from papers import import_undo, imports
from papers.import_undo import undo
from papers.importers import import_programme
from papers.models import Bookmark, Conference, Import, Keyword, Page, Paper, Person, Session, Sponsor
from papers.search import search

from .test_import_problems import replace
from .test_reconcile import counts, everything

pytestmark = pytest.mark.django_db


def edit(uid: str, **fields: object) -> None:
    """As an organizer does on the site: the value changes, and the source's is remembered."""
    paper = Paper.objects.get(uid=uid)
    for name, value in fields.items():
        paper.edited[name] = getattr(paper, name)
        setattr(paper, name, value)
    paper.save()


# --- Edited fields ---------------------------------------------------------------------------------------------------


def test_what_was_edited_is_kept_while_the_source_says_the_same(sitedata, load):
    load(sitedata)
    edit("skxsha1", title="Corrected here")
    before = everything()
    printed = load(sitedata)
    assert printed.splitlines()[-1] == "Nothing has changed since the last import of this source."
    assert everything() == before


def test_what_was_edited_is_kept_and_told_when_the_source_says_something_new(sitedata, load):
    load(sitedata)
    edit("skxsha1", title="Corrected here")
    replace(sitedata / "papers.csv", "Another paper whose id differs by case", "Corrected there")
    replace(sitedata / "papers.csv", "An abstract.", "A new abstract.")
    printed = load(sitedata)
    paper = Paper.objects.get(uid="skxsha1")
    assert (paper.title, paper.abstract) == ("Corrected here", "A new abstract.")
    assert (
        "paper skxsha1, title: edited here, so Corrected here is kept; the source now says Corrected there" in printed
    )
    assert counts(load(sitedata), "papers") == [0, 0, 3, 0]


def test_the_source_wins_when_it_is_to_overwrite(sitedata, load):
    load(sitedata)
    edit("skxsha1", title="Corrected here")
    assert counts(load(sitedata, overwrite=True), "papers") == [0, 1, 2, 0]
    paper = Paper.objects.get(uid="skxsha1")
    assert (paper.title, paper.edited) == ("Another paper whose id differs by case", {})


def test_a_source_that_caught_up_with_an_edit_is_followed_again(sitedata, load):
    load(sitedata)
    edit("skxsha1", title="Corrected here")
    replace(sitedata / "papers.csv", "Another paper whose id differs by case", "Corrected here")
    load(sitedata)
    assert Paper.objects.get(uid="skxsha1").edited == {}
    replace(sitedata / "papers.csv", "Corrected here", "Newer still")
    load(sitedata)
    assert Paper.objects.get(uid="skxsha1").title == "Newer still"


def test_a_conflict_is_part_of_the_json_report(sitedata, load):
    load(sitedata)
    edit("skxsha1", title="Corrected here")
    replace(sitedata / "papers.csv", "Another paper whose id differs by case", "Corrected there")
    report = json.loads(load(sitedata, json=True))
    assert report["conflicts"] == [
        {"kind": "paper", "key": "skxsha1", "field": "title", "ours": "Corrected here", "theirs": "Corrected there"}
    ]


def test_problems_as_json_name_file_row_field_value_and_what_was_expected(sitedata, capsys):
    replace(sitedata / "papers.csv", "SkxSha1,Sharp", "a b,Sharp")
    with pytest.raises(CommandError):
        call_command("import_programme", str(sitedata), json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["problems"][0] == {
        "file": "papers.csv",
        "row": "row 2",
        "field": "UID",
        "value": "a b",
        "expected": "an id without blanks and slashes was expected",
    }
    assert told["left_out"] == 0


# --- Undoing ---------------------------------------------------------------------------------------------------------


def applied() -> Import:
    return Import.objects.filter(state=Import.State.APPLIED).order_by("-applied_at")[0]


@pytest.fixture(params=[import_undo.BATCH, 2])
def batch(request, monkeypatch):
    """Changes are read in batches: all in one here, and in several."""
    monkeypatch.setattr(import_undo, "BATCH", request.param)


@pytest.mark.usefixtures("batch")
def test_a_first_import_undone_leaves_nothing_behind(native, load):
    load(native)
    undone = undo(applied())
    assert not any(model.objects.exists() for model in (Paper, Person, Session, Sponsor, Page))
    assert Conference.current().name == "miniconf"
    assert (undone.withdrawn, undone.kept) == ([], [])


@pytest.mark.usefixtures("batch")
def test_a_correction_undone_brings_every_value_back(sitedata, load):
    load(sitedata)
    before = {paper.uid: (paper.title, paper.abstract) for paper in Paper.objects.all()}
    people = set(Person.objects.values_list("name", flat=True))
    keywords = set(Paper.objects.get(uid="SkxSha1").keywords.values_list("name", flat=True))
    replace(sitedata / "papers.csv", "Another paper", "Another title")
    replace(sitedata / "papers.csv", "rnn|attention", "rnn|memory")
    replace(sitedata / "papers.csv", "Grace Hopper", "Grace M. Hopper")
    load(sitedata)
    undo(applied())
    assert {paper.uid: (paper.title, paper.abstract) for paper in Paper.objects.all()} == before
    assert set(Person.objects.values_list("name", flat=True)) == people
    assert set(Paper.objects.get(uid="SkxSha1").keywords.values_list("name", flat=True)) == keywords
    assert Keyword.objects.filter(name="memory", papers=None).exists()


def statements_to_take_back(folder: Path, papers: int) -> int:
    """Of an import of so many papers by three people each."""
    names = "|".join(f"Author {letter}" for letter in "abc")
    lines = [f"big{n},Title {n},{names},An abstract.,rnn,," for n in range(papers)]
    for name in ("highlighted.csv", "papers_projection.json"):  # are about other papers
        (folder / name).unlink(missing_ok=True)
    header = "UID,title,authors,abstract,keywords,sessions,pdf_url"
    (folder / "papers.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    call_command("import_programme", str(folder), stdout=io.StringIO())
    assert len(search("title") or []) == papers
    with CaptureQueriesContext(connection) as asked:
        undone = undo(applied())
    assert (undone.kept, Paper.objects.exists(), search("title")) == ([], False, [])
    return len(asked)


def test_taking_an_import_back_takes_hardly_more_statements_for_more_papers(sitedata, load):
    few = statements_to_take_back(sitedata, 10)
    # Rows are deleted by the hundred: 300 authorships take two more than 30.
    assert statements_to_take_back(sitedata, 100) <= few + 5


@pytest.mark.usefixtures("batch")
def test_withdrawn_and_removed_rows_come_back(native, load):
    load(native)
    events_before = Session.objects.filter(withdrawn_at=None).count()
    sponsor = Sponsor.objects.get()
    for name in ("sessions.yml", "sponsors.yml"):
        (native / name).unlink()
    shutil.rmtree(native / "pages")
    load(native)
    undo(applied())
    assert Session.objects.filter(withdrawn_at=None).count() == events_before
    assert Sponsor.objects.get().name == sponsor.name
    assert Page.objects.count() == 2


@pytest.mark.usefixtures("batch")
def test_what_people_have_used_since_is_withdrawn_not_deleted(sitedata, load):
    load(sitedata)
    user = User.objects.create_user("a@example.org")
    Bookmark.objects.create(user=user, paper=Paper.objects.get(uid="SkxSha1"))
    Room.objects.create(key="paper:skxsha1", last_number=3)
    undone = undo(applied())
    assert sorted(undone.withdrawn) == ["paper SkxSha1", "paper skxsha1"]
    assert set(Paper.objects.values_list("uid", flat=True)) == {"SkxSha1", "skxsha1"}
    assert not Paper.objects.filter(withdrawn_at=None).exists()


def test_what_was_changed_since_is_kept_and_told(sitedata, load):
    load(sitedata)
    replace(sitedata / "papers.csv", "Another paper", "Another title")
    load(sitedata)
    Paper.objects.filter(uid="skxsha1").update(title="Changed since")
    assert undo(applied()).kept == ["paper skxsha1"]
    assert Paper.objects.get(uid="skxsha1").title == "Changed since"


def test_only_the_newest_import_of_a_source_is_undone_and_only_once(sitedata, load):
    load(sitedata)
    first = applied()
    replace(sitedata / "papers.csv", "Another paper", "Another title")
    load(sitedata)
    with pytest.raises(Problem, match="was imported again after this"):
        undo(first)
    undo(applied())
    undo(first)
    with pytest.raises(Problem, match="nothing to undo"):
        undo(first)


def test_an_import_that_changed_nothing_leaves_no_row(sitedata, load):
    load(sitedata)
    load(sitedata)
    assert Import.objects.count() == 1


# --- Uploads ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def organizer() -> User:
    return User.objects.create_user("o@example.org", is_organizer=True)


@pytest.fixture
def uploaded(sitedata: Path, organizer: User) -> Import:
    archive = shutil.make_archive(str(sitedata.parent / "tiny"), "zip", sitedata)
    with open(archive, "rb") as file:
        return imports.create(user=organizer, files=[("tiny.zip", file)], mapping=None, options={})


def test_an_upload_is_read_looked_at_and_applied(uploaded):
    imports.run(uploaded, "read")
    assert (uploaded.state, uploaded.source, Paper.objects.count()) == ("ready", "tiny", 0)
    assert uploaded.counts["papers"] == {"added": 3, "changed": 0, "unchanged": 0, "withdrawn": 0}
    assert set(uploaded.changes.filter(kind="paper").values_list("action", "title")) == {
        ("added", title) for title in read_titles(uploaded)
    }
    imports.run(uploaded, "apply")
    assert (uploaded.state, Paper.objects.count()) == ("applied", 3)
    assert not imports.folder_of(uploaded).exists()


def read_titles(record: Import) -> set[str]:
    return set(record.changes.filter(kind="paper").values_list("title", flat=True))


def test_an_upload_with_problems_is_refused_with_all_of_them(sitedata, organizer):
    replace(sitedata / "papers.csv", "SkxSha1,Sharp", "a b,Sharp")
    with (sitedata / "papers.csv").open("rb") as file:
        record = imports.create(user=organizer, files=[("papers.csv", file)], mapping=None, options={})
    imports.run(record, "read")
    assert record.state == "refused"
    assert [problem["value"] for problem in record.problems] == ["a b"]
    assert not record.changes.exists()
    assert not Paper.objects.exists()


def test_an_upload_can_be_discarded_but_not_after_it_was_applied(uploaded):
    imports.run(uploaded, "read")
    imports.discard(uploaded)
    assert not imports.folder_of(uploaded).exists()
    uploaded.refresh_from_db()
    with pytest.raises(Problem, match="cannot be discarded"):
        imports.discard(uploaded)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a\0b", "x" * 201], ids=repr)
def test_names_of_uploaded_files_are_checked(name, organizer):
    with pytest.raises(Problem, match="cannot be the name"):
        imports.create(user=organizer, files=[(name, io.BytesIO(b"x"))], mapping=None, options={})
    assert not Import.objects.exists()


def test_a_path_in_an_uploaded_name_leads_nowhere(organizer):
    record = imports.create(user=organizer, files=[("../../x/papers.csv", io.BytesIO(b"x"))], mapping=None, options={})
    assert [path.name for path in (imports.folder_of(record) / "files").iterdir()] == ["papers.csv"]


def test_an_upload_that_is_too_large_leaves_nothing_behind(organizer, monkeypatch):
    monkeypatch.setattr(imports, "LARGEST_UPLOAD", 10)
    root = Path(settings.DATA_DIR, "imports")
    before = set(root.iterdir()) if root.exists() else set()
    with pytest.raises(Problem, match="can be uploaded at once"):
        imports.create(user=organizer, files=[("a.csv", io.BytesIO(b"x" * 11))], mapping=None, options={})
    assert not Import.objects.exists()
    assert set(root.iterdir()) == before


def test_a_dry_run_reads_the_same_report_as_the_import(native):
    dry = import_programme(native, dry_run=True)
    wet = import_programme(native)
    assert [(c.kind, c.key, c.action) for c in dry.row_changes] == [(c.kind, c.key, c.action) for c in wet.row_changes]
