"""Backups: what was written comes back, on the other database and from an older version; nothing is overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from miniconf.accounts.models import User
from miniconf.backups.restoring import CannotRestore, restore_backup
from miniconf.backups.writing import write_backup
from papers.models import Paper
from tests.postgres import binary_folder, throw_away_server
from tests.running import CI, ROOT, clean_environment

OLDER = Path(__file__).parent / "older" / "site_2026_11_27.zip"  # made with the migrations of that day
ASKED = """
import json
from papers.search import search
from papers.models import Paper
from chat.models import Message
from demos.models import Run
from miniconf.accounts.services import user_of_link
paper = Paper.objects.get(uid="ShaRnn2019")
print(json.dumps({
    "found": paper.pk in search("single headed attention"),
    "tldr": paper.tldr,
    "messages": list(Message.objects.order_by("pk").values_list("text", flat=True)),
    "run": Run.objects.get().output["text"],
}))
"""


ADD_AND_REMOVE = "from papers.models import Paper; Paper.objects.create(uid='new').delete()"


class Place:
    """A data folder with its database, and commands on it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder, self.settings = folder, settings

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=clean_environment(MINICONF_DATA=self.folder, **self.settings), capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def rows_of(file: Path) -> dict[str, list[Any]]:
    """Every table's rows by column names."""
    found = {}
    with ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("rows/"):
                columns, *rows = map(json.loads, archive.read(name).decode().splitlines())
                found[name] = [dict(zip(columns, row, strict=True)) for row in rows]
    return found


@pytest.mark.stack
def test_an_older_site_comes_back_on_sqlite_and_moves_to_postgresql_with_every_row(tmp_path: Path) -> None:
    if binary_folder() is None:
        assert not CI
        pytest.skip("no PostgreSQL here")
    first = Place(tmp_path / "first")
    assert "restored" in first.manage("restore", str(OLDER))
    assert "No changes" in first.manage("makemigrations", "--check", "--dry-run")
    asked = json.loads(first.manage("shell", "--no-imports", "-c", ASKED))
    assert asked == {
        "found": True,
        "tldr": "One head, kept on purpose.",
        "messages": [
            "How long is the **memory** of the one head? $m = 512$",
            "In this checkpoint 512 tokens, see `config.json`.",
            "Hello from the older site 👋",
        ],
        "run": " a new",
    }
    media = tmp_path / "first" / "media" / "papers" / "a.pdf"
    media.parent.mkdir(parents=True)
    media.write_bytes(b"%PDF-1.4 some bytes")
    first.manage("backup", str(tmp_path / "one.zip"))
    assert (tmp_path / "one.zip").stat().st_mode & 0o077 == 0

    with throw_away_server() as url:
        second = Place(tmp_path / "second", DATABASE_URL=url)
        second.manage("restore", str(tmp_path / "one.zip"))
        assert json.loads(second.manage("shell", "--no-imports", "-c", ASKED)) == asked
        second.manage("shell", "--no-imports", "-c", ADD_AND_REMOVE)  # the next row's number is free
        second.manage("backup", str(tmp_path / "two.zip"))
    assert rows_of(tmp_path / "two.zip") == rows_of(tmp_path / "one.zip")
    assert (tmp_path / "second/media/papers/a.pdf").read_bytes() == media.read_bytes()
    keys = [(tmp_path / name / "secret_key").read_bytes() for name in ("first", "second")]
    assert keys[0] == keys[1]


@pytest.mark.django_db
def test_a_site_with_people_is_never_overwritten(tmp_path: Path) -> None:
    write_backup(tmp_path / "site.zip", media=False)
    User.objects.create_user("somebody@example.org")
    with pytest.raises(CannotRestore, match="not empty: it has 1 rows of users"):
        restore_backup(tmp_path / "site.zip")
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_a_backup_signs_nobody_in_and_names_its_tables(tmp_path: Path) -> None:
    Paper.objects.create(uid="P1", title="Ünï", abstract="line\nline")
    manifest = write_backup(tmp_path / "site.zip", media=False)
    rows = rows_of(tmp_path / "site.zip")
    assert manifest["rows"]["papers.Paper"] == 1
    assert [(row["uid"], row["title"], row["abstract"]) for row in rows["rows/papers.Paper.jsonl"]] == [
        ("P1", "Ünï", "line\nline")
    ]
    assert "rows/sessions.Session.jsonl" not in rows
    assert list(tmp_path.iterdir()) == [tmp_path / "site.zip"]


def changed(source: Path, target: Path, name: str, change: Any) -> Path:
    with ZipFile(source) as old, ZipFile(target, "w") as new:
        for member in old.namelist():
            new.writestr(member, change(old.read(member)) if member == name else old.read(member))
    return target


def unknown_migration(manifest: bytes) -> bytes:
    described = json.loads(manifest)
    described["migrations"].append(["papers", "9999_from_the_future"])
    return json.dumps(described).encode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("manifest.json", lambda _: b"{}", "format None; this version reads format 1"),
        ("manifest.json", unknown_migration, "newer version: it has the migration papers.9999_from_the_future"),
        ("manifest.json", lambda _: b"no JSON", "no backup of miniconf"),
        ("rows/papers.Paper.jsonl", lambda rows: rows + b'[1, "too short"]\n', "papers.Paper.jsonl, after row 0: expected"),
        ("rows/papers.Paper.jsonl", lambda rows: rows + rows.replace(b"id", b"no"), "after row 0: expected|no value of it"),
    ],
)  # fmt: skip
def test_what_is_no_backup_of_this_site_is_refused_with_the_reason(
    tmp_path: Path, name: str, change: Any, why: str
) -> None:
    write_backup(tmp_path / "site.zip", media=False)
    broken = changed(tmp_path / "site.zip", tmp_path / "broken.zip", name, change)
    with pytest.raises(CannotRestore, match=why):
        restore_backup(broken)
    (tmp_path / "text.zip").write_bytes(b"text")
    with pytest.raises(CannotRestore, match="damaged or no backup"):
        restore_backup(tmp_path / "text.zip")
    with pytest.raises(CannotRestore, match="no file"):
        restore_backup(tmp_path / "missing.zip")
