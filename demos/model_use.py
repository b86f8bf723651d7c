"""Which models are in use, and by which demos."""

from __future__ import annotations

from miniconf.problems import Problem

from . import kinds
from .models import Demo


def models_of(demo: Demo) -> list[str]:
    """The models of a demo, also of one that is not set up rightly."""
    try:
        return kinds.get(demo.kind).models_of(demo)
    except Problem:
        return [demo.model]


def models_in_use() -> dict[str, list[Demo]]:
    """Name of a model -> the demos that anybody can see and that use it."""
    demos = Demo.objects.filter(enabled=True, kind__in=kinds.KINDS, paper__withdrawn_at=None).select_related("paper")
    found: dict[str, list[Demo]] = {}
    for demo in demos:
        for name in models_of(demo):
            found.setdefault(name, []).append(demo)
    return dict(sorted(found.items()))


def wanted_models() -> tuple[set[str], set[str]]:
    """(models that workers have ready, models that they load when somebody asks: those of demos that are not out yet)."""
    ready: set[str] = set()
    asked: set[str] = set()
    for demo in Demo.objects.filter(kind__in=kinds.KINDS):
        (ready if demo.enabled else asked).update(models_of(demo))
    return ready, asked - ready
