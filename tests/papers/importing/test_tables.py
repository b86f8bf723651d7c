"""Importing tables of papers, sessions and people, as spreadsheets save them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from papers.importers import columns, tables
from papers.importers.options import ReadOptions
from papers.importers.problems import Problems
from papers.models import Paper, Person, Session
from tests.papers.conftest import first_problem
from tests.papers.importing.read_tables import PAPERS, PEOPLE, SESSIONS, one_paper, read

pytestmark = pytest.mark.django_db


def test_three_tables_through_the_command_twice(tmp_path, load):
    for name, text in {"papers": PAPERS, "sessions": SESSIONS, "people": PEOPLE}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    load(tmp_path, source="conf")
    paper = Paper.objects.get(uid="P1")
    assert (paper.title, paper.abstract, paper.kind) == ("Sharp Heads", 'One.\n\nTwo, with "quotes".', "Long")
    assert paper.links == [{"label": "PDF", "url": "https://x.example/1.pdf"}]
    assert [(a.person.name, a.equal_contribution) for a in paper.authorships.all()] == [
        ("Ada Lovelace", True),
        ("李明", False),
    ]
    session = Session.objects.get(uid="s1")
    assert (session.starts_at, session.room, session.kind) == (
        dt.datetime(2027, 5, 3, 7, tzinfo=dt.UTC),
        "Hall",
        "poster",
    )
    assert [person.name for person in session.chairs.all()] == ["Grace Hopper"]
    assert list(session.presentations.values_list("paper__uid", flat=True)) == ["P2", "P1"]
    assert Session.objects.get(uid="s2").kind == "break"
    ada = Person.objects.get(name="Ada Lovelace")
    assert (ada.affiliation, ada.email_private, ada.biography) == ("London", "ada@example.org", "A *life*.")
    assert "Nothing has changed" in load(tmp_path, source="conf")


def test_files_given_one_by_one_as_the_page_gives_them(tmp_path, load):
    (tmp_path / "accepted papers (final).csv").write_text(PAPERS.replace(",Morning,", ",,"))
    (tmp_path / "README.txt").write_text("hello")
    load(tmp_path / "accepted papers (final).csv")
    assert sorted(Paper.objects.values_list("uid", "source")) == [
        ("P1", "accepted-papers-final"),
        ("P2", "accepted-papers-final"),
    ]


@pytest.mark.parametrize("broken", [b"\xff", b"\0"])
def test_a_table_that_cannot_be_read_is_known_as_one_and_its_line_told(tmp_path, load, broken):
    (tmp_path / "mine.csv").write_bytes("uid,title,authors\n1,Größe ä ö ü,A\n2,".encode() + broken + b",B\n")
    with pytest.raises(CommandError, match=r"mine\.csv, line 3"):
        load(tmp_path / "mine.csv")


# --- Columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "uid,title,authors,abstract",
        "Uid,TITLE,Authors,Abstract",
        "Paper ID,Paper Title,Author Names,Abstract",
        "paper_id,paper-title,author(s),abstract",
        "PaperID,PaperTitle,AuthorNames,Summary",
        '"Paper # ",Title (final),Authors (separated by |), Abstract',
        "Submission number,Submission title,Author list,Abstract",
    ],
)
def test_columns_by_many_names(tmp_path, header):
    paper = one_paper(tmp_path, f"{header}\n7,A title,Ada Lovelace|B C,Text\n")
    assert (paper.uid, paper.title, [author.name for author in paper.authors], paper.abstract) == (
        "7",
        "A title",
        ["Ada Lovelace", "B C"],
        "Text",
    )


def test_the_best_name_wins_and_what_is_not_used_is_said(tmp_path):
    programme, problems = read(
        tmp_path, papers_csv="Paper URL,title,authors,pdf,Reviewer 2\nx,T,A B,https://p.example,z"
    )
    assert (problems, programme.papers[0].links) == ([], [{"label": "PDF", "url": "https://p.example"}])
    assert "papers.csv, read as papers: columns not used: Paper URL, Reviewer 2" in programme.notes


def test_rows_above_the_header_and_empty_rows_do_not_matter(tmp_path):
    text = "Conference 2027,,\n,,\nAccepted papers,,\nuid,title,authors\n,,\n7,A title,Ada Lovelace\n,,\n , ,\n"
    assert one_paper(tmp_path, text).place.row == "row 6"


def test_tables_are_known_by_their_columns_not_by_their_names(tmp_path):
    programme, problems = read(tmp_path, a_csv=SESSIONS, b_csv=PEOPLE, c_csv=PAPERS)
    assert problems == []
    assert (len(programme.papers), len(programme.sessions), len(programme.people)) == (2, 2, 3)


def test_a_table_of_something_else_is_left_out_with_a_note(tmp_path):
    programme, _ = read(tmp_path, papers_csv=PAPERS.replace(",Morning,", ",,"), budget_csv="item,cost\nhall,100\n")
    assert programme.notes == [
        "budget.csv was not read: its columns are not those of papers, sessions or people."
    ]  # fmt: skip


def test_a_column_that_stands_twice_is_a_problem(tmp_path):
    _, problems = read(tmp_path, papers_csv="uid,title,authors,Title\n1,A,B,C\n")
    assert problems[0] == "papers.csv, row 1, columns: title — each column once"


def test_rows_with_more_or_fewer_cells_than_the_header_are_named(tmp_path):
    _, problems = read(tmp_path, papers_csv="uid,title,authors\n1,A,B,C\n2,A\n3,C,D,,\n")
    assert problems == [
        "papers.csv, row 2, cells: 4 — 3 cells, as in the header",
        "papers.csv, row 3, cells: 2 — 3 cells, as in the header",
    ]


# --- Encodings and separators ----------------------------------------------------------------------------------------


GERMAN = "uid;title;authors\r\n1;Größe, klein;Émilie du Châtelet\r\n"


@pytest.mark.parametrize(
    "data",
    [
        GERMAN.encode(),
        GERMAN.encode("utf-8-sig"),
        GERMAN.encode("utf-16"),
        b"\xfe\xff" + GERMAN.encode("utf-16-be"),
        GERMAN.encode("cp1252"),
        GERMAN.replace("\r\n", "\n").encode(),
        GERMAN.replace("\r\n", "\r").encode(),
        GERMAN.replace(";", "\t").encode(),
        GERMAN.replace("Größe, klein", '"Größe, klein"').replace(";", ",").encode(),
        b"sep=;\r\n" + GERMAN.encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-be", "cp1252", "lf", "cr", "tabs", "commas", "sep"],
)
def test_encodings_line_ends_and_separators(tmp_path, data):
    paper = one_paper(tmp_path, data)
    assert (paper.title, paper.authors[0].name) == ("Größe, klein", "Émilie du Châtelet")


def test_windows_1252_is_read_and_said_with_examples(tmp_path):
    programme, _ = read(tmp_path, papers_csv="uid,title,authors\n1,“Größe” – x,É B\n".encode("cp1252"))
    assert programme.papers[0].title == "“Größe” – x"
    assert programme.notes == ["papers.csv is not UTF-8 and was read as Windows-1252; it has “Größe”, “É”."]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("uid,title,authors\n1,Größe ä ö ü,A\n2,".encode() + b"\xff,B\n", "papers.csv, line 3, byte: 0xff — text in UTF-8"),
        (b"uid,title,authors\n1,a\x81b,A\n", "papers.csv, line 2, byte: 0x81 — text in UTF-8"),
        (b"uid,title,authors\n1,a\0b,A\n", "papers.csv, line 2 — holds a NUL character: text has none"),
        ("uid,title,authors\n1,a\0b,A\n".encode("utf-16"), "papers.csv, line 2 — holds a NUL character: text has none"),
        ("uid,title,authors\n".encode("utf-16") + b"x", "papers.csv, line 1 or later — is not utf-16: truncated data"),
        (b'uid,title,authors\n1,"a"b,A\n', "papers.csv, row 2 — is not CSV from here on: ',' expected after '\"'"),
        (b'uid,title,authors\n1,"ab,A\n', "papers.csv, row 2 — is not CSV from here on: unexpected end of data"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_refused_with_its_line(tmp_path, data, said):
    (tmp_path / "papers.csv").write_bytes(data)
    problems = Problems()
    tables.read(tmp_path, ReadOptions(source="x"), problems)
    assert problems.lines == [said]


# --- Lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("Ada Lovelace|Alan Turing", ["Ada Lovelace", "Alan Turing"]),
        ("Ada Lovelace; Alan Turing;", ["Ada Lovelace", "Alan Turing"]),
        ("Ada Lovelace and Alan Turing", ["Ada Lovelace", "Alan Turing"]),
        ("Ada Lovelace, Alan Turing and Grace Hopper", ["Ada Lovelace", "Alan Turing", "Grace Hopper"]),
        ("Ada Lovelace, Alan Turing, and Grace Hopper", ["Ada Lovelace", "Alan Turing", "Grace Hopper"]),
        ("Ada Lovelace & Alan Turing", ["Ada Lovelace", "Alan Turing"]),
        ("Ada Lovelace, Alan Turing", ["Ada Lovelace", "Alan Turing"]),
        ("Lovelace, Ada and Turing, Alan", ["Ada Lovelace", "Alan Turing"]),
        ("Lovelace, Ada; Turing, Alan", ["Ada Lovelace", "Alan Turing"]),
        ("Sammy Davis, Jr.; Ken Griffey, Jr.", ["Sammy Davis, Jr.", "Ken Griffey, Jr."]),
        ("Ada Lovelace, Sammy Davis, Jr.", ["Ada Lovelace", "Sammy Davis, Jr."]),
        ("Alexander Anderson", ["Alexander Anderson"]),
        ('["A, B and C", "D"]', ["A, B and C", "D"]),
        ("Ada Lovelace\nAlan Turing", ["Ada Lovelace", "Alan Turing"]),
        ("", []),
    ],
)
def test_names_in_a_cell(cell, names):
    assert columns.names_of(cell) == names


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)))
def test_every_list_survives_a_cell(items):
    cell = columns.cell_of(items)
    assert columns.items_of(cell, separators="|;\n,") == items
    assert columns.names_of(cell) == items


def test_affiliations_in_brackets_and_asterisks_are_no_part_of_names(tmp_path):
    programme, _ = read(tmp_path, papers_csv="title,authors\nT,Lovelace (x)|Ada Lovelace (London)*;Alan\n")
    assert [author.name for author in programme.papers[0].authors] == ["Lovelace", "Ada Lovelace (London)*;Alan"]
    programme, _ = read(tmp_path, papers_csv="title,authors\nT,Ada Lovelace (London)*; Alan Turing (NPL)\n")
    assert [(a.name, a.equal_contribution) for a in programme.papers[0].authors] == [
        ("Ada Lovelace", True),
        ("Alan Turing", False),
    ]
    assert programme.people["Alan Turing"].affiliation == "NPL"


def test_addresses_of_authors_go_to_the_people_and_only_where_they_are_as_many(tmp_path):
    text = "title,authors,Author Emails\nT,A B;C D,A@x.org;c@x.org\nU,E F;G H,e@x.org\n"
    programme, problems = read(tmp_path, papers_csv=text)
    assert problems == []
    assert {name: person.email for name, person in programme.people.items()} == {
        "A B": "a@x.org", "C D": "c@x.org", "E F": "", "G H": "",
    }  # fmt: skip
    assert "Warning: not as many e-mail addresses as authors, left out: papers.csv, row 3" in programme.notes


def test_links_of_a_paper(tmp_path):
    header = "title,authors,pdf,code,video,doi,links"
    row = "T,A,www.x.example/p.pdf,https://git.example,https://youtu.be/x,10.1000/182,Poster page https://x.example/a b|https://y.example"
    paper = one_paper(tmp_path, f"{header}\n{row.replace('a b', 'ab')}\n")
    assert paper.video_url == "https://youtu.be/x"
    assert [(link["label"], link["url"]) for link in paper.links] == [
        ("PDF", "https://www.x.example/p.pdf"),
        ("Code", "https://git.example"),
        ("DOI", "https://doi.org/10.1000/182"),
        ("Poster page", "https://x.example/ab"),
        ("Link", "https://y.example"),
    ]


def test_a_broken_link_is_left_out_with_a_warning(tmp_path):
    programme, problems = read(tmp_path, papers_csv="title,authors,pdf\nT,A,javascript:alert(1)\n")
    assert (problems, programme.papers[0].links) == ([], [])
    assert (
        "Warning: no whole web address, left out: papers.csv, row 2, pdf: javascript:alert(1)" in programme.notes
    )  # fmt: skip


# --- Ids -------------------------------------------------------------------------------------------------------------


def test_ids_are_made_of_titles_where_there_are_none(tmp_path):
    text = "title,authors\nSame Title,A\nSame Title,B\n李明,C\n"
    programme, problems = read(tmp_path, papers_csv=text)
    assert (problems, [paper.uid for paper in programme.papers]) == ([], ["same-title", "same-title-2", "李明"])
    assert programme.notes == [
        "papers.csv: 3 papers have no id; it was made of the title, and another title will be another id."
    ]


def test_ids_of_sessions_are_numbered_by_time_and_bear_the_source(tmp_path):
    text = "title,start,end\nBreak,2027-05-03 15:00,2027-05-03 16:00\nBreak,2027-05-03 10:00,2027-05-03 11:00\n"
    programme, _ = read(tmp_path, "UTC", sessions_csv=text)
    assert [session.uid for session in programme.sessions] == ["conf-break-2", "conf-break"]


def test_an_id_that_stands_twice_is_a_problem(tmp_path):
    _, problems = read(tmp_path, papers_csv="id,title,authors\n1,A,B\n1,C,D\n")
    assert problems == ["papers.csv, row 3, uid: 1 — is taken already, by papers.csv, row 2"]


def test_a_missing_title_is_told_with_the_columns_own_name(tmp_path):
    _, problems = read(tmp_path, papers_csv="id,Paper Title,authors\n1,,B\n")
    assert problems == ["papers.csv, row 2, Paper Title: (empty) — must be given"]


# --- People ----------------------------------------------------------------------------------------------------------


def test_names_in_two_columns_and_the_same_name_twice(tmp_path):
    text = "First name,Last name,Organisation,E-mail\nAda,Lovelace,London,a@x.org\nAda,Lovelace,Paris,\n"
    programme, problems = read(tmp_path, speakers_csv=text)
    assert problems == []
    [person] = programme.people.values()
    assert (person.name, person.affiliation, person.email) == ("Ada Lovelace", "London", "a@x.org")
    assert programme.notes == ["Warning: the same name again, taken as one person: speakers.csv, row 3: Ada Lovelace"]


# --- Recognition -----------------------------------------------------------------------------------------------------


def test_mini_confs_own_folder_is_left_to_it(sitedata):
    assert not tables.recognises(sitedata)
    for path in sitedata.iterdir():
        if path.name != "papers.csv":
            path.unlink()
    assert not tables.recognises(sitedata)


def test_a_folder_without_tables_that_are_known(tmp_path, refused):
    (tmp_path / "budget.csv").write_text("item,cost\nhall,100\n")
    assert not tables.recognises(tmp_path)
    assert first_problem(refused(tmp_path, format="tables", source="x")).endswith(
        "no table with known columns: papers (title, authors, …), sessions (title, start, …) or people (name, …)"
    )
