"""The mask game: what is hidden, who is right, and what the page says of it."""

import pytest

from demos.kinds.masks import uncovered
from demos.lens.masks import GuessWords, Hidden

pytestmark = pytest.mark.django_db
TEXT = "We study [naïve] models of [language] and of []."


def test_brackets_hide_words():
    text, spans = uncovered("Paris is the [capital] of [ ] and [MASK].")
    assert text == "Paris is the capital of the and the."
    assert [(text[start:end], known) for start, end, known in spans] == [
        ("capital", True),
        ("the", False),
        ("the", False),
    ]


def test_model_and_visitor_guess_the_same_words(run_kind, lens_engine):
    ran = run_kind("masks", "bert-mask", options={"others": ["bigs"]}, text=TEXT, guesses=["naïve", "vision"])
    assert [player["model"] for player in ran.output["players"]] == ["bert-mask", "bigs"]
    assert ran.output["guesses"] == ["naïve", "vision", ""]
    text, spans = uncovered(TEXT)
    hidden = tuple(Hidden(s, e, g) for (s, e, _), g in zip(spans, ran.output["guesses"], strict=True))
    for player in ran.output["players"]:
        direct = lens_engine.run(GuessWords(player["model"], text, hidden)).result(60)
        for place, one, (_, _, known) in zip(player["places"], direct, spans, strict=True):
            assert place["words"] == [[word, pytest.approx(p, abs=1e-5)] for word, p in one.words]
            assert place["truth"] == (pytest.approx(one.truth, abs=1e-6) if known else None)
    you, first, second = ran.output["score"]
    assert (you["who"], you["right"], you["of"]) == ("You", 1, 2)
    assert {first["who"], second["who"]} == {"bert-mask", "bigs"}
    assert [event["model"] for event in ran.log.of("player")] == ["bert-mask", "bigs"]
    page = ran.page()
    assert "you: naïve ✓" in page
    assert "you: vision" in page


def test_guesses_in_one_line_and_nobodys_guesses(run_kind):
    assert run_kind("masks", "bert-mask", text=TEXT, guesses=["naïve, speech"]).output["guesses"] == [
        "naïve",
        "speech",
        "",
    ]
    assert [row["who"] for row in run_kind("masks", "bert-mask", text=TEXT).output["score"]] == ["bert-mask"]


def test_what_is_no_game_is_refused(refused):
    assert "hides 0 words" in refused("masks", "bert-mask", text="Nothing here.")["text"]
    assert "hides 13 words" in refused("masks", "bert-mask", text="[a] " * 13)["text"]
    assert "for 3 hidden words" in refused("masks", "bert-mask", text=TEXT, guesses=["a", "b", "c", "d"])["guesses"]
