"""The API's description for people, drawn by the server from the OpenAPI schema: no script, nothing from elsewhere."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from .api import api

Schema = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
DEPTH = 4  # levels of nested objects written out


@dataclass
class Row:
    """A parameter or a field: what it is called, what it takes, what it means."""

    name: str
    type: str
    required: bool
    description: str = ""
    place: str = ""


@dataclass
class Answer:
    status: str
    description: str
    rows: list[Row]


@dataclass
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[Row]
    body: list[Row]
    answers: list[Answer]
    curl: str


@dataclass
class Group:
    name: str
    anchor: str
    operations: list[Operation] = field(default_factory=list)


@cache
def groups() -> list[Group]:
    """All operations by tag, in the order in which they were declared."""
    document = api.get_openapi_schema()
    components: Schema = document.get("components", {}).get("schemas", {})
    found: dict[str, Group] = {}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                tag = (methods[method].get("tags") or ["other"])[0]
                group = found.setdefault(tag, Group(tag.capitalize(), slugify(tag)))
                group.operations.append(_operation(method, path, methods[method], components))
    return list(found.values())


def _operation(method: str, path: str, description: Schema, components: Schema) -> Operation:
    parameters = [
        Row(
            name=parameter["name"],
            type=type_text(parameter["schema"], components),
            required=parameter.get("required", False),
            description=parameter.get("description") or parameter["schema"].get("description", ""),
            place=parameter["in"],
        )
        for parameter in description.get("parameters", [])
    ]
    body_schema = _json_schema(description.get("requestBody", {}))
    return Operation(
        anchor=slugify(f"{method}-{path.removeprefix('/api/v1')}".replace("/", "-")),
        method=method.upper(),
        path=path,
        summary=description.get("summary", ""),
        description=description.get("description", ""),
        parameters=parameters,
        body=list(field_rows(body_schema, components)),
        answers=[
            Answer(str(status), answer.get("description", ""), list(field_rows(_json_schema(answer), components)))
            for status, answer in description.get("responses", {}).items()
        ],
        curl=_curl(method, path, body_schema, components),
    )


def _json_schema(content: Schema) -> Schema:
    return content.get("content", {}).get("application/json", {}).get("schema", {})


def _resolve(schema: Schema, components: Schema) -> Schema:
    """Follow references, and see through `null` alternatives and single-member combinations."""
    if "$ref" in schema:
        return _resolve(components[schema["$ref"].rsplit("/", 1)[-1]], components)
    for word in ("anyOf", "oneOf", "allOf"):
        members = [member for member in schema.get(word, []) if member.get("type") != "null"]
        if len(members) == 1:
            return _resolve(members[0], components)
    return schema


def field_rows(schema: Schema, components: Schema, prefix: str = "", depth: int = 0) -> Iterator[Row]:
    """The fields of an object as rows; those of nested objects follow as `items[].slug`."""
    schema = _resolve(schema, components)
    if schema.get("type") == "array":
        yield from field_rows(schema.get("items", {}), components, f"{prefix}[]", depth)
        return
    for name, value in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield Row(
            name=path,
            type=type_text(value, components),
            required=name in schema.get("required", []),
            description=value.get("description", ""),
        )
        if depth < DEPTH:
            yield from field_rows(value, components, path, depth + 1)


def type_text(schema: Schema, components: Schema) -> str:
    """A schema's type in a few words: "integer, 1 to 100, default 50"."""
    if "$ref" in schema:
        return type_text(_resolve(schema, components), components)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            texts = dict.fromkeys(type_text(member, components) for member in schema[word])
            return " or ".join(texts) + _default_text(schema)
    if schema.get("type") == "array":
        return f"list of {type_text(schema.get('items', {}), components)}" + _default_text(schema)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return "one of " + ", ".join(json.dumps(value) for value in values) + _default_text(schema)
    name: str = schema.get("type", "any")
    name = {"date-time": "time (ISO 8601)", "uuid": "UUID", "uri": "address"}.get(schema.get("format", ""), name)
    return name + _bounds_text(schema) + _default_text(schema)


def _bounds_text(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", at least {low}"
    if high is not None:
        return f", at most {high}"
    if "maxLength" in schema:
        return f", at most {schema['maxLength']} characters"
    return ""


def _default_text(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default in (None, "", {}, []) else f", default {json.dumps(default)}"


def example(schema: Schema, components: Schema) -> Any:
    """A value the schema takes: its own example or default, else the plainest one."""
    for word in ("example", "default"):
        if word in schema:
            return schema[word]
    if schema.get("examples"):
        return schema["examples"][0]
    schema = _resolve(schema, components)
    if schema.get("type") == "object":
        return {name: example(value, components) for name, value in schema.get("properties", {}).items()}
    plain: dict[str, Any] = {"array": [], "integer": schema.get("minimum", 1), "number": 1.0, "boolean": True}
    return plain.get(schema.get("type", ""), "…")


def _curl(method: str, path: str, body: Schema, components: Schema) -> str:
    """A command to paste into a shell in which $TOKEN is set."""
    words = ["curl"] if method == "get" else ["curl", "-X", method.upper()]
    lines = [" ".join(words), '-H "Authorization: Bearer $TOKEN"']
    if body:
        text = json.dumps(example(body, components), ensure_ascii=False)
        lines += ['-H "Content-Type: application/json"', f"-d {shlex.quote(text)}"]
    lines.append(shlex.quote(settings.SITE_URL + path))
    return " \\\n  ".join(lines)


@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    context = {"groups": groups(), "description": api.description, "site_url": settings.SITE_URL}
    return render(request, "site/api_docs.html", context)
