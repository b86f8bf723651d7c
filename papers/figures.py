"""Numbers about papers that other apps know (demos: runs), for the pages of their authors; asked for many papers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

# From keys of papers to how many: papers without any are left out.
Provider = Callable[[Collection[int]], Mapping[int, int]]
_providers: dict[str, Provider] = {}


def register_figure(name: str, provider: Provider) -> None:
    """Have `provider` count something that is called `name` ("demo runs"); one call for each page."""
    _providers[name] = provider


def figures_of(papers: Collection[int]) -> dict[int, dict[str, int]]:
    """For each paper its numbers by name, zeros too."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for name, provider in _providers.items():
        counts = provider(papers)
        for pk in papers:
            found[pk][name] = counts.get(pk, 0)
    return dict(found)
