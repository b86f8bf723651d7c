"""Files made to do harm, or made by accident: refused with a sentence, in bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from papers.importers import tables
from papers.importers.options import ReadOptions
from papers.importers.problems import Problems
from papers.importers.reading import read_csv, read_json, read_yaml

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
MEGABYTE = 1 << 20

# Reads a folder in a process that gets so many megabytes of address space and no more; prints the problems.
_IN_LITTLE_MEMORY = """
import resource, sys
import django
django.setup()
from pathlib import Path
from papers.importers import formats
from papers.importers.options import ReadOptions
from papers.importers.problems import ImportFailed, Problems
from papers.importers.unpack import opened
from papers.importers.times import Dates
Dates.of_site = classmethod(lambda cls: cls())  # no database here
folder, name, megabytes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
modules = formats()
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20),) * 2)
problems = Problems()
try:
    with opened([folder], problems) as unpacked:
        programme = modules[name].read(unpacked, ReadOptions(source="x"), problems)
        print(len(programme.papers), "papers")
except ImportFailed:
    pass
print("\\n".join(problems.lines))
"""


def read_in(megabytes: int, path: Path, name: str = "tables") -> list[str]:
    """What reading a folder or zip printed, in a process with so much memory for it."""
    done = subprocess.run(
        [sys.executable, "-c", _IN_LITTLE_MEMORY, str(path), name, str(megabytes)],
        capture_output=True, text=True, cwd=ROOT, timeout=240,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "miniconf.settings"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def problems_of(folder: Path) -> list[str]:
    problems = Problems()
    tables.read(folder, ReadOptions(source="x"), problems)
    return problems.lines


def yaml_problems(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "x.yml").write_text(text)
    problems = Problems()
    assert read_yaml(tmp_path / "x.yml", problems) is None
    return problems.lines


def json_problems(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "x.json").write_text(text)
    problems = Problems()
    assert read_json(tmp_path / "x.json", problems) is None
    return problems.lines


# --- YAML ----------------------------------------------------------------------------------------------------------


def test_a_billion_laughs_through_anchors(tmp_path):
    lines = ["a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for last, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]")
    assert yaml_problems(tmp_path, "\n".join(lines)) == [
        "x.yml, line 5 — is not YAML: aliases make it 10 times as long"
    ]  # fmt: skip


def test_one_long_text_named_a_thousand_times(tmp_path):
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]"
    assert yaml_problems(tmp_path, text) == ["x.yml, line 2 — is not YAML: aliases make it 10 times as long"]


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: [*a]}", "&a [1, {b: *a}]"])
def test_an_alias_that_stands_in_what_it_stands_for(tmp_path, text):
    assert yaml_problems(tmp_path, text) == ["x.yml, line 1 — is not YAML: an alias in what it stands for"]


def test_aliases_as_people_use_them_are_fine(tmp_path):
    (tmp_path / "x.yml").write_text("a: &room Hall 1\nb: [*room, *room]\nc: &x {d: *room}\ne: *x\n")
    problems = Problems()
    value = read_yaml(tmp_path / "x.yml", problems)
    assert (value, problems.lines) == (
        {"a": "Hall 1", "b": ["Hall 1", "Hall 1"], "c": {"d": "Hall 1"}, "e": {"d": "Hall 1"}},
        [],
    )


@pytest.mark.parametrize("text", ["[" * 20_000, "- " * 20_000 + "a", "{a: " * 20_000])
def test_yaml_that_is_nested_too_deeply(tmp_path, text):
    assert yaml_problems(tmp_path, text) == ["x.yml — is nested too deeply"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!foo bar"])
def test_yaml_makes_no_objects(tmp_path, tag):
    [line] = yaml_problems(tmp_path, f"a: {tag}")
    assert line.startswith("x.yml, line 1 — is not YAML: could not determine a constructor for the tag")


# --- JSON ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 200_000])
def test_json_that_is_nested_too_deeply(tmp_path, text):
    assert json_problems(tmp_path, text) == ["x.json — is nested too deeply"]


def test_a_number_of_many_digits(tmp_path):
    assert json_problems(tmp_path, f'{{"a": {"9" * 100_000}}}') == ["x.json — is not JSON: a number of 100000 digits"]


def test_a_file_of_very_many_values_costs_no_memory(tmp_path):
    (tmp_path / "notes.json").write_text('[{"content": {"forum": "x"}, "forum": "x"}' + ",[]" * 25_000_000 + "]")
    assert read_in(600, tmp_path, "openreview") == [
        "0 papers",
        "notes.json — too large: at most 5000000 values are read",
    ]


def test_huge_numbers_where_text_is_expected(tmp_path):
    note = {"forum": "x", "content": {"title": 10**900, "authors": 1e300, "keywords": 5}}
    (tmp_path / "notes.json").write_text(json.dumps([note]))
    lines = read_in(300, tmp_path, "openreview")
    assert [line.partition(" — ")[2] for line in lines[1:]] == [
        "text was expected",
        "a list of texts was expected",
        "a list of texts was expected",
    ]


# --- CSV -----------------------------------------------------------------------------------------------------------


def test_a_table_of_a_million_columns(tmp_path):
    (tmp_path / "papers.csv").write_text("title,authors" + "," * 1_000_000 + "\na,b\n")
    [line] = problems_of(tmp_path)
    assert line == "papers.csv, row 1, cells: 1000002 — at most 1000"
    problems = Problems()
    read_csv(tmp_path / "papers.csv", problems, required=("title",))
    assert problems.lines == ["papers.csv, row 1, columns: 1000002 — at most 1000"]


def test_a_line_without_end(tmp_path):
    (tmp_path / "papers.csv").write_bytes(b"title,authors\n" + b"x" * 50_000_000)
    assert problems_of(tmp_path) == [
        "papers.csv, row 2 — is not CSV from here on: a line of more than 2000000 characters"
    ]


def test_a_quote_that_is_never_closed(tmp_path):
    (tmp_path / "papers.csv").write_text('title,authors\n"' + "abc\n" * 2_000_000)
    assert problems_of(tmp_path) == [
        "papers.csv, row 2 — is not CSV from here on: field larger than field limit (2000000)"
    ]


def test_too_many_rows(tmp_path):
    (tmp_path / "people.csv").write_text("name,url\n" + "A,\n" * 200_002)
    assert problems_of(tmp_path)[-1] == "people.csv, row 200001 — has too many rows: at most 200000 are read"


def test_a_file_of_200_megabytes_is_refused_unread(tmp_path):
    path = tmp_path / "papers.csv"
    with path.open("wb") as file:
        file.write(b"title,authors\n")
        file.truncate(200 * MEGABYTE)
    assert problems_of(tmp_path) == ["papers.csv — too large: at most 100 MB are read"]
    path.rename(tmp_path / "p.xlsx")
    assert problems_of(tmp_path) == ["p.xlsx — too large: at most 100 MB are read"]


def test_90_megabytes_of_papers_are_read_line_by_line(tmp_path):
    """Memory is for the papers, not for the file: 90 MB of abstracts that nobody else holds."""
    with (tmp_path / "papers.csv").open("w") as file:
        file.write("uid,title,authors,notes\n")
        for number in range(9_000):
            file.write(f"{number},Paper {number},Ada Lovelace,{'n' * 10_000}\n")
    assert read_in(120, tmp_path) == ["9000 papers", ""]


# --- XLSX ----------------------------------------------------------------------------------------------------------


def workbook(path: Path, replaced: dict[str, bytes]) -> Path:
    """A workbook of one paper in which members are replaced, or added."""
    book = openpyxl.Workbook()
    for row in (["ID", "Title", "Authors"], [1, "T", "A"]):
        book.active.append(row)
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (members | replaced).items():
            archive.writestr(name, data)
    return path


SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet(rows: bytes) -> bytes:
    return b"<worksheet " + MAIN + b"><sheetData>" + rows + b"</sheetData></worksheet>"


HEADER = b"".join(
    b'<c r="%s1" t="inlineStr"><is><t>%s</t></is></c>' % pair
    for pair in ((b"A", b"ID"), (b"B", b"Title"), (b"C", b"Authors"))
)


def test_the_workbook_that_others_are_made_of_is_fine(tmp_path):
    workbook(tmp_path / "p.xlsx", {SHEET: sheet(b'<row r="1">' + HEADER + b"</row>")})
    assert problems_of(tmp_path) == []


@pytest.mark.parametrize(
    "start",
    [
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
        b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
    ],
)
@pytest.mark.parametrize("member", [SHEET, STRINGS, "xl/workbook.xml", "[Content_Types].xml", "xl/styles.xml"])
def test_document_types_and_entities_in_any_member(tmp_path, member, start):
    workbook(tmp_path / "p.xlsx", {member: b'<?xml version="1.0"?>' + b" " * (MEGABYTE - 25) + start + b"<x>&e;</x>"})
    assert problems_of(tmp_path) == [
        f"p.xlsx — holds a document type or entities, which no XLSX has: {member}"
    ]  # fmt: skip


def test_xml_in_another_encoding_hides_nothing(tmp_path):
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY e "x">]><x/>'
    workbook(tmp_path / "p.xlsx", {SHEET: text.encode("utf-16")})
    assert problems_of(tmp_path) == [f"p.xlsx — holds XML in another encoding than UTF-8: {SHEET}"]


def test_a_workbook_that_is_a_zip_bomb(tmp_path):
    workbook(tmp_path / "p.xlsx", {SHEET: sheet(b" " * 100 * MEGABYTE)})
    assert problems_of(tmp_path) == ["p.xlsx — grows too much when it is unpacked: this is a zip bomb"]


def test_a_workbook_of_too_many_members(tmp_path):
    workbook(tmp_path / "p.xlsx", {f"x{number}": b"" for number in range(1001)})
    assert problems_of(tmp_path) == ["p.xlsx — grows too much when it is unpacked: this is a zip bomb"]


def test_an_encrypted_or_old_workbook(tmp_path):
    (tmp_path / "p.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000))
    [line] = problems_of(tmp_path)
    assert line.startswith("p.xlsx — is no XLSX workbook (older .xls files: save them as .xlsx)")


def test_more_cells_than_can_be_held(tmp_path):
    noise = b"".join(b"<c><v>%d</v></c>" % (number * 7919 % 1_000_003) for number in range(2_100_000))
    path = workbook(tmp_path / "p.xlsx", {SHEET: sheet(b"<row>" + noise + b"</row>")})
    assert read_in(400, path.parent) == [
        "0 papers",
        "p.xlsx — too large: at most 4000000 cells and other elements are read",
    ]


def test_a_row_and_a_column_far_away_cost_nothing(tmp_path):
    far = b'<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>'
    wide = b'<row r="2"><c r="XFD2"><v>1</v></c></row>'
    path = workbook(tmp_path / "p.xlsx", {SHEET: sheet(b'<row r="1">' + HEADER + b"</row>" + wide + far)})
    assert read_in(300, path.parent) == ["0 papers", ""]


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="1"><c r="A1" t="s"><v>999999</v></c></row>',
        b'<row r="x"><c r="A1"><v>1</v></c></row>',
        b'<row r="1"><c r="A1"><v>' + b"9" * 5000 + b"</v></c></row>",
        b'<row r="1"><c r="A1" s="999"><v>1</v></c></row><row',
    ],
)
def test_a_broken_sheet_is_a_problem_and_no_crash(tmp_path, rows):
    workbook(tmp_path / "p.xlsx", {SHEET: sheet(rows)})
    [line] = problems_of(tmp_path)
    assert line.startswith(("p.xlsx, Sheet — cannot be read: ", "p.xlsx — is no XLSX workbook that can be read: "))


def test_a_damaged_member_is_named(tmp_path):
    path = workbook(tmp_path / "p.xlsx", {})
    data = bytearray(path.read_bytes())
    data[data.index(b"xl/worksheets/sheet1.xml") + 40] ^= 0xFF
    path.write_bytes(data)
    [line] = problems_of(tmp_path)
    assert line.startswith(f"p.xlsx — is damaged: {SHEET}")


# --- Zips around it ------------------------------------------------------------------------------------------------


def test_a_workbook_bomb_in_a_zip(tmp_path):
    inner = workbook(tmp_path / "p.xlsx", {SHEET: sheet(b" " * 100 * MEGABYTE)})
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(inner, "p.xlsx")
    assert read_in(300, tmp_path / "x.zip") == [
        "0 papers",
        "p.xlsx — grows too much when it is unpacked: this is a zip bomb",
    ]


def test_links_in_a_folder_of_tables_lead_nowhere_else(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("title,authors\nSecret,A\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        member = zipfile.ZipInfo("papers.csv")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, str(secret))
    assert read_in(300, folder / "x.zip") == [
        "x.zip, papers.csv — a plain file was expected, not a link or device"
    ]  # fmt: skip
