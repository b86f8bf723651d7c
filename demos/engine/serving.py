"""One model and everybody it serves: who waits, whose prompt is being read, who writes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from .decoder import Decoder, Piece
from .loading import LoadedModel, no_memory, out_of_memory, release_memory
from .one_shot import Cancelled, OneShotHandle
from .request import Finished, GenerationRequest, RequestError, Token
from .sampling import Choice, Sampler, Settings
from .text import Pieces, TextStream

OnTokens = Callable[[list[Token]], None]
# Prompt tokens read between two steps while others are being served: bounds the pause in their streams.
PREFILL_BUDGET = 256


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
class _Place:
    """A request with a slot. `prompt` is what has to be read before the first choice, `read` how much of it has been."""

    handle: Handle
    prompt: list[int]
    text: TextStream
    most: int
    read: int = 0
    next_token: int = 0
    count: int = 0


@dataclass
class Served:
    """All methods but the constructor are called on the engine's thread."""

    loaded: LoadedModel
    decoder: Decoder
    waiting: deque[Handle] = field(default_factory=deque)
    places: dict[int, _Place] = field(default_factory=dict)
    jobs: deque[OneShotHandle] = field(default_factory=deque)
    pinned: bool = False
    memory: int = 0  # bytes of weights, packed copies included
    used: float = field(default_factory=time.monotonic)  # when somebody last asked for it
    expected: int = 0  # requests that are on their way here

    def __post_init__(self) -> None:
        self.pieces = Pieces(self.loaded.tokenizer)
        self.sampler = Sampler(self.decoder.slots)
        head = self.loaded.model.get_output_embeddings() if self.loaded.writes else None
        self.vocabulary = int(head.weight.shape[0]) if head is not None else 0

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self.places or self.jobs)

    @property
    def in_use(self) -> bool:
        """Whether it has to stay in memory."""
        return self.pinned or self.busy or self.expected > 0

    def turn(self) -> None:
        """Everybody who leaves, comes, reads and writes between two steps, and the step."""
        self._drop_cancelled()
        self._take_in()
        self._step(self._read())
        if self.jobs:  # one piece of one job, the next time one of another
            job = self.jobs.popleft()
            if not job.advance(self.loaded):
                self.jobs.append(job)

    def fail_all(self, error: str, reason: Any = "error") -> None:
        handles = [*self.waiting, *(place.handle for place in self.places.values())]
        for slot in self.places:
            self.decoder.release(slot)
            self.sampler.release(slot)
        for job in self.jobs:
            job.fail(Cancelled("the engine was stopped") if reason == "cancelled" else RuntimeError(error))
        self.waiting.clear()
        self.places.clear()
        self.jobs.clear()
        for handle in handles:
            handle.finish(Finished(reason, len(handle.prompt), error=error))

    def _drop_cancelled(self) -> None:
        for handle in [h for h in self.waiting if h.cancelled.is_set()]:
            self.waiting.remove(handle)
            handle.finish(Finished("cancelled", len(handle.prompt)))
        for slot in [s for s, place in self.places.items() if place.handle.cancelled.is_set()]:
            self._leave(slot, "cancelled")

    def _take_in(self) -> None:
        free = (slot for slot in range(self.decoder.slots) if slot not in self.places)
        for slot in list(free)[: len(self.waiting)]:
            handle = self.waiting.popleft()
            request, window = handle.request, self.decoder.window
            try:
                prompt = self.decoder.start(slot, handle.prompt)
                self.decoder.watch(slot, request.hooks)
            except Exception as error:
                if not isinstance(error, RequestError) and not out_of_memory(error):
                    raise
                short = "" if isinstance(error, RequestError) else no_memory(self.loaded.name)
                self.decoder.release(slot)
                handle.finish(Finished("error", len(handle.prompt), error=short or str(error)))
                if short:
                    release_memory()
                continue
            most = request.max_new_tokens if window is None else min(request.max_new_tokens, window - len(prompt) + 1)
            text = TextStream(self.loaded.tokenizer, request.stop)
            self.places[slot] = _Place(handle, prompt, text, most)
            self.sampler.take(slot, Settings.of(request), prompt, self.vocabulary, self.loaded.model.device)
            handle.on_start()

    def _read(self) -> list[Piece]:
        """Read prompts, one piece of each in turn so that a long one holds up nobody, at most PREFILL_BUDGET tokens.

        Returns pieces that are to be read in the step's own pass, where the decoder can do that.
        """
        budget = PREFILL_BUDGET
        while budget > 0:
            pieces = self._next_pieces()
            budget -= sum(len(piece.tokens) for piece in pieces)
            last = budget <= 0 or len(pieces) < self.decoder.places
            if pieces and last and self.decoder.mixes and self._stepping():
                return pieces
            if not pieces:
                break
            try:
                logits = self.decoder.read(pieces)
            except Exception as error:
                if not out_of_memory(error):
                    raise
                self._no_memory({piece.slot for piece in pieces})
                break
            self._have_read(pieces, logits)
        return []

    def _no_memory(self, slots: set[int]) -> None:
        for slot in slots:
            self._leave(slot, "error", no_memory(self.loaded.name))
        release_memory()

    def _have_read(self, pieces: list[Piece], logits: torch.Tensor) -> None:
        """logits (len(pieces), V): texts of which nothing is left to read get their first token."""
        done = []
        for row, piece in enumerate(pieces):
            place = self.places[piece.slot]
            place.read += len(piece.tokens)
            if place.read == len(place.prompt):
                done.append((row, piece.slot))
        if done:
            rows, slots = zip(*done, strict=True)
            self._emit(list(slots), logits[list(rows)])

    def _next_pieces(self) -> list[Piece]:
        pieces: list[Piece] = []
        ahead = {slot: place.read for slot, place in self.places.items() if place.read < len(place.prompt)}
        while ahead and len(pieces) < self.decoder.places:
            for slot in list(ahead)[: self.decoder.places - len(pieces)]:
                prompt, start = self.places[slot].prompt, ahead[slot]
                size = self.decoder.cut(len(prompt) - start)
                if size:
                    pieces.append(Piece(slot, start, prompt[start : start + size]))
                    ahead[slot] = start + size
                if not size or ahead[slot] == len(prompt):
                    del ahead[slot]
        return pieces

    def _stepping(self) -> list[int]:
        """Slots whose texts are not to be read in pieces any more."""
        return [
            slot
            for slot, place in self.places.items()
            if place.read == len(place.prompt) or not self.decoder.cut(len(place.prompt) - place.read)
        ]

    def _step(self, pieces: list[Piece]) -> None:
        """One token further for every text that steps; `pieces` of others are read meanwhile."""
        slots = self._stepping()
        if not slots:
            return
        tokens = torch.zeros(self.decoder.slots, dtype=torch.long)
        writing = []
        for slot in slots:
            place = self.places[slot]
            if place.read < len(place.prompt):
                tokens[slot] = place.prompt[place.read]
                place.read += 1
            else:
                tokens[slot] = place.next_token
            if place.read == len(place.prompt):
                writing.append(slot)
        if pieces:
            logits, read = self.decoder.step_and_read(tokens, slots, pieces)
        else:
            logits = self.decoder.step(tokens, slots)
        if writing:
            self._emit(writing, logits[writing])
        if pieces:
            self._have_read(pieces, read)

    def _emit(self, slots: list[int], logits: torch.Tensor) -> None:
        """Choose and hand out the next token of each of `slots`; logits (len(slots), V)."""
        for slot, choice in zip(slots, self.sampler.choose(logits, slots), strict=True):
            self._hand_out(slot, choice)

    def _hand_out(self, slot: int, choice: Choice) -> None:
        place = self.places[slot]
        if choice.token in self.loaded.ends:
            rest = place.text.flush()
            if rest:  # text that was held back belongs to the last token
                place.handle.on_tokens([Token(place.count, choice.token, rest, choice.probability)])
                place.count += 1
            self._leave(slot, "stop")
            return
        last = place.count + 1 >= place.most
        text = place.text.push(choice.token)
        if last and not place.text.stopped:
            text += place.text.flush()
        alternatives = [(self.pieces.text(t), p) for t, p in choice.alternatives]
        place.handle.on_tokens([Token(place.count, choice.token, text, choice.probability, alternatives)])
        place.next_token = choice.token
        place.count += 1
        if place.text.stopped:
            self._leave(slot, "stop")
        elif last:
            self._leave(slot, "length")

    def _leave(self, slot: int, reason: Any, error: str = "") -> None:
        place = self.places.pop(slot)
        self.decoder.release(slot)
        self.sampler.release(slot)
        place.handle.finish(Finished(reason, len(place.handle.prompt), place.count, error))
