"""What is wrong with a source: collected in full, told with the place of each value, and never half imported."""

from __future__ import annotations

from dataclasses import dataclass, field

LIMIT = 50
_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: a file of the source, and the row, entry or line in it."""

    file: str
    row: str = ""

    def __str__(self) -> str:
        return f"{self.file}, {self.row}" if self.row else self.file


def shown(value: object) -> str:
    """A value as it appears in a message: on one line, cut when long, and visible when it is empty."""
    text = (value if isinstance(value, str) else repr(value))[: _LONGEST_VALUE + 1]
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return f"{text[:_LONGEST_VALUE]}…" if len(text) > _LONGEST_VALUE else (text or "(empty)")


@dataclass(frozen=True, slots=True)
class ProblemFound:
    place: Place
    field: str
    value: str  # as it is shown
    expected: str

    def __str__(self) -> str:
        """`file, row N, field: value — expected`; without a field, `file, row N — expected`."""
        where = f"{self.place}, {self.field}: {self.value}" if self.field else str(self.place)
        return f"{where} — {self.expected}"

    def as_dict(self) -> dict[str, str]:
        return {
            "file": self.place.file,
            "row": self.place.row,
            "field": self.field,
            "value": self.value,
            "expected": self.expected,
        }


@dataclass(slots=True)
class Problems:
    """All problems of one import; the first `LIMIT` are kept with their text, the rest is counted."""

    found: list[ProblemFound] = field(default_factory=list)
    left_out: int = 0

    @property
    def lines(self) -> list[str]:
        return [str(problem) for problem in self.found]

    def add(self, place: Place, field_name: str, value: object, expected: str) -> None:
        if len(self.found) >= LIMIT:
            self.left_out += 1
            return
        self.found.append(ProblemFound(place, field_name, shown(value) if field_name else "", expected))

    def as_dict(self) -> dict[str, object]:
        return {"problems": [problem.as_dict() for problem in self.found], "left_out": self.left_out}

    def stop_if_any(self) -> None:
        """Raises ImportFailed with everything collected so far."""
        if self.found:
            raise ImportFailed(self)


class ImportFailed(Exception):
    """The source cannot be imported as it is; nothing was changed."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        count = len(problems.found) + problems.left_out
        head = "1 problem; nothing was changed:" if count == 1 else f"{count} problems; nothing was changed:"
        tail = [f"… and {problems.left_out} more"] if problems.left_out else []
        super().__init__("\n".join([head, *problems.lines, *tail]))
