"""docker-compose.yml as an engine would read it, as far as these tests need it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.running import ROOT

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class MissingVariable(Exception):
    pass


def services(environment: Mapping[str, str], file: str = "docker-compose.yml") -> dict[str, dict[str, Any]]:
    """The services with variables filled in. Raises MissingVariable for `${NAME:?why}` without a value."""
    return dict(_filled(yaml.safe_load((ROOT / file).read_text())["services"], environment))


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        given = environment.get(match["name"], "")
        if not given and match["kind"] == "?":
            raise MissingVariable(f"{match['name']}: {match['rest']}")
        return given or (match["rest"] if match["kind"] == "-" else "")

    return _VARIABLE.sub(replace, value)
