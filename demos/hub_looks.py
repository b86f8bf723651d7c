"""What the hub says about models that are not here yet: asked by the web process before anybody waits for them.

Nothing of the weights is fetched; the tokenizer is, so that prompts are counted before a worker has the model. The hub is
asked on a thread of its own and its answer kept for a while, so whoever asks for a run waits for it no longer than WAIT.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from miniconf.problems import Problem

from .model_files import HUB_ID, HUB_SECONDS, ModelError, NoAnswer, check_hub, hub_sentence, local_folder

WAIT = 0.7  # seconds
MOST = 64  # models that are remembered
KEEP_GOOD, KEEP_BAD, KEEP_AWAY = 600.0, 60.0, 10.0  # seconds; the last for a hub that did not answer
LARGEST_TOKENIZER = 64 * 2**20  # bytes


@dataclass
class Look:
    """`problem` is a sentence, or empty where the hub has the model; `tokenizer` a file, where it has one."""

    problem: str = ""
    tokenizer: Path | None = None
    until: float = 0.0
    known: threading.Event = field(default_factory=threading.Event)


_looks: OrderedDict[str, Look] = OrderedDict()
_lock = threading.Lock()


def look_at(name: str) -> Look | None:
    """What the hub says of a model; None where it is not asked. Raises Problem 503 where it takes its time."""
    if not settings.ENGINE_HUB or name in settings.MODEL_BACKENDS or HUB_ID.fullmatch(name) is None:
        return None
    with _lock:
        look = _looks.get(name)
        if look is None or (look.known.is_set() and look.until < time.monotonic()):
            look = _looks[name] = Look()
            threading.Thread(target=_ask, args=[name, look], name="hub", daemon=True).start()
        _looks.move_to_end(name)
        while len(_looks) > MOST:
            _looks.popitem(last=False)
    if not look.known.wait(WAIT):
        raise Problem(
            503,
            "The model is being looked up",
            f"The hub has not answered yet whether it has the model {name!r}; please try again in a few seconds.",
            retry_after=5,
        )
    return look


def forget() -> None:
    with _lock:
        _looks.clear()


def model_problem(name: str) -> str:
    """Why no worker can load this model, as far as its files or the hub tell; empty where nothing is wrong or known.

    Raises Problem 503 where the hub takes its time.
    """
    from .model_cards import card_of  # which shows models on pages, and reads the same files

    try:
        folder = local_folder(name, settings.MODELS_DIR)
    except ModelError as error:
        return str(error)
    if folder is not None:
        return card_of(name).problem
    look = look_at(name)
    return look.problem if look is not None else ""


def _ask(name: str, look: Look) -> None:
    keep = KEEP_AWAY
    try:
        files = check_hub(name)
        keep = KEEP_GOOD
        if 0 < files.get("tokenizer.json", 0) <= LARGEST_TOKENIZER:
            look.tokenizer = _fetch(name)
    except ModelError as error:
        look.problem = str(error)
        keep = KEEP_AWAY if isinstance(error, NoAnswer) else KEEP_BAD
    except Exception as error:  # whatever the hub's library raises: nobody may wait for ever
        look.problem = hub_sentence(name, error)
    finally:
        look.until = time.monotonic() + keep
        look.known.set()


def _fetch(name: str) -> Path | None:
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(name, "tokenizer.json", etag_timeout=HUB_SECONDS))
