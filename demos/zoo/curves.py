"""Training curves as PNG, drawn with Pillow: no plotting library is installed for two lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (1280, 800)
SCALE = 2  # drawn at twice the size and reduced: smooth lines
FRAME = (110, 70, 1240, 720)  # left, top, right, bottom
INK, FAINT, PAPER = (32, 33, 36), (218, 220, 224), (255, 255, 255)
COLOURS = [(26, 95, 180), (192, 80, 30), (40, 130, 80), (130, 60, 150), (110, 110, 110)]

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One curve and what it is called."""

    name: str
    points: Sequence[Point]
    level: bool = False  # a dashed horizontal line, to compare with


def steps(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers that divide a range: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / about))
    width = next(power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= about)
    first = math.ceil(low / width - 1e-9)
    last = math.floor(high / width + 1e-9)
    return [index * width for index in range(first, last + 1)]


def draw_curves(path: Path, title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> None:
    """Write a chart of `lines` to `path`."""
    points = [point for line in lines for point in line.points]
    if not points:
        raise ValueError(f"{title}: there is nothing to draw")
    left, right = min(0.0, *(x for x, _ in points)), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    margin = 0.05 * (high - low) or 0.1
    low, high = low - margin, high + margin
    right = right if right > left else left + 1

    def place(x: float, y: float) -> Point:
        across = FRAME[0] + (x - left) / (right - left) * (FRAME[2] - FRAME[0])
        down = FRAME[3] - (y - low) / (high - low) * (FRAME[3] - FRAME[1])
        return across * SCALE, down * SCALE

    image = Image.new("RGB", (SIZE[0] * SCALE, SIZE[1] * SCALE), PAPER)
    draw = ImageDraw.Draw(image)
    font, bold = ImageFont.load_default(20 * SCALE), ImageFont.load_default(26 * SCALE)
    for x in steps(left, right):
        draw.line([place(x, low), place(x, high)], FAINT, SCALE)
        across, down = place(x, low)
        draw.text((across, down + 8 * SCALE), f"{x:g}", INK, font, anchor="ma")
    for y in steps(low, high):
        draw.line([place(left, y), place(right, y)], FAINT, SCALE)
        across, down = place(left, y)
        draw.text((across - 10 * SCALE, down), f"{y:.4g}", INK, font, anchor="rm")
    # The legend stands on paper, not on the lines.
    legend = (FRAME[2] - 312, FRAME[1] + 4, FRAME[2] - 4, FRAME[1] + 12 + 32 * len(lines))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        placed = [place(x, y) for x, y in line.points]
        if line.level:
            _dashed(draw, place(left, line.points[0][1]), place(right, line.points[0][1]), colour)
        elif len(placed) == 1:
            across, down = placed[0]
            draw.ellipse((across - 8, down - 8, across + 8, down + 8), colour)
        else:
            draw.line(placed, colour, 3 * SCALE, joint="curve")
    draw.rectangle([value * SCALE for value in legend], PAPER)
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        top = (FRAME[1] + 24 + 32 * number) * SCALE
        draw.line([((FRAME[2] - 300) * SCALE, top), ((FRAME[2] - 260) * SCALE, top)], colour, 4 * SCALE)
        draw.text(((FRAME[2] - 250) * SCALE, top), line.name, INK, font, anchor="lm")
    draw.rectangle([value * SCALE for value in FRAME], outline=INK, width=SCALE)
    draw.text((FRAME[0] * SCALE, 24 * SCALE), f"{title}: {y_name}", INK, bold)
    draw.text(((FRAME[0] + FRAME[2]) // 2 * SCALE, (SIZE[1] - 34) * SCALE), x_name, INK, font, anchor="ma")
    image.resize(SIZE, Image.Resampling.LANCZOS).quantize(64).save(path, optimize=True)


def _dashed(draw: ImageDraw.ImageDraw, start: Point, end: Point, colour: tuple[int, int, int]) -> None:
    dash = 14 * SCALE
    across = start[0]
    while across < end[0]:
        draw.line([(across, start[1]), (min(across + dash, end[0]), start[1])], colour, 2 * SCALE)
        across += 2 * dash


def training_curves(
    folder: Path, title: str, records: Sequence[dict[str, float]], levels: dict[str, float], held_out_name: str
) -> list[Path]:
    """`loss.png` and `held_out.png` from the reports of a run; `levels` are drawn beside the held-out curve."""
    unit = "tokens" if all("tokens" in record for record in records) else "step"
    factor = 1e6 if unit == "tokens" else 1
    x_name = "tokens read, millions" if unit == "tokens" else "steps"
    loss = [(r[unit] / factor, r["loss"] / math.log(2)) for r in records if "loss" in r]
    held = [(r[unit] / factor, r["held_out_bits_per_byte"]) for r in records if "held_out_bits_per_byte" in r]
    written = []
    if loss:
        draw_curves(folder / "loss.png", title, x_name, "bits per token while training", [Line("training text", loss)])
        written.append(folder / "loss.png")
    if held:
        lines = [Line("held-out text", held)] + [Line(name, [(0, y)], True) for name, y in levels.items()]
        draw_curves(folder / "held_out.png", title, x_name, held_out_name, lines)
        written.append(folder / "held_out.png")
    return written
