"""The accent colour in light and dark: what is made from it, and whether it can be read everywhere it stands."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache

# As in static/site/base.css; a test holds them against it.
LIGHT = {"page": "#f7f8f6", "cards": "#ffffff", "tables": "#edf0ee"}
DARK = {"page": "#0f1416", "cards": "#171e20", "tables": "#202a2d"}
USUAL = ("#0a5462", "#7fcad6")
WANTED = 4.5  # contrast of text by WCAG 2.2, level AA

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Shades:
    """What the style sheets know as --accent, --accent-strong, --accent-text and --accent-soft."""

    accent: str
    strong: str
    text: str
    soft: str


@dataclass(frozen=True)
class Sample:
    """One place where the colour meets another."""

    what: str
    colour: str
    behind: str

    @property
    def ratio(self) -> float:
        return contrast(self.colour, self.behind)

    @property
    def can_be_read(self) -> bool:
        return self.ratio >= WANTED


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(colour: str) -> RGB:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(rgb: RGB) -> str:
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, value))):02x}" for value in rgb)


def _mix(one: str, other: str, much: float) -> str:
    first, second = _rgb(one), _rgb(other)
    red, green, blue = (much * a + (1 - much) * b for a, b in zip(first, second, strict=True))
    return _hex((red, green, blue))


def _with_lightness(colour: str, lightness: float) -> str:
    hue, _, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    return _hex(colorsys.hls_to_rgb(hue, lightness, saturation))


def shades(accent: str, *, dark: bool) -> Shades:
    page = DARK["page"] if dark else LIGHT["cards"]
    soft = _mix(accent, page, 0.24 if dark else 0.14)
    strong = _mix(accent, "#ffffff", 0.65) if dark else _mix(accent, "#000000", 0.72)
    text = max(("#ffffff", _mix(accent, "#000000", 0.2)), key=lambda colour: contrast(colour, accent))
    return Shades(accent, strong, text, soft)


def samples(accent: str, *, dark: bool) -> list[Sample]:
    made, behind = shades(accent, dark=dark), DARK if dark else LIGHT
    return [
        *(
            Sample(f"links on {'the page' if name == 'page' else name}", accent, colour)
            for name, colour in behind.items()
        ),
        Sample("letters on buttons", made.text, accent),
        Sample("what is chosen", made.strong, made.soft),
    ]


def can_be_read(accent: str, *, dark: bool) -> bool:
    return all(sample.can_be_read for sample in samples(accent, dark=dark))


@lru_cache(maxsize=256)
def nearest(accent: str, *, dark: bool) -> str:
    """The colour of the same hue that can be read everywhere and is nearest in lightness."""
    if can_be_read(accent, dark=dark):
        return accent
    _, lightness, _ = colorsys.rgb_to_hls(*_rgb(accent))
    for step in range(1, 101):
        for turned in (lightness + step / 100, lightness - step / 100) if dark else (lightness - step / 100,):
            if 0 <= turned <= 1 and can_be_read(found := _with_lightness(accent, turned), dark=dark):
                return found
    return USUAL[dark]


def dark_of(accent: str) -> str:
    """The colour for dark pages that goes with one for light pages: the same hue, light enough to stand out."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(accent))
    return nearest(_hex(colorsys.hls_to_rgb(hue, max(0.67, 1 - lightness), min(saturation, 0.75))), dark=True)


def stylesheet(accent: str, accent_dark: str) -> str:
    """The rules that give the site these colours; "" for its own."""
    if not accent and not accent_dark:
        return ""
    light = accent or USUAL[0]
    one, other = shades(light, dark=False), shades(accent_dark or dark_of(light), dark=True)
    names = {"": "accent", "-strong": "strong", "-text": "text", "-soft": "soft"}
    rules = "".join(
        f"  --accent{name}: light-dark({getattr(one, field)}, {getattr(other, field)});\n"
        for name, field in names.items()
    )
    return f":root {{\n{rules}}}\n"
