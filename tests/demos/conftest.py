"""A small real model, a real worker, and a demo on a paper."""

import os

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings as django_settings

from demos import queue
from demos.models import Demo
from miniconf import limits
from miniconf.accounts.models import User
from papers.models import Conference, Paper
from tests.demos.lens_models import lens_engine, lens_folders  # noqa: F401  fixtures
from tests.demos.lens_runs import refused, run_kind  # noqa: F401  fixtures

SENTENCES = [f"We study number {i} — naïve models of {w}." for i in range(30) for w in ("language", "vision", "speech")]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Folder of a SHA-RNN with random weights and a tokenizer trained on a few sentences."""
    import torch

    from demos.zoo.corpus import train_tokenizer
    from demos.zoo.sha_rnn import ShaRnnConfig, ShaRnnForCausalLM

    path = tmp_path_factory.mktemp("models") / "tiny"
    tokenizer = train_tokenizer(SENTENCES, "bpe", 320)
    tokenizer.save_pretrained(path)
    torch.manual_seed(3)
    config = ShaRnnConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=3,
        memory_size=48,
        dropout=0.0,
        lstm_residual=True,
        initializer_range=0.4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    ShaRnnForCausalLM(config).save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def tiny_gpt(tiny_model):
    """Folder, beside `tiny_model`, of a GPT-2 with random weights and the same tokenizer."""
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    path = tiny_model.parent / "tiny-gpt"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.save_pretrained(path)
    torch.manual_seed(5)
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=256, n_embd=32, n_layer=2, n_head=2, initializer_range=0.4, **ends
    )
    GPT2LMHeadModel(config).save_pretrained(path)
    return path


@pytest.fixture
def _models_dir(settings, tiny_model):
    settings.MODELS_DIR = tiny_model.parent


@pytest.fixture
def demo(_models_dir, db):
    Conference.objects.update_or_create(pk=Conference.current().pk, defaults={"anonymous_runs": True})
    paper = Paper.objects.create(uid="Tiny.1", title="A tiny model")
    return Demo.objects.create(
        slug="tiny-generate",
        paper=paper,
        kind="generate",
        title="Generate",
        model="tiny",
        defaults={"max_new_tokens": 12},
        limits={"max_new_tokens": 50, "prompt_tokens": 40},
        examples=[{"title": "Start", "inputs": {"prompt": "We study"}}],
    )


@pytest.fixture
def attendee(db):
    return User.objects.create_user("attendee@example.org", name="Ada")


@pytest.fixture(autouse=True)
def _empty_queue():
    """Each test starts with nobody in the queue and no worker announced."""
    queue._recent = (0.0, [])
    client = queue.client()
    for pattern in ("demos:*", "limits*", "LIMITS*", "gpu", "default", "unacked*"):
        for key in client.scan_iter(pattern):
            client.delete(key)


@pytest.fixture
def dead_broker(settings):
    """The broker's address answers nobody."""
    settings.REDIS_URL = "unix:///nonexistent/broker.sock"
    for cache in (queue.client, limits._limiter):
        cache.cache_clear()
    yield
    settings.REDIS_URL = os.environ["REDIS_URL"]
    for cache in (queue.client, limits._limiter):
        cache.cache_clear()


@pytest.fixture
def announced():
    """A worker that has announced itself; nobody takes runs from the queue."""
    queue.announce_worker("test", {"models": ["tiny"], "slots": 4, "busy": 0})


@pytest.fixture(scope="module")
def _celery_worker(tiny_model):
    """One real Celery worker on the real broker for a module of tests; see `worker`."""
    from demos import worker as worker_module
    from miniconf.celery import app

    app.loader.import_default_modules()
    django_settings.MODELS_DIR = tiny_model.parent
    with start_worker(app, pool="threads", concurrency=8, queues=["gpu"], perform_ping_check=False, loglevel="WARNING"):
        worker_module.stop()
        worker_module._current = None
        yield worker_module
        worker_module.stop()
        worker_module._current = None


@pytest.fixture
def worker(_celery_worker, transactional_db, demo):
    """The worker, its engine loaded with the demo's model."""
    if _celery_worker._current is None:
        _celery_worker.start("test")
    current = _celery_worker.current()
    assert current.loaded.wait(60)
    current.load("tiny")
    current._say()
    return current
