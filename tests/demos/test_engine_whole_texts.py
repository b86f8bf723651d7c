"""One-shot work of models that read whole texts: equal to direct calls of the same models."""

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
)

from demos.engine import Classification, Embeddings, Engine, FillMask, GenerationRequest, RequestError, Surprisal

TEXTS = tuple(f"We study {' '.join(['naïve models'] * n)} of language." for n in (3, 1, 7, 2, 0, 5, 1, 4, 9, 2))


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folders(tiny_model, tmp_path_factory):
    """Small BERTs with random weights: one for each head."""
    place = tmp_path_factory.mktemp("models")
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.add_special_tokens({"mask_token": "[MASK]", "pad_token": "[PAD]"})
    torch.manual_seed(6)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_position_embeddings=128,
        initializer_range=0.3,
        pad_token_id=tokenizer.pad_token_id,
    )
    config.id2label = {0: "language", 1: "vision", 2: "speech"}
    made = {"mask": BertForMaskedLM, "classes": BertForSequenceClassification, "vectors": BertModel}
    for name, make in made.items():
        tokenizer.save_pretrained(place / name)
        make(config).save_pretrained(place / name)
    return {name: place / name for name in made}


@pytest.fixture(scope="module")
def engine(folders, tiny_model):
    engine = Engine(slots=4)
    for name, folder in folders.items():
        engine.load(name, folder)
    engine.load("tiny", tiny_model)
    yield engine
    engine.stop()


def direct(kind, folder):
    return kind.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


@torch.inference_mode()
def test_masks_are_filled_as_the_model_itself_fills_them(engine, folders):
    text = "We study [MASK] models of [MASK]."
    filled = engine.run(FillMask("mask", text, most=5)).result(60)
    model, tokenizer = direct(AutoModelForMaskedLM, folders["mask"])
    ids = tokenizer(text)["input_ids"]
    logits = model(torch.tensor([ids])).logits[0]
    assert [place.position for place in filled.places] == [i for i, t in enumerate(ids) if t == tokenizer.mask_token_id]
    assert len(filled.places) == 2
    for place in filled.places:
        best = logits[place.position].softmax(-1).topk(5)
        assert [word[0] for word in place.words] == best.indices.tolist()
        assert [word[1] for word in place.words] == [tokenizer.decode([i]) for i in best.indices.tolist()]
        assert [word[2] for word in place.words] == pytest.approx(best.values.tolist(), rel=1e-4)


def test_a_word_that_is_hidden_by_its_place_counts_as_a_mask(engine, folders):
    _, tokenizer = direct(AutoModelForMaskedLM, folders["mask"])
    ids = tokenizer("We study language")["input_ids"]
    filled = engine.run(FillMask("mask", "We study language", positions=(1,))).result(60)
    assert filled.ids == [ids[0], tokenizer.mask_token_id, *ids[2:]]
    assert [place.position for place in filled.places] == [1]


@torch.inference_mode()
def test_classes_of_many_texts_are_those_of_each_text_alone(engine, folders):
    found = engine.run(Classification("classes", TEXTS)).result(60)
    model, tokenizer = direct(AutoModelForSequenceClassification, folders["classes"])
    for text, classes in zip(TEXTS, found, strict=True):
        expected = model(**tokenizer(text, return_tensors="pt")).logits[0].softmax(-1)
        assert classes == pytest.approx(
            dict(zip(("language", "vision", "speech"), expected.tolist(), strict=True)), rel=1e-4
        )
    assert len({max(classes, key=classes.get) for classes in found}) > 1


@pytest.mark.parametrize("name", ["vectors", "mask", "tiny"])
@torch.inference_mode()
def test_vectors_of_many_texts_are_those_of_each_text_alone(engine, folders, tiny_model, name):
    found = engine.run(Embeddings(name, TEXTS)).result(60)
    model, tokenizer = direct(AutoModel, folders.get(name, tiny_model))
    for text, vector in zip(TEXTS, found, strict=True):
        mean = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
        torch.testing.assert_close(vector, mean / mean.norm(), rtol=1e-4, atol=1e-5)


def test_the_same_work_gives_the_same_bits_beside_running_texts(engine):
    alone = engine.run(Embeddings("vectors", TEXTS)).result(60)
    writing = engine.submit(GenerationRequest("tiny", "We study", max_new_tokens=40))
    beside = [engine.run(Embeddings("vectors", texts)) for texts in (TEXTS[:3], TEXTS, TEXTS[5:])]
    assert torch.equal(beside[1].result(60), alone)
    writing.result(60)


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        (FillMask("classes", "a [MASK]"), "'classes' classifies texts; expected one that fills masks"),
        (FillMask("mask", "We study"), r"has no mask; expected \[MASK\] where words are to be found"),
        (FillMask("mask", "a [MASK]", most=0), "0 words are asked for"),
        (FillMask("mask", "We", positions=(99,)), "token 99 is to be hidden; the text has"),
        (Classification("classes", ()), "0 texts are given; expected 1 to 256"),
        (Classification("classes", ("We study " * 200,)), "expected at most 128"),
        (Surprisal("mask", "We study"), "'mask' fills masks; expected one that writes texts"),
    ],
)
def test_work_a_model_was_not_made_for_is_refused_with_a_sentence(engine, job, sentence):
    with pytest.raises(RequestError, match=sentence):
        engine.run(job).result(60)


def test_a_model_that_reads_is_not_asked_to_write(engine):
    with pytest.raises(RequestError, match="model 'mask' fills masks; it does not continue texts"):
        engine.submit(GenerationRequest("mask", "We"))


class OutOfMemory(Embeddings):
    def work(self, loaded):
        yield
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_work_that_runs_out_of_memory_says_so_and_the_engine_lives_on(engine):
    with pytest.raises(RequestError, match="model 'vectors' ran out of memory"):
        engine.run(OutOfMemory("vectors", TEXTS)).result(60)
    assert engine.run(Embeddings("vectors", TEXTS[:1])).result(60).shape == (1, 48)
