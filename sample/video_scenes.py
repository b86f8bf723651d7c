"""What is said and drawn in the talk on SHA-RNN; make_video.py turns it into a film.

A scene is a list of clauses, each of which is one caption. Drawing knows nothing of seconds from the beginning: it is
given how long ago each clause of its scene began. The lowest 120 pixels stay free for captions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

SCALE = 2  # everything is drawn at twice the size and then halved, for smooth edges
PAPER, INK, MUTED, LINE = "#f7f8f6", "#16201f", "#525f5e", "#c3cbc8"
PETROL, SOFT, WARM, WARM_SOFT = "#0a5462", "#dcebed", "#b4650a", "#f6e5cb"
FONTS = "/usr/share/fonts/truetype/liberation/Liberation"


@dataclass(frozen=True)
class Clause:
    text: str  # as in the captions
    say: str = ""  # as the voice should read it, if different


@dataclass(frozen=True)
class Moment:
    scene: int
    since_start: float  # seconds since the scene appeared
    until_end: float
    since: list[float]  # seconds since each clause of the scene began; negative before
    lasts: list[float]  # seconds each clause takes
    progress: float  # of the whole talk, 0 to 1


SCENES = [
    [
        Clause(
            "SHA-RNN: an LSTM with a single attention head.", "Sha R N N: an L S T M, with a single attention head."
        ),
        Clause("Transformers use many heads in every layer."),
        Clause("How far does a language model get with one?"),
    ],
    [
        Clause(
            "Start from an LSTM. It reads text letter by letter,",
            "Start from an L S T M. It reads text letter by letter,",
        ),
        Clause("and hands a state from each step to the next."),
        Clause("But that state is small. What does not fit is forgotten."),
    ],
    [
        Clause("So one block keeps its earlier states, thousands of them,"),
        Clause("and gets one head to look back at them."),
        Clause("The head compares the present state with each earlier one,"),
        Clause("and brings back a mixture of those that match."),
        Clause("Only the query needs a matrix. Keys and values are merely scaled."),
    ],
    [
        Clause("Then comes the Boom layer."),
        Clause("One matrix makes the state four times as wide."),
        Clause("The four parts are then simply added up: no second matrix."),
    ],
    [
        Clause(
            "On Wikipedia text, the plain LSTM needs 1.33 bits per character.",
            "On Wikipedia text, the plain L S T M needs 1.33 bits per character.",
        ),
        Clause("With one head it needs 1.08,"),
        Clause("after about a day on a single graphics card."),
    ],
    [
        Clause("On this page, a small model of this kind is running."),
        Clause("Give it a title, and watch it write."),
    ],
]


@lru_cache(maxsize=64)
def font(name: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{FONTS}{name}.ttf", round(size * SCALE))


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def mix(colour: str, part: float, ground: str = PAPER) -> str:
    """`colour` laid over `ground` with opacity `part`: how everything here fades in and out."""
    part = min(1.0, max(0.0, part))
    pairs = zip(rgb(colour), rgb(ground), strict=True)
    return "#" + "".join(f"{round(a * part + b * (1 - part)):02x}" for a, b in pairs)


def ease(seconds: float, lasts: float = 0.6) -> float:
    """0 before, 1 after `lasts` seconds, gentle at both ends."""
    x = min(1.0, max(0.0, seconds / lasts))
    return x * x * (3 - 2 * x)


class Sheet:
    """A drawing surface of 1280 x 720 units."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (1280 * SCALE, 720 * SCALE), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str = INK,
        *,
        face: str = "Sans-Regular",
        at: str = "la",
    ) -> None:
        self.pen.text((x * SCALE, y * SCALE), text, fill=colour, font=font(face, size), anchor=at)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        edge: str = "",
        radius: float = 6,
        pen: float = 2,
    ) -> None:
        corners = [v * SCALE for v in (x, y, x + max(width, 0), y + max(height, 0))]
        self.pen.rounded_rectangle(corners, radius * SCALE, fill, edge or None, round(pen * SCALE) if edge else 0)

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        self.pen.ellipse([v * SCALE for v in (x - radius, y - radius, x + radius, y + radius)], fill)

    def line(self, points: list[tuple[float, float]], colour: str, width: float = 2) -> None:
        self.pen.line([(x * SCALE, y * SCALE) for x, y in points], colour, round(width * SCALE), joint="curve")

    def arrow(self, x0: float, y0: float, x1: float, y1: float, colour: str, width: float = 2) -> None:
        angle = math.atan2(y1 - y0, x1 - x0)
        tip = [(x1 - 10 * math.cos(angle + a), y1 - 10 * math.sin(angle + a)) for a in (-0.5, 0.5)]
        self.line([(x0, y0), (x1 - 6 * math.cos(angle), y1 - 6 * math.sin(angle))], colour, width)
        self.pen.polygon([(x * SCALE, y * SCALE) for x, y in [(x1, y1), *tip]], colour)

    def heading(self, text: str, shown: float) -> None:
        self.text(80, 62, text, 42, mix(INK, shown), face="Serif-Bold")

    def state(self, x: float, y: float, values: list[float], size: float, colour: str, ground: str, edge: str) -> None:
        """A hidden state: a card with a bar for each of its numbers."""
        self.box(x, y, size, size, ground, edge=edge, radius=8)
        pitch = (size - 20) / len(values)
        for i, value in enumerate(values):
            height = 6 + (size - 30) * value
            self.box(x + 10 + i * pitch + 1, y + size - 12 - height, pitch - 3, height, colour, radius=2)


def values_at(step: int, count: int = 6) -> list[float]:
    """Numbers that stand for the state after `step`: arbitrary, but the same each time."""
    return [0.5 + 0.5 * math.sin(1.7 * step + 2.3 * i + 0.9 * math.sin(step * i)) for i in range(count)]


def title_scene(sheet: Sheet, now: Moment) -> None:
    shown = ease(now.since_start)
    many, one = ease(now.since[1], 1.2), ease(now.since[2], 1.0)
    sheet.text(80, 168, "SHA-RNN", 92, mix(PETROL, shown), face="Serif-Bold")
    sheet.text(82, 288, "Single Headed Attention RNN:", 30, mix(INK, shown))
    sheet.text(82, 328, "Stop Thinking With Your Head", 30, mix(INK, shown))
    sheet.text(82, 402, "Stephen Merity, 2019", 24, mix(MUTED, shown))
    sheet.text(82, 436, "arXiv:1911.11423", 24, mix(MUTED, shown))
    for layer in range(8):
        for head in range(8):
            chosen = (layer, head) == (4, 3)
            appear = ease(now.since[1] - 0.05 * layer - 0.02 * head, 0.4) * (1 if chosen else 1 - 0.82 * one)
            x, y = 776 + head * 52, 150 + layer * 52
            radius = 15 + (9 * one if chosen else 0)
            sheet.dot(x, y, radius, mix(WARM if chosen and one > 0 else PETROL, appear))
    sheet.text(958, 566, "8 layers of 8 heads", 22, mix(MUTED, many * (1 - one)), at="ma")
    sheet.text(958, 566, "one head", 22, mix(WARM, one), at="ma", face="Sans-Bold")


LETTERS = "one_model"


def lstm_scene(sheet: Sheet, now: Moment) -> None:
    sheet.heading("An LSTM passes a state along", ease(now.since_start))
    step_length = (now.lasts[0] + now.lasts[1]) / len(LETTERS)
    position = max(0.0, now.since[0]) / step_length
    forget = ease(now.since[2] - 0.8, 1.6)
    for i, letter in enumerate(LETTERS):
        x, y = 90 + i * 124, 250
        shown = ease((position - i) * step_length, 0.4)
        age = len(LETTERS) - 1 - i
        keep = 1 - forget * min(0.88, 0.16 * age)
        fresh = max(0.0, 1 - abs(position - i - 0.5)) if position < len(LETTERS) else float(i == len(LETTERS) - 1)
        colour = mix(WARM, shown * keep * fresh, mix(PETROL, shown * keep))
        sheet.state(x, y, values_at(i), 92, colour, mix(SOFT, shown * keep), mix(PETROL, shown * keep))
        sheet.text(x + 46, y + 168, letter.replace("_", "␣"), 40, mix(INK, shown * keep), face="Mono-Bold", at="mm")
        sheet.arrow(x + 46, y + 138, x + 46, y + 98, mix(MUTED, shown * keep))
        if i:
            sheet.arrow(x - 31, y + 46, x - 3, y + 46, mix(PETROL, shown * keep), 3)
    sheet.text(90, 200, "state", 24, mix(PETROL, ease(now.since[1])), face="Sans-Bold")
    sheet.text(90, 470, "text", 24, mix(MUTED, ease(now.since[0])))
    sheet.text(640, 536, "what lies further back fades", 26, mix(WARM, forget), face="Sans-Bold", at="mm")


WEIGHTS = [0.02, 0.5, 0.03, 0.05, 0.02, 0.28, 0.06, 0.04]


def head_scene(sheet: Sheet, now: Moment) -> None:
    sheet.heading("One head looks back", ease(now.since_start))
    memory, head, compare, blend = (ease(s, 0.9) for s in now.since[:4])
    size, y, count = 88, 380, len(WEIGHTS)
    present = (1090.0, 380.0)
    query = (present[0] + size / 2, 196.0)
    for i, weight in enumerate(WEIGHTS):
        x = 80 + i * 118
        appear = ease(now.since[0] - 0.15 * (count - 1 - i) + 0.2, 0.5)
        strength = (1 / count) * (1 - compare) + weight * compare
        tone = mix(WARM_SOFT, min(1, 3 * strength) * compare * appear, mix(SOFT, appear))
        colour = mix(WARM, min(1, 2.5 * strength) * compare, mix(PETROL, appear))
        sheet.state(x, y, values_at(i), size, colour, tone, mix(colour, appear))
        top = (x + size / 2, y - 8)
        curve = [bezier(query, (query[0] - 40, 226), (top[0], 196), top, t / 24) for t in range(25)]
        drawn = curve[: 1 + round(24 * ease(now.since[1] - 0.1 * (count - 1 - i), 0.8))]
        if len(drawn) > 1:
            faint = mix(LINE, head)
            sheet.line(drawn, mix(WARM, compare * min(1, 2.5 * strength), faint), 1.5 + 16 * strength * compare)
        if weight > 0.2:
            sheet.text(x + size / 2, y + size + 26, f"{weight:.2f}", 26, mix(WARM, compare), face="Sans-Bold", at="mm")
    for t in range(3):  # further states, out of the picture on the left
        sheet.dot(58 - 16 * t, y + size / 2, 4, mix(PETROL, memory))
    sheet.state(*present, values_at(8), size, mix(PETROL, 1), mix(SOFT, 1), PETROL)
    sheet.text(present[0] + size / 2, y + size + 26, "now", 24, mix(PETROL, memory), face="Sans-Bold", at="mm")
    sheet.arrow(query[0], present[1] - 8, query[0], query[1] + 30, mix(PETROL, head), 3)
    sheet.dot(query[0], query[1], 26, mix(PETROL, head))
    sheet.text(query[0], query[1], "q", 32, mix(PAPER, head), face="Serif-BoldItalic", at="mm")
    sheet.text(80, y - 236, "memory of earlier states", 24, mix(MUTED, memory * (1 - compare)))
    if blend > 0:
        mixture = [sum(w * values_at(i)[k] for i, w in enumerate(WEIGHTS)) for k in range(6)]
        x = 640 + (present[0] - 124 - 640) * blend
        sheet.state(x - 44, 530, mixture, 76, mix(WARM, blend), mix(WARM_SOFT, blend), mix(WARM, blend))
        sheet.text(x - 60, 568, "mixture", 24, mix(WARM, blend), face="Sans-Bold", at="rm")
        sheet.arrow(x + 38, 568, present[0] + 20, 568, mix(WARM, ease(now.since[3] - 0.7)), 3)
        sheet.arrow(
            present[0] + size / 2, 566, present[0] + size / 2, y + size + 46, mix(WARM, ease(now.since[3] - 0.9)), 3
        )
    for line, (name, rule) in enumerate([("query", "a matrix times the state"), ("key, value", "the states, scaled")]):
        shown = ease(now.since[4] - 0.4 - 0.8 * line)
        sheet.text(80, 540 + 38 * line, name, 24, mix(INK, shown), face="Sans-Bold")
        sheet.text(220, 540 + 38 * line, rule, 24, mix(MUTED, shown))


Point = tuple[float, float]


def bezier(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * p[k] for w, p in zip(weights, (a, b, c, d), strict=True)) for k in (0, 1))
    return x, y


CELL, CELLS = 28, 8


def row_of_cells(sheet: Sheet, x: float, y: float, step: int, shown: float, colour: str) -> None:
    for i, value in enumerate(values_at(step, CELLS)):
        sheet.box(x + i * CELL, y, CELL - 4, CELL - 4, mix(colour, shown * (0.25 + 0.75 * value)), radius=4)


def boom_scene(sheet: Sheet, now: Moment) -> None:
    sheet.heading("The Boom layer", ease(now.since_start))
    wide, fold = ease(now.since[1] - 0.3, 1.2), ease(now.since[2] - 0.2, 1.8)
    width, gap = CELLS * CELL, 36
    middle, top, centre, bottom = 640 - width / 2, 160, 330, 520
    left = 640 - (4 * width + 3 * gap) / 2
    for part in range(4):
        x = left + part * (width + gap)
        for t in (0.1, 0.5, 0.9):
            end = middle + width / 2 + (x + width * t - middle - width / 2) * wide
            sheet.line(
                [(middle + width * t, top + 32), (end, top + 32 + (centre - top - 40) * wide)], mix(LINE, 0.9 * wide), 2
            )
    row_of_cells(sheet, middle, top, 8, ease(now.since[0]), PETROL)
    sheet.text(middle - 24, top + 12, "state, width d", 24, mix(MUTED, ease(now.since[0])), at="rm")
    sheet.text(middle + width + 24, top + 12, "one matrix", 24, mix(MUTED, wide), at="lm")
    for part in range(4):
        x = left + part * (width + gap)
        from_middle = middle + (x - middle) * wide
        row_of_cells(sheet, from_middle, centre, 20 + part, wide, WARM)
        if part:
            sheet.text(x - gap / 2 - 2, centre + 11, "+", 34, mix(INK, fold), face="Sans-Bold", at="mm")
        if 0 < fold < 1:
            row_of_cells(sheet, x + (middle - x) * fold, centre + (bottom - centre) * fold, 20 + part, 1 - fold, WARM)
    sheet.text(640, centre + 56, "width 4d", 24, mix(MUTED, wide * (1 - fold)), at="mm")
    row_of_cells(sheet, middle, bottom, 31, ease(now.since[2] - 1.6, 0.6), PETROL)
    summed = ease(now.since[2] - 1.8)
    sheet.text(middle - 24, bottom + 12, "width d again", 24, mix(MUTED, summed), at="rm")
    sheet.text(middle + width + 24, bottom + 12, "a plain sum", 24, mix(WARM, summed), face="Sans-Bold", at="lm")


RESULTS = [("LSTM, no head", 1.33, MUTED), ("one head", 1.08, WARM)]


def result_scene(sheet: Sheet, now: Moment) -> None:
    sheet.heading("What one head is worth", ease(now.since_start))
    sheet.text(80, 130, "bits per character on enwik8; shorter is better", 26, mix(MUTED, ease(now.since_start - 0.2)))
    for i, (name, value, colour) in enumerate(RESULTS):
        grown, y = ease(now.since[i] - 0.2, 1.4), 216 + 130 * i
        shown = ease(now.since[i])
        sheet.text(300, y + 38, name, 28, mix(INK, shown), at="rm")
        sheet.box(324, y, 560 * value * grown, 76, mix(colour, shown), radius=4)
        sheet.text(342 + 560 * value * grown, y + 38, f"{value:.2f}", 36, mix(colour, shown), face="Sans-Bold", at="lm")
    sheet.line([(324, 196), (324, 442)], mix(INK, ease(now.since_start - 0.2)), 2)
    day = ease(now.since[2])
    sheet.text(324, 496, "about 24 hours of training, one GPU, some 52 million weights", 28, mix(INK, day))
    sheet.text(324, 540, "a head in every block: 1.07", 24, mix(MUTED, ease(now.since[2] - 1.0)))


TITLE = "Recurrent Networks That Look Back"
OPENING = "We present a language model with one attention head"


def closing_scene(sheet: Sheet, now: Moment) -> None:
    sheet.heading("Try it on this page", ease(now.since_start))
    shown = ease(now.since_start)
    sheet.box(80, 170, 1120, 330, mix("#ffffff", shown), edge=mix(LINE, shown), radius=10)
    typed = TITLE[: max(0, round((now.since[0] - 0.3) * 16))]
    sheet.text(120, 212, typed, 36, INK, face="Serif-Bold")
    x, written = 120.0, now.since[1] * 5
    for i, word in enumerate(OPENING.split()):
        fresh = ease(written - i, 0.8)
        sheet.text(x, 296, word, 32, mix(PETROL, fresh, "#ffffff"))
        x += font("Sans-Regular", 32).getlength(word + " ") / SCALE
    sheet.box(120, 412, 120, 52, mix(PETROL, shown), radius=6)
    sheet.text(180, 438, "Run", 26, mix("#ffffff", shown), face="Sans-Bold", at="mm")
    sheet.text(264, 438, "prompt, temperature, seed", 24, mix(MUTED, shown), at="lm")


DRAWINGS: list[Callable[[Sheet, Moment], None]] = [
    title_scene, lstm_scene, head_scene, boom_scene, result_scene, closing_scene,
]  # fmt: skip


def draw(now: Moment) -> Image.Image:
    """One frame, 1280 x 720."""
    sheet = Sheet()
    DRAWINGS[now.scene](sheet, now)
    leaving = ease(0.4 - now.until_end, 0.4) if now.scene + 1 < len(SCENES) else 0.0
    if leaving:
        veil = Image.new("RGB", sheet.image.size, PAPER)
        sheet.image = Image.blend(sheet.image, veil, leaving)
        sheet.pen = ImageDraw.Draw(sheet.image)
    sheet.box(0, 714, 1280 * now.progress, 6, PETROL, radius=0)
    return sheet.image.reduce(SCALE)
