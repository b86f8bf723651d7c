"""Sparsity on pages: every stop of the slider, told as it comes, and a map of what is left."""

import pytest

from demos.kinds.base import RunCancelled
from demos.kinds.sparsity import COMPARED, STOPS
from demos.lens.pruning import Plan, Thinning

pytestmark = pytest.mark.django_db
TEXT = "We study number 7 — naïve models of language."


def test_all_levels_equal_direct_evaluation(run_kind, lens_engine):
    ran = run_kind("sparsity", "gpt2", text=TEXT, prompt="We study", scope="layer", sparsity=37)
    levels = ran.output["levels"]
    assert [level["sparsity"] for level in levels] == sorted({*STOPS, 37})
    assert [event["sparsity"] for event in ran.log.of("level")] == [level["sparsity"] for level in levels]
    assert [percent for percent, _ in ran.output["other"]] == list(COMPARED)
    plan = Plan(scope="layer", sparsities=(0.0, 0.37, 0.9), prompt="We study", sample_tokens=24)
    for mine in lens_engine.run(Thinning("gpt2", TEXT, plan)).result(60):
        shown = next(level for level in levels if level["sparsity"] == round(mine.sparsity * 100))
        assert shown["perplexity"] == pytest.approx(mine.perplexity, rel=1e-3)
        assert shown["sample"] == mine.sample
        assert shown["left"] == sum(m.kept for m in mine.matrices)
        cells = ran.part(f"left-{shown['sparsity']}")
        assert len(cells) == sum(rows * columns for _, _, rows, columns in ran.output["matrices"])
        assert sum(cells) / 255 / len(cells) == pytest.approx(1 - mine.sparsity, abs=0.05)
    page = ran.page()
    assert "37 %" in page
    assert f"{levels[0]['size']:,} of {levels[0]['size']:,}" in page


def test_a_stopped_run_keeps_what_it_has(run_kind):
    with pytest.raises(RunCancelled) as stopped:
        run_kind("sparsity", "gpt2", text=TEXT, stop=True)
    assert stopped.value.output["levels"] == []
