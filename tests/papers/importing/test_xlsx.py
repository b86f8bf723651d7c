"""Importing tables from workbooks."""

# ruff: noqa: E501  tables of inputs and what is said of them

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pytest

from tests.papers.importing.read_tables import read

pytestmark = pytest.mark.django_db


# --- XLSX ------------------------------------------------------------------------------------------------------------


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_of_several_sheets(tmp_path):
    workbook(
        tmp_path / "programme.xlsx",
        Papers=[["ID", "Title", "Authors", "Year", "Highlighted"], [12.0, 1984, "A B; C D", 2027, True], [13, "X", "E", None, False]],
        Sessions=[
            ["Accepted sessions"],
            [],
            ["ID", "Title", "Date", "Start", "End", "Papers", "Room"],
            ["s1", "One", dt.date(2027, 5, 3), dt.time(9), dt.time(10, 30), 12, 101.0],
            ["s2", "Two", dt.datetime(2027, 5, 3), dt.time(10, 30), dt.datetime(2027, 5, 3, 12), "12;13", None],
            [None, None, None, None, None, None, None],
        ],
        Days=[["title", "start", "duration"], ["Three", dt.datetime(2027, 5, 4), dt.timedelta(hours=1)]],
        Notes=[["Please fill in by Friday"]],
    )  # fmt: skip
    programme, problems = read(tmp_path, "UTC")
    assert problems == []
    assert [(p.uid, p.title, p.year, p.highlighted) for p in programme.papers] == [
        ("12", "1984", 2027, True),
        ("13", "X", None, False),
    ]
    assert [(s.uid, s.starts_at.isoformat(), s.ends_at.isoformat(), s.papers, s.room) for s in programme.sessions] == [
        ("s1", "2027-05-03T09:00:00+00:00", "2027-05-03T10:30:00+00:00", ["12"], "101"),
        ("s2", "2027-05-03T10:30:00+00:00", "2027-05-03T12:00:00+00:00", ["12", "13"], ""),
        ("conf-three", "2027-05-04T00:00:00+00:00", "2027-05-04T01:00:00+00:00", [], ""),
    ]
    assert "programme.xlsx, Notes was not read: its columns are not those of papers, sessions or people." in (
        programme.notes
    )


def test_problems_name_the_sheet_and_the_row(tmp_path):
    workbook(tmp_path / "p.xlsx", Main=[["ID", "Title", "Authors"], [1, None, "A"]])
    assert read(tmp_path)[1] == ["p.xlsx, Main, row 2, Title: (empty) — must be given"]


def test_hidden_sheets_are_left_out(tmp_path):
    path = workbook(
        tmp_path / "p.xlsx", A=[["ID", "Title", "Authors"], [1, "T", "A"]], B=[["Title", "Authors"], ["T", "A"]]
    )
    book = openpyxl.load_workbook(path)
    book["B"].sheet_state = "hidden"
    book.save(path)
    programme, problems = read(tmp_path)
    assert (problems, len(programme.papers), programme.notes) == ([], 1, ["p.xlsx: the hidden sheets B were left out."])


def test_formulas_give_their_stored_values_and_none_without_one(tmp_path):
    path = workbook(tmp_path / "p.xlsx", A=[["ID", "Title", "Authors"], ["=1+1", "T", "A"]])
    assert read(tmp_path)[1][0] == (
        "p.xlsx, sheet1, cell: A2 — a formula with its value: open the file in a spreadsheet program and save it"
    )
    rewrite(path, "xl/worksheets/sheet1.xml", b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
    programme, problems = read(tmp_path)
    assert (problems, programme.papers[0].uid) == ([], "2")


def test_a_formula_error_is_named(tmp_path):
    workbook(tmp_path / "p.xlsx", A=[["ID", "Title", "Authors"], ["#REF!", "T", "A"]])
    assert read(tmp_path)[1][0] == "p.xlsx, A, row 2, A2: #REF! — a value: the formula gives an error"


def rewrite(path: Path, member: str, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert old in members[member], members[member]
    members[member] = members[member].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
