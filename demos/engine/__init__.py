"""The engine of a GPU worker: many people's requests, one model, one step at a time. Needs torch, no Django.

    engine = Engine(slots=16)
    engine.load("sha-rnn", folder)
    handle = engine.submit(GenerationRequest(model="sha-rnn", prompt="We propose", seed=1), on_tokens=print)
    handle.result()

Importing this package imports torch; the web process must not.
"""

from .engine import Engine, Handle
from .request import Finished, GenerationRequest, RequestError, Token

__all__ = ["Engine", "Finished", "GenerationRequest", "Handle", "RequestError", "Token"]
