"""Examples from a file: JSON objects, one a line, or a table with a head. Errors name file, row and field."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from miniconf.problems import Problem

from . import kinds
from .models import Demo

LARGEST = 1_000_000  # bytes
MOST_ERRORS = 20


def read_examples(name: str, data: bytes, demo: Demo) -> tuple[list[dict[str, Any]], list[str]]:
    """The examples in a file, with the inputs that they give, checked for `demo`; and what is wrong, as sentences.

    Rows hold a `title` and inputs by name; JSON may have them in an object `inputs`. What a row leaves out is preset.
    """
    if len(data) > LARGEST:
        return [], [
            f"{name}: a file of {LARGEST // 1_000_000} MB at most was expected; this one has {len(data):,} bytes."
        ]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        return [], [f"{name}, row {row}: UTF-8 was expected."]
    table = name.lower().endswith((".csv", ".tsv"))
    rows, problems = (_table if table else _lines)(name, text)
    found: list[dict[str, Any]] = []
    for number, values in rows:
        example, wrong = _example(values, demo, table=table)
        problems += [f"{name}, row {number}, {field}: {message}" for field, message in wrong]
        if example is not None:
            found.append(example)
    if not found and not problems:
        problems.append(f"{name}: no rows; one for each example was expected.")
    if len(problems) > MOST_ERRORS:
        problems = [*problems[:MOST_ERRORS], f"{name}: {len(problems) - MOST_ERRORS} more."]
    return found, problems


def _lines(name: str, text: str) -> tuple[list[tuple[int, dict[str, Any]]], list[str]]:
    rows, problems = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_no_number)
        except ValueError as error:
            problems.append(f"{name}, row {number}: a JSON object was expected ({error}).")
            continue
        if not isinstance(row, dict):
            problems.append(f"{name}, row {number}: a JSON object was expected, not {type(row).__name__}.")
            continue
        rows.append((number, row))
    return rows, problems


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _table(name: str, text: str) -> tuple[list[tuple[int, dict[str, Any]]], list[str]]:
    """Rows are counted as a spreadsheet does: the head is row 1."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if name.lower().endswith(".tsv") else ",")
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[str] = []
    try:
        head = [cell.strip() for cell in next(reader, [])]
        if twice := [cell for cell in head if head.count(cell) > 1]:
            return [], [f"{name}, row 1: the column {twice[0]!r} stands there twice."]
        for number, cells in enumerate(reader, 2):
            if len(cells) > len(head):
                problems.append(f"{name}, row {number}: {len(head)} cells were expected, not {len(cells)}.")
            elif any(cell.strip() for cell in cells):
                rows.append((number, {title: cell for title, cell in zip(head, cells, strict=False) if cell != ""}))
    except csv.Error as error:
        problems.append(f"{name}, row {reader.line_num}: a table was expected ({error}).")
    return rows, problems


def _example(row: dict[str, Any], demo: Demo, *, table: bool) -> tuple[dict[str, Any] | None, list[tuple[str, str]]]:
    kind = kinds.get(demo.kind)
    row = dict(row)
    title = row.pop("title", "")
    nested = row.pop("inputs", None)
    if nested is not None and not isinstance(nested, dict):
        return None, [("inputs", "an object was expected")]
    inputs = {**row, **(nested or {})}
    if not isinstance(title, str) or len(title) > 120:
        return None, [("title", "a text of at most 120 characters was expected")]
    if not inputs:
        return None, [("inputs", "at least one input was expected")]
    if hidden := sorted(inputs.keys() & kind.not_preset):
        return None, [(hidden[0], "is given by a run, not by an example")]
    if table:
        inputs = {name: _cell(kind, name, value) for name, value in inputs.items()}
    try:
        clean = kind.validate(demo, inputs)
    except Problem as problem:
        return None, [(e["field"], e["message"]) for e in problem.extra.get("errors", [])] or [
            ("model", problem.detail)
        ]
    given = {name: clean[name] for name in inputs}
    return {"title": title.strip() or _beginning(given.get(kind.headline)), "inputs": given}, []


def _cell(kind: kinds.Kind, name: str, value: str) -> Any:
    """Numbers are read from their text by the kind; lists and the like are written as JSON in a cell."""
    schema = kind.Inputs.model_json_schema().get("properties", {}).get(name, {})
    if any(part.get("type") in ("array", "object") for part in (schema, *schema.get("anyOf", []))):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _beginning(text: Any) -> str:
    words = " ".join(str(text or "").split())
    return f"{words[:57].rstrip()} …" if len(words) > 60 else words or "Example"
