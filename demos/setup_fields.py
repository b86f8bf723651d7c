"""Form fields for a kind's typed inputs and options: made from their JSON Schema, so for any kind, also one of a package."""

from __future__ import annotations

import json
import math
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic import BaseModel

from . import lines

Schema = dict[str, Any]
LONG = 200  # letters from which a text gets more than a line


def schemas(model: type[BaseModel]) -> dict[str, Schema]:
    """The schema of each field, references followed and the `null` of what may be left open taken out."""
    whole = model.model_json_schema()
    definitions = whole.get("$defs", {})
    return {name: _plain(schema, definitions) for name, schema in whole.get("properties", {}).items()}


def _plain(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rsplit("/", 1)[-1]], **{k: v for k, v in schema.items() if k != "$ref"}}
    for word in ("anyOf", "allOf", "oneOf"):
        members = [_plain(member, definitions) for member in schema.get(word, []) if member.get("type") != "null"]
        if len(members) == 1:
            schema = {**members[0], **{key: value for key, value in schema.items() if key != word}}
    if "items" in schema:
        schema = {**schema, "items": _plain(schema["items"], definitions)}
    return schema


def field_for(name: str, schema: Schema, *, preset: Any = None) -> forms.Field:
    """A field that may stay empty: then the kind's own preset is meant, which is shown where there is one."""
    label = name.replace("_", " ").capitalize()
    common: dict[str, Any] = {"required": False, "label": label, "help_text": schema.get("description", "")}
    hint = {} if preset in (None, "", [], {}) else {"placeholder": _text(preset)}
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if values is not None:
        unset = f"as preset: {preset}" if preset is not None else "not set"
        return forms.TypedChoiceField(
            choices=[("", unset), *((json.dumps(value), str(value)) for value in values)],
            coerce=json.loads,
            empty_value=None,
            **common,
        )
    match schema.get("type"):
        case "boolean":
            unset = f"as preset: {'yes' if preset else 'no'}" if preset is not None else "not set"
            return forms.TypedChoiceField(
                choices=[("", unset), ("true", "yes"), ("false", "no")], coerce=json.loads, empty_value=None, **common
            )
        case "integer":
            return forms.IntegerField(**_bounds(schema), widget=_number(schema, 1, hint), **common)
        case "number":
            return _FiniteField(**_bounds(schema), widget=_number(schema, "any", hint), **common)
        case "string":
            longest = schema.get("maxLength")
            short = longest is not None and longest <= LONG
            widget = forms.TextInput(attrs=hint) if short else forms.Textarea(attrs={"rows": 2, **hint})
            return _TextField(max_length=longest, widget=widget, strip=False, **common)
        case "array" if lines.is_lines(schema):
            return _LinesField(widget=forms.Textarea(attrs={"rows": 2, **hint}), **common)
        case "array" if schema.get("items", {}).get("type") in ("string", "integer", "number"):
            return _ListField(items=schema["items"]["type"], widget=forms.Textarea(attrs={"rows": 2, **hint}), **common)
    return _JSONField(widget=forms.Textarea(attrs={"rows": 3, **hint}), **common)


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return "\n".join(str(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _bounds(schema: Schema) -> dict[str, Any]:
    """Those that a form can hold; the kind checks all of them."""
    found = {"min_value": schema.get("minimum"), "max_value": schema.get("maximum")}
    return {name: value for name, value in found.items() if value is not None}


def _number(schema: Schema, step: Any, hint: dict[str, str]) -> forms.NumberInput:
    return forms.NumberInput(attrs={"step": step, **hint})


class _FiniteField(forms.FloatField):
    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        if number is not None and not math.isfinite(number):
            raise ValidationError("A finite number was expected.")
        return number


class _TextField(forms.CharField):
    """A browser sends line breaks as CR LF."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class _ListField(forms.CharField):
    """A list, one item a line."""

    def __init__(self, *, items: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items
        self.help_text = f"{self.help_text} One a line.".strip()

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(item) for item in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in (super().clean(value) or "").splitlines() if line.strip()]
        if not lines:
            return None
        if self.items == "string":
            return lines
        read = int if self.items == "integer" else float
        try:
            return [read(line) for line in lines]
        except ValueError:
            raise ValidationError("Numbers were expected, one a line.") from None


class _LinesField(_TextField):
    """A list of texts whose blanks and line breaks matter."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)
        self.help_text = f"{self.help_text} One a line; \\n is a line break.".strip()

    def prepare_value(self, value: Any) -> Any:
        return lines.as_lines(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return lines.from_lines(super().clean(value) or "") or None


class _JSONField(forms.CharField):
    """Whatever has no field of its own, as JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.help_text = f"{self.help_text} Written as JSON.".strip()

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValidationError(f"JSON was expected: {error}.") from None
