"""What an import did, or why it could not."""

from __future__ import annotations

from dataclasses import dataclass, field

from .problems import Place, Problems


@dataclass(slots=True)
class Counts:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0  # kept and no longer listed; pages, sponsors and unused people are removed instead


@dataclass(slots=True)
class Report:
    source: str
    title: str
    dry_run: bool = False
    counts: dict[str, Counts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)

    def count(self, what: str, *, added: int = 0, changed: int = 0, unchanged: int = 0, withdrawn: int = 0) -> None:
        self.counts[what] = Counts(added, changed, unchanged, withdrawn)

    def problem(self, file: str, row: str, field_name: str, value: object, expected: str) -> None:
        """Note a problem; after the step that found it the import stops and nothing is changed."""
        self.problems.add(Place(file, row), field_name, value, expected)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    @property
    def changes(self) -> int:
        return sum(c.added + c.changed + c.withdrawn for c in self.counts.values())

    def lines(self) -> list[str]:
        """The summary, as printed by import_programme."""
        shown = {what: c for what, c in self.counts.items() if c.added or c.changed or c.unchanged or c.withdrawn}
        lines = [f'Source "{self.source}" ({self.title})']
        lines.append(f"{'':<14}{'added':>10}{'changed':>10}{'unchanged':>11}{'withdrawn':>11}")
        for what, c in shown.items():
            lines.append(f"{what:<14}{c.added:>10}{c.changed:>10}{c.unchanged:>11}{c.withdrawn:>11}")
        lines += self.notes
        if self.changes == 0:
            lines.append("Nothing has changed since the last import of this source.")
        elif self.dry_run:
            lines.append("A dry run: nothing was stored.")
        return lines
