"""Demos for scripts and notebooks, one thing after the other: run one, read its text as it is written, get the result.

with Demos("https://conference.example", token="mc_…") as client:
    run = client.run("sha-rnn-generate", prompt="We propose", seed=1)
    for token in run:                       # waits in the queue, and goes on after a line that was cut
        print(token, end="", flush=True)
    print(run.result()["finish_reason"], run.page)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx

from .runs import (
    LATER,
    SILENCE,
    Event,
    EventLines,
    Json,
    Knowledge,
    Patience,
    Problem,
    RunLost,
    Token,
    key_for_once,
    problem_of,
)


class Demos:
    """Use it in `with`. `token`: of an account; without one, one is a visitor.

    `patience`: for how many seconds it waits where the site asks for that (429 and 503, `Retry-After`) or cannot be
    reached, before it gives up with the Problem, or with RunLost.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        patience: float = 120.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.site = url.rstrip("/")
        self.patience = patience
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=self.site + "/api/v1/", headers=headers, timeout=30, transport=transport)

    def __enter__(self) -> Demos:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # --- What there is -----------------------------------------------------------------------------------------------

    def demos(self, *, paper: str = "") -> Iterator[Json]:
        """All demos, or those of a paper: slug, kind, model, preset inputs, limits, examples."""
        return self._items("demos", paper=paper)

    def demo(self, slug: str) -> Json:
        """One demo, with the JSON Schema of its inputs."""
        return self._call("GET", f"demos/{slug}")

    def examples(self, slug: str) -> Iterator[Json]:
        """The examples of a demo; those with a `run` have been computed, see `find`."""
        return self._items(f"demos/{slug}/examples")

    def models(self) -> Iterator[Json]:
        """The models that demos use, and the workers that have them ready."""
        return self._items("models")

    def runs(self, *, demo: str = "") -> Iterator[Run]:
        """One's own runs, the newest first."""
        return (Run(self, shown) for shown in self._items("runs", demo=demo))

    # --- Runs --------------------------------------------------------------------------------------------------------

    def run(self, slug: str, *, fresh: bool = False, **inputs: Any) -> Run:
        """Start a run; inputs that are left out are the demo's presets.

        What was computed before from the same inputs is answered at once (`run.stored`), unless `fresh`. Where the line
        breaks it asks again under the same `Idempotency-Key`: never two runs for one call. Raises Problem, RunLost.
        """
        body: Json = {"inputs": inputs, **({"fresh": True} if fresh else {})}
        return Run(self, self._call("POST", f"demos/{slug}/runs", json=body, headers=key_for_once()))

    def find(self, run_id: str) -> Run:
        """A run by its id: one's own from yesterday, or an example's."""
        return Run(self, self._call("GET", f"runs/{run_id}"))

    # --- Requests ----------------------------------------------------------------------------------------------------

    def _items(self, path: str, **query: Any) -> Iterator[Json]:
        offset, count = 0, 1
        while offset < count:
            piece = self._call("GET", path, params={"limit": 100, "offset": offset, **query})
            yield from piece["items"]
            if not piece["items"]:
                return
            offset, count = offset + len(piece["items"]), piece["count"]

    def _call(self, method: str, path: str, **more: Any) -> Json:
        patience = Patience(self.patience)
        while True:
            try:
                response = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                # What was asked for may have been done; the site does it once: by its key, or since it is done already.
                _wait(patience, None, RunLost(f"{self.site} cannot be reached: {error}"))
                continue
            if response.is_success:
                found: Json = response.json()
                return found
            problem = _problem(response)
            if problem.status not in LATER | {409}:
                raise problem
            _wait(patience, problem.retry_after, problem)


class Run:
    """A run of a demo. Iterate over it for its tokens: from the first, each once, also when it ended long ago."""

    def __init__(self, client: Demos, shown: Json) -> None:
        self._client = client
        self._known = Knowledge(shown)

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.demo}: {self.state}>"

    @property
    def shown(self) -> Json:
        """All that is known, as the API shows it."""
        return self._known.shown

    @property
    def id(self) -> str:
        return str(self._known.shown["id"])

    @property
    def demo(self) -> str:
        return str(self._known.shown["demo"])

    @property
    def state(self) -> str:
        """queued, running, succeeded, failed, cancelled or expired, as was last heard."""
        return str(self._known.shown["state"])

    @property
    def position(self) -> int | None:
        """Place in the queue, 1 being next; None when it does not wait."""
        position: int | None = self._known.shown["position"]
        return position

    @property
    def inputs(self) -> Json:
        """All inputs, with those that were drawn or preset."""
        inputs: Json = self._known.shown["inputs"]
        return inputs

    @property
    def output(self) -> Json | None:
        """What there is: None before the end."""
        output: Json | None = self._known.shown["output"]
        return output

    @property
    def stored(self) -> bool:
        """Whether this was computed before, for whoever asked first."""
        return bool(self._known.shown["stored"])

    @property
    def page(self) -> str:
        """Address of the run's page, for good."""
        return self._client.site + str(self._known.shown["links"]["page"])

    @property
    def finished(self) -> bool:
        return self._known.finished

    def __iter__(self) -> Iterator[Token]:
        return (event.token() for event in self.events() if event.type == "token")

    def events(self) -> Iterator[Event]:
        """Every event from the first to `done`, each numbered one once; places in the queue as they change.

        Where the line is cut it goes on behind the last event. Raises RunLost when nothing is heard for too long.
        """
        patience, known = Patience(self._client.patience), self._known.begin()
        while True:
            asked, reason = None, "the stream of its events ended too early"
            try:
                for event in self._stream(known.last):
                    patience.good_news()
                    if known.take(event):
                        self._known = known
                        yield event
                    if event.type == "done":
                        return
            except httpx.TransportError as error:
                reason = f"{type(error).__name__} {error}"
            except Problem as problem:
                if problem.status not in LATER:
                    raise
                asked, reason = problem.retry_after, str(problem)
            _wait(
                patience, asked, RunLost(f"nothing was heard of run {self.id} for {patience.seconds:.0f} s: {reason}")
            )

    def _stream(self, after: int) -> Iterator[Event]:
        headers = {"Last-Event-ID": str(after)} if after else {}
        timeout = httpx.Timeout(30, read=SILENCE)
        with self._client._http.stream("GET", f"runs/{self.id}/events", headers=headers, timeout=timeout) as response:
            if not response.is_success:
                response.read()
                raise _problem(response)
            lines = EventLines()
            for line in response.iter_lines():
                if (event := lines.take(line)) is not None:
                    yield from event.parts()

    def wait(self) -> Run:
        """Follow it to its end; returns the run itself."""
        if not self.finished:
            for _ in self.events():
                pass
        return self

    def result(self) -> Json:
        """The output, when there is one. Raises RunFailed where the run failed, expired or was cancelled."""
        return self.wait()._known.result()

    @property
    def text(self) -> str:
        """The text that was written; waits for all of it."""
        return str((self.wait().output or {}).get("text", ""))

    def cancel(self) -> Run:
        """Ask for its end; `wait` tells when it has come, and `output` what there was by then."""
        self._known.shown = self._client._call("POST", f"runs/{self.id}/cancel")
        return self

    def keep(self) -> Run:
        """Have it go on when nobody watches it; runs that programs start do so unless told otherwise."""
        self._known.shown = self._client._call("POST", f"runs/{self.id}/keep")
        return self

    def refresh(self) -> Run:
        """Ask how it is, without following it; times are known afterwards."""
        self._known.shown = self._client._call("GET", f"runs/{self.id}")
        return self

    def part(self, name: str) -> bytes:
        """Bytes that the run has left under a name (event `part`)."""
        response = self._client._http.get(f"runs/{self.id}/parts/{name}")
        if not response.is_success:
            raise _problem(response)
        return response.content


def _wait(patience: Patience, asked: float | None, otherwise: Exception) -> None:
    pause = patience.pause(asked)
    if pause is None:
        raise otherwise
    time.sleep(pause)


def _problem(response: httpx.Response) -> Problem:
    body = response.json() if "json" in response.headers.get("Content-Type", "") else None
    return problem_of(response.status_code, response.reason_phrase, body, response.headers.get("Retry-After"))
