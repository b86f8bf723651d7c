"""Files of a source to typed values: encodings, CSV, JSON, YAML; every complaint names the place."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import yaml

from .problems import Place, Problems

_LARGEST_FILE = 100_000_000


def read_text(path: Path, problems: Problems, *, name: str = "") -> str | None:
    """The text of a UTF-8 file without its byte order mark and with `\\n` line ends; None after a problem."""
    place = Place(name or path.name)
    try:
        if path.stat().st_size > _LARGEST_FILE:
            problems.add(place, "", "", f"too large: at most {_LARGEST_FILE // 1_000_000} MB are read")
            return None
        data = path.read_bytes()
    except FileNotFoundError:
        problems.add(place, "", "", "missing: this file must be in the folder")
        return None
    except OSError as error:
        problems.add(place, "", "", f"cannot be read: {error.strerror}")
        return None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        problems.add(place, "", "", "is UTF-16: save it as UTF-8")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(Place(place.file, f"line {line}"), "byte", f"0x{data[error.start]:02x}", "text in UTF-8")
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.add(Place(place.file, f"line {line}"), "", "", "holds a NUL character: text has none")
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_csv(path: Path, problems: Problems, *, required: Iterable[str]) -> list[tuple[Place, dict[str, str]]]:
    """Rows of a CSV file by column name. Rows are numbered as a spreadsheet shows them: the header is row 1."""
    text = read_text(path, problems)
    if text is None:
        return []
    place = Place(path.name)
    csv.field_size_limit(_LARGEST_FILE)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[Place, dict[str, str]]] = []
    header: list[str] | None = None
    number = 0
    try:
        for cells in reader:
            number += 1
            if header is None:
                header = [cell.strip() for cell in cells]
                missing = [column for column in required if column not in header]
                if missing:
                    problems.add(Place(place.file, "row 1"), "columns", ",".join(header), f"also {', '.join(missing)}")
                    return []
                twice = sorted({column for column in header if header.count(column) > 1})
                if twice:
                    problems.add(Place(place.file, "row 1"), "columns", ",".join(twice), "each column once")
                    return []
            elif any(cell.strip() for cell in cells):
                here = Place(place.file, f"row {number}")
                if len(cells) != len(header):
                    problems.add(here, "cells", len(cells), f"{len(header)} cells, as in the header")
                else:
                    rows.append((here, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        problems.add(Place(place.file, f"row {number + 1}"), "", "", f"is not CSV from here on: {error}")
        return []
    if header is None:
        problems.add(place, "", "", f"is empty: a first line with the columns {', '.join(required)}")
    return rows


class _DuplicateKey(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value:
            raise _DuplicateKey(f"the key {key!r} stands twice in one object")
        value[key] = item
    return value


def _no_constant(name: str) -> float:
    raise _DuplicateKey(f"{name} is not a number")


def read_json(path: Path, problems: Problems) -> Any:
    """The value of a JSON file; None after a problem."""
    text = read_text(path, problems)
    if text is None:
        return None
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        problems.add(Place(path.name, f"line {error.lineno}"), "", "", f"is not JSON: {error.msg}")
    except (_DuplicateKey, RecursionError) as error:
        problems.add(Place(path.name), "", "", f"is not JSON: {error}")
    return None


class _Loader(yaml.SafeLoader):
    """YAML in which only `null` and blanks are not text, so that no id, time or `no` is changed on the way."""

    yaml_implicit_resolvers = {  # noqa: RUF012  declared by the base class
        first: [(tag, regexp) for tag, regexp in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return cast(dict[Any, Any], super().construct_mapping(node, deep=deep))


def read_yaml(path: Path, problems: Problems, *, name: str = "") -> Any:
    """The value of a YAML file, scalars as text; None after a problem or when it is empty."""
    text = read_text(path, problems, name=name)
    if text is None:
        return None
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader with fewer resolvers
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problems.add(Place(name or path.name, line), "", "", f"is not YAML: {error.problem}")
    except yaml.reader.ReaderError as error:
        line = f"line {text.count(chr(10), 0, error.position) + 1}"
        problems.add(Place(name or path.name, line), "character", error.character, "a printable character")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problems.add(Place(name or path.name), "", "", f"is not YAML: {error}")
    return None
