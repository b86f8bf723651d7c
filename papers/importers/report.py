"""What an import did, or would do: counts, each change, conflicts, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from papers.values import Values

from .problems import Place, Problems, shown

Action = Literal["added", "changed", "withdrawn", "removed", "kept"]
_MOST_TOLD = 20
_MOST_NOTES = 200


@dataclass(slots=True)
class Counts:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0  # kept and no longer listed; pages, sponsors and unused people are removed instead


@dataclass(slots=True)
class Change:
    """What is done to one row. `conflicts`: fields edited on the site whose source says something new."""

    kind: str
    key: str
    title: str
    action: Action
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)
    conflicts: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    source: str
    title: str
    dry_run: bool = False
    counts: dict[str, Counts] = field(default_factory=dict)
    row_changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)

    def count(self, what: str, *, added: int = 0, changed: int = 0, unchanged: int = 0, withdrawn: int = 0) -> None:
        self.counts[what] = Counts(added, changed, unchanged, withdrawn)

    def problem(self, file: str, row: str, field_name: str, value: object, expected: str) -> None:
        """Note a problem; after the step that found it the import stops and nothing is changed."""
        self.problems.add(Place(file, row), field_name, value, expected)

    def note(self, sentence: str) -> None:
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(sentence)

    @property
    def changes(self) -> int:
        return sum(c.added + c.changed + c.withdrawn for c in self.counts.values())

    @property
    def conflicts(self) -> list[tuple[Change, str, Any, Any]]:
        """Of each field that was kept against the source: its row, name, our value, the source's."""
        return [(change, name, *values) for change in self.row_changes for name, values in change.conflicts.items()]

    def lines(self) -> list[str]:
        """The summary, as printed by import_programme."""
        shown_counts = {
            what: c for what, c in self.counts.items() if c.added or c.changed or c.unchanged or c.withdrawn
        }
        lines = [f'Source "{self.source}" ({self.title})']
        lines.append(f"{'':<14}{'added':>10}{'changed':>10}{'unchanged':>11}{'withdrawn':>11}")
        for what, c in shown_counts.items():
            lines.append(f"{what:<14}{c.added:>10}{c.changed:>10}{c.unchanged:>11}{c.withdrawn:>11}")
        lines += self.notes
        conflicts = self.conflicts
        for change, name, ours, theirs in conflicts[:_MOST_TOLD]:
            lines.append(
                f"{change.kind} {change.key}, {name}: edited here, so {shown(ours)} is kept; the source now says "
                f"{shown(theirs)}"
            )
        if len(conflicts) > _MOST_TOLD:
            lines.append(f"… and {len(conflicts) - _MOST_TOLD} more fields edited here")
        if conflicts:
            lines.append("With --overwrite the source's values are taken.")
        if self.changes == 0:
            lines.append("Nothing has changed since the last import of this source.")
        elif self.dry_run:
            lines.append("A dry run: nothing was stored.")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "source": self.source,
            "format": self.title,
            "dry_run": self.dry_run,
            "counts": {what: {name: getattr(c, name) for name in Counts.__slots__} for what, c in self.counts.items()},
            "notes": self.notes,
            "conflicts": [
                {"kind": change.kind, "key": change.key, "field": name, "ours": ours, "theirs": theirs}
                for change, name, ours, theirs in self.conflicts[:1000]
            ],
        }
