"""The step loop: requests join and leave between steps, all of them advance together."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..zoo.sha_rnn import ShaRnnForCausalLM
from .loading import LoadedModel, ModelError, load_model
from .recurrent import CHUNK, ShaRnnSlots
from .request import Finished, GenerationRequest, RequestError, Token
from .sampling import Sampler, choose
from .text import Pieces, TextStream

logger = logging.getLogger(__name__)

OnTokens = Callable[[list[Token]], None]
# Prompt tokens read between two steps while others are being served: bounds the pause in their streams.
PREFILL_BUDGET = 128


class Handle:
    """A submitted request. Callbacks run on the engine's thread and must return at once."""

    def __init__(
        self, request: GenerationRequest, prompt: list[int], on_tokens: OnTokens, on_start: Callable[[], None]
    ):
        self.request = request
        self.prompt = prompt
        self.on_tokens = on_tokens
        self.on_start = on_start
        self.cancelled = threading.Event()
        self._done = threading.Event()
        self._finished: Finished | None = None

    def cancel(self) -> None:
        """Leave the batch before the next step; `result` then says so."""
        self.cancelled.set()

    def result(self, timeout: float | None = None) -> Finished:
        """Wait until the request has ended. Raises TimeoutError."""
        if not self._done.wait(timeout):
            raise TimeoutError
        assert self._finished is not None
        return self._finished

    def finish(self, finished: Finished) -> None:
        self._finished = finished
        self._done.set()


@dataclass
class _Reading:
    """A request whose prompt is being read."""

    handle: Handle
    state: Any
    done: int = 0


@dataclass
class _Running:
    """A request with a place in the batch."""

    handle: Handle
    sampler: Sampler
    text: TextStream
    next_token: int = 0
    count: int = 0


@dataclass
class _Served:
    """A loaded model and everybody it serves."""

    loaded: LoadedModel
    backend: ShaRnnSlots
    pieces: Pieces
    waiting: deque[Handle] = field(default_factory=deque)
    reading: deque[_Reading] = field(default_factory=deque)
    running: dict[int, _Running] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self.reading or self.running)

    def free_slots(self) -> list[int]:
        return [slot for slot in range(self.backend.slots) if slot not in self.running]


class Engine:
    """One per process. `submit` may be called from any thread; one thread of its own does all the computing."""

    def __init__(self, *, slots: int = 16, device: str = "cpu") -> None:
        self.slots = slots
        self.device = device
        self._models: dict[str, _Served] = {}
        self._inbox: queue.SimpleQueue[Handle | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lifecycle = threading.Lock()  # requests come from many threads at once; the loop is started once
        self._stopped = False

    def load(self, name: str, folder: Path) -> LoadedModel:
        """Load a model and make it ready to serve. Raises ModelError."""
        loaded = load_model(name, folder, self.device)
        if not isinstance(loaded.model, ShaRnnForCausalLM):
            raise ModelError(f"model {name!r}: the engine has no slots for a {type(loaded.model).__name__} yet")
        backend = ShaRnnSlots(loaded.model, self.slots)
        backend.step(torch.zeros(self.slots, dtype=torch.long))  # the first step allocates; nobody should wait for that
        self._models[name] = _Served(loaded, backend, Pieces(loaded.tokenizer))
        return loaded

    def models(self) -> list[LoadedModel]:
        return [served.loaded for served in self._models.values()]

    def load_figures(self) -> tuple[int, int]:
        """(places taken, requests waiting for one)."""
        served = list(self._models.values())
        return sum(len(s.running) + len(s.reading) for s in served), sum(len(s.waiting) for s in served)

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
        served = self._served(request.model)
        prompt = served.loaded.tokenizer(request.prompt)["input_ids"]
        if not prompt:
            raise RequestError("the prompt is empty and this model needs at least one token to start from")
        if len(prompt) > prompt_limit:
            raise RequestError(f"the prompt has {len(prompt)} tokens; this model reads at most {prompt_limit}")
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

    def _served(self, name: str) -> _Served:
        try:
            return self._models[name]
        except KeyError:
            raise RequestError(f"this worker has no model {name!r}") from None

    # --- the loop -------------------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while self._take_in(wait=not any(s.busy for s in self._models.values())):
            for served in self._models.values():
                if not served.busy:
                    continue
                try:
                    self._drop_cancelled(served)
                    self._read_prompts(served)
                    if served.running:
                        self._step(served)
                except Exception as error:  # whatever a model does wrong ends its own requests, not the worker
                    logger.exception("model %s failed", served.loaded.name)
                    self._fail_all(served, f"{type(error).__name__}: {error}"[:300])
        for served in self._models.values():
            self._fail_all(served, "", reason="cancelled")

    def _take_in(self, wait: bool) -> bool:
        """Move new requests from the inbox to their model; False when the engine is to stop."""
        while True:
            try:
                handle = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            if handle is None:
                return False
            self._models[handle.request.model].waiting.append(handle)
            wait = False

    def _drop_cancelled(self, served: _Served) -> None:
        for handle in [h for h in served.waiting if h.cancelled.is_set()]:
            served.waiting.remove(handle)
            handle.finish(Finished("cancelled", len(handle.prompt)))
        for reading in [r for r in served.reading if r.handle.cancelled.is_set()]:
            served.reading.remove(reading)
            reading.handle.finish(Finished("cancelled", len(reading.handle.prompt)))
        for slot in [s for s, r in served.running.items() if r.handle.cancelled.is_set()]:
            self._leave(served, slot, "cancelled")

    def _read_prompts(self, served: _Served) -> None:
        budget = PREFILL_BUDGET
        while budget > 0:
            while served.waiting and len(served.reading) < len(served.free_slots()):
                handle = served.waiting.popleft()
                served.reading.append(_Reading(handle, served.backend.begin()))
                handle.on_start()
            if not served.reading:
                return
            reading = served.reading[0]
            prompt = reading.handle.prompt
            piece = prompt[reading.done : reading.done + CHUNK]
            logits = served.backend.read(reading.state, piece)
            reading.done += len(piece)
            budget -= len(piece)
            if reading.done == len(prompt):
                served.reading.popleft()
                slot = served.free_slots()[0]
                served.backend.admit(slot, reading.state)
                request = reading.handle.request
                served.running[slot] = _Running(
                    reading.handle, Sampler.of(request), TextStream(served.loaded.tokenizer)
                )
                self._emit(served, [slot], logits[None])

    def _step(self, served: _Served) -> None:
        tokens = torch.zeros(served.backend.slots, dtype=torch.long)
        slots = list(served.running)
        tokens[slots] = torch.tensor([served.running[slot].next_token for slot in slots])
        self._emit(served, slots, served.backend.step(tokens)[slots])

    def _emit(self, served: _Served, slots: list[int], logits: torch.Tensor) -> None:
        """Choose and hand out the next token of each of `slots`; logits (len(slots), V)."""
        running = [served.running[slot] for slot in slots]
        chosen = choose(logits, [r.sampler for r in running]).tolist()
        logits = logits.float()
        total = logits.logsumexp(-1, keepdim=True)
        probabilities = (
            (logits.gather(-1, torch.tensor(chosen, device=logits.device)[:, None]) - total).exp()[:, 0].tolist()
        )
        most = max(r.handle.request.alternatives for r in running)
        if most:
            best, ids = logits.topk(most)
            likeliest = list(zip((best - total).exp().tolist(), ids.tolist(), strict=True))
        end = served.loaded.model.config.eos_token_id
        for row, (slot, r) in enumerate(zip(slots, running, strict=True)):
            token, request = chosen[row], r.handle.request
            if token == end:
                self._leave(served, slot, "stop")
                continue
            alternatives = []
            if request.alternatives:
                values, tokens = likeliest[row]
                alternatives = [(served.pieces.text(t), v) for t, v in zip(tokens, values, strict=True)][
                    : request.alternatives
                ]
            last = r.count + 1 == request.max_new_tokens
            text = r.text.push(token) + (r.text.flush() if last else "")
            r.handle.on_tokens([Token(r.count, token, text, probabilities[row], alternatives)])
            r.next_token = token
            r.count += 1
            if last:
                self._leave(served, slot, "length")

    def _leave(self, served: _Served, slot: int, reason: Any) -> None:
        running = served.running.pop(slot)
        served.backend.release(slot)
        running.handle.finish(Finished(reason, len(running.handle.prompt), running.count))

    def _fail_all(self, served: _Served, error: str, reason: Any = "error") -> None:
        handles = [*served.waiting, *(r.handle for r in served.reading), *(r.handle for r in served.running.values())]
        for slot in served.running:
            served.backend.release(slot)
        served.waiting.clear()
        served.reading.clear()
        served.running.clear()
        for handle in handles:
            handle.finish(Finished(reason, len(handle.prompt), error=error))
