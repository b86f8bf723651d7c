"""Values of database fields as JSON, exact to the microsecond and the byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


def stored_fields(model: type[models.Model]) -> list[Any]:
    """The columns of a model's table, in the order in which rows are written."""
    return list(model._meta.concrete_fields)


def to_line(fields: Sequence[Any], row: Sequence[Any]) -> str:
    return json.dumps([_to_json(field, value) for field, value in zip(fields, row, strict=True)], ensure_ascii=False)


def columns_of(fields: Sequence[Any]) -> str:
    """The first line of a file of rows: what the values of each row are called."""
    return json.dumps([field.attname for field in fields])


def fields_of(model: type[models.Model], line: str) -> list[Any]:
    """The model's fields in the order that the first line of a file names. Raises ValueError."""
    known = {field.attname: field for field in stored_fields(model)}
    names = json.loads(line or "null")
    if not isinstance(names, list) or set(names) != known.keys():
        raise ValueError(f"expected the columns {', '.join(known)}")
    return [known[name] for name in names]


def from_line(fields: Sequence[Any], line: str) -> dict[str, Any]:
    """Attribute names and values of one row. Raises ValueError, naming the field."""
    values = json.loads(line)
    if not isinstance(values, list) or len(values) != len(fields):
        raise ValueError(f"expected a list of {len(fields)} values")
    return {field.attname: _from_json(field, value) for field, value in zip(fields, values, strict=True)}


def _target(field: Any) -> Any:
    """The field whose values a column holds: that of the row a foreign key points to."""
    while field.is_relation:
        field = field.target_field
    return field


def _to_json(field: Any, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str) or isinstance(_target(field), models.JSONField):
        return value
    if isinstance(value, bytes | memoryview):
        return field.value_to_string(_Holder(field.attname, bytes(value)))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _from_json(field: Any, value: Any) -> Any:
    target = _target(field)
    if value is None or isinstance(target, models.JSONField):
        return value
    try:
        return target.to_python(value)
    except (ValidationError, TypeError) as error:
        raise ValueError(f"{field.name}: {value!r} is no value of it") from error


class _Holder:
    """What `Field.value_to_string` takes a value from."""

    def __init__(self, name: str, value: bytes) -> None:
        setattr(self, name, value)
