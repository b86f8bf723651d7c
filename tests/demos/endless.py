"""Texts that go on until somebody stops them, so that a test can do something meanwhile however slow the machine is."""

import dataclasses
import threading
import time

from demos.engine import GenerationRequest, OneShot


def never_ending(engine, model):
    """No sampled token ends a text of this model any more: only its length, its window or a cancellation does."""
    served = engine._models[model]
    served.loaded = dataclasses.replace(served.loaded, ends=frozenset())


def endless(engine, model, **fields):
    """A text that has its slot and goes on for as long as anybody could wait; for models without a window."""
    never_ending(engine, model)
    begun = threading.Event()
    fields = {"prompt": "We study", "max_new_tokens": 10**9, "temperature": 2.0, **fields}
    tokens = []
    handle = engine.submit(GenerationRequest(model, **fields), tokens.extend, begun.set)
    assert begun.wait(60)
    return handle, tokens


class Slow(OneShot):
    """Between two steps of running texts a pause of a twentieth of a second, until it is cancelled."""

    def work(self, loaded):
        while True:
            time.sleep(0.05)
            yield
