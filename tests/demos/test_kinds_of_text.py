"""What the kinds compare, surprise and tokens say equals what the models compute; on a real engine, without a queue."""

import json
import math
from itertools import pairwise

import pytest
from django.test import Client

from demos import kinds
from demos.coding.words import bits_of_spans, pieces, spans_of
from demos.kinds import RunContext
from demos.kinds.base import RunCancelled
from demos.models import Demo, Run
from miniconf.problems import Problem
from tests.demos.lens_runs import older_pages

TEXT = "We study naïve models — of language, 你好, and speech."


class Log:
    """Keeps what a kind reports."""

    def __init__(self):
        self.events = []

    def started(self):
        self.events.append(("started", {}))

    def tokens(self, tokens, stream=0):
        self.events += [("token", {"stream": stream, **token}) for token in tokens]

    def emit(self, type, data, *, key=""):
        self.events.append((type, data))

    def progress(self, done, total, label=""):
        self.events.append(("progress", {"done": done, "total": total}))

    def of(self, type):
        return [data for name, data in self.events if name == type]


class Parts(dict):
    def put(self, name, data, content_type="application/octet-stream"):
        self[name] = data


@pytest.fixture(scope="module")
def engine(tiny_model, tiny_gpt):
    from demos.engine import Engine

    engine = Engine(slots=2)
    engine.load("tiny", tiny_model)
    engine.load("tiny-gpt", tiny_gpt)
    yield engine
    engine.stop()


@pytest.fixture
def run_kind(engine, _models_dir, db):
    def run(kind_name, inputs, *, cancel=False, options=None, model="tiny"):
        kind = kinds.get(kind_name)
        demo = Demo(slug="d", kind=kind_name, model=model, options=options or {"models": ["tiny-gpt"]})
        clean = kind.validate(demo, inputs)
        log, parts = Log(), Parts()
        context = RunContext(
            engine=engine,
            model=model,
            inputs=clean,
            log=log,
            watch_cancel=(lambda stop: stop()) if cancel else (lambda stop: None),
            models=kind.models_for(demo, clean),
            options=kind.options_for(demo),
            parts=parts,
        )
        output = json.loads(json.dumps(kind.run(context)))
        demo.save()
        run = Run.objects.create(demo=demo, inputs=clean, output=output, state=Run.State.SUCCEEDED)
        assert Client().get(run.get_absolute_url()).status_code == 200
        assert older_pages(run) == [200, 200, 200]
        fragment = Client().get(f"{run.get_absolute_url()}result/").content.decode()
        assert {name for name in ("tiny", "tiny-gpt") if f"<code>{name}</code>" in fragment} == set(
            clean.get("models", [])
        )
        demo.delete()
        return output, log, parts, kind.shown(run), kind.outcome(run)

    return run


def own_bits(engine, model, ids):
    """Cross-entropy of ids[1:], in bits, from a plain call."""
    import torch

    loaded = next(loaded for loaded in engine.models() if loaded.name == model)
    with torch.inference_mode():
        logits = loaded.model(torch.tensor([ids])).logits[0, :-1].float()
    return (torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none") / math.log(2)).tolist()


def ids_of(engine, model, text, **options):
    loaded = next(loaded for loaded in engine.models() if loaded.name == model)
    return loaded.tokenizer(text, **options)["input_ids"]


def test_surprise_is_cross_entropy_and_the_bytes_give_the_text_back(engine, run_kind):
    output, log, parts, shown, outcome = run_kind("surprise", {"text": TEXT})
    for model in output["models"]:
        bits = own_bits(engine, model["model"], ids_of(engine, model["model"], TEXT))
        assert [cost for _, cost, _ in model["tokens"]] == pytest.approx(bits, rel=1e-3, abs=2e-3)
        assert model["bits_per_byte"] == pytest.approx(sum(bits) / len(TEXT.encode()), rel=1e-3)
        assert "".join(text for text, _, _ in model["tokens"]) == TEXT
    coded = output["coded"]
    assert coded["restored"] is True
    assert coded["bits"] <= 8 * (coded["bytes"] - coded["header"]) <= coded["bits"] + 10
    assert len(parts["text.mcac"]) == coded["bytes"]
    assert "".join(event["text"] for event in log.of("decoded")) == TEXT
    assert [len(tops) for tops in json.loads(parts["top-0.json"])] == [8] * len(output["models"][0]["tokens"])
    assert sum(row["count"] for row in shown["models"][0]["ranks"]) == shown["models"][0]["count"]
    assert outcome.startswith(f"{len(TEXT.encode())} bytes become")


def test_models_write_with_the_same_seed_and_read_each_others_texts(engine, run_kind):
    from demos.engine import GenerationRequest

    output, log, _, shown, _ = run_kind("compare", {"prompt": "We study", "max_new_tokens": 12, "seed": 7})
    for stream, model in enumerate(output["models"]):
        asked = GenerationRequest(model["model"], "We study", 12, 0.8, 0, 0.95, 7)
        tokens = []
        engine.submit(asked, tokens.extend).result(60)
        assert model["text"] == "".join(token.text for token in tokens)
        assert model["text"] == "".join(e["text"] for e in log.of("token") if e["stream"] == stream)
        text = output["texts"][stream]
        assert "".join(text["words"]) == model["text"]
        for name, words, per_byte in zip(("tiny", "tiny-gpt"), text["bits"], text["bits_per_byte"], strict=True):
            before = ids_of(engine, name, "We study")
            whole = ids_of(engine, name, "We study" + model["text"])
            if whole[: len(before)] != before:
                continue  # the tokenizer joins the prompt's end with what follows
            bits = own_bits(engine, name, whole)[len(before) - 1 :]
            assert sum(words) == pytest.approx(sum(bits), rel=1e-3, abs=0.01)
            assert per_byte == pytest.approx(sum(bits) / len(model["text"].encode()), rel=1e-3, abs=0.001)
    assert [column["model"] for column in shown["columns"]] == ["tiny", "tiny-gpt"]


def test_models_read_one_text_and_differ_word_by_word(engine, run_kind):
    output, _, _, shown, _ = run_kind("compare", {"prompt": TEXT, "mode": "read"})
    text = output["texts"][0]
    for name, words in zip(("tiny", "tiny-gpt"), text["bits"], strict=True):
        assert sum(words) == pytest.approx(sum(own_bits(engine, name, ids_of(engine, name, TEXT))), rel=1e-3)
    difference = shown["texts"][0]["differences"][0]
    assert "".join(word["text"] for word in difference["words"]) == TEXT


def test_pieces_make_up_the_text_and_cuts_cost_what_the_model_says(engine, run_kind):
    output, _, _, shown, outcome = run_kind("tokens", {"text": TEXT, "splits": "5, 12", "random_splits": 4, "seed": 1})
    for row in shown["tokenizers"]:
        assert "".join(token["text"] for token in row["tokens"]) == TEXT
        assert [token["id"] for token in row["tokens"]] == ids_of(engine, row["model"], TEXT, add_special_tokens=False)
        assert "".join(token["text"] for token in row["forced"]) == TEXT
    for row in output["models"]:
        start = ids_of(engine, row["model"], "")[:1]
        for cost, places in (
            (row["costs"][0], []),
            (row["costs"][1], [5, 12]),
            (row["costs"][-1], sorted(output["random_places"])),
        ):
            edges = [0, *places, len(TEXT)]
            ids = start + [
                token
                for a, b in pairwise(edges)
                for token in ids_of(engine, row["model"], TEXT[a:b], add_special_tokens=False)
            ]
            assert (cost["splits"], cost["tokens"]) == (len(places), len(ids) - 1)
            assert cost["bits"] == pytest.approx(sum(own_bits(engine, row["model"], ids)), rel=1e-3)
    assert "with" in outcome


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [("surprise", {"text": TEXT}), ("compare", {"prompt": "We", "seed": 1}), ("tokens", {"text": TEXT})],
)
def test_a_run_that_is_cancelled_stops(run_kind, kind, inputs):
    with pytest.raises(RunCancelled):
        run_kind(kind, inputs, cancel=True)


@pytest.mark.parametrize(
    ("kind", "inputs", "field"),
    [
        ("surprise", {"text": ""}, "text"),
        ("surprise", {"text": "a", "models": ["nobody"]}, "models"),
        ("compare", {"prompt": "a", "models": ["tiny"]}, "models"),
        ("compare", {"prompt": " ", "mode": "read"}, "prompt"),
        ("tokens", {"text": "short", "splits": [9]}, "splits"),
    ],
)
def test_what_cannot_be_run_is_named(run_kind, kind, inputs, field):
    with pytest.raises(Problem) as refused:
        run_kind(kind, inputs)
    assert [error["field"] for error in refused.value.extra["errors"]] == [field]


def test_bits_are_shared_out_over_words_without_loss():
    text = "one  two 你好"
    tokens = [(0, 3, 2.0), (3, 8, 5.0), (8, 10, 3.0), (9, 10, 1.0), (10, 11, 4.0)]
    assert spans_of(text) == [(0, 3), (3, 8), (8, 11)]
    assert bits_of_spans(text, tokens, spans_of(text)) == [2.0, 5.0, 8.0]
    assert "".join(pieces(text, [(a, b) for a, b, _ in tokens])) == text


DIAL = {"positive": ["We are glad."], "negative": ["We are sad."], "layer": 1}


def test_a_dial_adds_the_difference_of_two_sides_to_a_layer_and_nothing_at_zero(engine, run_kind):
    import torch

    from demos.engine import GenerationRequest
    from demos.engine.hooks import layers_of
    from demos.steering import Direction

    direction = engine.run(Direction("tiny-gpt", 1, ("We are glad.",), ("We are sad.",))).result(60)
    loaded = next(loaded for loaded in engine.models() if loaded.name == "tiny-gpt")
    means, seen = [], []
    handle = layers_of(loaded.model)[1].register_forward_hook(
        lambda _m, _i, output: seen.append(output[0] if isinstance(output, tuple) else output)
    )
    for text in ("We are glad.", "We are sad."):
        with torch.inference_mode():
            loaded.model(torch.tensor([ids_of(engine, "tiny-gpt", text)]))
        means.append(seen[-1].reshape(-1, 32)[1:].mean(0))
    handle.remove()
    torch.testing.assert_close(direction, means[0] - means[1], rtol=1e-4, atol=1e-5)

    def written(steer):
        inputs = {"prompt": "We study", "max_new_tokens": 10, "seed": 3, "steer": steer}
        return run_kind("generate", inputs, options={"dial": DIAL}, model="tiny-gpt")[0]["text"]

    plain: list = []
    engine.submit(GenerationRequest("tiny-gpt", "We study", 10, 0.8, 0, 0.95, 3), plain.extend).result(60)
    assert written(0) == "".join(token.text for token in plain)
    assert written(3) != written(0)
