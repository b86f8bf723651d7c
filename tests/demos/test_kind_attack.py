"""The attack on pages: its tries as they come, the changed text, and a classifier that agrees with what is said."""

import html
import re

import pytest

from demos.engine import Classification
from demos.kinds.base import RunCancelled

pytestmark = pytest.mark.django_db
TEXT = (
    "We study several naïve models of language, speech and vision, and show that number seven models them best of all."
)


@pytest.mark.parametrize("method", ["characters", "masked-lm", "gradient"])
def test_an_attack_is_told_try_by_try(run_kind, lens_engine, method):
    ran = run_kind(
        "attack",
        "bert-classes",
        options={"masked_lm": "bert-mask"},
        text=TEXT,
        method=method,
        budget=60,
        keep="language",
    )
    output = ran.output
    told = [one for event in ran.log.of("tries") for one in event["tries"]]
    assert told == output["tries"]
    assert output["queries"] <= 60
    before, after = lens_engine.run(Classification("bert-classes", (TEXT, output["adversarial"]))).result(60)
    assert (output["label"], output["new_label"]) == (max(before, key=before.get), max(after, key=after.get))
    assert output["new_confidence"] == pytest.approx(after[output["new_label"]], abs=1e-3)
    page = ran.page()
    texts = re.findall(r'<p class="run-text">(.*?)</p>', page, re.S)
    shown = [html.unescape(re.sub(r"<[^>]+>", "", text)) for text in texts]
    assert shown == [TEXT, output["adversarial"]]


def test_what_is_not_offered_is_refused_and_stopping_keeps_the_tries(refused, run_kind):
    assert (
        "needs a model that fills masks" in refused("attack", "bert-classes", text=TEXT, method="masked-lm")["method"]
    )
    with pytest.raises(RunCancelled):
        run_kind("attack", "bert-classes", text=TEXT, stop=True)
