"""Importing on the site: who may, what they see, and that nothing is stored before they say so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from miniconf.accounts.models import User
from papers import import_undo, imports
from papers.import_tasks import resume_imports, run_import
from papers.models import Import, Paper
from papers.only_one import only_one

from .test_import_problems import replace
from .test_imports import edit

pytestmark = pytest.mark.django_db


@pytest.fixture
def organizer(client: Client) -> User:
    user = User.objects.create_user("o@example.org", name="Olga", is_organizer=True)
    client.force_login(user)
    return user


def zipped(folder: Path) -> SimpleUploadedFile:
    archive = Path(shutil.make_archive(str(folder.parent / "zipped"), "zip", folder.parent, folder.name))
    return SimpleUploadedFile(f"{folder.name}.zip", archive.read_bytes())


def upload(client: Client, folder: Path, **options: str) -> Import:
    """Uploads the folder as an organizer does, and has it read as the worker would."""
    response = client.post("/organize/imports/", {"files": [zipped(folder)], **options})
    assert response.status_code == 302, response.content.decode()
    record = Import.objects.get(pk=response["Location"].split("/")[-2])
    assert record.state == "waiting"
    imports.run(record, "read")
    return record


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_organizers_see_and_make_imports(client, method):
    assert getattr(client, method)("/organize/imports/").status_code == 302  # to the sign-in page
    client.force_login(User.objects.create_user("a@example.org"))
    assert getattr(client, method)("/organize/imports/").status_code == 403


@pytest.mark.parametrize("action", ["apply", "discard", "undo"])
def test_only_organizers_act_on_an_import(client, action, organizer, sitedata):
    record = upload(client, sitedata)
    client.force_login(User.objects.create_user("a@example.org"))
    assert client.get(record.get_absolute_url()).status_code == 403
    assert client.post(f"{record.get_absolute_url()}{action}/").status_code == 403
    record.refresh_from_db()
    assert record.state == "ready"


def test_what_would_be_added_is_shown_and_nothing_is_stored(client, organizer, sitedata):
    record = upload(client, sitedata)
    page = client.get(f"{record.get_absolute_url()}?kind=paper&action=added").content.decode()
    assert "Apply these changes" in page
    assert "Sharp Heads for RNNs" in page
    assert not Paper.objects.exists()


def test_applying_discarding_and_taking_back_go_through_the_page(client, organizer, sitedata):
    record = upload(client, sitedata)
    assert client.post(f"{record.get_absolute_url()}apply/")["Location"] == record.get_absolute_url()
    record.refresh_from_db()
    assert record.state == "applying"
    imports.run(record, "apply")
    assert Paper.objects.count() == 3
    assert client.post(f"{record.get_absolute_url()}undo/")["Location"] == record.get_absolute_url()
    record.refresh_from_db()
    assert record.state == "undoing"
    assert "is being taken back" in client.get(record.get_absolute_url()).content.decode()
    assert Paper.objects.count() == 3
    run_import(str(record.pk), "undo")
    assert not Paper.objects.exists()
    assert "Taken back: " in client.get(record.get_absolute_url()).content.decode()
    again = client.post(f"{record.get_absolute_url()}undo/")
    assert (again.status_code, "nothing to undo" in again.content.decode()) == (409, True)


def test_taking_back_that_fails_changes_nothing_and_says_so(client, organizer, sitedata, monkeypatch):
    """All of it or nothing: also what had been taken away before the error is there again."""
    record = upload(client, sitedata)
    imports.queue(record, "apply")
    imports.run(record, "apply")
    client.post(f"{record.get_absolute_url()}undo/")
    taken_away, real = [], import_undo._take_away_added

    def fails_in_the_middle(record, kind, undone):
        real(record, kind, undone)
        taken_away.append(Paper.objects.count())
        if kind == "paper":
            raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(import_undo, "_take_away_added", fails_in_the_middle)
        with pytest.raises(RuntimeError, match="in the middle"):
            run_import(str(record.pk), "undo")
    assert (taken_away[-1], Paper.objects.count()) == (0, 3)
    record.refresh_from_db()
    assert record.state == "applied"
    page = client.get(record.get_absolute_url()).content.decode()
    assert "It was not taken back" in page
    assert "Take this import back" in page
    client.post(f"{record.get_absolute_url()}undo/")
    run_import(str(record.pk), "undo")
    run_import(str(record.pk), "undo")  # delivered twice
    record.refresh_from_db()
    assert (record.state, Paper.objects.exists()) == ("undone", False)


def test_what_a_dead_worker_had_begun_is_begun_again_but_not_for_ever(client, organizer, sitedata, monkeypatch):
    record = upload(client, sitedata)
    imports.queue(record, "apply")
    asked = []
    monkeypatch.setattr(run_import, "delay", lambda *work: asked.append(work))
    assert resume_imports() == 1
    assert asked == [(str(record.pk), "apply")]
    with only_one(f"import:{record.pk}"):  # another worker is at it
        run_import(*asked[0])
    record.refresh_from_db()
    assert (record.state, Paper.objects.count()) == ("applying", 0)

    class Killed(BaseException):
        """Nothing that follows is run, as when a process is killed."""

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(imports, "run", killed)
        for _ in range(2):
            with pytest.raises(Killed):
                run_import(*asked[0])
    run_import(*asked[0])
    record.refresh_from_db()
    assert (record.state, Paper.objects.count()) == ("applied", 3)
    client.post(f"{record.get_absolute_url()}undo/")
    monkeypatch.setattr(import_undo, "run", killed)
    for _ in range(3):
        with pytest.raises(Killed):
            run_import(str(record.pk), "undo")
    run_import(str(record.pk), "undo")
    record.refresh_from_db()
    assert (record.state, Paper.objects.count()) == ("applied", 3)
    assert "its worker died 3 times" in client.get(record.get_absolute_url()).content.decode()
    assert resume_imports() == 0


def test_a_change_is_shown_field_by_field_and_word_by_word(client, organizer, sitedata, load):
    load(sitedata)
    edit("SkxSha1", title="Edited here")
    replace(sitedata / "papers.csv", "Sharp Heads for RNNs", "Sharper Heads for RNNs")
    replace(sitedata / "papers.csv", "Another paper whose id differs by case", "Another title whose id differs by case")
    page = client.get(upload(client, sitedata).get_absolute_url()).content.decode()
    assert "Another <del>paper</del><ins>title</ins> whose id differs by case" in page
    assert "was edited on this site and is kept" in page
    assert "Sharper Heads for RNNs" in page


def test_problems_are_listed_with_their_place(client, organizer, sitedata):
    replace(sitedata / "papers.csv", "SkxSha1,Sharp", "a b,Sharp")
    page = client.get(upload(client, sitedata).get_absolute_url()).content.decode()
    assert "<td>papers.csv, row 2</td><td>UID</td>" in page
    assert "an id without blanks and slashes was expected" in page
    assert "Apply these changes" not in page


def test_options_that_make_no_sense_are_told_at_their_fields(client, organizer, sitedata):
    response = client.post(
        "/organize/imports/", {"files": [zipped(sitedata)], "timezone": "Mars/Base", "source": "A B"}
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "Select a valid choice. Mars/Base is not one of the available choices." in page
    assert not Import.objects.exists()


def test_an_upload_without_files_says_so(client, organizer):
    response = client.post("/organize/imports/", {})
    assert (response.status_code, "Choose a zip of the folder, or its files." in response.content.decode()) == (
        422,
        True,
    )


def test_while_it_is_read_the_page_shows_how_far_it_is(client, organizer, sitedata):
    client.post("/organize/imports/", {"files": [zipped(sitedata)]})
    record = Import.objects.get()
    assert "Waiting for a worker" in client.get(record.get_absolute_url()).content.decode()
    imports.tell_progress(record, "papers", 3, 6)
    part = client.get(record.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert 'max="6" value="3"' in part
    imports.run(record, "read")
    done = client.get(record.get_absolute_url(), headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true"


def test_an_import_without_files_has_its_page_and_stands_in_the_list(client, organizer):
    read = Import.objects.create(source="older", state=Import.State.APPLIED)
    unread = Import.objects.create(state=Import.State.DISCARDED)
    listed = client.get("/organize/imports/")
    assert (listed.status_code, listed.content.decode().count('class="import-name"')) == (200, 2)
    for record, name in ((read, "older"), (unread, "Files")):
        page = client.get(record.get_absolute_url())
        assert (page.status_code, f"<title>Import {name} " in page.content.decode()) == (200, True)


def test_a_missing_zone_is_told_with_where_it_can_be_chosen_on_the_site(client, organizer, sitedata):
    replace(sitedata / "main_calendar.json", "+00:00", "")
    record = upload(client, sitedata)
    assert record.state == "refused"
    assert "Options, Time zone" in client.get(record.get_absolute_url()).content.decode()


def test_a_row_that_is_kept_is_called_as_it_is_here(client, organizer, sitedata, load):
    load(sitedata)
    edit("skxsha1", title="Corrected here")
    replace(sitedata / "papers.csv", "Another paper whose id differs by case", "Corrected there")
    record = upload(client, sitedata)
    assert record.changes.get(key="skxsha1").title == "Corrected here"
