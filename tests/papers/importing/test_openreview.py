"""Importing notes of OpenReview, of both versions of its API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from papers.importers import openreview
from papers.importers.options import ReadOptions
from papers.importers.problems import Problems
from papers.importers.programme import Programme
from papers.models import Paper, Person
from tests.papers.conftest import first_problem


def v1(uid: str = "SkxAb1", **content: Any) -> dict[str, Any]:
    """A submission as version 1 gives it."""
    return {
        "id": uid,
        "original": "Hk0",
        "number": 7,
        "forum": uid,
        "replyto": None,
        "invitation": "ICLR.cc/2020/Conference/-/Blind_Submission",
        "readers": ["everyone"],
        "content": {
            "title": "Sharp Heads for RNNs",
            "authors": ["Ada Lovelace*", "李明"],
            "authorids": ["ada@example.org", "~Ming_Li1"],
            "TL;DR": "Short.",
            "abstract": "One.\r\n\r\nTwo with $x < 3$.",
            "keywords": ["rnn", "attention"],
            "pdf": "/pdf/0123abc.pdf",
            "_bibtex": "@inproceedings{\nlovelace2020sharp,\nyear={2020},\n}",
            "paperhash": "lovelace|sharp_heads",
        }
        | content,
    }


def v2(uid: str = "kXq9A_-z1", **content: Any) -> dict[str, Any]:
    """A submission as version 2 gives it: every field in an object of its own."""
    values = {
        "title": "Another",
        "authors": ["Grace Hopper"],
        "authorids": ["~Grace_Hopper1"],
        "TLDR": "It works.",
        "abstract": "An abstract.",
        "keywords": ["compilers"],
        "pdf": "/pdf/9f.pdf",
        "supplementary_material": "/attachment/77.zip",
        "primary_area": "programming languages",
        "venue": "ICLR 2024 oral",
        "venueid": "ICLR.cc/2024/Conference",
    } | content
    return {
        "id": uid,
        "forum": uid,
        "version": 2,
        "invitations": ["ICLR.cc/2024/Conference/-/Submission", "ICLR.cc/2024/Conference/-/Edit"],
        "readers": ["everyone"],
        "content": {name: {"value": value} for name, value in values.items()},
    }


def read(tmp_path: Path, value: object, name: str = "notes.json") -> Programme:
    """Read without problems."""
    problems = Problems()
    (tmp_path / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    assert openreview.recognises(tmp_path)
    programme = openreview.read(tmp_path, ReadOptions(source="or"), problems)
    assert problems.lines == []
    return programme


def test_a_note_of_version_1(tmp_path):
    [paper] = read(tmp_path, [v1()]).papers
    assert (paper.uid, paper.title, paper.abstract) == (
        "SkxAb1",
        "Sharp Heads for RNNs",
        "One.\n\nTwo with $x < 3$.",
    )
    assert [(author.name, author.equal_contribution) for author in paper.authors] == [
        ("Ada Lovelace", True),
        ("李明", False),
    ]
    assert (paper.tldr, paper.keywords, paper.year) == ("Short.", ["rnn", "attention"], 2020)
    assert paper.links == [
        {"label": "PDF", "url": "https://openreview.net/pdf/0123abc.pdf"},
        {"label": "OpenReview", "url": "https://openreview.net/forum?id=SkxAb1"},
    ]
    assert paper.bibtex.startswith("@inproceedings{\nlovelace2020sharp")


def test_a_note_of_version_2(tmp_path):
    [paper] = read(tmp_path, {"notes": [v2()], "count": 1}).papers
    assert (paper.uid, paper.title, paper.tldr, paper.track) == (
        "kXq9A_-z1",
        "Another",
        "It works.",
        "programming languages",
    )
    assert (paper.venue, paper.kind, paper.year) == ("ICLR 2024 oral", "oral", 2024)
    assert paper.links == [
        {"label": "PDF", "url": "https://openreview.net/pdf/9f.pdf"},
        {"label": "Supplementary material", "url": "https://openreview.net/attachment/77.zip"},
        {"label": "OpenReview", "url": "https://openreview.net/forum?id=kXq9A_-z1"},
    ]


def test_ids_of_authors_are_private_addresses_or_public_profiles(tmp_path):
    people = read(tmp_path, [v1()]).people
    assert (people["Ada Lovelace"].email, people["Ada Lovelace"].url) == ("ada@example.org", "")
    assert (people["李明"].email, people["李明"].url) == ("", "https://openreview.net/profile?id=~Ming_Li1")


def test_other_ids_and_too_few_ids_say_nothing(tmp_path):
    notes = [
        v1("a", authors=["A B"], authorids=["https://dblp.org/search/pid/api?q=author:A_B:"]),
        v1("b", authors=["C D", "E F"], authorids=["c@d.org"]),
        v1("c", authors=["G H"], authorids=None),
    ]
    assert [(person.email, person.url) for person in read(tmp_path, notes).people.values()] == [("", "")] * 4


def test_authors_as_objects_or_as_text(tmp_path):
    notes = [
        v2("a", authors=[{"fullname": "Ada Lovelace", "username": "~Ada_Lovelace1"}, {"fullname": "B C"}]),
        v2("b", authors="D E; F G", authorids=[]),
        v2("c", authors=["Anonymous"], authorids=["x"]),
    ]
    programme = read(tmp_path, notes)
    assert [[author.name for author in paper.authors] for paper in programme.papers] == [
        ["Ada Lovelace", "B C"],
        ["D E", "F G"],
        [],
    ]
    assert programme.people["Ada Lovelace"].url == "https://openreview.net/profile?id=~Ada_Lovelace1"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (json.dumps([v1(), v2()]), "notes.json"),
        (json.dumps({"notes": [v1(), v2()]}), "notes.json"),
        (json.dumps({"SkxAb1": v1(), "kXq9A_-z1": v2()}), "papers.json"),
        (json.dumps(v1()) + "\n\n" + json.dumps(v2()) + "\n", "notes.jsonl"),
        (json.dumps(v1()) + "\r\n" + json.dumps(v2()), "notes.json"),
        ("\ufeff" + json.dumps([v1(), v2()]), "notes.json"),
        (json.dumps([v1(), v2()], indent=2), "notes.json"),
    ],
)
def test_every_shape_of_file(tmp_path, text, name):
    assert [paper.uid for paper in read(tmp_path, text, name).papers] == ["SkxAb1", "kXq9A_-z1"]


def test_a_single_note_and_several_files(tmp_path):
    (tmp_path / "first.json").write_text(json.dumps(v1()))
    assert [paper.uid for paper in read(tmp_path, [v2()], "second.json").papers] == ["SkxAb1", "kXq9A_-z1"]


def test_addresses_of_pdfs(tmp_path):
    pdfs = ["/pdf?id=abc", "https://arxiv.org/pdf/1.pdf", "", "//evil.example/x.pdf", "file:///etc/passwd", None]
    papers = read(tmp_path, [v1(f"n{n}", pdf=pdf) for n, pdf in enumerate(pdfs)]).papers
    assert [[link["url"] for link in paper.links if link["label"] == "PDF"] for paper in papers] == [
        ["https://openreview.net/pdf?id=abc"],
        ["https://arxiv.org/pdf/1.pdf"],
        [],
        [],
        [],
        [],
    ]


def test_links_that_not_everybody_may_read_are_left_out(tmp_path):
    note = v2()
    note["content"]["supplementary_material"]["readers"] = ["ICLR.cc/2024/Conference/Reviewers"]
    [paper] = read(tmp_path, [note]).papers
    assert [link["label"] for link in paper.links] == ["PDF", "OpenReview"]


def test_what_is_no_accepted_submission_is_left_out_and_counted(tmp_path):
    review = v1("r1") | {
        "forum": "SkxAb1",
        "replyto": "SkxAb1",
        "invitation": "ICLR.cc/2020/Conference/Paper7/-/Review",
    }
    withdrawn = v1("w1") | {"invitation": "ICLR.cc/2020/Conference/-/Withdrawn_Submission"}
    desk = v2("d1", venueid="ICLR.cc/2024/Conference/Desk_Rejected_Submission")
    rejected = v2("d2", venueid="ICLR.cc/2024/Conference/Rejected_Submission", venue="Submitted to ICLR 2024")
    withdrawn_2 = v2("w2", venue="ICLR 2024 Conference Withdrawn Submission")
    deleted = v1("x1") | {"ddate": 1577836800000}
    programme = read(tmp_path, [v1(), review, withdrawn, desk, rejected, withdrawn_2, deleted, review | {"id": "r2"}])
    assert [paper.uid for paper in programme.papers] == ["SkxAb1"]
    assert programme.notes == [
        "1 notes left out: deleted.",
        "1 notes left out: desk-rejected.",
        "1 notes left out: rejected.",
        "2 notes left out: replies (reviews, comments, decisions).",
        "2 notes left out: withdrawn.",
    ]


def test_decisions_in_the_note_in_replies_and_beside_it(tmp_path):
    def decision(uid: str, text: object) -> dict[str, Any]:
        return {"id": f"{uid}-d", "forum": uid, "replyto": uid, "content": {"decision": text},
                "invitation": f"ICLR.cc/2020/Conference/{uid}/-/Decision"}  # fmt: skip

    inside = v2("b", venue="") | {"details": {"directReplies": [decision("b", {"value": "Accept (spotlight)"})]}}
    notes = [
        v1("a", decision="Accept (Poster)"),
        inside,
        decision("c", "Reject"),
        v1("c", authors=["Only Here"], authorids=[]),
        v1("d"),
        decision("d", "Accept (Talk)"),
    ]
    programme = read(tmp_path, notes)
    assert [(paper.uid, paper.kind) for paper in programme.papers] == [
        ("a", "Poster"),
        ("b", "spotlight"),
        ("d", "Talk"),
    ]
    assert "Only Here" not in programme.people


def test_papers_that_not_everybody_may_read_are_taken_with_a_warning(tmp_path):
    programme = read(tmp_path, [v2() | {"readers": ["ICLR.cc/2024/Conference", "~Grace_Hopper1"]}])
    assert len(programme.papers) == 1
    assert programme.notes == [
        "Warning: 1 papers are not readable by everyone on OpenReview; here they will be."
    ]  # fmt: skip


def test_keywords_as_text_and_too_long(tmp_path):
    programme = read(tmp_path, [v1("a", keywords="rnn, attention,"), v1("b", keywords=["x" * 201, "y", "y"])])
    assert [paper.keywords for paper in programme.papers] == [["rnn", "attention"], ["y"]]
    assert len(programme.notes) == 1


def test_two_profiles_with_one_name_are_told(tmp_path):
    notes = [
        v1("a", authors=["Wei Wang"], authorids=["~Wei_Wang1"]),
        v1("b", authors=["Wei Wang"], authorids=["~Wei_Wang27"]),
    ]
    assert read(tmp_path, notes).notes == [
        "Warning: two profiles of one name, taken as one person: notes.json, note 2 (b): Wei Wang"
    ]


def test_half_characters_do_no_harm(tmp_path):
    """JSON can write what no text is."""
    note = v1("\ud800", pdf="https://x.example/\ud800", authorids=["~\ud800", ""])
    (tmp_path / "notes.json").write_text(json.dumps([note]))
    problems = Problems()
    openreview.read(tmp_path, ReadOptions(source="or"), problems)
    assert problems.lines == [
        "notes.json, note 1 (\\ud800), forum: \\ud800 — text without NUL and half characters was expected"
    ]


def test_other_json_is_not_taken_for_notes(tmp_path):
    (tmp_path / "conference.json").write_text('{"papers": {"1": {"content": "x", "forum": "y"}}}')
    assert not openreview.recognises(tmp_path)


@pytest.mark.django_db
def test_through_the_command_twice(tmp_path, load):
    folder = tmp_path / "iclr"
    folder.mkdir()
    (folder / "notes.json").write_text(json.dumps([v1(), v2()]))
    load(folder)
    assert sorted(Paper.objects.values_list("uid", flat=True)) == ["SkxAb1", "kXq9A_-z1"]
    assert Person.objects.get(name="Ada Lovelace").email_private == "ada@example.org"
    assert "Nothing has changed" in load(folder)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("note", "said"),
    [
        (v1(title=""), "notes.json, note 1 (SkxAb1), title: (empty) — must be given"),
        (v1(title=["x"]), "notes.json, note 1 (SkxAb1), title: ['x'] — text was expected"),
        (v1("a/b"), "notes.json, note 1 (a/b), forum: a/b — an id without blanks and slashes was expected"),
        (v1(authors=[1]), "notes.json, note 1 (SkxAb1), authors: [1] — a list of texts was expected"),
        ({"forum": "x", "content": []}, "notes.json, note 1 — a note with its content was expected"),
    ],
)
def test_notes_that_cannot_be_read_are_named(tmp_path, refused, note, said):
    text = json.dumps([note, {"forum": "z", "replyto": "z", "content": {}}])
    (tmp_path / "notes.json").write_text(text)
    assert first_problem(refused(tmp_path, format="openreview", source="x")).endswith(said)
