"""Inputs written as code, for the examples that people take from a demo's page; static/demos/snippets.js does it live."""

from __future__ import annotations

import json
from typing import Any


def as_json(inputs: dict[str, Any]) -> str:
    """One line of JSON, which a quoted here-document of a shell leaves as it is."""
    return json.dumps(inputs, ensure_ascii=False)


def as_python(value: Any) -> str:
    """A Python literal. Strings and numbers are written as in JSON, which Python reads alike."""
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(as_python(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_python(name)}: {as_python(item)}" for name, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def as_entries(inputs: dict[str, Any]) -> str:
    """The lines between the braces of a dict."""
    return "".join(f"    {as_python(name)}: {as_python(value)},\n" for name, value in inputs.items())


def as_arguments(inputs: dict[str, Any]) -> str:
    """The lines between the parentheses of a call, after the demo's name."""
    return "".join(f"        {name}={as_python(value)},\n" for name, value in inputs.items())
