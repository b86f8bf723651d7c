"""The standard tasks on pages: what the model said, in bars, marks and texts."""

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from demos.engine import Classification
from demos.kinds.base import RunFailed
from demos.kinds.tasks import split_labels
from demos.lens.tasks import Entities, FindAnswers, ZeroShot, shares
from tests.demos.lens_models import direct

pytestmark = pytest.mark.django_db
TEXT = "We study number 7 — naïve models of language and of speech."


def test_classes_names_and_answers(run_kind, lens_engine):
    ran = run_kind("classify", "bert-classes", text=TEXT)
    (chances,) = lens_engine.run(Classification("bert-classes", (TEXT,))).result(60)
    assert dict(ran.output["labels"]) == pytest.approx(chances, abs=1e-4)
    assert ran.output["labels"] == sorted(ran.output["labels"], key=lambda row: -row[1])
    assert ran.output["labels"][0][0] in ran.page()

    ran = run_kind("entities", "bert-tags", text=TEXT)
    found = lens_engine.run(Entities("bert-tags", TEXT)).result(60)
    assert ran.output["entities"] == [[e.start, e.end, e.label, pytest.approx(e.score, abs=1e-4)] for e in found]
    assert ran.page().count('<mark class="task-mark">') == len(found)

    ran = run_kind("answer", "bert-answers", text=TEXT, question="What do we study?")
    best = lens_engine.run(FindAnswers("bert-answers", "What do we study?", TEXT)).result(60)
    assert ran.output["answers"] == [[a.start, a.end, pytest.approx(a.score, abs=1e-4)] for a in best]
    assert f'<mark class="task-mark">{TEXT[best[0].start : best[0].end]}</mark>' in ran.page()


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["summarize", "translate"])
def test_a_text_becomes_another_token_by_token(run_kind, lens_folders, kind):
    ran = run_kind(kind, "bart", text=TEXT, max_new_tokens=12)
    model, tokenizer = direct(AutoModelForSeq2SeqLM, lens_folders["bart"])
    ids = model.generate(
        tokenizer(TEXT, return_tensors="pt")["input_ids"], max_new_tokens=12, do_sample=False, num_beams=1
    )
    assert [event["id"] for event in ran.log.of("token")] == [
        token for token in ids[0, 1:].tolist() if token != tokenizer.eos_token_id
    ]
    assert ran.output["text"] == "".join(event["text"] for event in ran.log.of("token")).strip()
    with pytest.raises(RunFailed, match="has no encoder"):
        run_kind(kind, "gpt2", text=TEXT)


@pytest.mark.parametrize("model", ["gpt2", "bigs"])
def test_labels_nobody_trained_for(run_kind, lens_engine, model):
    template = "{text} It is about {label}."
    ran = run_kind(
        "zero-shot", model, text=TEXT, template=template, labels="language, speech,language, vision", neutral="N/A"
    )
    scores = lens_engine.run(ZeroShot(model, TEXT, template, ("language", "speech", "vision"), "N/A")).result(60)
    expected = {s.label: (share, s.logprob, s.base) for s, share in zip(scores, shares(scores), strict=True)}
    assert sum(row[1] for row in ran.output["labels"]) == pytest.approx(1, abs=1e-3)
    for label, share, logprob, _, base in ran.output["labels"]:
        assert (share, logprob, base) == pytest.approx(expected[label], abs=1e-3)
    assert "Log-probabilities" in ran.page()


def test_templates_and_labels_are_checked(refused):
    assert "each once" in refused("zero-shot", "gpt2", text=TEXT, template="no places")["template"]
    assert "expected 2 to 20" in refused("zero-shot", "gpt2", text=TEXT, labels="one")["labels"]
    assert split_labels(" a, b ,a,\nc,, ") == ["a", "b", "c"]
