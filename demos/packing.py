"""Tokens on the wire: those of one text that follow each other travel as one event of type `tokens`.

{"type": "token", "n": 57, "i": 54, "id": 3001, "text": " model", "p": 0.2, "top": []} and the next three become
{"type": "tokens", "first": 57, "n": 60, "i": 54, "items": [[3001, " model", 0.2], ...]}; an item has the alternatives as its
fourth part if there are any. Inside the site events stay single.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]


def pack(events: Iterable[Event]) -> list[Event]:
    packed: list[Event] = []
    for event in events:
        if event["type"] != "token" or "n" not in event:
            packed.append(event)
            continue
        item = [event["id"], event["text"], event["p"]]
        if event.get("top"):
            item.append(event["top"])
        last = packed[-1] if packed else None
        if (
            last is not None
            and last["type"] == "tokens"
            and last["n"] + 1 == event["n"]
            and last["i"] + len(last["items"]) == event["i"]
            and last.get("stream", 0) == event.get("stream", 0)
        ):
            last["n"] = event["n"]
            last["items"].append(item)
        else:
            lane = {"stream": event["stream"]} if event.get("stream") else {}
            packed.append(
                {"n": event["n"], "first": event["n"], "type": "tokens", **lane, "i": event["i"], "items": [item]}
            )
    return packed


def unpack(events: Iterable[Event]) -> list[Event]:
    single: list[Event] = []
    for event in events:
        if event["type"] != "tokens":
            single.append(event)
            continue
        lane = {"stream": event["stream"]} if event.get("stream") else {}
        for place, (token, text, p, *top) in enumerate(event["items"]):
            single.append(
                {
                    "n": event["first"] + place,
                    "type": "token",
                    **lane,
                    "i": event["i"] + place,
                    "id": token,
                    "text": text,
                    "p": p,
                    "top": top[0] if top else [],
                }
            )
    return single
