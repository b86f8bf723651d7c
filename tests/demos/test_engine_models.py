"""Models in memory: what is loaded, what makes room, what is refused."""

import gc
import time
import weakref

import pytest
import torch

from demos.engine import Engine, GenerationRequest, RequestError
from demos.engine.loading import ModelError, NoRoom, find_model, load_model
from tests.demos.endless import endless


@pytest.fixture
def size(tiny_model):
    return load_model("tiny", tiny_model, "cpu").bytes


@pytest.fixture
def engine(size):
    engine = Engine(slots=2, budget=int(size * 2.5))
    yield engine
    engine.stop()


def names(engine):
    return [loaded.name for loaded in engine.models()]


def ask(engine, model, **fields):
    return engine.submit(GenerationRequest(model, "We study", **{"max_new_tokens": 3, **fields}))


def test_the_least_recently_used_model_makes_room(engine, tiny_model):
    engine.load("a", tiny_model)
    engine.load("b", tiny_model)
    ask(engine, "a").result(60)
    engine.load("c", tiny_model)
    assert names(engine) == ["a", "c"]
    with pytest.raises(RequestError, match="no model 'b'"):
        ask(engine, "b")
    assert ask(engine, "c").result(60).reason in ("length", "stop")


def test_pinned_models_stay(engine, tiny_model):
    engine.load("a", tiny_model, pinned=True)
    engine.load("b", tiny_model)
    engine.load("c", tiny_model)
    assert names(engine) == ["a", "c"]


def test_models_at_work_stay_and_what_does_not_fit_is_told(engine, tiny_model):
    engine.load("a", tiny_model, pinned=True)
    engine.load("b", tiny_model)
    writing, _ = endless(engine, "b")
    with pytest.raises(ModelError, match="pinned or at work"):
        engine.load("c", tiny_model)
    with pytest.raises(ModelError, match="'b' is at work"):
        engine.unload("b")
    writing.cancel()
    assert writing.result(60).reason == "cancelled"


def test_a_model_larger_than_the_budget_is_refused_before_it_is_read(tiny_model):
    with pytest.raises(ModelError, match="this worker keeps at most 0 MiB"):
        Engine(budget=1000).load("a", tiny_model)


def test_loading_says_what_it_is_doing(engine, tiny_model, monkeypatch):
    seen = []
    monkeypatch.setattr(engine, "_say", lambda name, doing: seen.append((name, doing)))
    engine.load("a", tiny_model)
    assert seen == [
        ("a", "making room"),
        ("a", "reading 0 MiB of weights"),
        ("a", "comparing with the model's own results"),
    ]
    assert engine.loading() == {}


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()])
def test_out_of_memory_fails_these_requests_with_a_sentence_and_the_engine_lives_on(engine, tiny_model, error):
    engine.load("a", tiny_model)
    decoder = engine._models["a"].decoder
    step = decoder.step

    def too_much(tokens, slots):
        raise error

    decoder.step = too_much
    finished = ask(engine, "a").result(60)
    assert (finished.reason, finished.error) == (
        "error",
        "model 'a' ran out of memory; shorter texts or fewer at once may fit",
    )
    decoder.step = step
    assert ask(engine, "a").result(60).reason in ("length", "stop")


def test_a_model_that_is_to_be_had_ready_makes_nobody_leave(engine, tiny_model):
    engine.load("a", tiny_model)
    engine.load("b", tiny_model, make_room=False)
    with pytest.raises(NoRoom):
        engine.load("c", tiny_model, make_room=False)
    assert names(engine) == ["a", "b"]


def test_a_model_is_found_by_its_name_below_the_models_or_as_a_folder(tiny_model, tmp_path):
    assert find_model("tiny", tiny_model.parent, hub=False) == tiny_model
    assert find_model(str(tiny_model), tmp_path, hub=False) == tiny_model
    with pytest.raises(ModelError, match="there is no folder"):
        find_model("nowhere", tmp_path, hub=True)
    with pytest.raises(ModelError, match="this site loads nothing from the hub"):
        find_model("someone/model", tmp_path, hub=False)


def test_a_hub_that_cannot_be_reached_is_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="'someone/no-such-model-here' cannot be had from the hub"):
        find_model("someone/no-such-model-here", tmp_path, hub=True)


def test_pickled_weights_are_refused_by_name(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin is pickled and could run code"):
        load_model("bad", tmp_path, "cpu")


def test_code_in_a_model_folder_is_not_run_unless_allowed(tiny_model, tmp_path):
    """The folder asks for its own classes; its Python file would leave a trace."""
    trace = tmp_path / "trace"
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes((tiny_model / "model.safetensors").read_bytes())
    (folder / "evil.py").write_text(
        f"open({str(trace)!r}, 'w').close()\nfrom transformers import PretrainedConfig\n"
        "class EvilConfig(PretrainedConfig):\n    model_type = 'evil'\n"
    )
    (folder / "config.json").write_text('{"model_type": "evil", "auto_map": {"AutoConfig": "evil.EvilConfig"}}')
    with pytest.raises(ModelError, match="'evil' cannot be loaded"):
        load_model("evil", folder, "cpu")
    assert not trace.exists()
    with pytest.raises(ModelError):  # it has a configuration now, but no model class
        load_model("evil", folder, "cpu", trust_code=True)
    assert trace.exists()


def test_a_model_that_has_left_is_held_by_nobody(tiny_model):
    """Not even by the engine's thread, which waits for the next request."""
    engine = Engine(slots=2)
    engine.load("model", tiny_model)
    engine.submit(GenerationRequest("model", "We study", 3)).result(60)
    left = weakref.ref(engine._models["model"].loaded.model)
    engine.unload("model")
    deadline = time.monotonic() + 20
    while left() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.05)
    assert left() is None
    engine.stop()
