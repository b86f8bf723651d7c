"""The kinds of demo: one module each, found here by name.

To add one, write `demos/kinds/<name>.py` with a subclass of `Kind` and enter it below; `templates/demos/kinds/<name>.html`
and `static/demos/kinds/<name>.js` are its form and its view.
"""

from __future__ import annotations

from .base import Kind, RunContext
from .generate import Generate

KINDS: dict[str, Kind] = {kind.name: kind for kind in [Generate()]}


def get(name: str) -> Kind:
    """The kind called `name`. Raises KeyError."""
    return KINDS[name]


__all__ = ["KINDS", "Kind", "RunContext", "get"]
