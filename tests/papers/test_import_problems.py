"""What an import refuses, what it says, and that nothing has changed then."""

# ruff: noqa: E501  a table of inputs and the sentences they give

from __future__ import annotations

from pathlib import Path

import pytest

from papers.importers import formats
from papers.models import Conference, Event, Page, Paper, Person, Session

from .conftest import first_problem, write

pytestmark = pytest.mark.django_db


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def nothing_is_stored() -> bool:
    models = (Paper, Person, Event, Session, Page)
    return not any(model.objects.exists() for model in models) and Conference.current().name == "miniconf"


def test_a_folder_that_is_not_there(tmp_path, refused):
    assert first_problem(refused(tmp_path / "nowhere")) == f"{tmp_path / 'nowhere'} — no such file or folder"


def test_a_folder_of_no_known_format(tmp_path, refused):
    assert first_problem(refused(tmp_path)).startswith(f"{tmp_path.name} — no format recognised; docs/importing.md")


def test_an_unknown_format_or_zone(sitedata, refused):
    sentence = first_problem(refused(sitedata, format="xml"))
    assert sentence == f"--format — xml is unknown; there are {', '.join(formats())}"
    assert first_problem(refused(sitedata, timezone="Mars/Base")) == (
        "--timezone — Mars/Base is no time zone; one like Europe/Berlin was expected"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SkxSha1,Sharp", ",Sharp", "papers.csv, row 2, UID: (empty) — must be given"),
        ("SkxSha1,Sharp", "a b,Sharp", "papers.csv, row 2, UID: a b — an id without blanks and slashes was expected"),
        ("SkxSha1,Sharp", "a/b,Sharp", "papers.csv, row 2, UID: a/b — an id without blanks and slashes was expected"),
        ("skxsha1,A", "SkxSha1,A", "papers.csv, row 3, uid: SkxSha1 — is taken already, by papers.csv, row 2"),
        ("Sharp Heads for RNNs", "x" * 501, f"papers.csv, row 2, title: {'x' * 60}… — at most 500 characters, these are 501"),
        ("Sharp Heads for RNNs", "", "papers.csv, row 2, title: (empty) — must be given"),
        (
            "Tues Session 1",
            "Sat Session 9",
            "papers.csv, row 2, sessions: Sat Session 9 — no entry of main_calendar.json points at a session of this name",
        ),
        ("UID,title,authors", "id,title,authors", "papers.csv, row 1, columns: id,title,authors,abstract,keywords,sessions — also UID"),
        ("rnn|attention,Mon", "rnn,more,Mon", "papers.csv, row 2, cells: 7 — 6 cells, as in the header"),
        (",optimization|,", ',"optimization|,', "papers.csv, row 4 — is not CSV from here on: unexpected end of data"),
        ("An abstract.", "An\0abstract.", "papers.csv, line 6 — holds a NUL character: text has none"),
    ],
)  # fmt: skip
def test_papers_that_cannot_be_read(sitedata, refused, old, new, said):
    replace(sitedata / "papers.csv", old, new)
    assert first_problem(refused(sitedata)) == said
    assert nothing_is_stored()


def test_text_that_is_not_utf_8_is_told_with_its_line(sitedata, refused):
    path = sitedata / "papers.csv"
    path.write_bytes(path.read_bytes().replace("É".encode(), "É".encode("latin-1")))
    assert refused(sitedata).splitlines()[1] == "papers.csv, line 2, byte: 0xc9 — text in UTF-8"
    assert nothing_is_stored()


def test_an_empty_file_of_papers(sitedata, refused):
    (sitedata / "papers.csv").write_bytes(b"")
    assert refused(sitedata).splitlines()[1] == (
        "papers.csv — is empty: a first line with the columns UID, title, authors, abstract"
    )


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("main_calendar.json", "[{]", "main_calendar.json, line 1 — is not JSON: Expecting property name enclosed in double quotes"),
        ("main_calendar.json", "{}", "main_calendar.json — a list of entries was expected"),
        ("main_calendar.json", "[3]", "main_calendar.json, entry 1 — a mapping of fields to values was expected here"),
        ("papers_projection.json", '[{"id": "SkxSha1", "pos": [1, NaN]}]', "papers_projection.json — is not JSON: NaN is not a number"),
        ("papers_projection.json", '[{"id": "SkxSha1", "pos": [1]}]', "papers_projection.json, entry 1, pos: [1] — a list of 2 finite numbers"),
        ("faq.yml", "FAQ: [", "faq.yml, line 1 — is not YAML: expected the node content, but found '<stream end>'"),
        ("committee.yml", "committee:\n  - {role: a, name: b, name: c}\n", "committee.yml, line 2 — is not YAML: the key 'name' stands twice"),
    ],
)  # fmt: skip
def test_other_files_that_cannot_be_read(sitedata, refused, file, text, said):
    replace(sitedata / "papers.csv", "Mon Session 1", "")
    replace(sitedata / "papers.csv", "|Tues Session 1", "")
    write(sitedata / file, text)
    assert first_problem(refused(sitedata)) == said
    assert nothing_is_stored()


def test_lists_that_are_older_than_the_papers_are_warned_about(sitedata, load):
    write(sitedata / "highlighted.csv", "UID\nskxSHA1\nSkxSha1")
    write(sitedata / "papers_projection.json", '[{"id": "nope", "pos": [1, 2]}, {"id": "SkxSha1", "pos": [-1.5, 2]}]')
    assert [line for line in load(sitedata).splitlines() if line.startswith("Warning: a")] == [
        "Warning: a highlighted paper that is not in papers.csv: highlighted.csv, row 2: skxSHA1",
        "Warning: a position on the map for a paper that is not in papers.csv: papers_projection.json, entry 1: nope",
    ]
    assert Paper.objects.values_list("highlighted", "map_x").get(uid="SkxSha1") == (True, -1.5)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("sessions.yml", "'0123'", "p1", "sessions.yml, entry 1, papers: p1 — the uid of a paper of this source (case counts)"),
        ("sessions.yml", "T09:00:00+02:00", "T09:00:00", "sessions.yml, entry 1, starts_at: 2027-05-03T09:00:00 — no time zone: "
         "write it with its offset (…+00:00), or give --timezone ZONE"),
        ("sessions.yml", "2027-05-03T09:00:00+02:00", "Monday 9:00", "sessions.yml, entry 1, starts_at: Monday 9:00 — a time like "
         "2020-04-27T05:00:00+00:00"),
        ("sessions.yml", "T09:00:00+02:00", "T12:00:00+02:00", "sessions.yml, entry 1, ends_at: 2027-05-03T09:00:00+00:00 — not before "
         "the session starts"),
        ("sessions.yml", "event: k1", "event: k2", "sessions.yml, entry 2, event: k2 — the uid of an event of this source"),
        ("sessions.yml", "kind: poster", "kind: posters", "sessions.yml, entry 1, kind: posters — one of poster, oral, qa, keynote, "
         "tutorial, workshop, social, mentoring, plenary, sponsor, break, other"),
        ("papers/two.yml", "title", "titel", "papers/two.yml, titel: Two — no such field; there are uid, title, authors, abstract, "
         "tldr, keywords, track, kind, year, venue, links, bibtex, video, highlighted, program, event, poster, slides, thumbnail"),
        ("papers/one.yml", "https://x.example/1.pdf", "javascript:alert(1)", "papers/one.yml, links 1, url: javascript:alert(1) — an "
         "address that begins with https:// or http://"),
        ("papers/one.yml", "year: 2019", "year: soon", "papers/one.yml, year: soon — a whole number from 1900 to 2200"),
        ("papers/one.yml", "talk.mp4", "../../secret.mp4", "papers/one.yml, video, file: media/../../secret.mp4 — the name of a file in media/"),
        ("papers/one.yml", "talk.mp4", "lost.mp4", "papers/one.yml, video, file: media/lost.mp4 — the name of a file in media/"),
        ("people.yml", "name: Ada Lovelace", "name: Nobody", "people.yml, entry 1, name: Nobody — the exact name of an author or speaker, or papers"),
        ("conference.yml", "2027-05-04", "2027-05-01", "conference.yml, ends_on: 2027-05-01 — not before starts_on, 2027-05-03"),
        ("pages/10-help.md", "# Help", "Help", "pages/10-help.md, line 1 — a title was expected: # Title"),
    ],
)  # fmt: skip
def test_native_files_that_cannot_be_read(native, refused, file, old, new, said):
    replace(native / file, old, new)
    assert said in refused(native).splitlines()
    assert nothing_is_stored()


def test_times_that_the_clocks_skip_or_show_twice(native, refused):
    replace(native / "sessions.yml", "2027-05-03T09:00:00+02:00", "2027-03-28T02:30:00")
    replace(native / "sessions.yml", "2027-05-03T12:00:00Z", "2026-10-25T02:30:00")
    assert refused(native, timezone="Europe/Berlin").splitlines()[1:] == [
        "sessions.yml, entry 1, starts_at: 2027-03-28T02:30:00 — the clocks of Europe/Berlin skip this time: "
        "write it with its offset",
        "sessions.yml, entry 2, starts_at: 2026-10-25T02:30:00 — the clocks of Europe/Berlin show this time twice: "
        "write it with its offset",
    ]


def test_files_that_a_browser_would_run_are_no_media(native, refused):
    write(native / "media" / "page.html", "<script>")
    assert first_problem(refused(native)) == (
        "media/page.html — files of this type are not served: video, captions (.vtt), images and PDF are"
    )


def test_a_link_out_of_the_folder_is_no_media(native, refused):
    (native / "media" / "talk.mp4").unlink()
    (native / "media" / "talk.mp4").symlink_to("/etc/hostname")
    assert "media/talk.mp4 — a plain file was expected, not a link" in refused(native).splitlines()


def test_all_problems_are_told_at_once_and_no_more_than_fifty(sitedata, refused):
    rows = "".join(f"p{n},,A,B,,\n" for n in range(60))
    write(sitedata / "papers.csv", "UID,title,authors,abstract,keywords,sessions\n" + rows)
    for name in ("highlighted.csv", "papers_projection.json"):
        (sitedata / name).unlink()
    head, *lines, tail = refused(sitedata).splitlines()
    assert head == "60 problems; nothing was changed:"
    assert lines == [f"papers.csv, row {n}, title: (empty) — must be given" for n in range(2, 52)]
    assert tail == "… and 10 more"
