"""A model behind an OpenAI-compatible server (vLLM, `transformers serve`, llama.cpp, TGI): streamed completions.

Requests look like any other to those who submit them: same handle, same tokens, same cancellation. What such a server does
not tell is left open: tokens without probabilities have None, ids are -1. It promises no equal bits for equal seeds.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from math import exp
from typing import Any

import httpx

from demos.engine.request import Finished, GenerationRequest, RequestError, Token
from demos.engine.serving import Handle, OnTokens
from demos.engine.text import StopStrings

from . import Address

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
# Between two pieces of an answer, the wait for the first included: such a server has a queue of its own.
SILENCE_SECONDS = 120.0
LOOK_EVERY = 10.0  # seconds between looks whether the server is there
MOST_AT_ONCE = 64
LONGEST_LINE = 2**20  # characters of one event
UNKNOWN_ID = -1


class OpenAIServer:
    """One model of one server. `submit` may be called from any thread; a thread of its own talks to the server."""

    def __init__(self, name: str, address: Address) -> None:
        self.name = name
        self.address = address
        self.failure = "not asked yet"  # why it cannot be used; "" when it can
        self.running = 0
        self.waiting = 0
        self.known = threading.Event()  # the server has been asked once
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._web = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {address.key}"} if address.key else {},
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=MOST_AT_ONCE + 2),
            trust_env=False,
        )
        self._main: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"backend-{name}", daemon=True)
        self._thread.start()

    def submit(self, request: GenerationRequest, on_tokens: OnTokens, on_start: Callable[[], None]) -> Handle:
        """Raises RequestError for what such a server cannot do."""
        request.check()
        if request.hooks:
            raise RequestError("this model runs on another machine and cannot be looked into while it writes")
        handle = _RemoteHandle(request, on_tokens, on_start, self)
        handle.begin()
        return handle

    def stop(self) -> None:
        """Requests that run are cancelled."""
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join(10)

    # --- on the loop's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._live())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        finally:
            rest = asyncio.all_tasks(self._loop)
            for task in rest:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
            self._loop.run_until_complete(self._web.aclose())
            self._loop.close()

    def _end(self) -> None:
        if self._main is not None:
            self._main.cancel()

    async def _live(self) -> None:
        while True:
            self.failure = await self._look()
            self.known.set()
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> str:
        """Why the server cannot be used now, or nothing."""
        try:
            answer = await self._web.get(f"{self.address.url}/models", timeout=CONNECT_SECONDS)
            if answer.status_code != 200:
                return self._refusal(answer.status_code, answer.text)
        except httpx.HTTPError as error:
            return self._lost(error)
        return ""

    async def serve(self, handle: _RemoteHandle) -> None:
        """From asking to the end of the answer; every way out finishes the handle."""
        finished = Finished("cancelled")
        self.waiting += 1
        waiting = True
        try:
            async with self._places:
                self.waiting -= 1
                waiting = False
                self.running += 1
                try:
                    finished = await self._answer(handle)
                finally:
                    self.running -= 1
        except asyncio.CancelledError:
            finished = Finished("cancelled", new_tokens=handle.count)
        except httpx.HTTPError as error:
            finished = Finished("error", new_tokens=handle.count, error=self._lost(error))
        except Exception as error:  # whatever comes over the line, the run ends with a sentence
            logger.exception("backend %s", self.name)
            finished = Finished("error", new_tokens=handle.count, error=f"{type(error).__name__}: {error}"[:300])
        finally:
            self.waiting -= waiting
            handle.finish(finished)

    async def _answer(self, handle: _RemoteHandle) -> Finished:
        request = handle.request
        stop = StopStrings(request.stop)
        reason = ""
        usage: dict[str, Any] = {}
        async with self._web.stream("POST", f"{self.address.url}/completions", json=self._body(request)) as answer:
            if answer.status_code != 200:
                text = (await answer.aread()).decode(errors="replace")
                return Finished("error", error=self._refusal(answer.status_code, text))
            handle.on_start()
            async for event in events(answer):
                if "error" in event:
                    return Finished("error", new_tokens=handle.count, error=self._says("failed", event["error"]))
                usage = event.get("usage") or usage
                for choice in event.get("choices") or []:
                    for token in tokens_of(choice, request.alternatives, handle.count):
                        handle.give(token, stop.push(token.text))
                        if stop.stopped:
                            return self._ended("stop", handle, usage)
                    reason = choice.get("finish_reason") or reason
        if not reason:
            sentence = f"the server of model {self.name!r} broke off in the middle"
            return Finished("error", new_tokens=handle.count, error=sentence)
        if rest := stop.flush():
            handle.give(Token(handle.count, UNKNOWN_ID, rest, None), rest)
        return self._ended("length" if reason == "length" else "stop", handle, usage)

    def _ended(self, reason: Any, handle: _RemoteHandle, usage: dict[str, Any]) -> Finished:
        return Finished(reason, int(usage.get("prompt_tokens") or 0), handle.count)

    def _body(self, request: GenerationRequest) -> dict[str, Any]:
        """What all such servers know; what only some do is sent where it says something."""
        body: dict[str, Any] = {
            "model": self.address.remote,
            "prompt": request.prompt,
            "max_tokens": request.max_new_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "stream": True,
            "logprobs": request.alternatives,
        }
        if request.top_k:
            body["top_k"] = request.top_k
        if request.repetition_penalty != 1:
            body["repetition_penalty"] = request.repetition_penalty
        return body

    # --- sentences ---------------------------------------------------------------------------------------------------

    def _refusal(self, status: int, text: str) -> str:
        if status in (401, 403):
            return f"the server of model {self.name!r} does not accept this site's key"
        if status == 429:
            return f"the server of model {self.name!r} has too much to do; please try again later"
        if status >= 500:
            return f"the server of model {self.name!r} failed (status {status})"
        try:
            said = json.loads(text)
        except ValueError:
            said = ""
        if isinstance(said, dict):
            said = said.get("error") or said.get("detail") or said.get("message") or ""
        return self._says(f"refused the request (status {status})", said)

    def _says(self, did: str, said: Any) -> str:
        """Their words after ours, without what is nobody's business."""
        if isinstance(said, dict):
            said = said.get("message", "")
        words = " ".join(str(said or "").split())[:200]
        for secret in (self.address.key, self.address.url):
            if secret:
                words = words.replace(secret, "…")
        return f"the server of model {self.name!r} {did}" + (f": {words}" if words else "")

    def _lost(self, error: httpx.HTTPError) -> str:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return f"the server of model {self.name!r} cannot be reached"
        if isinstance(error, httpx.TimeoutException):
            return f"the server of model {self.name!r} has said nothing for {SILENCE_SECONDS:.0f} seconds"
        return f"the connection to the server of model {self.name!r} broke off"


class _RemoteHandle(Handle):
    """A request at the server; cancelling closes its connection, which is how such servers are told."""

    def __init__(
        self, request: GenerationRequest, on_tokens: OnTokens, on_start: Callable[[], None], server: OpenAIServer
    ) -> None:
        super().__init__(request, [], on_tokens, on_start)
        self.server = server
        self.count = 0
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        try:
            self.server._loop.call_soon_threadsafe(self._start)
        except RuntimeError:  # the loop has been closed
            self.finish(Finished("cancelled"))

    def _start(self) -> None:
        if self.cancelled.is_set():
            self.finish(Finished("cancelled"))
            return
        self._task = self.server._loop.create_task(self.server.serve(self))

    def cancel(self) -> None:
        super().cancel()
        try:
            self.server._loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:
            self.finish(Finished("cancelled", new_tokens=self.count))

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def give(self, token: Token, text: str) -> None:
        self.on_tokens([Token(self.count, token.id, text, token.probability, token.alternatives)])
        self.count += 1


async def events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The data of a stream of server-sent events, up to its "[DONE]"."""
    async for line in answer.aiter_lines():
        if not line.startswith("data:") or len(line) > LONGEST_LINE:
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            return
        try:
            event = json.loads(data)
        except ValueError:
            raise httpx.RemoteProtocolError("an event is no JSON") from None
        if isinstance(event, dict):
            yield event


def tokens_of(choice: dict[str, Any], alternatives: int, index: int) -> list[Token]:
    """The tokens of a piece of an answer, one by one where the server tells them apart, with what it says of them."""
    text = choice.get("text") or ""
    told = choice.get("logprobs") or {}
    pieces = told.get("tokens") or []
    if not pieces:
        return [Token(index, UNKNOWN_ID, text, None)] if text else []
    own = told.get("token_logprobs") or []
    others = told.get("top_logprobs") or []
    whole = "".join(pieces) == text
    tokens = []
    for place, piece in enumerate(pieces):
        logprob = own[place] if place < len(own) else None
        top = (others[place] if place < len(others) else None) or {}
        best = sorted(((str(other), exp(value)) for other, value in top.items()), key=lambda pair: -pair[1])
        # Bytes of an unfinished character are written in signs of the server's own; the text then comes with the last.
        shown = piece if whole else (text if place == len(pieces) - 1 else "")
        probability = exp(logprob) if logprob is not None else None
        tokens.append(Token(index + place, UNKNOWN_ID, shown, probability, best[:alternatives]))
    return tokens
