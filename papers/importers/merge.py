"""What becomes of one row when its source comes again: three values of each field are compared.

`ours` is what the site shows, `theirs` what the source says now, and `base` what the source said when the field was
edited on the site. A field nobody edited follows the source. An edited one is kept as long as the source still says
the same; when the source says something new, that is a conflict, and ours is kept unless the source is to overwrite.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from papers.values import Values


@dataclass(slots=True)
class Merge:
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)
    conflicts: dict[str, list[object]] = field(default_factory=dict)  # field -> [ours, theirs]
    edited: Values = field(default_factory=dict)  # the marks that remain: field -> base


def merge(*, ours: Values, theirs: Values, edited: Values, overwrite: bool) -> Merge:
    """What to write so that a row with values `ours` and edit marks `edited` takes in what the source says."""
    merged = Merge(edited={name: base for name, base in edited.items() if name not in theirs})
    for name, value in theirs.items():
        if name in edited and not overwrite and ours.get(name) != value:
            merged.edited[name] = edited[name]
            if value != edited[name]:
                merged.conflicts[name] = [ours.get(name), value]
        elif ours.get(name) != value:
            merged.before[name], merged.after[name] = ours.get(name), value
    return merged
