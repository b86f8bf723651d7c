"""The step loop: requests join and leave between steps, all of them advance together."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from ..model_files import ModelError, check_weights
from .families import choose_decoder
from .loading import LoadedModel, NoRoom, load_model, no_memory, out_of_memory, release_memory
from .one_shot import Cancelled, OneShot, OneShotHandle
from .packed import can_pack
from .request import Finished, GenerationRequest, RequestError
from .serving import Handle, OnTokens, Served


class Backend(Protocol):
    """A model that somebody else runs, offered by this engine as if it were loaded: see demos/backends."""

    name: str
    failure: str  # why it cannot be used now; "" when it can
    running: int
    waiting: int

    def submit(self, request: GenerationRequest, on_tokens: OnTokens, on_start: Callable[[], None]) -> Handle: ...

    def stop(self) -> None: ...


logger = logging.getLogger(__name__)


class Engine:
    """One per process. `submit` and `run` may be called from any thread; one thread of its own does all the computing.

    `budget` bounds the bytes of weights in memory: before a model is loaded, those go that were used least recently and
    are neither pinned nor at work. `packed` keeps a second copy of matrices, laid out for this processor, of models so
    small (an eighth of the budget at most) that nobody has to leave for it.
    """

    def __init__(
        self,
        *,
        slots: int = 16,
        device: str = "cpu",
        budget: int | None = None,
        dtype: torch.dtype | None = None,
        graphs: bool = False,
        packed: bool = True,
    ) -> None:
        self.slots = slots
        self.device = device
        self.dtype = dtype
        self.graphs = graphs
        self.packed = packed and can_pack(device, dtype)
        self.budget = budget
        self._models: dict[str, Served] = {}
        self._backends: dict[str, Backend] = {}
        self._loading: dict[str, tuple[str, float]] = {}
        self._inbox: queue.SimpleQueue[Handle | OneShotHandle | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lifecycle = threading.Lock()  # requests come from many threads at once; the loop is started once
        self._stopped = False

    # --- models ---------------------------------------------------------------------------------------------------------

    def load(
        self, name: str, folder: Path, *, pinned: bool = False, trust_code: bool = False, make_room: bool = True
    ) -> LoadedModel:
        """Load a model and make it ready to serve. A pinned one stays. Raises ModelError.

        Without `make_room` no other model leaves for it: NoRoom is raised.
        """
        try:
            self._say(name, "making room")
            needed = check_weights(name, folder).bytes
            packed = self.packed and (self.budget is None or 8 * needed <= self.budget)
            self._make_room(name, 2 * needed if packed else needed, make_room)
            self._say(name, f"reading {_mib(needed)} of weights")
            loaded = load_model(name, folder, self.device, dtype=self.dtype, trust_code=trust_code)
            self._say(name, "comparing with the model's own results")
            decoder = choose_decoder(loaded, self.slots, graphs=self.graphs, packed=packed)
            served = Served(
                loaded, decoder, pinned=pinned, memory=loaded.bytes * (2 if packed and loaded.writes else 1)
            )
        except Exception as error:
            if not out_of_memory(error):
                raise
            release_memory()
            raise ModelError(f"model {name!r} does not fit into this worker's memory") from error
        finally:
            self._loading.pop(name, None)
        with self._lifecycle:
            before = self._models.get(name)
            if before is not None and (before.busy or before.expected):
                raise ModelError(f"model {name!r} is at work; it cannot be loaded anew now")
            self._models[name] = served
        return loaded

    def loading(self) -> dict[str, tuple[str, float]]:
        """What is being loaded: name -> (what is being done, seconds since that began)."""
        return {name: (doing, time.monotonic() - since) for name, (doing, since) in list(self._loading.items())}

    def unload(self, name: str) -> None:
        """Give up a model's memory. Raises ModelError while it is at work."""
        with self._lifecycle:
            served = self._models.get(name)
            if served is not None and (served.busy or served.expected):
                raise ModelError(f"model {name!r} is at work")
            self._models.pop(name, None)
        del served
        release_memory()

    def offer(self, backend: Backend) -> None:
        """Serve a model that another machine runs."""
        self._backends[backend.name] = backend

    def names(self) -> list[str]:
        """The models that can be asked for now."""
        return sorted({*self._models, *(name for name, backend in self._backends.items() if not backend.failure)})

    def failures(self) -> dict[str, str]:
        """Models of other machines that cannot be asked for now, and why."""
        return {name: backend.failure for name, backend in self._backends.items() if backend.failure}

    def touch(self, name: str) -> bool:
        """Whether a model can be asked for; one in memory counts as used just now. Raises ModelError for one elsewhere."""
        if backend := self._backends.get(name):
            if backend.failure:
                raise ModelError(backend.failure)
            return True
        with self._lifecycle:
            served = self._models.get(name)
            if served is not None:
                served.used = time.monotonic()
        return served is not None

    def models(self) -> list[LoadedModel]:
        return [served.loaded for served in list(self._models.values())]

    def _say(self, name: str, doing: str) -> None:
        self._loading[name] = (doing, time.monotonic())

    @contextmanager
    def fetching(self, name: str) -> Iterator[Callable[[str], None]]:
        """Where to report how far the files of a model have come, before `load` is called."""
        try:
            yield lambda doing: self._say(name, doing)
        finally:
            self._loading.pop(name, None)

    def _make_room(self, name: str, needed: int, others_may_leave: bool) -> None:
        if self.budget is None:
            return
        if needed > self.budget:
            raise ModelError(
                f"model {name!r} has {_mib(needed)} of weights; this worker keeps at most {_mib(self.budget)}"
            )
        while needed + sum(s.memory for n, s in list(self._models.items()) if n != name) > self.budget:
            with self._lifecycle:
                idle = [s for s in self._models.values() if others_may_leave and not s.in_use]
                if not idle:
                    raise NoRoom(
                        f"model {name!r} has {_mib(needed)} of weights and this worker keeps at most {_mib(self.budget)}; "
                        "the models in memory are pinned or at work"
                    )
                oldest = min(idle, key=lambda s: s.used)
                del self._models[oldest.loaded.name]
            logger.info("model %s leaves memory to make room for %s", oldest.loaded.name, name)
            del oldest, idle
            release_memory()

    # --- requests -------------------------------------------------------------------------------------------------------

    def load_figures(self) -> tuple[int, int]:
        """(places taken, requests waiting for one)."""
        served, elsewhere = list(self._models.values()), self._backends.values()
        return (
            sum(len(s.places) for s in served) + sum(b.running for b in elsewhere),
            sum(len(s.waiting) for s in served) + sum(b.waiting for b in elsewhere),
        )

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
        if backend := self._backends.get(request.model):
            return backend.submit(request, on_tokens, on_start)
        served = self._served(request.model)
        if not served.loaded.writes:
            raise RequestError(f"model {request.model!r} {served.loaded.purpose}; it does not continue texts")
        prompt = served.loaded.tokenizer(request.prompt)["input_ids"]
        if not prompt:
            raise RequestError("the prompt is empty and this model needs at least one token to start from")
        # An encoder's window is not its decoder's.
        window = served.loaded.window if served.loaded.model.config.is_encoder_decoder else served.decoder.window
        limit = min(prompt_limit, window or prompt_limit)
        if len(prompt) > limit:
            raise RequestError(f"the prompt has {len(prompt)} tokens; this model reads at most {limit}")
        handle = Handle(request, prompt, on_tokens, on_start)
        if not self._put(request.model, handle):
            handle.finish(Finished("cancelled", len(prompt)))
        return handle

    def run(self, job: OneShot) -> OneShotHandle:
        """Queue work that is done in turn with the steps of running texts. Raises RequestError."""
        if job.model in self._backends:
            raise RequestError(f"model {job.model!r} runs on another machine, where all it does is to continue texts")
        handle = OneShotHandle(job)
        if not self._put(job.model, handle):
            handle.fail(Cancelled("the engine was stopped"))
        return handle

    def _put(self, model: str, handle: Handle | OneShotHandle) -> bool:
        with self._lifecycle:
            if self._stopped:
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
                self._thread.start()
            served = self._served(model)
            served.used = time.monotonic()
            served.expected += 1  # until the loop has it, so that the model is not taken out of memory before
            self._inbox.put(handle)
        return True

    def stop(self) -> None:
        """End the loop for good; requests still in it, and those that come later, are cancelled."""
        with self._lifecycle:
            self._stopped = True
            self._inbox.put(None)
        for backend in self._backends.values():
            backend.stop()
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
            self._turns()
        for served in list(self._models.values()):
            served.fail_all("", reason="cancelled")

    def _turns(self) -> None:
        """In a frame of its own: while the loop waits, it must not hold on to a model that has left."""
        for served in list(self._models.values()):
            if served.busy:
                self._turn(served)

    def _turn(self, served: Served) -> None:
        try:
            served.turn()
        except Exception as error:  # whatever a model does wrong ends its own requests, not the worker
            name = served.loaded.name
            logger.exception("model %s failed", name)
            if out_of_memory(error):
                served.fail_all(no_memory(name))
                served.decoder.free()
                del error
                release_memory()
            else:
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
            wait = False
            if isinstance(handle, OneShotHandle):
                served = self._models[handle.job.model]
                served.jobs.append(handle)
            else:
                served = self._models[handle.request.model]
                served.waiting.append(handle)
            with self._lifecycle:
                served.expected -= 1


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
