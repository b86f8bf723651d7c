"""Which fonts print a text. All are Kurinto, of the package weblate-fonts: one face that goes well with itself in Latin,
Greek, Cyrillic, Arabic, Hebrew, the scripts of India and others, and one each for Chinese, Japanese and Korean."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

BASE = "KurintoSans"
SIMPLIFIED, TRADITIONAL, JAPANESE, KOREAN = (f"{BASE}{script}" for script in ("SC", "TC", "JP", "KR"))


@cache
def folder() -> Path:
    spec = find_spec("weblate_fonts")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package weblate-fonts is not installed; requirements.lock names it")
    return Path(spec.submodule_search_locations[0], "static", "weblate_fonts", "kurinto", "ttf")


def file_of(font: str, *, bold: bool = False) -> Path:
    return folder() / f"{font}-{'Bd' if bold else 'Rg'}.ttf"


@cache
def _characters(font: str) -> frozenset[int]:
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    with TTFont(file_of(font), lazy=True) as opened:
        return frozenset(opened.getBestCmap())


def _lacks(font: str, letters: Iterable[str]) -> set[str]:
    known = _characters(font)
    return {letter for letter in letters if ord(letter) not in known}


def _letters(text: str) -> set[str]:
    """What has to be seen: no spaces, no controls, no marks of direction."""
    return {letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf", "Zs", "Zl", "Zp")}


def needed(text: str) -> list[str]:
    """The base font and, in this order, those that have what it lacks."""
    left, found = _lacks(BASE, _letters(text)), [BASE]
    first = [SIMPLIFIED, TRADITIONAL, JAPANESE, KOREAN]
    if any("HIRAGANA" in unicodedata.name(letter, "") or "KATAKANA" in unicodedata.name(letter, "") for letter in text):
        first = [JAPANESE, SIMPLIFIED, TRADITIONAL, KOREAN]
    elif any("HANGUL" in unicodedata.name(letter, "") for letter in text):
        first = [KOREAN, SIMPLIFIED, TRADITIONAL, JAPANESE]
    for font in first:
        if left and (rest := _lacks(font, left)) != left:
            found.append(font)
            left = rest
    return found


def missing(text: str) -> list[str]:
    """Characters that no font here has."""
    left = _letters(text)
    for font in needed(text):
        left = _lacks(font, left)
    return sorted(left)


def printable(text: str) -> str:
    """The text with what no font has as a question mark."""
    gone = set(missing(text))
    return "".join("?" if letter in gone else letter for letter in text)
