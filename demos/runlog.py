"""A run's events: numbered, kept in a Redis stream while it runs, rebuilt from the row afterwards.

Numbers count up without gaps: 1 queued, 2 running, then what the kind reports, then `done`. What an event *is* tells its
key (a token's place in its text, the n-th of its type, or a name that the kind gives it). A run that starts again after
its worker died passes over events whose keys are kept already, so nobody sees a token twice, whatever the order in which
two models' tokens come the second time.
"""

from __future__ import annotations

import json
import threading
from typing import Any, cast

from miniconf.live import BrokerDown, channel_of, encode_frame

from . import positions
from .models import Run
from .packing import pack, unpack
from .queue import broker

KEEP_SECONDS = 3600
QUEUED, RUNNING, FIRST_TOKEN = 1, 2, 3
# Tokens are sent in batches: one frame for each run and interval, however fast the model is. Where many runs are read at the
# same time the interval is longer: what it costs is frames, and what people see of it is nothing.
INTERVAL, LONGEST_INTERVAL = 0.04, 0.08
MANY_RUNS = 16

Event = dict[str, Any]


def topic(run_id: str) -> str:
    return f"run:{run_id}"


def _key(run_id: str) -> str:
    return f"demos:log:{run_id}"


def append(run_id: str, events: list[Event]) -> None:
    """Keep numbered events of a run and send them to all who watch. Raises BrokerDown."""
    append_all({run_id: events})


def append_all(batch: dict[str, list[Event]]) -> None:
    """The same for several runs in one round trip; each run's events are encoded once, for keeping and for sending.

    Of one run either all events are numbered or none is; the latter are sent and not kept.
    """
    with broker() as r:
        pipe = r.pipeline(transaction=False)
        for run_id, events in batch.items():
            frame = encode_frame(topic(run_id), pack(events))
            if "n" in events[0]:
                pipe.xadd(_key(run_id), {"frame": frame})
                pipe.expire(_key(run_id), KEEP_SECONDS)
            pipe.publish(channel_of(topic(run_id)), frame)
        pipe.execute()


def kept(run_id: str) -> list[Event]:
    """All events so far, in order, each once. The first is known without being kept."""
    with broker() as r:
        entries = cast(list[tuple[str, dict[str, str]]], r.xrange(_key(run_id)))
    events: list[Event] = [queued_event()]
    for _, fields in entries:
        for event in unpack(json.loads(fields["frame"])["events"]):
            if event["n"] > events[-1]["n"]:
                events.append(event)
    return events


def newest_numbers(run_ids: list[str]) -> dict[str, int]:
    """The number of the newest event kept of each run; runs of which none is kept are left out."""
    try:
        with broker() as r:
            pipe = r.pipeline(transaction=False)
            for run_id in run_ids:
                pipe.xrevrange(_key(run_id), count=1)
            found = pipe.execute()
    except BrokerDown:
        return {}
    return {
        run_id: json.loads(entries[0][1]["frame"])["events"][-1]["n"]
        for run_id, entries in zip(run_ids, found, strict=True)
        if entries
    }


STARTED = ("state", "running")  # the key of that event


def key_of(event: Event) -> tuple[Any, ...]:
    """What makes an event the same as one of an earlier attempt."""
    if event["type"] == "token":
        return ("token", event.get("stream", 0), event["i"])
    return (event["type"], event.get("state") or event.get("key", ""))


def emitted(run_id: str) -> int:
    """How many events a run has had since it began; 0 where that cannot be known."""
    try:
        events = kept(run_id)
    except BrokerDown:
        return 0
    return max(0, events[-1]["n"] - RUNNING) if events else 0


def queued_event() -> Event:
    return {"n": QUEUED, "type": "state", "state": Run.State.QUEUED.value}


def running_event() -> Event:
    return {"n": RUNNING, "type": "state", "state": Run.State.RUNNING.value}


def done_event(run: Run) -> Event:
    n = FIRST_TOKEN + max(run.events, len(_tokens(run))) if run.started_at else RUNNING
    output = run.output
    if output and _tokens(run):  # whoever gets this has had the tokens one by one
        output = {name: value for name, value in output.items() if name != "tokens"}
    return {"n": n, "type": "done", "state": run.state, "output": output, "error": run.error}


def _tokens(run: Run) -> list[Any]:
    tokens = (run.output or {}).get("tokens", [])
    return tokens if run.demo.kind == "generate" else []


def replay(run: Run) -> list[Event]:
    """The events of a finished run, from its row: tokens of kind "generate"; other kinds tell all in `done`."""
    events = [queued_event()]
    if run.started_at:
        events.append(running_event())
        for i, (token, text, probability, top) in enumerate(_tokens(run)):
            events.append(
                {"n": FIRST_TOKEN + i, "type": "token", "i": i, "id": token, "text": text, "p": probability, "top": top}
            )
    return [*events, done_event(run)]


def backlog(run: Run, after: int | None) -> list[Event]:
    """What somebody who saw events up to `after` has missed."""
    if run.state in Run.FINISHED:
        events = replay(run)
    else:
        try:
            events = kept(str(run.id))
            place = positions.place_of(str(run.id)) if run.state == Run.State.QUEUED else None
        except BrokerDown:
            events, place = [queued_event()], None
        if place is not None:
            return [*_after(events, after), positions.event(*place)]
    return _after(events, after)


def _after(events: list[Event], number: int | None) -> list[Event]:
    return pack(event for event in events if event["n"] > (number or 0))


class Publisher:
    """Sends the events of all runs of a worker: at once what a run begins with, then in batches of INTERVAL seconds.

    The engine's thread only appends to a list here; talking to Redis happens on this object's own thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._hurry = threading.Event()  # somebody's first words do not wait for the others' next
        self._pending: dict[str, list[Event]] = {}
        self._notes: dict[str, Event] = {}  # the latest of each run; it replaces the one before
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="publisher", daemon=True)
        self._thread.start()

    def add(self, run_id: str, events: list[Event]) -> None:
        with self._lock:
            self._pending.setdefault(run_id, []).extend(events)
        self._wake.set()
        if any(event.get("n") == FIRST_TOKEN for event in events):
            self._hurry.set()

    def note(self, run_id: str, event: Event) -> None:
        """Tell how a run is getting on; without a number, and only the latest of an interval."""
        with self._lock:
            self._notes[run_id] = event
        self._wake.set()

    def flush(self, run_id: str) -> None:
        """Send what is left of a run now, on the caller's thread."""
        with self._lock:
            events = self._pending.pop(run_id, [])
            self._notes.pop(run_id, None)
        if events:
            append(run_id, events)

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        self._hurry.set()
        self._thread.join(5)

    def _loop(self) -> None:
        pause = threading.Event()
        while not self._stopping:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                pending, self._pending = self._pending, {}
                notes, self._notes = self._notes, {}
            try:
                append_all(pending)
                append_all({run_id: [event] for run_id, event in notes.items()})
            except BrokerDown:
                with self._lock:  # kept for when it is back; order within a run is kept, too
                    for run_id, events in pending.items():
                        self._pending[run_id] = events + self._pending.get(run_id, [])
                pause.wait(0.5)
                self._wake.set()
            crowd = min(1.0, len(pending) / MANY_RUNS)
            self._hurry.wait(INTERVAL + crowd * (LONGEST_INTERVAL - INTERVAL))
            self._hurry.clear()
