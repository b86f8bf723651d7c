"""Models that are too large for one worker: run by a server of their own, offered by workers as if they were loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from demos.engine import Engine


@dataclass(frozen=True)
class Address:
    """Where a model is served: the base of its API ("http://gpu:8000/v1"), its name there, the key it wants."""

    url: str
    remote: str
    key: str = field(default="", repr=False)


def addresses(setting: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, Address]:
    """`{"big": "http://gpu:8000/v1#org/Model-70B"}` -> addresses; the name behind # may be left out where it is the same.

    The key of "big-model" is taken from `MODEL_BACKEND_KEY_BIG_MODEL`, else from `MODEL_BACKEND_KEY`, so that it stands in
    no list of settings. Raises ValueError with a sentence.
    """
    found = {}
    for name, value in setting.items():
        url, _, remote = value.partition("#")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"MODEL_BACKENDS: {name} is {value!r}; expected an address like http://gpu:8000/v1#org/model"
            )
        if parts.username or parts.password:
            raise ValueError(
                f"MODEL_BACKENDS: the address of {name} holds a password; expected MODEL_BACKEND_KEY instead"
            )
        own = "MODEL_BACKEND_KEY_" + "".join(c if c.isalnum() else "_" for c in name.upper())
        key = environment.get(own) or environment.get("MODEL_BACKEND_KEY", "")
        found[name] = Address(url.rstrip("/"), remote or name, key)
    return found


def offer_all(engine: Engine, setting: Mapping[str, str]) -> None:
    """Have an engine offer the models that other servers run. Raises ValueError with a sentence."""
    if not setting:
        return
    from .openai_server import OpenAIServer

    for name, address in addresses(setting, os.environ).items():
        engine.offer(OpenAIServer(name, address))
