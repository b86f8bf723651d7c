"""The archive: made by a worker, one at a time, told truthfully when a worker dies, for organizers only."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings as site_settings
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from miniconf.accounts.models import User
from miniconf.closing import archives
from miniconf.closing.models import Archive
from papers.models import Conference, Paper

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, settings: site_settings) -> Path:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    Paper.objects.create(uid="P1", title="A paper worth keeping")
    return tmp_path


@pytest.fixture
def organizer() -> User:
    return User.objects.create_user("olive@example.org", name="Olive", is_organizer=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_a_worker_makes_it_and_organizers_only_download_it(organizer, own_folder):
    archive = archives.begin(by=organizer, videos=True)
    archives.make(archive.pk)
    archive.refresh_from_db()
    assert (archive.state, archive.error) == ("ready", "")
    assert archive.done == archive.total > 5
    address = f"/organize/end/archive/{archive.pk}.zip"
    answer = signed_in(organizer).get(address)
    content = b"".join(answer.streaming_content)
    assert len(content) == archive.size
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        page = next(name for name in names if "P1" in name and name.endswith(".html"))
        assert "A paper worth keeping" in opened.read(page).decode()
    assert "conference/index.html" in names
    member = User.objects.create_user("ada@example.org", name="Ada")
    assert signed_in(member).get(address).status_code == 403
    assert Client().get(address).status_code == 302
    assert [path.name for path in archives.folder().iterdir()] == [f"{archive.pk}.zip"]


def test_the_next_one_takes_the_place_of_the_one_before(organizer):
    first = archives.begin(by=organizer, videos=False)
    archives.make(first.pk)
    (archives.folder() / "left-by-the-dead.work").mkdir()
    second = archives.begin(by=organizer, videos=False)
    assert archives.file_of(first).exists()
    archives.make(second.pk)
    assert [path.name for path in archives.folder().iterdir()] == [f"{second.pk}.zip"]
    assert list(Archive.objects.all()) == [second]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_one_has_it_made(organizer):
    def ask(_: int) -> bool:
        try:
            archives.begin(by=organizer, videos=False)
        except archives.Refused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(ask, range(8))) == 1
    assert Archive.objects.count() == 1


def test_one_whose_worker_died_is_given_up_with_a_reason_and_another_can_begin(organizer):
    archive = archives.begin(by=organizer, videos=False)
    Archive.objects.filter(pk=archive.pk).update(state="running", alive_at=now() - archives.SILENCE / 2)
    with pytest.raises(archives.Refused):
        archives.begin(by=organizer, videos=False)
    Archive.objects.filter(pk=archive.pk).update(alive_at=now() - archives.SILENCE - timedelta(seconds=1))
    page = signed_in(organizer).get("/organize/end/archive/progress/").content.decode()
    assert "The worker stopped in the middle" in page
    again = archives.begin(by=organizer, videos=False)
    archives.make(archive.pk)  # the task of before, brought once more
    archive.refresh_from_db()
    assert (archive.state, again.state) == ("failed", "waiting")


def test_a_worker_that_was_only_slow_notices_that_it_was_given_up_and_leaves_nothing(organizer, monkeypatch):
    archive = archives.begin(by=organizer, videos=False)
    monkeypatch.setattr(archives, "TOLD_EVERY", 0)
    freeze = archives.freeze

    def stopped_meanwhile(folder, *, videos, progress):
        archives.stop(by=organizer)
        return freeze(folder, videos=videos, progress=progress)

    monkeypatch.setattr(archives, "freeze", stopped_meanwhile)
    archives.make(archive.pk)
    archive.refresh_from_db()
    assert (archive.state, archive.error) == ("failed", "It was stopped.")
    assert list(archives.folder().iterdir()) == []


def test_a_conference_for_members_is_not_archived_and_says_why(organizer):
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"members_only": True})
    archive = archives.begin(by=organizer, videos=False)
    archives.make(archive.pk)
    archive.refresh_from_db()
    assert archive.state == "failed"
    assert "for its members only" in archive.error
    assert "for its members only" in signed_in(organizer).get("/organize/end/").content.decode()


def test_a_full_disk_is_told_before_anything_is_written(organizer, monkeypatch, own_folder):
    (own_folder / "media" / "talk.mp4").write_bytes(b"x" * 1000)
    monkeypatch.setattr(archives, "SPARE", 10**18)
    archive = archives.begin(by=organizer, videos=True)
    archives.make(archive.pk)
    archive.refresh_from_db()
    assert archive.state == "failed"
    assert "not enough room on the disk" in archive.error
    assert archive.error.endswith("Leave the films out.")


def test_a_file_that_is_gone_is_told_and_nothing_else_is_served(organizer):
    archive = archives.begin(by=organizer, videos=False)
    archives.make(archive.pk)
    archives.file_of(archive).unlink()
    client = signed_in(organizer)
    assert "Its file is not on this machine" in client.get("/organize/end/").content.decode()
    assert client.get(f"/organize/end/archive/{archive.pk}.zip").status_code == 404
    assert client.get(f"/organize/end/archive/{UUID(int=1)}.zip").status_code == 404


def test_deleting_it_takes_row_and_file(organizer):
    archive = archives.begin(by=organizer, videos=False)
    archives.make(archive.pk)
    signed_in(organizer).post("/organize/end/archive/", {"action": "delete"})
    assert not Archive.objects.exists()
    assert list(archives.folder().iterdir()) == []
