"""The step loop: requests join and leave between steps, all of them advance together."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .families import choose_decoder
from .loading import LoadedModel, load_model
from .request import Finished, GenerationRequest, RequestError
from .serving import Handle, OnTokens, Served

logger = logging.getLogger(__name__)


class Engine:
    """One per process. `submit` may be called from any thread; one thread of its own does all the computing."""

    def __init__(self, *, slots: int = 16, device: str = "cpu") -> None:
        self.slots = slots
        self.device = device
        self._models: dict[str, Served] = {}
        self._inbox: queue.SimpleQueue[Handle | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lifecycle = threading.Lock()  # requests come from many threads at once; the loop is started once
        self._stopped = False

    def load(self, name: str, folder: Path) -> LoadedModel:
        """Load a model and make it ready to serve. Raises ModelError."""
        loaded = load_model(name, folder, self.device)
        decoder = choose_decoder(loaded, self.slots)  # its probe has been the first step, which allocates
        self._models[name] = Served(loaded, decoder)
        return loaded

    def models(self) -> list[LoadedModel]:
        return [served.loaded for served in list(self._models.values())]

    def load_figures(self) -> tuple[int, int]:
        """(places taken, requests waiting for one)."""
        served = list(self._models.values())
        return sum(len(s.places) for s in served), sum(len(s.waiting) for s in served)

    def count_tokens(self, model: str, text: str) -> int:
        return len(self._served(model).loaded.tokenizer(text)["input_ids"])

    def submit(
        self,
        request: GenerationRequest,
        on_tokens: OnTokens = lambda tokens: None,
        on_start: Callable[[], None] = lambda: None,
        prompt_limit: int = 512,
    ) -> Handle:
        """Queue a request. Raises RequestError when it can never be served."""
        request.check()
        served = self._served(request.model)
        prompt = served.loaded.tokenizer(request.prompt)["input_ids"]
        if not prompt:
            raise RequestError("the prompt is empty and this model needs at least one token to start from")
        limit = min(prompt_limit, served.decoder.window or prompt_limit)
        if len(prompt) > limit:
            raise RequestError(f"the prompt has {len(prompt)} tokens; this model reads at most {limit}")
        handle = Handle(request, prompt, on_tokens, on_start)
        with self._lifecycle:
            if self._stopped:
                handle.finish(Finished("cancelled", len(prompt)))
                return handle
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
                self._thread.start()
            self._inbox.put(handle)
        return handle

    def stop(self) -> None:
        """End the loop for good; requests still in it, and those that come later, are cancelled."""
        with self._lifecycle:
            self._stopped = True
            self._inbox.put(None)
        if self._thread is not None:
            self._thread.join()

    def _served(self, name: str) -> Served:
        try:
            return self._models[name]
        except KeyError:
            raise RequestError(f"this worker has no model {name!r}") from None

    # --- the loop -------------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while self._take_in(wait=not any(s.busy for s in list(self._models.values()))):
            for served in list(self._models.values()):
                if served.busy:
                    self._turn(served)
        for served in list(self._models.values()):
            served.fail_all("", reason="cancelled")

    def _turn(self, served: Served) -> None:
        try:
            served.turn()
        except Exception as error:  # whatever a model does wrong ends its own requests, not the worker
            logger.exception("model %s failed", served.loaded.name)
            served.fail_all(f"{type(error).__name__}: {error}"[:300])

    def _take_in(self, wait: bool) -> bool:
        """Move new requests from the inbox to their model; False when the engine is to stop."""
        while True:
            try:
                handle: Any = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            if handle is None:
                return False
            self._models[handle.request.model].waiting.append(handle)
            wait = False
