"""The game on a paper's own abstract: prices that follow from the model's, and players together."""

import math

import pytest
from django.test import Client

from demos.kinds.outguess import OutguessOptions, split_passage
from demos.lens.betting import WordChances, price
from demos.lens.words import Word
from papers.models import Paper

pytestmark = pytest.mark.django_db
ABSTRACT = (
    "We study number 7 — naïve models of language, and of speech and vision, with models of language and of speech."
)
OPTIONS = {"given": 6, "words": 5}


@pytest.fixture
def paper(db):
    return Paper.objects.create(uid="Game.1", title="A game", abstract=ABSTRACT)


def test_prices_are_those_of_the_models_own_probabilities(run_kind, lens_engine, paper):
    given, words = split_passage(ABSTRACT, OutguessOptions(**OPTIONS))
    assert (
        given + "".join(w["before"] + w["text"] for w in words)
        == ABSTRACT[: len(given) + sum(len(w["before"] + w["text"]) for w in words)]
    )
    guesses = [words[0]["text"].upper(), "wrong", ""]
    ran = run_kind("outguess", "gpt2", paper=paper, options=OPTIONS, guesses=guesses, stakes=[90, 30, 90])
    text, spans = given, []
    for word in words:
        start = len(text) + len(word["before"])
        text += word["before"] + word["text"]
        spans.append(Word(word["text"], start, len(text)))
    chances = lens_engine.run(WordChances("gpt2", text, tuple(spans))).result(60)
    rows = ran.output["words"]
    assert [row["model"] for row in rows] == [pytest.approx(c.bits, abs=1e-3) for c in chances]
    assert [row["right"] for row in rows] == [True, False, False, False, False]
    for row, chance, (right, stake) in zip(
        rows, chances, [(True, 0.9), (False, 0.3), (False, 0), (False, 0), (False, 0)], strict=True
    ):
        assert row["you"] == pytest.approx(price(model=chance.probability, right=right, stake=stake), abs=1e-3)
    assert rows[2]["you"] == rows[2]["model"]
    assert ran.output["players"] == 1
    assert ran.run.inputs["passage"] == ABSTRACT
    page = ran.page()
    assert words[0]["text"] in page
    assert "bits" in page


def test_players_are_pooled(run_kind, paper):
    _, words = split_passage(ABSTRACT, OutguessOptions(**OPTIONS))
    right = [word["text"] for word in words]
    first = run_kind("outguess", "gpt2", paper=paper, options=OPTIONS, guesses=["x"] * 5, stakes=[50] * 5)
    second = run_kind("outguess", "gpt2", paper=paper, options=OPTIONS, guesses=right, stakes=[90] * 5)
    assert (second.output["players"], second.output["better_than"]) == (2, 1)
    expected = sum(
        -math.log2((2 ** -a["you"] + 2 ** -b["you"]) / 2)
        for a, b in zip(first.output["words"], second.output["words"], strict=True)
    )
    assert second.output["together"] == pytest.approx(expected, abs=0.02)
    assert "All 2 players together" in second.page()
    other = run_kind("outguess", "gpt2", options=OPTIONS, passage=f"Another text. {ABSTRACT}", guesses=["x"])
    assert other.output["players"] == 1


def test_the_form_works_from_the_papers_page_and_wrong_bets_are_refused(run_kind, refused, paper):
    run_kind("outguess", "gpt2", paper=paper, options=OPTIONS, guesses=["number, 7"])
    page = Client().get("/demos/outguess-gpt2/").content.decode()
    assert 'name="guesses"' in page
    assert "naïve models" in page
    assert "from 0 to 90" in refused("outguess", "gpt2", stakes=[100])["stakes"]
    assert "for 5 words" in refused("outguess", "gpt2", guesses=["a"] * 6)["guesses"]
    assert "is too short" in refused("outguess", "gpt2", passage="Two words")["passage"]
