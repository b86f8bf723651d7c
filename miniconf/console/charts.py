"""Charts as SVG made on the server: no script, no third party; the same numbers stand in a table for screen readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 180
LEFT, BOTTOM, TOP = 44, 22, 8


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class BarChart:
    title: str
    bars: list[Bar]
    lines: list[tuple[float, str]]  # height of a line and what it stands for
    labels: list[tuple[float, str]]  # below the bars, as many as fit
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = HEIGHT - BOTTOM


def bar_chart(title: str, values: Sequence[tuple[str, float]], *, most_labels: int = 8) -> BarChart:
    """Bars from zero, one for each (label, value), with a round number at the top line."""
    top = round_up(max((value for _, value in values), default=0))
    room, height = WIDTH - LEFT, HEIGHT - BOTTOM - TOP
    step = room / max(1, len(values))
    bars = []
    for place, (label, value) in enumerate(values):
        tall = height * value / top
        bars.append(Bar(label, value, LEFT + place * step + step * 0.1, HEIGHT - BOTTOM - tall, step * 0.8, tall))
    every = max(1, -(-len(values) // most_labels))
    labels = [(LEFT + (place + 0.5) * step, label) for place, (label, _) in enumerate(values) if place % every == 0]
    lines = [(HEIGHT - BOTTOM - height * share, _short(top * share)) for share in (0.5, 1.0)]
    return BarChart(title, bars, lines, labels)


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    top = 1.0
    while top < value:
        for factor in (2.0, 2.5, 2.0):
            top *= factor
            if top >= value:
                break
    return top


def _short(value: float) -> str:
    return f"{value / 1000:g} k" if value >= 1000 else f"{value:g}"
