"""Files of a source to typed values: encodings, CSV, JSON, YAML; every complaint names the place."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from .cells import unguarded
from .problems import Place, Problems

LARGEST_FILE = 100_000_000
LONGEST_LINE = 2_000_000  # characters; a cell of a spreadsheet holds 32,767
MOST_COLUMNS = 1_000
MOST_ROWS = 200_000
_MOST_VALUES = 5_000_000  # in a JSON file
_MOST_NODES = 1_000_000  # in a YAML file
_GROWTH = 10  # what aliases stand for may be so many times as long as the file


def read_bytes(path: Path, problems: Problems, *, name: str = "") -> bytes | None:
    """What is in a file, unless it is too large; None after a problem."""
    place = Place(name or path.name)
    try:
        if path.stat().st_size > LARGEST_FILE:
            problems.add(place, "", "", f"too large: at most {LARGEST_FILE // 1_000_000} MB are read")
            return None
        return path.read_bytes()
    except FileNotFoundError:
        problems.add(place, "", "", "missing: this file must be in the folder")
    except OSError as error:
        problems.add(place, "", "", f"cannot be read: {error.strerror}")
    return None


def read_text(path: Path, problems: Problems, *, name: str = "") -> str | None:
    """The text of a UTF-8 file without its byte order mark and with `\\n` line ends; None after a problem."""
    place = Place(name or path.name)
    data = read_bytes(path, problems, name=name)
    if data is None:
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


def _delimiter(path: Path, text: str) -> str:
    """A .tsv file has tabs, unless it was written for Mini-Conf, which parted those by commas too."""
    return "\t" if path.suffix == ".tsv" and "\t" in text.partition("\n")[0] else ","


def read_csv(path: Path, problems: Problems, *, required: Iterable[str]) -> list[tuple[Place, dict[str, str]]]:
    """Rows of a CSV or TSV file by column name. Rows are numbered as a spreadsheet shows them: the header is row 1."""
    text = read_text(path, problems)
    if text is None:
        return []
    place = Place(path.name)
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(_lines(text), delimiter=_delimiter(path, text), strict=True)
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
                if len(header) > MOST_COLUMNS:
                    problems.add(Place(place.file, "row 1"), "columns", len(header), f"at most {MOST_COLUMNS}")
                    return []
                twice = sorted(column for column, count in Counter(header).items() if count > 1)
                if twice:
                    problems.add(Place(place.file, "row 1"), "columns", ",".join(twice), "each column once")
                    return []
            elif any(cell.strip() for cell in cells):
                here = Place(place.file, f"row {number}")
                if len(cells) != len(header):
                    problems.add(here, "cells", len(cells), f"{len(header)} cells, as in the header")
                else:
                    rows.append((here, dict(zip(header, map(unguarded, cells), strict=True))))
                if len(rows) > MOST_ROWS:
                    problems.add(here, "", "", f"has too many rows: at most {MOST_ROWS} are read")
                    return []
    except csv.Error as error:
        problems.add(Place(place.file, f"row {number + 1}"), "", "", f"is not CSV from here on: {error}")
        return []
    if header is None:
        problems.add(place, "", "", f"is empty: a first line with the columns {', '.join(required)}")
    return rows


def _lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        if len(line) > LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE} characters")
        yield line


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
    if text.count(",") + text.count("[") + text.count("{") > _MOST_VALUES:  # each value but one follows on one of these
        problems.add(Place(path.name), "", "", f"too large: at most {_MOST_VALUES} values are read")
        return None
    return parse_json(text, Place(path.name), problems)


def _int(digits: str) -> int:
    if len(digits) > 1000:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def parse_json(text: str, place: Place, problems: Problems) -> Any:
    """The value of a JSON text; None after a problem. The place without a row gets the line of the mistake."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_int)
    except json.JSONDecodeError as error:
        problems.add(Place(place.file, place.row or f"line {error.lineno}"), "", "", f"is not JSON: {error.msg}")
    except RecursionError:
        problems.add(place, "", "", "is nested too deeply")
    except ValueError as error:  # a key that stands twice, a number that is none or has thousands of digits
        problems.add(place, "", "", f"is not JSON: {error}")
    return None


class _Loader(yaml.SafeLoader):
    """YAML in which only `null` and blanks are not text, so that no id, time or `no` is changed on the way."""

    yaml_implicit_resolvers = {  # noqa: RUF012  declared by the base class
        first: [(tag, regexp) for tag, regexp in resolvers if tag == "tag:yaml.org,2002:null"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._longest = _GROWTH * len(text) + 100_000
        self._length = self._nodes = 0  # of all that was composed, with what aliases stand for
        self._lengths: dict[int, int] = {}  # of what has an anchor

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = cast(Any, self).peek_event()
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            mark: Any = event.start_mark
            if id(node) not in self._lengths:
                raise yaml.composer.ComposerError(None, None, "an alias in what it stands for", mark)
            self._grow(self._lengths[id(node)], mark)
            return node
        before = self._length
        self._grow(1 + len(getattr(event, "value", "")), event.start_mark)
        node = super().compose_node(parent, index)
        if event.anchor is not None:
            self._lengths[id(node)] = self._length - before
        return node

    def _grow(self, length: int, mark: Any) -> None:
        self._length += length
        self._nodes += 1
        if self._length > self._longest:
            raise yaml.composer.ComposerError(None, None, f"aliases make it {_GROWTH} times as long", mark)
        if self._nodes > _MOST_NODES:
            raise yaml.composer.ComposerError(None, None, f"more than {_MOST_NODES} values", mark)

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
    except RecursionError:
        problems.add(Place(name or path.name), "", "", "is nested too deeply")
    except (yaml.YAMLError, ValueError) as error:
        problems.add(Place(name or path.name), "", "", f"is not YAML: {error}")
    return None
