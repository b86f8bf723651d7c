"""What travels from publishers to followers."""

from __future__ import annotations

from . import Event, encode_frame

OFFLINE: Event = {"type": "offline"}
ONLINE: Event = {"type": "online"}


def events_first(events: list[Event]) -> int:
    """The smallest number in `events`, of which at least one is numbered."""
    event = next(event for event in events if "n" in event)
    first: int = event["first"] if "first" in event else event["n"]
    return first


def behind(event: Event, number: int) -> Event:
    """An event without what it tells of numbers up to `number`, none of which is its last."""
    known = number + 1 - event.get("first", number + 1)
    if known <= 0:
        return event
    return {**event, "first": number + 1, "i": event["i"] + known, "items": event["items"][known:]}


class Frame:
    """Some events of one topic, decoded once and encoded once for all who get them."""

    __slots__ = ("_text", "events", "first", "last", "topic")

    def __init__(self, topic: str, events: list[Event], text: str | None = None) -> None:
        self.topic = topic
        self.events = events
        self._text = text
        numbers = [event["n"] for event in events if "n" in event]
        # An event may stand for several numbers, `first` to `n`, with one of its `items` for each.
        self.first: int | None = events_first(events) if numbers else None
        self.last: int = numbers[-1] if numbers else 0

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = encode_frame(self.topic, self.events)
        return self._text

    def after(self, number: int) -> Frame | None:
        """What is left for one who has seen everything up to `number`; the frame itself where that is all of it."""
        if self.first is None or self.first > number:
            return self
        rest = [behind(event, number) for event in self.events if event.get("n", number + 1) > number]
        return Frame(self.topic, rest) if rest else None
