"""The addresses at which colours and logo are served."""

from __future__ import annotations

import hashlib

from django.urls import reverse

from ..models import Appearance
from . import colours


def stylesheet_of(appearance: Appearance) -> str:
    return colours.stylesheet(appearance.accent, appearance.accent_dark)


def mark(appearance: Appearance) -> str:
    """Part of the style sheet's address, so that browsers may keep it for ever; blank where there is none."""
    text = stylesheet_of(appearance)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() if text else ""


def addresses(appearance: Appearance) -> dict[str, str]:
    """What pages refer to, and what the file of each is called in a frozen site."""
    found = {}
    if marked := mark(appearance):
        found[reverse("theme_stylesheet", args=[marked])] = "theme/colours.css"
    if appearance.logo_mark:
        found[reverse("theme_logo", args=[appearance.logo_mark])] = "theme/logo.webp"
    return found
