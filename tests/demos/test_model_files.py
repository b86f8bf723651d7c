"""What is wrong with a model is said before anything is loaded, fetched or queued."""

import http.server
import json
import shutil
import threading

import pytest

from demos.model_files import ModelError, check_weights, find_model, local_folder


@pytest.fixture
def folder(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "tiny")


def test_headers_tell_what_loading_would_find(tiny_model):
    from demos.engine.loading import load_model

    weights, loaded = check_weights("tiny", tiny_model), load_model("tiny", tiny_model, "cpu")
    assert weights.bytes == (tiny_model / "model.safetensors").stat().st_size
    assert weights.dtypes == ("F32",)
    assert loaded.purpose == "writes texts"
    # the output layer shares its weights with the embedding, and is stored once
    assert weights.parameters == loaded.parameters


def cut(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def pickle_only(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def point(folder):
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")


def lose_a_part(folder):
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


BROKEN = {
    "is broken or was not fetched whole: ": cut,
    "pytorch_model.bin is pickled and could run code": pickle_only,
    "is only a pointer to a large file": point,
    "model-00002-of-00002.safetensors is missing, one of 2 parts": lose_a_part,
    "has no config.json": lambda folder: (folder / "config.json").unlink(),
    "model.safetensors is broken": lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 64),
    "was not fetched whole": lambda folder: (folder / "model.safetensors").write_bytes(b""),
    "model.safetensors.index.json is broken": lambda folder: (folder / "model.safetensors.index.json").write_text("[]"),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_files_are_named(folder, sentence):
    BROKEN[sentence](folder)
    with pytest.raises(ModelError, match=sentence):
        check_weights("tiny", folder)


@pytest.mark.parametrize("name", ["../secrets", "a/../../b", "", "x" * 201, "a\0b", "a\nb"])
def test_names_lead_nowhere_else(tmp_path, name):
    for look in (lambda: find_model(name, tmp_path, hub=True), lambda: local_folder(name, tmp_path)):
        with pytest.raises(ModelError, match=r"is no model's name|may not lead out"):
            look()


class Hub(http.server.BaseHTTPRequestHandler):
    """Speaks the hub's protocol as far as a look at a model and the fetching of its files need it."""

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.partition("?")[0]
        name = path.removeprefix("/api/models/").partition("/revision")[0]
        if path.startswith("/api/models/org/broken/tree/"):
            tree = [{"type": "file", "path": "model.safetensors", "size": 1000, "oid": "1"}]
            return self.answer(200, json.dumps(tree).encode())
        if name == "org/gated":
            return self.answer(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"})
        if name == "org/ill":
            return self.answer(500, b"oh")
        if name not in ("org/pickled", "org/broken") and not path.startswith("/org/broken/"):
            return self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        if path.startswith("/org/broken/"):
            headers = {"X-Repo-Commit": "0" * 40, "ETag": '"1"', "Content-Length": "1000"}
            return self.answer(200, b"{}", headers)
        files = ["config.json", "pytorch_model.bin" if name == "org/pickled" else "model.safetensors"]
        told = [{"rfilename": file, "size": 1000} for file in files]
        return self.answer(200, json.dumps({"id": name, "sha": "0" * 40, "siblings": told}).encode())

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{site.server_port}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        yield site
        site.shutdown()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("org/gated", "it is gated, and its owners have not let this site in"),
        ("org/nowhere", "there is no model of that name, or it is private"),
        ("org/ill", "it answered with status 500"),
        ("org/pickled", "the hub has no .safetensors weights; pytorch_model.bin is pickled and could run code"),
        ("org/broken", "the hub cannot be reached or broke off"),
    ],
)
def test_what_the_hub_refuses_is_told_in_a_sentence(hub, tmp_path, name, sentence):
    told = []
    with pytest.raises(ModelError) as caught:
        find_model(name, tmp_path, hub=True, progress=told.append)
    assert f"model '{name}'" in str(caught.value)
    assert sentence in str(caught.value)
    assert told[0] == "asking the hub"


def test_a_hub_that_is_not_there_is_told(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="the hub cannot be reached"):
        find_model("org/model", tmp_path, hub=True)
