"""A model behind a real OpenAI-compatible server, and what is said when such a server does wrong."""

import contextlib
import http.server
import json
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import torch
from django.contrib.auth.models import AnonymousUser
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from demos import services
from demos.backends import Address, addresses, offer_all
from demos.backends.openai_server import OpenAIServer, tokens_of
from demos.engine import Engine, GenerationRequest, RequestError, Surprisal
from demos.model_files import ModelError
from demos.models import Demo, Run

KEY = "secret-key-of-the-server"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tiny_model, tmp_path_factory):
    """A small GPT-2 that never ends by itself."""
    path = tmp_path_factory.mktemp("models") / "gpt2"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.save_pretrained(path)
    torch.manual_seed(2)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=48,
        n_layer=2,
        n_head=4,
        n_positions=2000,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=None,
    )
    GPT2LMHeadModel(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def server(folder, tmp_path_factory):
    """`transformers serve` with the small GPT-2; its address."""
    port = free_port()
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(folder), "--device", "cpu"]
    log = tmp_path_factory.mktemp("serve") / "log"
    (log.parent / "hub").mkdir()  # a look at its models fails where there is no cache of the hub
    environment = {"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "HF_HOME": str(log.parent), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=out, stderr=out, env=environment
        )
    try:
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200:
                    break
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def engine(server, folder):
    engine = Engine(slots=2)
    backend = OpenAIServer("big", Address(server, str(folder)))
    engine.offer(backend)
    assert backend.known.wait(60)
    assert backend.failure == ""
    yield engine
    engine.stop()


def ask(engine, **fields):
    tokens, begun = [], threading.Event()
    request = GenerationRequest(**{"model": "big", "prompt": "We study", "max_new_tokens": 20, **fields})
    return engine.submit(request, tokens.extend, begun.set), tokens, begun


def test_a_served_model_is_offered_as_if_it_were_loaded(engine, folder):
    assert engine.names() == ["big"]
    assert engine.touch("big")
    handle, tokens, begun = ask(engine, temperature=0)
    finished = handle.result(120)
    assert (finished.reason, finished.error) == ("length", "")
    assert begun.is_set()
    assert finished.new_tokens == len(tokens) > 1
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("We study", return_tensors="pt")
    written = AutoModelForCausalLM.from_pretrained(folder).generate(
        **ids, max_new_tokens=20, do_sample=False, pad_token_id=0
    )[0, ids["input_ids"].shape[1] :]
    text = "".join(token.text for token in tokens)
    assert len(text) > 10
    assert text == tokenizer.decode(written).rstrip("\ufffd")  # the server holds back the bytes of half a character
    assert finished.prompt_tokens == ids["input_ids"].shape[1]
    assert {token.probability for token in tokens} == {None}  # this server does not tell


def test_a_stop_string_ends_the_text_before_it(engine):
    handle, tokens, _ = ask(engine, temperature=0)
    handle.result(120)
    text = "".join(token.text for token in tokens)
    handle, tokens, _ = ask(engine, temperature=0, stop=(text[6:9],))
    assert handle.result(120).reason == "stop"
    assert "".join(token.text for token in tokens) == text[: text.find(text[6:9])]


def test_cancelling_closes_the_connection_and_keeps_what_there_was(engine):
    handles, tokens, known = [], [], threading.Event()

    def stop_after_three(new):
        tokens.extend(new)
        if len(tokens) == 3:
            assert known.wait(60)
            handles[0].cancel()

    handles.append(engine.submit(GenerationRequest("big", "We", max_new_tokens=1900), stop_after_three))
    known.set()
    finished = handles[0].result(120)
    assert (finished.reason, finished.new_tokens) == ("cancelled", len(tokens))
    assert len(tokens) < 1900
    assert engine.load_figures() == (0, 0)


def test_what_such_a_server_cannot_do_is_refused_with_a_sentence(engine):
    with pytest.raises(RequestError, match="'big' runs on another machine, where all it does is to continue texts"):
        engine.run(Surprisal("big", "We study"))
    with pytest.raises(RequestError, match="temperature is -1"):
        ask(engine, temperature=-1)
    finished = ask(engine, top_k=5)[0].result(120)  # this server knows no top_k
    assert finished.reason == "error"
    assert finished.error.startswith("the server of model 'big' refused the request (status 422): Unexpected fields")


def test_a_server_that_is_not_there_is_told_and_asked_again():
    backend = OpenAIServer("gone", Address(f"http://127.0.0.1:{free_port()}/v1", "x", KEY))
    engine = Engine(slots=2)
    engine.offer(backend)
    assert backend.known.wait(60)
    assert engine.names() == []
    assert engine.failures() == {"gone": "the server of model 'gone' cannot be reached"}
    with pytest.raises(ModelError, match="cannot be reached"):
        engine.touch("gone")
    assert ask(engine, model="gone")[0].result(60).error == "the server of model 'gone' cannot be reached"
    engine.stop()
    assert ask(engine, model="gone")[0].result(60).reason == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_runs_of_a_served_model_take_the_way_of_all_others(worker, demo, server, folder, settings, client):
    settings.MODEL_BACKENDS = {"big": f"{server}#{folder}"}
    offer_all(worker.engine, settings.MODEL_BACKENDS)
    assert worker.engine._backends["big"].known.wait(60)
    worker._say()
    Demo.objects.update(model="big")
    demo.refresh_from_db()
    inputs = {"prompt": "We study", "seed": 1, "max_new_tokens": 12, "temperature": 0}
    run = services.create_run(demo=demo, inputs=inputs, user=AnonymousUser(), visitor="v")
    for _ in range(1200):
        run.refresh_from_db()
        if run.state in Run.FINISHED:
            break
        time.sleep(0.1)
    assert (run.state, run.error) == ("succeeded", "")
    assert len(run.output["text"]) > 5
    assert {token[2] for token in run.output["tokens"]} == {None}
    page = client.get(run.get_absolute_url()).content.decode()
    assert "not told" in page
    assert "Ready." in client.get("/models/big/").content.decode()
    worker.engine._backends.pop("big").stop()


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """Answers with what the model's name asks for."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": []}')

    def do_POST(self):
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["model"]
        status, body = ANSWERS[name]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)


TOKEN = b'data: {"choices": [{"text": "We"}]}\n\n'
ANSWERS = {
    "key": (401, b"wrong key " + KEY.encode()),
    "busy": (429, b"{}"),
    "ill": (500, b"<html>Traceback</html>"),
    "picky": (400, json.dumps({"error": {"message": f"no {KEY} here"}}).encode()),
    "cut": (200, TOKEN),
    "failing": (200, TOKEN + b'data: {"error": {"message": "out of memory"}}\n\n'),
    "babbling": (200, b"data: {not json}\n\n"),
}
SENTENCES = {
    "key": "the server of model 'm' does not accept this site's key",
    "busy": "the server of model 'm' has too much to do; please try again later",
    "ill": "the server of model 'm' failed (status 500)",
    "picky": "the server of model 'm' refused the request (status 400): no … here",
    "cut": "the server of model 'm' broke off in the middle",
    "failing": "the server of model 'm' failed: out of memory",
    "babbling": "the connection to the server of model 'm' broke off",
}


def test_what_goes_wrong_is_told_in_sentences_without_the_key():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        said = {}
        for name in ANSWERS:
            backend = OpenAIServer("m", Address(f"http://127.0.0.1:{site.server_port}/v1", name, KEY))
            finished = backend.submit(GenerationRequest("m", "We"), lambda tokens: None, lambda: None).result(60)
            assert finished.reason == "error"
            said[name] = finished.error
            backend.stop()
        site.shutdown()
    assert said == SENTENCES


def test_probabilities_are_taken_from_servers_that_tell_them():
    """The form that the OpenAI API documents for completions, as vLLM gives it."""
    choice = {
        "text": " a big",
        "logprobs": {
            "tokens": [" a", " big"],
            "token_logprobs": [-0.5, -1.0],
            "top_logprobs": [{" the": -0.25, " a": -0.5, " an": -3.0}, {" big": -1.0}],
        },
    }
    first, second = tokens_of(choice, 2, 7)
    assert (first.index, first.text, first.probability) == (7, " a", pytest.approx(0.6065, abs=1e-4))
    assert [text for text, _ in first.alternatives] == [" the", " a"]
    assert (second.index, second.text, second.alternatives) == (8, " big", [(" big", pytest.approx(0.3679, abs=1e-4))])


def test_addresses_are_checked_and_keys_come_from_the_environment():
    setting = {"big": "http://gpu:8000/v1/#org/Model-70B", "other-one": "https://host/v1"}
    environment = {"MODEL_BACKEND_KEY": "for all", "MODEL_BACKEND_KEY_OTHER_ONE": KEY}
    found = addresses(setting, environment)
    assert found["big"] == Address("http://gpu:8000/v1", "org/Model-70B", "for all")
    assert found["other-one"] == Address("https://host/v1", "other-one", KEY)
    assert KEY not in repr(found)
    for wrong in ("gpu:8000", "ftp://gpu/v1", "http://me:password@gpu/v1"):
        with pytest.raises(ValueError, match="MODEL_BACKENDS"):
            addresses({"big": wrong}, {})
