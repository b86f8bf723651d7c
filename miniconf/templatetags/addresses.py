"""Addresses that people and files gave, as links. Every template has this without loading it (settings, `builtins`)."""

from __future__ import annotations

import re

from django import template

register = template.Library()

_FIT = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f\x7f]+", re.IGNORECASE)


@register.filter
def web_address(text: object) -> str:
    """An address as it is where a click on it opens a page or a mail; "#" for what would run something.

    Forms and importers take no others. What stands in the tables by another way must not run either.
    """
    return str(text) if _FIT.fullmatch(str(text or "")) else "#"
