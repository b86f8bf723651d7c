"""Runs that went on from a place in another run: a tree, for whom it may be shown to.

A run's address is known to its maker only, so somebody sees the way up from a run and, below it, their own branches
and those that the maker of the run above made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from django.db.models import Q

from miniconf.permissions import Viewer, is_member

from .models import Run

HIGHEST = 30  # runs above one another
MOST = 60  # runs of a tree


@dataclass
class Branch:
    """A run in the tree; `at` is the token of the run above that it went on from instead of."""

    run: Run
    at: int | None
    here: bool = False
    branches: list[Branch] = field(default_factory=list)

    @property
    def beginning(self) -> str:
        text = " ".join(str((self.run.output or {}).get("text", "")).split())
        return f"{text[:60].rstrip()} …" if len(text) > 60 else text or self.run.state


def tree_of(run: Run, *, user: Viewer, visitor: str) -> list[Branch]:
    """The tree that `run` stands in, as one person may see it; empty for a run that stands alone."""
    root, above = run, {run.pk}
    while root.parent is not None and len(above) < HIGHEST and root.parent_id not in above:
        root = root.parent
        above.add(root.pk)
    own = Q(user=user) if is_member(user) else Q(user=None, visitor=visitor)
    nodes: dict[UUID, Branch] = {root.pk: Branch(root, None)}
    level = [root]
    while level and len(nodes) < MOST:
        makers = {r.pk: (r.user_id, r.visitor) for r in level}
        below = Run.objects.filter(parent__in=level).select_related("demo").order_by("created_at")
        shown = below.filter(own | Q(pk__in=above) | Q(user__in={u for u, _ in makers.values() if u}))
        level = []
        for child in shown[: MOST - len(nodes)]:
            parent_id = cast(UUID, child.parent_id)  # of the level above
            same_maker = child.user_id is not None and child.user_id == makers[parent_id][0]
            mine = child.user_id == user.pk if is_member(user) else child.user_id is None and child.visitor == visitor
            if child.pk in nodes or not (mine or same_maker or child.pk in above):
                continue
            nodes[child.pk] = Branch(child, child.parent_token)
            nodes[parent_id].branches.append(nodes[child.pk])
            level.append(child)
    if len(nodes) == 1:
        return []
    nodes[run.pk].here = True
    return [nodes[root.pk]]
