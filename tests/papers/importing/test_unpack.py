"""Folders, zips and files become one folder; whatever could do harm on the way is refused by name."""

from __future__ import annotations

import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from papers.importers import unpack
from papers.importers.problems import ImportFailed, Problems, shown


def zipped(path: Path, members: dict[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def contents(*sources: Path) -> dict[str, bytes]:
    """What lies in the folder, by path below it."""
    with unpack.opened(list(sources), Problems()) as folder:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refusal(*sources: Path) -> list[str]:
    with pytest.raises(ImportFailed) as error, unpack.opened(list(sources), Problems()):
        pass
    return str(error.value).splitlines()[1:]


def test_one_folder_is_taken_as_it_is(tmp_path):
    with unpack.opened([tmp_path], Problems()) as folder:
        assert folder == tmp_path


def test_a_zip_becomes_a_folder_that_is_gone_afterwards(tmp_path):
    path = zipped(tmp_path / "conf2027.zip", {"papers.csv": b"x", "papers/1.yml": b"y", "empty/": b""})
    with unpack.opened([path], Problems()) as folder:
        assert folder.name == "conf2027"
        assert (folder / "papers" / "1.yml").read_bytes() == b"y"
        assert not folder.is_relative_to(tmp_path)
    assert not folder.exists()


def test_it_is_gone_after_an_error_too(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        unpack.opened([zipped(tmp_path / "a.zip", {"x": b""})], Problems()) as folder,
    ):
        raise ZeroDivisionError
    assert not folder.exists()


def test_the_only_folder_in_a_zip_is_stepped_into_and_gives_the_name(tmp_path):
    path = zipped(tmp_path / "download (1).zip", {"tiny/sitedata/papers.csv": b"x", "tiny/sitedata/a/b.csv": b"y"})
    with unpack.opened([path], Problems()) as folder:
        assert folder.name == "sitedata"
        assert sorted(item.name for item in folder.iterdir()) == ["a", "papers.csv"]


def test_what_file_managers_add_is_left_out(tmp_path):
    noise = {
        "__MACOSX/x/._papers.csv": b"", ".DS_Store": b"", "x/Thumbs.db": b"", "x/._papers.csv": b"",
        "x/desktop.ini": b"", "x/papers.csv": b"x",
    }  # fmt: skip
    assert contents(zipped(tmp_path / "a.zip", noise)) == {"papers.csv": b"x"}


def test_files_become_a_folder_named_after_the_one_they_lie_in(tmp_path):
    folder = tmp_path / "conf2027"
    folder.mkdir()
    for name in ("papers.csv", "sessions.csv", ".DS_Store"):
        (folder / name).write_bytes(name.encode())
    with unpack.opened(sorted(folder.iterdir()), Problems()) as made:
        assert made.name == "conf2027"
    assert contents(*folder.iterdir()) == {"papers.csv": b"papers.csv", "sessions.csv": b"sessions.csv"}


def test_one_file_gives_the_folder_its_name_and_an_upload_none(tmp_path):
    folder = tmp_path / "0b6e1de1-5c1b-4c57-9a9b-0a2ff2c3a2aa"
    folder.mkdir()
    for name in ("notes.json", "more.json"):
        (folder / name).write_bytes(b"[]")
    with unpack.opened([folder / "notes.json"], Problems()) as made:
        assert made.name == "notes"
    with unpack.opened([folder / "notes.json", folder / "more.json"], Problems()) as made:
        assert made.name == "upload"


def test_two_files_of_one_name_are_a_problem(tmp_path):
    for name in ("a/papers.csv", "b/Papers.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    first, second = tmp_path / "a/papers.csv", tmp_path / "b/Papers.csv"
    assert refusal(first, second) == [
        f"{second}, name: Papers.csv — a name of its own: {first} has this one already"
    ]  # fmt: skip
    assert refusal(first, first) == [f"{first}, name: papers.csv — a name of its own: {first} has this one already"]


def test_what_cannot_go_together_or_is_not_there_is_said_at_once(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    zipped(tmp_path / "b.zip", {"x": b""})
    assert refusal(tmp_path / "a.csv", tmp_path, tmp_path / "b.zip", tmp_path / "c.csv") == [
        f"{tmp_path} — is a folder: give it alone, or its files",
        "b.zip — is a zip: give it alone, or the files in it",
        f"{tmp_path / 'c.csv'} — no such file or folder",
    ]
    assert refusal() == ["source — a folder, a zip or files were expected"]


OUT = "a path inside the zip was expected, not one that leads out of it"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../evil.csv", OUT),
        ("a/../../evil.csv", OUT),
        ("..\\evil.csv", OUT),
        ("/etc/evil.csv", OUT),
        ("\\\\server\\evil.csv", OUT),
        ("C:\\evil.csv", OUT),
        ("x" * 241, "a shorter name was expected"),
        ("inner.ZIP", "is a zip in a zip: unpack it first"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name, said):
    path = zipped(tmp_path / "a.zip", {name: b"x", "papers.csv": b"x"})
    assert refusal(path) == [f"a.zip, {shown(name.replace(chr(92), '/'))} — {said}"]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.zip"]


def test_control_characters_in_names_are_refused(tmp_path):
    assert refusal(zipped(tmp_path / "a.zip", {"a\nb.csv": b"x"})) == [
        "a.zip, a\\nb.csv — a name without control characters was expected"
    ]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    member = zipfile.ZipInfo("papers.csv")
    member.external_attr = (kind | 0o777) << 16
    assert refusal(zipped(tmp_path / "a.zip", {member: b"/etc/passwd"})) == [
        "a.zip, papers.csv — a plain file was expected, not a link or device"
    ]


def test_an_encrypted_member_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"papers.csv": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert refusal(path) == ["a.zip, papers.csv — is encrypted: make the zip without a password"]


def test_rare_compression_is_refused_since_its_memory_is_not_bounded(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("papers.csv", b"x" * 1000)
    assert refusal(tmp_path / "a.zip") == [
        "a.zip, papers.csv — is compressed in a rare way: make the zip with deflate, as most programs do"
    ]


def test_a_member_that_stands_twice_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"papers.csv": b"x", "Papers.csv": b"y"})
    assert refusal(path) == ["a.zip, Papers.csv — stands twice in the zip: papers.csv has the same name"]


def test_a_file_with_the_name_of_a_folder_is_refused(tmp_path):
    assert refusal(zipped(tmp_path / "a.zip", {"a": b"x", "a/b.csv": b"y"})) == [
        "a.zip, a/b.csv — has the name of a folder in the same zip"
    ]


def test_names_come_out_as_they_were_meant(tmp_path):
    """In UTF-8 with the flag, in UTF-8 without it (macOS), in code page 437, and decomposed."""
    path = zipped(tmp_path / "a.zip", {"é.csv": b"1", "u.csv": b"2", "XXX.csv": b"3", "u\u0308.csv": b"4"})
    data = bytearray(path.read_bytes())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        offset, at = (6, data.index(start)) if start[2] == 3 else (8, data.index(start))
        data[at + offset + 1] &= ~0x08  # the flag of the first name
    assert data.count(b"XXX.csv") == 2
    path.write_bytes(bytes(data).replace(b"XXX.csv", b"\x84\x94\x81.csv"))
    assert contents(path) == {"é.csv": b"1", "u.csv": b"2", "äöü.csv": b"3", "ü.csv": b"4"}


def test_a_damaged_member_is_named(tmp_path):
    path = zipped(tmp_path / "a.zip", {"papers.csv": b"uid,title,authors" * 30})
    data = bytearray(path.read_bytes())
    data[50] ^= 0xFF
    path.write_bytes(data)
    assert refusal(path)[0].startswith("a.zip, papers.csv — is damaged: ")


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_said_so(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    [line] = refusal(tmp_path / "a.zip")
    assert line.startswith("a.zip — is no zip that can be read: ")


def test_an_empty_zip_is_said_so(tmp_path):
    assert refusal(zipped(tmp_path / "a.zip", {"x/": b""})) == ["a.zip — is empty"]


def test_too_many_members(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"{n}": b"" for n in range(unpack.MEMBERS + 1)})
    assert refusal(path) == ["a.zip — holds 5001 files: at most 5000 are unpacked"]


def test_a_list_of_members_too_long_to_read(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"{n:0>200}": b"" for n in range(12_000)})
    assert refusal(path) == ["a.zip — holds too many files: at most 5000"]


def test_a_bomb_is_stopped_while_it_grows(tmp_path):
    path = zipped(tmp_path / "a.zip", {"papers.csv": bytes(20_000_000), "other.csv": b"x"})
    assert refusal(path) == ["a.zip, papers.csv — grows to more than 200 times its size: this is a zip bomb"]


def test_many_small_bombs_are_one(tmp_path):
    path = zipped(tmp_path / "a.zip", {f"{n}.csv": bytes(900_000) for n in range(60)})
    assert refusal(path) == ["a.zip, 13.csv — grows to more than 200 times its size: this is a zip bomb"]


def test_what_the_header_says_of_a_size_is_not_believed(tmp_path):
    path = zipped(tmp_path / "a.zip", {"papers.csv": b"x" * 100})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (5).to_bytes(4, "little")
    path.write_bytes(data)
    assert refusal(path)[0].startswith("a.zip, papers.csv — is damaged: ")


def test_all_files_together_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "LARGEST", 2_000_000)
    noise = bytes(range(256)) * 4096
    path = zipped(tmp_path / "a.zip", {})
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.csv", noise)
    assert refusal(path) == ["a.zip, 1.csv — too large: at most 2 MB unpacked"]
    for number in range(3):
        (tmp_path / f"{number}.csv").write_bytes(noise)
    assert refusal(*tmp_path.glob("*.csv")) == ["source — too large: at most 2 MB in all files together"]


BOMB = """
import resource, sys
from pathlib import Path
from papers.importers import unpack
from papers.importers.problems import ImportFailed, Problems
resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))
try:
    with unpack.opened([Path(sys.argv[1])], Problems()) as folder:
        print(sum(path.stat().st_size for path in folder.rglob("*")))
except ImportFailed as failed:
    print(failed)
"""


def test_memory_stays_bounded_whatever_the_size(tmp_path):
    """300 MB of address space are enough for a zip of 400 MB."""
    path = tmp_path / "a.zip"
    piece = bytes(range(256)) * 4096
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive, archive.open("papers.csv", "w") as member:
        for _ in range(400):
            member.write(piece)
    done = subprocess.run([sys.executable, "-c", BOMB, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{400 << 20}\n"
