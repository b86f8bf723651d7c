"""The kinds of demo, found here by name: one module each in this folder, and those of installed packages.

To add one here, write `demos/kinds/<name>.py` with a subclass of `Kind` and enter it below. A package of its own needs
nothing of this project changed: docs/writing_a_demo.md.
"""

from __future__ import annotations

import logging

from demos import packages

from .attack import Attack
from .attention import Attention
from .base import Kind, RunContext
from .compare import Compare
from .generate import Generate
from .masks import Masks
from .outguess import Outguess
from .sparsity import Sparsity
from .surprise import Surprise
from .tasks import Answer, Classify, Entities, Summarize, Translate, ZeroShot
from .tokens import Tokens

logger = logging.getLogger(__name__)

OWN: list[Kind] = [
    Generate(),
    Compare(),
    Surprise(),
    Tokens(),
    Attention(),
    Masks(),
    Sparsity(),
    Attack(),
    Outguess(),
    Classify(),
    Entities(),
    Answer(),
    Summarize(),
    Translate(),
    ZeroShot(),
]


def _of_packages(taken: set[str]) -> list[Kind]:
    """The kinds that installed packages declare. One that cannot be used is told in the log and left out."""
    found = []
    for point in packages.declared():
        try:
            declared = point.load()
            kind = declared() if isinstance(declared, type) else declared
        except Exception as error:  # whatever a package does when it is imported, the site must start
            logger.error("kind of demo %r: %s cannot be loaded: %s", point.name, point.value, error)
            continue
        problem = _problem(point.name, kind, taken)
        if problem:
            logger.error("kind of demo %r: %s %s", point.name, point.value, problem)
            continue
        taken.add(kind.name)
        found.append(kind)
    return found


def _problem(name: str, kind: object, taken: set[str]) -> str:
    """What is wrong with what an entry point names; empty when nothing is."""
    if not isinstance(kind, Kind):
        return "is no subclass of demos.kinds.Kind"
    missing = [attribute for attribute in ("name", "title", "Inputs") if not hasattr(kind, attribute)]
    if missing:
        return f"does not set {', '.join(missing)}"
    if kind.name != name:
        return f"calls itself {kind.name!r}; the name of its entry point was expected"
    return f"takes the name {name!r}, which there is already" if name in taken else ""


KINDS: dict[str, Kind] = {kind.name: kind for kind in OWN}
KINDS |= {kind.name: kind for kind in _of_packages(set(KINDS))}


def get(name: str) -> Kind:
    """The kind called `name`. Raises KeyError."""
    return KINDS[name]


__all__ = ["KINDS", "Kind", "RunContext", "get"]
