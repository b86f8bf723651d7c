"""For kinds whose runs are one-shot work on the engine: waiting for it, stopping it, and what its errors mean."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from demos.token_count import count_tokens, most_tokens

from .base import InputError, RunCancelled, RunContext, RunFailed

if TYPE_CHECKING:
    from demos.engine import OneShot
    from demos.models import Demo

LONGEST_SECONDS = 600


class Work:
    """One run's work: pieces that are done one after the other, until somebody stops it."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.stopped = threading.Event()
        self._cancel: Callable[[], None] = lambda: None
        context.watch_cancel(self._stop)

    def _stop(self) -> None:
        self.stopped.set()
        self._cancel()

    def do(self, job: OneShot) -> Any:
        """The job's result. Raises RunCancelled (with what `so_far` says), RunFailed."""
        from demos.engine import RequestError
        from demos.engine.one_shot import Cancelled

        try:
            handle = self.context.engine.run(job)
            self._cancel = handle.cancel
            if self.stopped.is_set():
                handle.cancel()
            return handle.result(LONGEST_SECONDS)
        except RequestError as error:
            raise RunFailed(_sentence(str(error))) from error
        except Cancelled as error:
            raise RunCancelled(self.so_far()) from error
        except TimeoutError:
            handle.cancel()
            raise RunFailed(f"the model was not done after {LONGEST_SECONDS} seconds") from None

    def so_far(self) -> dict[str, Any]:
        """What there is of the output when the run is stopped."""
        return {}

    def check(self) -> None:
        """Raises RunCancelled where the run has been stopped."""
        if self.stopped.is_set():
            raise RunCancelled(self.so_far())


def check_text(demo: Demo, inputs: dict[str, Any], name: str, limit: int, *, model: str = "") -> int:
    """Refuse an input that is empty or has too many tokens; returns how many it has. Raises InputError."""
    text = inputs[name]
    if not text.strip():
        raise InputError(name, "is empty; expected a text")
    most = most_tokens(model or demo.model, min(limit, demo.limits.get("tokens", limit)))
    tokens = count_tokens(model or demo.model, text)
    if tokens > most:
        raise InputError(name, f"has {tokens} tokens; at most {most} can be read here")
    return tokens


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
