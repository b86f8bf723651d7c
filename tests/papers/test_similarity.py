"""Which papers are alike: vectors, neighbours, the task that keeps them up to date, and papers for somebody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import redis
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from papers import tasks
from papers.models import Paper, PaperVector, SimilarPaper
from papers.only_one import only_one
from papers.similarity import neighbours, service
from papers.similarity.embedding import Embedder, ModelUnusable, folder_of
from papers.similarity.text import current_texts, digest, paper_text
from papers.similarity.tfidf import tfidf_vectors

SUBJECTS = {
    "parsing": "dependency parsing of treebanks with transition systems and oracle grammar",
    "robots": "robot grasping with tactile sensors and motion planning for manipulation",
    "bounds": "regret bounds for stochastic bandits under convex optimization assumptions",
}


def add(uid: str, subject: str, extra: str = "") -> Paper:
    return Paper.objects.create(uid=uid, title=f"On {subject} {extra}".strip(), abstract=SUBJECTS[subject])


@pytest.fixture
def papers(db: None) -> dict[str, Paper]:
    """Four papers of each of three subjects: parsing0 ... bounds3."""
    words = ["alpha", "beta", "gamma", "delta"]
    return {f"{subject}{n}": add(f"{subject}{n}", subject, words[n]) for subject in SUBJECTS for n in range(4)}


def near(paper: Paper) -> list[str]:
    return list(SimilarPaper.objects.filter(paper=paper).order_by("position").values_list("other__uid", flat=True))


# --- Texts and vectors -------------------------------------------------------------------------------------------------
def test_a_text_is_title_and_abstract_on_one_line_and_the_summary_where_there_is_no_abstract():
    assert paper_text("A  title", "One.\n\nTwo.", "short") == "A title. One. Two."
    assert paper_text("Why?", "", "short") == "Why? short"
    assert paper_text("Alone", "") == "Alone."


def test_tfidf_vectors_have_unit_length_and_are_the_same_each_time():
    texts = [f"{text} {n}" for n, text in enumerate(list(SUBJECTS.values()) * 3)]
    first, second = tfidf_vectors(texts), tfidf_vectors(texts)
    assert np.array_equal(first, second)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    closest = [row[0][0] % 3 for row in neighbours.nearest(first)]
    assert closest == [0, 1, 2] * 3


@pytest.mark.parametrize("texts", [[], ["."], ["the and of", "is it"], ["same words here"] * 3, ["one", "", "two two"]])
def test_tfidf_takes_any_texts(texts: list[str]):
    vectors = tfidf_vectors(texts)
    assert len(vectors) == len(texts)
    assert np.isfinite(vectors).all()


def test_neighbours_are_those_of_the_whole_matrix_however_it_is_cut(monkeypatch: pytest.MonkeyPatch):
    vectors = np.random.default_rng(1).normal(size=(50, 12)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    monkeypatch.setattr(neighbours, "_CHUNK", 7)
    found = neighbours.nearest(vectors, 5)
    scores = np.round(vectors @ vectors.T, 4)
    np.fill_diagonal(scores, -2)
    for row, others in zip(scores, found, strict=True):
        expected = [j for j in sorted(range(50), key=lambda j: (-row[j], j))[:5] if row[j] >= neighbours.LEAST_SCORE]
        assert [other for other, _ in others] == expected


def test_a_single_paper_has_no_neighbours():
    assert neighbours.nearest(np.ones((1, 3), np.float32)) == [[]]


# --- TF-IDF in the database --------------------------------------------------------------------------------------------
def test_the_nearest_papers_are_those_of_the_same_subject(papers: dict[str, Paper]):
    assert service.update_with_tfidf() == 12
    assert set(near(papers["robots1"])[:3]) == {"robots0", "robots2", "robots3"}
    assert set(PaperVector.objects.values_list("method", flat=True)) == {"tf-idf"}


def test_nothing_is_computed_twice_and_what_changed_is_seen(papers: dict[str, Paper]):
    service.update_with_tfidf()
    assert service.update_with_tfidf() == 0
    Paper.objects.filter(uid="robots0").update(title="On bounds omega", abstract=SUBJECTS["bounds"])
    assert service.changed_papers("tf-idf") == [papers["robots0"].pk]
    assert service.update_with_tfidf() == 1
    assert set(near(papers["robots0"])[:4]) == {"bounds0", "bounds1", "bounds2", "bounds3"}
    assert set(near(papers["robots1"])[:2]) == {"robots2", "robots3"}


def test_a_withdrawn_paper_is_nobodys_neighbour_and_a_paper_that_comes_back_is(papers: dict[str, Paper]):
    service.update_with_tfidf()
    Paper.objects.filter(uid="robots0").update(withdrawn_at=now())
    assert service.changed_papers("tf-idf") == []
    service.update_with_tfidf()
    assert not SimilarPaper.objects.filter(other__uid="robots0").exists()
    assert not PaperVector.objects.filter(paper__uid="robots0").exists()
    assert service.changed_papers("tf-idf") is None
    Paper.objects.filter(uid="robots0").update(withdrawn_at=None)
    assert service.update_with_tfidf() == 1
    assert "robots0" in near(papers["robots1"])


def test_a_site_without_papers_is_up_to_date(db: None):
    assert service.changed_papers("tf-idf") is None
    assert (service.update_with_tfidf(), service.update_map()) == (0, 0)


# --- An embedding model --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT of random weights in the layout of sentence-transformers."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny-sentences"
    folder.mkdir()
    words = sorted({word for text in SUBJECTS.values() for word in text.split()} | {"on", "alpha", "beta"})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    describe(folder, "mean")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    return folder


def describe(folder: Path, pooling: str, extra: str = "") -> None:
    """Write the files that say how the model's output becomes one vector."""
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    kinds += [("3_More", extra)] if extra else []
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens"}
    config = {mode: name == pooling for name, mode in modes.items()}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 16, **config}))


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(model_folder, tmp_path / "copy"))


def by_hand(folder: Path, text: str, pooling: str) -> np.ndarray:
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, truncation=True, max_length=12, return_tensors="pt")
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[0]
    vector = states.mean(0) if pooling == "mean" else states[0]
    return (vector / vector.norm()).numpy()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_embeddings_are_pooled_and_normalised_as_the_folder_says_whatever_they_are_batched_with(
    copy: Path, pooling: str
):
    describe(copy, pooling)
    texts = ["robot", "regret bounds for stochastic bandits", f"{SUBJECTS['parsing']} {SUBJECTS['parsing']}", ""]
    vectors = Embedder(str(copy), device="cpu").embed(texts)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(vector, by_hand(copy, text, pooling), atol=2e-6)


def test_a_model_that_needs_what_is_not_known_here_is_refused_with_a_sentence(copy: Path):
    describe(copy, "max")
    with pytest.raises(ModelUnusable, match="pools by pooling_mode_max_tokens; only mean and cls are known here"):
        Embedder(str(copy))
    describe(copy, "mean", extra="Dense")
    with pytest.raises(ModelUnusable, match="needs a module Dense"):
        Embedder(str(copy))


def test_a_model_is_found_in_a_folder_and_in_an_installed_package(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "some_sentences"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('finding the folder must not run this')")
    (package / "model" / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert folder_of(str(model_folder)) == model_folder
    assert folder_of("some-sentences") == package / "model"


def test_only_changed_texts_are_embedded_again(papers: dict[str, Paper], model_folder: Path):
    name = str(model_folder)
    assert service.update_with_model(name, device="cpu") == 12
    assert set(PaperVector.objects.values_list("method", flat=True)) == {"tiny-sentences"}
    # A vector the model would not give stays only if the model is not asked.
    mark = np.eye(16, dtype="<f2")[3].tobytes()
    PaperVector.objects.filter(paper=papers["robots0"]).update(vector=mark)
    Paper.objects.filter(uid="robots1").update(title="On bounds")
    assert service.update_with_model(name, device="cpu") == 1
    kept = PaperVector.objects.get(paper=papers["robots0"])
    assert bytes(kept.vector) == mark
    assert PaperVector.objects.get(paper=papers["robots1"]).text_digest == digest(
        current_texts([papers["robots1"].pk])[papers["robots1"].pk]
    )


def test_another_method_replaces_all_vectors(papers: dict[str, Paper], model_folder: Path):
    service.update_with_tfidf()
    assert service.update_with_model(str(model_folder), device="cpu") == 12
    vectors = [np.frombuffer(bytes(v), "<f2") for v in PaperVector.objects.values_list("vector", flat=True)]
    assert {len(vector) for vector in vectors} == {16}
    np.testing.assert_allclose([np.linalg.norm(v.astype(float)) for v in vectors], 1, atol=2e-3)


# --- Tasks ---------------------------------------------------------------------------------------------------------------
def waiting(queue: str) -> list[str]:
    """Names of the tasks in a queue of the broker, taken out of it."""
    client = redis.Redis.from_url(django_settings.REDIS_URL)
    messages = []
    while (message := client.rpop(queue)) is not None:
        messages.append(json.loads(message)["headers"]["task"])
    return messages


@pytest.fixture(autouse=True)
def empty_queues():
    waiting("default"), waiting("gpu")
    yield
    waiting("default"), waiting("gpu")


def test_the_task_computes_neighbours_and_places(papers: dict[str, Paper]):
    tasks.update_similarity()
    assert set(near(papers["bounds2"])[:3]) == {"bounds0", "bounds1", "bounds3"}
    assert PaperVector.objects.filter(map_x=None).count() == 0
    assert waiting("gpu") == []


def test_the_task_leaves_the_work_to_whoever_has_begun(papers: dict[str, Paper]):
    with only_one("similarity") as alone:
        assert alone
        tasks.update_similarity()
    assert PaperVector.objects.count() == 0
    tasks.update_similarity()
    assert PaperVector.objects.count() == 12


def test_tfidf_stands_in_until_a_gpu_worker_has_embedded(papers: dict[str, Paper], model_folder: Path, settings):
    settings.SIMILARITY_MODEL, settings.ENGINE_DEVICE = str(model_folder), "cpu"
    tasks.update_similarity()
    assert set(PaperVector.objects.values_list("method", flat=True)) == {"tf-idf"}
    assert waiting("gpu") == ["papers.tasks.embed_papers"]
    tasks.embed_papers()
    assert waiting("default") == ["papers.tasks.update_similarity"]
    tasks.update_similarity()
    assert set(PaperVector.objects.values_list("method", flat=True)) == {"tiny-sentences"}
    assert PaperVector.objects.filter(map_x=None).count() == 0
    assert waiting("gpu") == []


def test_a_model_that_cannot_be_used_leaves_tfidf_and_says_why(
    papers: dict[str, Paper], copy: Path, settings, caplog: pytest.LogCaptureFixture
):
    describe(copy, "max")
    settings.SIMILARITY_MODEL = str(copy)
    tasks.embed_papers()
    assert "only mean and cls are known here; TF-IDF stands in" in caplog.text
    assert waiting("default") == ["papers.tasks.stand_in"]
    tasks.stand_in()
    assert set(PaperVector.objects.values_list("method", flat=True)) == {"tf-idf"}


def test_the_lock_is_free_again_after_the_block_even_when_it_fails():
    with only_one("similarity") as first, only_one("similarity") as second:
        assert (first, second) == (True, False)
    with pytest.raises(ZeroDivisionError), only_one("similarity"):
        1 / 0  # noqa: B018
    with only_one("similarity") as again:
        assert again


def test_the_command_computes_and_says_what(papers: dict[str, Paper], capsys: pytest.CaptureFixture[str]):
    call_command("compute_similarity")
    said = capsys.readouterr().out
    assert "Similar papers by TF-IDF: 12 new or changed" in said
    assert "Map: 12 papers placed" in said
    call_command("compute_similarity")
    said = capsys.readouterr().out
    assert "Similar papers by TF-IDF: 0 new or changed" in said
    assert "Map: nothing to do" in said


def test_the_command_names_a_model_it_cannot_use(papers: dict[str, Paper], copy: Path, settings):
    describe(copy, "max")
    settings.SIMILARITY_MODEL = str(copy)
    with pytest.raises(CommandError, match="only mean and cls are known here"):
        call_command("compute_similarity")


def test_pages_of_the_map_and_of_similar_papers_load_neither_torch_nor_scikit_learn():
    code = (
        "import sys, django; django.setup(); import miniconf.urls, papers.tasks, papers.views.discovery; "
        "import papers.templatetags.similarity; "
        "sys.exit(','.join(m for m in ('torch', 'sklearn', 'scipy', 'transformers') if m in sys.modules) or None)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "miniconf.settings"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
