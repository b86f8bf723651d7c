"""Pages of models: what their files and their workers say, and nothing that could hurt the page."""

import shutil

import pytest
from PIL import Image

from demos import kinds, queue
from demos.model_cards import address_of
from demos.models import Demo, Run
from miniconf.accounts.models import User

CARD = """---
license: apache-2.0
license_link: https://example.org/licence
---
# A tiny model

Trained on <script>alert(1)</script> a few *sentences*, see [there](javascript:alert(1)).

![The loss](loss.png) ![](../secret.png) ![elsewhere](https://example.org/x.png)

## Results

| | bits |
| --- | ---: |
| this | 1.13 |

```
# no heading
```
"""


@pytest.fixture
def model(tiny_model, tmp_path, settings, demo):
    """The demo's model in a folder of its own, with a card."""
    folder = tmp_path / "models" / "tiny"
    shutil.copytree(tiny_model, folder)
    (folder / "README.md").write_text(CARD)
    Image.new("RGB", (4, 3)).save(folder / "loss.png")
    Image.new("RGB", (4, 3)).save(folder.parent / "secret.png")
    settings.MODELS_DIR = folder.parent
    return folder


def page(client, address="/models/tiny/"):
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_page_tells_what_the_files_tell(client, model):
    text = page(client)
    for expected in (
        "A tiny model",
        "ShaRnnForCausalLM",
        "writing texts",
        "byte pairs",
        "apache-2.0",
        'href="https://example.org/licence"',
        "48 tokens",
        "No machine that runs models is connected",
        "<em>sentences</em>",
        ">Results</h3>",
        "# no heading",
        'href="/demos/tiny-generate/"',
        "No run has finished yet",
    ):
        assert expected in text, expected
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert "secret.png" not in text


def test_pictures_of_a_card_are_served_and_nothing_else(client, model):
    assert '<img src="/models/tiny/pictures/loss.png" alt="The loss"' in page(client)
    answer = client.get("/models/tiny/pictures/loss.png")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    (model / "other.png").write_bytes((model / "loss.png").read_bytes())
    for wrong in ("other.png", "config.json", "..%2Fsecret.png", "model.safetensors"):
        assert client.get(f"/models/tiny/pictures/{wrong}", follow=True).status_code == 404


def announce(**figures):
    queue.announce_worker("w", {"models": [], "slots": 4, "busy": 3, "waiting": 2, "device": "cpu", **figures})


def test_the_page_follows_what_workers_do_about_the_model(client, model):
    announce(loading={"tiny": "reading 24 MiB of weights"})
    text = page(client)
    assert "Being loaded: reading 24 MiB of weights." in text
    assert 'hx-trigger="every 2s"' in text
    part = page(client, "/models/tiny/state/")
    assert "loads it: reading 24 MiB of weights" in part
    assert "<html" not in part
    announce(failures={"tiny": f"model 'tiny': {model} holds no .safetensors weights"})
    text = page(client)
    assert "its folder holds no .safetensors weights" in text
    assert str(model) not in text
    announce(models=["tiny"])
    text = page(client)
    assert "Ready." in text
    assert "3 of 4 places taken, 2 waiting" in text
    assert ">tiny</a>" in page(client, "/models/")


def test_speed_is_that_of_finished_runs(client, model, demo):
    from datetime import timedelta

    from django.utils.timezone import now

    start = now()
    Run.objects.create(
        demo=demo,
        inputs={},
        state="succeeded",
        output={"new_tokens": 21},
        started_at=start,
        first_token_at=start + timedelta(seconds=0.25),
        finished_at=start + timedelta(seconds=0.75),
    )
    text = page(client)
    assert "40 tokens/s" in text
    assert "0.25 s" in text


def test_only_models_in_use_have_pages(client, model, demo):
    assert client.get("/models/other/").status_code == 404
    Demo.objects.update(enabled=False)
    assert client.get("/models/tiny/").status_code == 404
    assert "No demo uses a model yet" in page(client, "/models/")


def test_a_folder_anywhere_has_an_address_that_does_not_tell_where(client, model, demo):
    Demo.objects.update(model=str(model))
    address = address_of(str(model))
    assert address.startswith("tiny-")
    for text in (page(client, f"/models/{address}/"), page(client, "/models/")):
        assert str(model.parent) not in text
        assert ">tiny<" in text


def test_a_model_whose_files_are_broken_has_a_page_that_says_so(client, model):
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    assert "model.safetensors is broken or was not fetched whole" in page(client)
    (model / "config.json").write_text("{nonsense")
    (model / "tokenizer.json").write_text("[]")
    (model / "README.md").write_bytes(b"---\n: : :\n---\n\xff\xfe")
    assert "Licence" in page(client)


def count(client, **form):
    return client.post("/demos/tiny-generate/tokens/", form, headers={"Sec-Fetch-Site": "same-origin"})


def test_tokens_are_counted_while_somebody_types(client, model):
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(model)("We study naïve models")["input_ids"]
    assert count(client, input="prompt", text="We study naïve models").json() == {"tokens": len(ids), "limit": 40}
    assert count(client, input="temperature", text="1").status_code == 204
    bounded = {name for name, kind in kinds.KINDS.items() if "tokens" in kind.further_limits}
    assert {"attention", "masks", "attack", "sparsity", "classify", "answer", "zero-shot"} <= bounded
    for name in bounded:
        Demo.objects.update(kind=name, limits={"tokens": 30}, defaults={})
        assert count(client, input="text", text="We study naïve models").json() == {"tokens": len(ids), "limit": 30}
    Demo.objects.update(kind="generate", limits={"prompt_tokens": 40})
    assert count(client, input="prompt", text="x" * 100_001).status_code == 204
    assert client.post("/demos/nowhere/tokens/", {}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 404
    client.force_login(User.objects.create_user("somebody@example.org"))
    assert count(client, input="prompt", text="We").json()["limit"] == 40
