"""Tokens travel together and come out one by one, also for somebody who has seen some of them."""

import pytest

from demos.packing import pack, unpack
from miniconf.live.frames import Frame
from miniconf_client.runs import Event, Knowledge

STATE = {"n": 2, "type": "state", "state": "running"}
DONE = {"n": 8, "type": "done", "state": "succeeded", "output": {"text": "abcde", "new_tokens": 5}, "error": ""}


def token(i, text, n=None, **more):
    return {"n": n or i + 3, "type": "token", "i": i, "id": 100 + i, "text": text, "p": 0.5, "top": [], **more}


EVENTS = [STATE, *(token(i, text) for i, text in enumerate("abcde")), DONE]


def test_tokens_that_follow_each_other_are_one_event_and_come_out_as_they_were():
    packed = pack(EVENTS)
    assert [event["type"] for event in packed] == ["state", "tokens", "done"]
    assert packed[1] == {
        "n": 7,
        "first": 3,
        "type": "tokens",
        "i": 0,
        "items": [[100 + i, text, 0.5] for i, text in enumerate("abcde")],
    }
    assert unpack(packed) == EVENTS


def test_two_texts_and_alternatives_are_kept_apart():
    events = [
        token(0, "a", 3, top=[["a", 0.5], ["b", 0.2]]),
        token(0, "x", 4, stream=1),
        token(1, "y", 5, stream=1),
        token(1, "b", 6),
    ]
    packed = pack(events)
    assert [(event["first"], event["n"], event.get("stream", 0)) for event in packed] == [
        (3, 3, 0),
        (4, 5, 1),
        (6, 6, 0),
    ]
    assert unpack(packed) == events


@pytest.mark.parametrize("seen", range(9))
def test_whoever_has_seen_some_gets_exactly_the_rest(seen):
    frame = Frame("run:x", pack(EVENTS))
    assert (frame.first, frame.last) == (2, 8)
    rest = frame.after(seen)
    assert (unpack(rest.events) if rest else []) == [event for event in EVENTS if event["n"] > seen]


def test_the_client_counts_each_token_once_and_puts_the_output_together():
    known = Knowledge({"state": "running", "output": None, "error": None, "position": None})
    wire = [*pack(EVENTS[:4]), *pack(EVENTS[3:])]  # "c" twice, as after a line that was cut
    told = [Event(e["n"], e["type"], {k: v for k, v in e.items() if k not in ("n", "type", "first")}) for e in wire]
    taken = [part for event in told for part in event.parts() if known.take(part)]
    assert [part.n for part in taken] == list(range(2, 9))
    assert "".join(part.token().text for part in taken if part.type == "token") == "abcde"
    assert known.result() == {
        "text": "abcde",
        "new_tokens": 5,
        "tokens": [[100 + i, text, 0.5, []] for i, text in enumerate("abcde")],
    }
