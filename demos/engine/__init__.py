"""The engine of a GPU worker: many people's requests, one model, one step at a time. Needs torch, no Django.

    engine = Engine(slots=16)
    engine.load("sha-rnn", folder)
    handle = engine.submit(GenerationRequest(model="sha-rnn", prompt="We propose", seed=1), on_tokens=print)
    handle.result()

Importing this package imports torch; the web process must not.
"""

from .engine import Engine
from .hooks import AttentionCapture, Hook, Steering
from .one_shot import Attention, AttentionMaps, OneShot, OneShotHandle, Score, Surprisal
from .request import Finished, GenerationRequest, RequestError, Token
from .serving import Handle
from .whole_texts import Classification, Embeddings, FilledMasks, FillMask, MaskedPlace

__all__ = [
    "Attention",
    "AttentionCapture",
    "AttentionMaps",
    "Classification",
    "Embeddings",
    "Engine",
    "FillMask",
    "FilledMasks",
    "Finished",
    "GenerationRequest",
    "Handle",
    "Hook",
    "MaskedPlace",
    "OneShot",
    "OneShotHandle",
    "RequestError",
    "Score",
    "Steering",
    "Surprisal",
    "Token",
]
