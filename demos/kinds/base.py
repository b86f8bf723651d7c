"""What a kind of demo is: typed inputs with bounds, and how a worker runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from miniconf.problems import Problem

if TYPE_CHECKING:
    from demos.engine import Engine
    from demos.models import Demo


class Inputs(BaseModel):
    """Base of every kind's inputs: what is not declared is refused, and no number is NaN or infinite."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class InputError(ValueError):
    """One input is not acceptable; `field` names it, the message says what was expected."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Log(Protocol):
    """Where a running demo reports to: everything is kept, numbered and shown to all who watch."""

    def started(self) -> None: ...
    def tokens(self, tokens: list[dict[str, Any]]) -> None: ...


@dataclass(frozen=True)
class RunContext:
    """What a worker gives a kind to run with. `watch_cancel` is told how to stop what has been started."""

    engine: Engine
    model: str
    inputs: dict[str, Any]
    log: Log
    watch_cancel: Callable[[Callable[[], None]], None]


class RunCancelled(Exception):
    """The run was cancelled; `output` is what there was by then."""

    def __init__(self, output: dict[str, Any]) -> None:
        super().__init__("cancelled")
        self.output = output


class RunFailed(Exception):
    """The run cannot be done; the message is for the person who asked."""


class Kind:
    """A kind of demo. Subclasses set `name`, `title`, `Inputs` and write `check` and `run`."""

    name: ClassVar[str]
    title: ClassVar[str]
    Inputs: ClassVar[type[Inputs]]

    def inputs_for(self, demo: Demo) -> dict[str, Any]:
        """What the form starts with: the kind's defaults under the demo's own."""
        declared = {
            name: field.get_default(call_default_factory=True, validated_data={})
            for name, field in self.Inputs.model_fields.items()
            if not field.is_required()
        }
        return {**declared, **{k: v for k, v in demo.defaults.items() if k in self.Inputs.model_fields}}

    def limits_for(self, demo: Demo) -> dict[str, dict[str, float]]:
        """Bounds of each numeric input: {"temperature": {"minimum": 0, "maximum": 2}, ...}."""
        limits: dict[str, dict[str, float]] = {}
        for name, schema in self.Inputs.model_json_schema()["properties"].items():
            variants = [schema, *schema.get("anyOf", [])]
            bounds = {
                key: variant[key]
                for variant in variants
                for key in ("minimum", "maximum", "minLength", "maxLength")
                if key in variant
            }
            if name in demo.limits and "maximum" in bounds:
                bounds["maximum"] = min(bounds["maximum"], demo.limits[name])
            if bounds:
                limits[name] = bounds
        return limits

    def validate(self, demo: Demo, raw: dict[str, Any]) -> dict[str, Any]:
        """Complete and check inputs: what is missing is taken from `inputs_for`. Raises Problem 422 naming each field."""
        errors: list[dict[str, str]] = []
        try:
            inputs = self.Inputs.model_validate({**self.inputs_for(demo), **raw}).model_dump()
        except ValidationError as invalid:
            errors = [
                {"field": ".".join(str(part) for part in error["loc"]) or "inputs", "message": _sentence(error)}
                for error in invalid.errors(include_url=False)
            ]
        else:
            for name, bounds in self.limits_for(demo).items():
                if name in demo.limits and inputs.get(name) is not None and inputs[name] > bounds["maximum"]:
                    errors.append({"field": name, "message": f"must be at most {bounds['maximum']} in this demo"})
            try:
                self.check(demo, inputs)
            except InputError as error:
                errors.append({"field": error.field, "message": str(error)})
        if errors:
            raise Problem(
                status=422,
                title="These inputs cannot be run",
                detail="; ".join(f"{e['field']}: {e['message']}" for e in errors[:5]),
                extra={"errors": errors[:20]},
            )
        return inputs

    def check(self, demo: Demo, inputs: dict[str, Any]) -> None:
        """Refuse what types alone cannot; fill in what was left open. Raises InputError."""

    def run(self, context: RunContext) -> dict[str, Any]:
        """On a worker: do it and return the output. Raises RunCancelled and RunFailed."""
        raise TypeError(f"{type(self).__name__} does not say how it runs")


_EXPECTED = {
    "extra_forbidden": "is not an input of this demo",
    "missing": "is required",
    "finite_number": "must be a finite number",
}


def _sentence(error: Any) -> str:
    text: str = _EXPECTED.get(error["type"], error["msg"])
    return text.replace("Input should be", "must be").replace("String should have", "must have")
